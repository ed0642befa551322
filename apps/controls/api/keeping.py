"""Frameworks followed, how long things are kept, disposal and legal holds, over REST."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from apps.audits import holds as audit_holds
from apps.common.api import Door
from apps.common.errors import NothingThere
from apps.controls import actions, queries
from apps.controls.catalogue import frameworks
from apps.controls.queries import disposal
from apps.projects import queries as projects


class FrameworkOutput(serializers.Serializer):
    id = serializers.CharField()
    title = serializers.CharField()
    version = serializers.CharField()
    status = serializers.CharField()
    source = serializers.CharField()
    digest = serializers.CharField(help_text="Of the catalogue's file, as canonical JSON.")
    followed = serializers.BooleanField()
    reason = serializers.CharField()


class ChoiceInput(serializers.Serializer):
    framework = serializers.CharField(max_length=40)
    followed = serializers.BooleanField()
    reason = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")


class ScheduleInput(serializers.Serializer):
    periods = serializers.DictField(child=serializers.IntegerField(), help_text="Days by kind of thing.")
    maximum_personal = serializers.IntegerField(allow_null=True, default=None)


class ScheduleOutput(serializers.Serializer):
    number = serializers.IntegerField()
    periods = serializers.DictField(child=serializers.IntegerField(), source="body.periods")
    maximum_personal = serializers.IntegerField(allow_null=True, source="body.maximum_personal")
    digest = serializers.CharField()
    by = serializers.CharField(source="by.user", help_text="Who proposed it.")
    at = serializers.DateTimeField()
    published_by = serializers.CharField(source="published_by.user", default=None, allow_null=True)
    published_at = serializers.DateTimeField(help_text="null: proposed.")


class RoundOutput(serializers.Serializer):
    id = serializers.IntegerField()
    day = serializers.DateField()
    at = serializers.DateTimeField()
    started_by = serializers.CharField(source="started_by.user", default=None, allow_null=True)
    result = serializers.JSONField()


class HoldInput(serializers.Serializer):
    project = serializers.SlugField(required=False, help_text="The whole organization, if left out.")
    reason = serializers.CharField(max_length=2000)


class ReleaseInput(serializers.Serializer):
    reason = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")


class HoldOutput(serializers.Serializer):
    id = serializers.IntegerField(source="hold.pk")
    project = serializers.CharField(source="project.slug", default=None, allow_null=True)
    reason = serializers.CharField(source="hold.reason")
    placed_by = serializers.CharField()
    placed_at = serializers.DateTimeField(source="hold.placed_at")
    asked_by = serializers.CharField()
    asked_at = serializers.DateTimeField(source="hold.asked_at", allow_null=True)
    asked_reason = serializers.CharField(source="hold.asked_reason")
    released_by = serializers.CharField()
    released_at = serializers.DateTimeField(source="hold.released_at", allow_null=True)


class Frameworks(Door):
    @extend_schema(responses=FrameworkOutput(many=True), operation_id="frameworks_list")
    def get(self, request):
        chosen = {row["framework"]: row for row in queries.latest_choices(viewer=self.by)}
        rows = [_told(framework, chosen.get(framework.id, {})) for framework in frameworks().values()]
        return Response({"results": FrameworkOutput(rows, many=True).data, "next": None})

    @extend_schema(request=ChoiceInput, responses=FrameworkOutput(many=True), operation_id="frameworks_choose")
    def post(self, request):
        actions.choose_framework(by=self.by, **self.read(ChoiceInput))
        return self.get(request)


def _told(framework, choice) -> dict:
    about = {name: getattr(framework, name) for name in ("id", "title", "version", "status", "source", "digest")}
    return about | {"followed": choice.get("followed", True), "reason": choice.get("reason", "")}


class Retention(Door):
    @extend_schema(responses=ScheduleOutput, operation_id="retention_read")
    def get(self, request):
        """The schedule in force; 404 where none was published."""
        row = queries.schedules(viewer=self.by).first()
        if row is None:
            raise NothingThere({"": "No owner has published a retention schedule."})
        return self.answer(ScheduleOutput, row)

    @extend_schema(request=ScheduleInput, responses={201: ScheduleOutput}, operation_id="retention_propose")
    def post(self, request):
        """A schedule, to be published by a second person."""
        made = actions.propose_schedule(by=self.by, **self.read(ScheduleInput))
        return self.answer(ScheduleOutput, made, status=status.HTTP_201_CREATED)


class Publication(Door):
    @extend_schema(request=None, responses=ScheduleOutput, operation_id="retention_publish")
    def post(self, request, number):
        """Let what another person proposed count from now on."""
        schedule = get_object_or_404(queries.every_schedule(viewer=self.by), number=number)
        return self.answer(ScheduleOutput, actions.publish_schedule(schedule, by=self.by))


class Disposals(Door):
    @extend_schema(responses=RoundOutput(many=True), operation_id="disposals_list")
    def get(self, request):
        return self.slice(RoundOutput, disposal.runs(viewer=self.by))

    @extend_schema(request=None, responses={201: RoundOutput}, operation_id="disposals_run")
    def post(self, request):
        """One round, now."""
        return self.answer(RoundOutput, actions.dispose_now(by=self.by), status=status.HTTP_201_CREATED)


class Holds(Door):
    @extend_schema(responses=HoldOutput(many=True), operation_id="holds_list")
    def get(self, request):
        rows = queries.holds_with_names(viewer=self.by)
        return Response({"results": HoldOutput(rows, many=True).data, "next": None})

    @extend_schema(request=HoldInput, responses={201: HoldOutput}, operation_id="holds_place")
    def post(self, request):
        given = self.read(HoldInput)
        on = self.by.organization
        if "project" in given:
            on = projects.projects(viewer=self.by).filter(slug=given["project"]).first()
            if on is None:
                raise NothingThere({"project": "There is no such project in this organization."})
        made = audit_holds.place(on, reason=given["reason"], by=self.by)
        (told,) = queries.holds_with_names(viewer=self.by, only=made.pk)
        return self.answer(HoldOutput, told, status=status.HTTP_201_CREATED)


class HoldRelease(Door):
    @extend_schema(request=ReleaseInput, responses=HoldOutput, operation_id="holds_release")
    def post(self, request, pk):
        """The first person asks, with a reason; a second grants it."""
        hold = get_object_or_404(disposal.legal_holds(viewer=self.by), pk=pk)
        project = queries.project_of(hold, viewer=self.by)
        audit_holds.release(hold, by=self.by, project=project, **self.read(ReleaseInput))
        (told,) = queries.holds_with_names(viewer=self.by, only=pk)
        return self.answer(HoldOutput, told)
