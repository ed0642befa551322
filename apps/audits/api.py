"""Programs' door to the record."""

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from apps.audits import actions, queries
from apps.audits.chain import Head
from apps.audits.downloads import download
from apps.audits.events import Event
from apps.audits.forms import FORMATS, LARGEST
from apps.common.api import Door


class FiltersInput(serializers.Serializer):
    person = serializers.IntegerField(
        required=False, min_value=0, max_value=LARGEST, help_text="a person's id; 0 is the portal itself"
    )
    verb = serializers.ChoiceField(choices=Event.choices, required=False)
    thing = serializers.CharField(required=False, max_length=200, help_text="part of the thing's name")
    on = serializers.RegexField(
        r"^[a-z]{1,40}:[0-9]{1,18}$", required=False, help_text="kind and id of one thing, as modelversion:7"
    )
    project = serializers.SlugField(required=False, max_length=60)
    since = serializers.DateField(required=False, help_text="first day, UTC")
    until = serializers.DateField(required=False, help_text="last day, UTC")

    def validate_on(self, value: str) -> tuple[str, int]:
        kind, _, number = value.partition(":")
        return kind, int(number)


class PageInput(FiltersInput):
    after = serializers.CharField(required=False, help_text="cursor: the number of the last record seen")
    limit = serializers.CharField(required=False, help_text="records in a page, at most 200")


class ExportInput(FiltersInput):
    format = serializers.ChoiceField(choices=list(FORMATS.items()))
    first = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST, help_text="number to begin at")


class PersonOutput(serializers.Serializer):
    id = serializers.IntegerField(source="by_id", allow_null=True)
    name = serializers.CharField(source="by_name")
    role = serializers.CharField(source="by_role")
    token = serializers.IntegerField(source="by_token", allow_null=True)


class ThingOutput(serializers.Serializer):
    kind = serializers.CharField(source="on_type")
    id = serializers.IntegerField(source="on_id", allow_null=True)
    name = serializers.CharField(source="on_name")


class RecordOutput(serializers.Serializer):
    seq = serializers.IntegerField()
    at = serializers.DateTimeField()
    verb = serializers.CharField(source="event")
    deed = serializers.CharField(help_text="the verb in words")
    by = PersonOutput(source="*")
    on = ThingOutput(source="*")
    project = serializers.CharField()
    facts = serializers.DictField()
    previous = serializers.CharField(source="previous_hex")
    digest = serializers.CharField(source="digest_hex")


class RecordWhole(RecordOutput):
    leaf = serializers.CharField(help_text="digest = sha256(previous as 32 bytes + leaf in UTF-8)")


class RecordsOutput(serializers.Serializer):
    results = RecordOutput(many=True)
    next = serializers.URLField(allow_null=True)


class HeadShape(serializers.Serializer):
    seq = serializers.IntegerField(min_value=0, max_value=LARGEST)
    digest = serializers.RegexField(r"^[0-9a-f]{64}$")


class VerificationInput(serializers.Serializer):
    known = HeadShape(required=False, help_text="a record as it was seen on an earlier day")


class VerificationOutput(serializers.Serializer):
    intact = serializers.BooleanField()
    records = serializers.IntegerField(source="count", help_text="how many hold, from the first on")
    head = HeadShape()
    wrong = serializers.IntegerField(allow_null=True, help_text="the first record that does not hold")
    problem = serializers.CharField()


class RecordList(Door):
    @extend_schema(operation_id="records_list", parameters=[PageInput], responses=RecordsOutput)
    def get(self, request):
        return self.slice(RecordOutput, queries.records(viewer=self.by, **_asked(request, FiltersInput)), key="seq")


class RecordDetail(Door):
    @extend_schema(operation_id="records_read", responses=RecordWhole)
    def get(self, request, seq):
        return self.answer(RecordWhole, get_object_or_404(queries.record(viewer=self.by, seq=seq)))


class RecordVerification(Door):
    @extend_schema(operation_id="records_verify", request=VerificationInput, responses=VerificationOutput)
    def post(self, request):
        """Recompute the whole chain."""
        known = self.read(VerificationInput).get("known")
        return self.answer(VerificationOutput, actions.verify(by=self.by, known=Head(**known) if known else None))


class RecordExport(Door):
    def perform_content_negotiation(self, request, force=False):
        """`?format=` names the file here; refusals are JSON whatever the caller accepts."""
        return JSONRenderer(), JSONRenderer.media_type

    @extend_schema(
        operation_id="records_export",
        parameters=[ExportInput],
        responses={(200, kind): OpenApiTypes.BINARY for kind in ("text/csv", "application/jsonl", "application/pdf")},
    )
    def get(self, request):
        """The record as a file, streamed."""
        return download(by=self.by, **_asked(request, ExportInput))


def _asked(request, shape) -> dict:
    """The address's parameters in their shape; raises a ValidationError that names each wrong one."""
    serializer = shape(data=request.query_params)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data
