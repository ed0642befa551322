"""Programs' door to reports."""

import json

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response

from apps.audits import readings
from apps.common.api import Choice, Door, Page, file_answers
from apps.common.errors import BadInput, NothingThere
from apps.common.parsing import Json
from apps.reports import actions, queries
from apps.reports.models import Kind
from apps.reports.sheets import files
from apps.reports.submissions import MOST_FIGURES, TEXTS


class StartInput(serializers.Serializer):
    model_version = serializers.IntegerField(min_value=1)
    kinds = serializers.ListField(child=Choice(Kind.choices), allow_empty=False)
    parameters = serializers.JSONField(required=False, default=dict)


class FigureInput(serializers.Serializer):
    """One figure; of those by sensitive attribute, `of` names it, or a pair as “race & sex”."""

    name = serializers.CharField(max_length=80)
    of = serializers.CharField(required=False, allow_blank=True, default="", max_length=400)
    value = serializers.FloatField()
    low = serializers.FloatField(required=False, allow_null=True, default=None)
    high = serializers.FloatField(required=False, allow_null=True, default=None)
    n = serializers.IntegerField(help_text="rows behind it")
    smallest_group = serializers.IntegerField(required=False, allow_null=True, default=None)


class Figures(serializers.ListField):
    """A list of figures; in a form beside a file, the same as JSON text."""

    child = FigureInput()

    def get_value(self, dictionary):
        given = dictionary.get(self.field_name, serializers.empty)
        if not isinstance(given, str):
            return given
        try:
            return json.loads(given)
        except (ValueError, RecursionError):
            return given


class SubmissionInput(serializers.Serializer):
    model_version = serializers.IntegerField(min_value=1)
    kind = Choice(Kind.choices)
    measured_by = serializers.CharField(max_length=TEXTS["measured_by"])
    measured_on = serializers.DateField()
    method = serializers.CharField(max_length=TEXTS["method"])
    data = serializers.CharField(max_length=TEXTS["data"], help_text="which rows, in words")
    data_digest = serializers.CharField(required=False, allow_blank=True, default="", help_text="SHA-256 of the data")
    figures = Figures(max_length=MOST_FIGURES)


class SubmissionWithFileInput(SubmissionInput):
    file = serializers.FileField(required=False, help_text="the original, of any type; nobody opens it")


class ReportWithdrawalInput(serializers.Serializer):
    reason = serializers.CharField(max_length=1000)


class ReportOutput(serializers.Serializer):
    """A report in a list; one alone carries its result too."""

    id = serializers.IntegerField(source="pk")
    url = Page()
    project = serializers.CharField(source="project.slug")
    model_version = serializers.IntegerField(source="model_version_id")
    model = serializers.CharField(source="model_version.__str__")
    kind = serializers.CharField()
    provenance = serializers.CharField(help_text="recomputed by the portal, or submitted from outside")
    state = serializers.CharField()
    progress = serializers.JSONField()
    problem = serializers.CharField()
    verdict = serializers.CharField()
    digest = serializers.CharField()
    superseded_by = serializers.IntegerField(allow_null=True, default=None)
    started_by = serializers.CharField(source="started_by.user.__str__")
    queued_at = serializers.DateTimeField(help_text="when it was asked for, or submitted")
    finished_at = serializers.DateTimeField(
        allow_null=True, help_text="when it was measured; of a submission, the beginning of that day"
    )
    withdrawn_at = serializers.DateTimeField(allow_null=True)
    withdrawn_reason = serializers.CharField()


class ReportWhole(ReportOutput):
    parameters = serializers.JSONField()
    inputs = serializers.JSONField()
    original = serializers.JSONField(help_text="name, digest and size of the file a submission came with, or null")
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
        if (version := self.number("model_version")) is not None:
            found = found.filter(model_version=version)
        if kind := self.word("kind", among=Kind.values):
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


class ReportSubmissions(Door):
    """Figures that were measured elsewhere, as JSON; or as a form, with the file they came with."""

    parser_classes = (Json, MultiPartParser)

    @extend_schema(
        operation_id="reports_submit",
        request={"application/json": SubmissionInput, "multipart/form-data": SubmissionWithFileInput},
        responses={201: ReportWhole},
    )
    def post(self, request):
        request.data  # noqa: B018  the body is read here, so that a dropped upload can say why
        if problem := getattr(request._request, "upload_problem", None):
            raise BadInput({"file": problem})
        given = self.read(SubmissionWithFileInput)
        version, file = given.pop("model_version"), given.pop("file", None)
        version = queries.versions(viewer=self.by).filter(pk=version).first()
        if version is None:
            raise NothingThere({"model_version": "There is no such model version in this organization."})
        made = actions.submit(version, kind=given.pop("kind"), given=given, file=file, by=self.by)
        found = queries.reports(viewer=self.by).get(pk=made.pk)
        return self.answer(ReportWhole, found, status=status.HTTP_201_CREATED)


class ReportWithdrawal(Door):
    @extend_schema(operation_id="reports_withdraw", request=ReportWithdrawalInput, responses=ReportOutput)
    def post(self, request, pk):
        """Submitted figures speak no longer."""
        report = get_object_or_404(queries.reports(viewer=self.by), pk=pk)
        actions.withdraw(report, by=self.by, **self.read(ReportWithdrawalInput))
        return self.answer(ReportOutput, queries.reports(viewer=self.by).get(pk=pk))


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
    """A finished report as it was signed, as a document, or the file it came with; every download is remembered."""

    form = "json"

    @extend_schema(responses=file_answers(*files.TYPES.values(), "application/octet-stream"))
    def get(self, request, pk):
        report = get_object_or_404(queries.reports(viewer=self.by), pk=pk)
        actions.take_away(report, form=self.form, by=self.by)
        return files.attachment(report, self.form)


# In operation. It is asked for under the sign-off that it may fell: POST approvals/<id>/operation-reports/.


class OperationReportOutput(ReportOutput):
    """A report in operation in a list; one alone carries its result too."""

    superseded_by = withdrawn_at = withdrawn_reason = None
    dataset_version = serializers.IntegerField(source="dataset_version_id", help_text="All its rows were measured.")
    data = serializers.CharField(source="dataset_version.__str__")
    data_digest = serializers.CharField(source="dataset_version.digest")
    since = serializers.DateField(allow_null=True, help_text="First day of the period the rows are of, if stated.")
    until = serializers.DateField(allow_null=True, help_text="Its last day.")


class OperationReportWhole(OperationReportOutput, ReportWhole):
    """With everything that was computed."""

    superseded_by = withdrawn_at = withdrawn_reason = original = None


class OperationReportList(Door):
    @extend_schema(
        operation_id="operation_reports_list", parameters=FILTERS[:2], responses=OperationReportOutput(many=True)
    )
    def get(self, request):
        """What was measured in operation, newest first; `model_version` names the model by its bytes."""
        version = None
        if (asked := self.number("model_version")) is not None:
            version = get_object_or_404(queries.versions(viewer=self.by), pk=asked)
        found = queries.listed_operation_reports(viewer=self.by, version=version)
        if slug := request.query_params.get("project"):
            found = found.filter(project__slug=slug)
        return self.slice(OperationReportOutput, found)


class OneOperationReport(Door):
    def report(self, pk):
        return get_object_or_404(queries.operation_reports(viewer=self.by), pk=pk)


class OperationReportDetail(OneOperationReport):
    @extend_schema(operation_id="operation_reports_read", responses=OperationReportWhole)
    def get(self, request, pk):
        report = self.report(pk)
        readings.opened(report, by=self.by, digest=report.digest)
        return self.answer(OperationReportWhole, report)


class OperationReportCancellation(OneOperationReport):
    @extend_schema(operation_id="operation_reports_cancel", request=None, responses=OperationReportOutput)
    def post(self, request, pk):
        return self.answer(OperationReportOutput, actions.cancel(self.report(pk), by=self.by))


class OperationReportFile(OneOperationReport):
    """A finished report in operation as the worker computed it, or as a document; every download is remembered."""

    form = "json"

    @extend_schema(responses=file_answers(*files.TYPES.values()))
    def get(self, request, pk):
        report = self.report(pk)
        actions.take_away(report, form=self.form, by=self.by)
        return files.attachment(report, self.form)
