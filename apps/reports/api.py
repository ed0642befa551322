"""Programs' door to reports."""

import json

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from apps.audits import readings
from apps.common.api import Door, Page
from apps.common.errors import NothingThere
from apps.reports import actions, queries
from apps.reports.models import Kind
from apps.reports.sheets import files


class StartInput(serializers.Serializer):
    model_version = serializers.IntegerField(min_value=1)
    kinds = serializers.ListField(child=serializers.ChoiceField(Kind.choices), allow_empty=False)
    parameters = serializers.JSONField(required=False, default=dict)


class ReportOutput(serializers.Serializer):
    """A report in a list; one alone carries its result too."""

    id = serializers.IntegerField(source="pk")
    url = Page()
    project = serializers.CharField(source="project.slug")
    model_version = serializers.IntegerField(source="model_version_id")
    model = serializers.CharField(source="model_version.__str__")
    kind = serializers.CharField()
    state = serializers.CharField()
    progress = serializers.JSONField()
    problem = serializers.CharField()
    verdict = serializers.CharField()
    digest = serializers.CharField()
    superseded_by = serializers.IntegerField(allow_null=True, default=None)
    started_by = serializers.CharField(source="started_by.user.__str__")
    queued_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class ReportWhole(ReportOutput):
    parameters = serializers.JSONField()
    inputs = serializers.JSONField()
    result = serializers.SerializerMethodField()

    def get_result(self, report) -> dict | None:
        return json.loads(report.result) if report.result else None


class ReportsOutput(serializers.Serializer):
    results = ReportOutput(many=True)
    next = serializers.URLField(allow_null=True, required=False)


FILTERS = [
    OpenApiParameter("project", str, description="slug of a project"),
    OpenApiParameter("model_version", int, description="id of a model version"),
    OpenApiParameter("kind", str, enum=Kind.values),
]


class ReportList(Door):
    @extend_schema(operation_id="reports_list", parameters=FILTERS, responses=ReportsOutput)
    def get(self, request):
        found = queries.reports(viewer=self.by).defer("result")
        asked = request.query_params
        if slug := asked.get("project"):
            found = found.filter(project__slug=slug)
        if (version := asked.get("model_version", "")).isdigit():
            found = found.filter(model_version=int(version[:18]))
        if kind := asked.get("kind"):
            found = found.filter(kind=kind)
        return self.slice(ReportOutput, found)

    @extend_schema(operation_id="reports_start", request=StartInput, responses={201: ReportsOutput})
    def post(self, request):
        given = self.read(StartInput)
        version = queries.versions(viewer=self.by).filter(pk=given["model_version"]).first()
        if version is None:
            raise NothingThere({"model_version": "There is no such model version in this organization."})
        started = actions.start(version, kinds=given["kinds"], parameters=given["parameters"], by=self.by)
        found = queries.reports(viewer=self.by).filter(pk__in=[report.pk for report in started])
        results = ReportOutput(sorted(found, key=lambda r: r.pk), many=True, context={"request": request}).data
        return Response({"results": results}, status=status.HTTP_201_CREATED)


class ReportDetail(Door):
    @extend_schema(operation_id="reports_read", responses=ReportWhole)
    def get(self, request, pk):
        report = get_object_or_404(queries.reports(viewer=self.by), pk=pk)
        readings.opened(report, by=self.by, digest=report.digest)
        return self.answer(ReportWhole, report)


class ReportCancellation(Door):
    @extend_schema(operation_id="reports_cancel", request=None, responses=ReportOutput)
    def post(self, request, pk):
        report = get_object_or_404(queries.reports(viewer=self.by), pk=pk)
        return self.answer(ReportOutput, actions.cancel(report, by=self.by))


class ReportFile(Door):
    """A finished report as it was signed, or as a document; every download is remembered."""

    form = "json"

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request, pk):
        report = get_object_or_404(queries.reports(viewer=self.by), pk=pk)
        actions.take_away(report, form=self.form, by=self.by)
        return files.attachment(report, self.form)
