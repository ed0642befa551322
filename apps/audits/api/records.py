"""Programs' door to the record."""

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from apps.audits import actions, checkpoints, queries
from apps.audits.downloads import download
from apps.audits.events import OUTCOMES, Event
from apps.audits.forms import FORMATS, LARGEST
from apps.common.api import Choice, Door


class FiltersInput(serializers.Serializer):
    person = serializers.IntegerField(
        required=False, min_value=0, max_value=LARGEST, help_text="a person's id; 0 is the portal itself"
    )
    verb = Choice(choices=Event.choices, required=False)
    thing = serializers.CharField(required=False, max_length=200, help_text="part of the thing's name")
    on = serializers.RegexField(
        r"^[a-z]{1,40}:[0-9]{1,18}$", required=False, help_text="kind and id of one thing, as modelversion:7"
    )
    project = serializers.SlugField(required=False, max_length=60)
    outcome = Choice(choices=list(OUTCOMES.items()), required=False)
    request = serializers.RegexField(r"^[0-9a-f]{16}$", required=False, help_text="identifier of a request")
    since = serializers.DateField(required=False, help_text="first day, UTC")
    until = serializers.DateField(required=False, help_text="last day, UTC")

    def validate_on(self, value: str) -> tuple[str, int]:
        kind, _, number = value.partition(":")
        return kind, int(number)


class PageInput(FiltersInput):
    after = serializers.CharField(required=False, help_text="cursor: the number of the last record seen")
    limit = serializers.CharField(required=False, help_text="records in a page, at most 200")


class ExportInput(FiltersInput):
    format = Choice(choices=list(FORMATS.items()))
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
    outcome = serializers.CharField(help_text="done, refused or failed")
    origin = serializers.DictField(
        help_text="from where: the door, and the request, or the job with who started it and which code did it"
    )
    facts = serializers.DictField(source="told")
    digest = serializers.CharField(source="digest_hex", help_text="sha256(0x00 || leaf): the leaf’s hash in the tree")


class RecordWhole(RecordOutput):
    leaf = serializers.CharField(help_text="digest = sha256(one zero byte + leaf in UTF-8)")


class RecordsOutput(serializers.Serializer):
    results = RecordOutput(many=True)
    next = serializers.URLField(allow_null=True)


class VerificationInput(serializers.Serializer):
    checkpoint = serializers.CharField(
        required=False, trim_whitespace=False, max_length=20_000, help_text="a checkpoint that was kept elsewhere"
    )
    new = serializers.BooleanField(default=False, help_text="go on from the last checkpoint")


class VerificationOutput(serializers.Serializer):
    intact = serializers.BooleanField()
    records = serializers.IntegerField(source="count", help_text="how many hold, from the first on")
    since = serializers.IntegerField(help_text="so many of them were taken as verified before")
    root = serializers.CharField(help_text="of the tree over the records that hold")
    checkpoints = serializers.IntegerField(help_text="how many agreed")
    wrong = serializers.IntegerField(allow_null=True, help_text="the first record that does not hold")
    problem = serializers.CharField()


class SizeInput(serializers.Serializer):
    size = serializers.IntegerField(
        required=False, min_value=1, max_value=LARGEST,
        help_text="records in the tree; without it that of the smallest checkpoint that covers the record, or all",
    )  # fmt: skip


class SizesInput(serializers.Serializer):
    old = serializers.IntegerField(default=0, min_value=0, max_value=LARGEST)
    new = serializers.IntegerField(required=False, min_value=0, max_value=LARGEST, help_text="all, if not given")


class CheckpointOutput(serializers.Serializer):
    id = serializers.IntegerField(source="pk")
    origin = serializers.CharField()
    size = serializers.IntegerField(help_text="records it covers")
    root = serializers.CharField(source="root_hex")
    note = serializers.CharField(
        source="cosigned", help_text="C2SP tlog-checkpoint: a note signed with Ed25519, and by witnesses where they did"
    )
    made_at = serializers.DateTimeField()


class InclusionOutput(serializers.Serializer):
    seq = serializers.IntegerField()
    size = serializers.IntegerField()
    leaf_hash = serializers.CharField()
    path = serializers.ListField(child=serializers.CharField(), help_text="from the leaf up")
    root = serializers.CharField()
    checkpoint = CheckpointOutput(allow_null=True, help_text="of that size, where there is one")


class ConsistencyOutput(serializers.Serializer):
    old = serializers.IntegerField()
    new = serializers.IntegerField()
    path = serializers.ListField(child=serializers.CharField())
    old_root = serializers.CharField()
    new_root = serializers.CharField()


class WitnessInput(serializers.Serializer):
    kind = Choice(choices=[("mailbox", "a mailbox"), ("http", "an HTTP witness")])
    name = serializers.CharField(required=False, default="", max_length=120, allow_blank=True)
    address = serializers.CharField(max_length=500, help_text="a mailbox, or the https:// prefix of /add-checkpoint")
    key = serializers.CharField(
        required=False, default="", max_length=500, allow_blank=True, help_text="an HTTP witness’s verifier key"
    )


class WitnessOutput(serializers.Serializer):
    id = serializers.IntegerField(source="pk")
    kind = serializers.CharField()
    name = serializers.CharField()
    address = serializers.CharField()
    key = serializers.CharField()
    added_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    arrived = serializers.IntegerField(help_text="checkpoints it has")
    waiting = serializers.IntegerField(help_text="checkpoints on their way")
    last_size = serializers.IntegerField(allow_null=True, help_text="records that its latest covers")
    last_at = serializers.DateTimeField(allow_null=True)
    problem = serializers.CharField(help_text="why the last try failed; empty where none waits after a failure")


class KeyOutput(serializers.Serializer):
    number = serializers.IntegerField()
    key_id = serializers.CharField(help_text="SHA-256 of the public key’s 32 bytes")
    pem = serializers.CharField()
    created_at = serializers.DateTimeField()
    retired_at = serializers.DateTimeField(allow_null=True)


class RecordList(Door):
    @extend_schema(operation_id="records_list", parameters=[PageInput], responses=RecordsOutput)
    def get(self, request):
        return self.slice(RecordOutput, queries.records(viewer=self.by, **_asked(request, FiltersInput)), key="seq")


class RecordDetail(Door):
    @extend_schema(operation_id="records_read", responses=RecordWhole)
    def get(self, request, seq):
        return self.answer(RecordWhole, get_object_or_404(queries.record(viewer=self.by, seq=seq)))


class RecordProof(Door):
    @extend_schema(operation_id="records_prove", parameters=[SizeInput], responses=InclusionOutput)
    def get(self, request, seq):
        """That a record is in the tree: RFC 6962's audit path, from its leaf up to the root."""
        record = get_object_or_404(queries.record(viewer=self.by, seq=seq))
        return self.answer(InclusionOutput, queries.inclusion(record, **_asked(request, SizeInput)))


class RecordConsistency(Door):
    @extend_schema(operation_id="records_prove_growth", parameters=[SizesInput], responses=ConsistencyOutput)
    def get(self, request):
        """That nothing was changed between two sizes: RFC 6962's consistency proof."""
        return self.answer(ConsistencyOutput, queries.consistency(viewer=self.by, **_asked(request, SizesInput)))


class CheckpointList(Door):
    @extend_schema(operation_id="checkpoints_list", responses=CheckpointOutput(many=True))
    def get(self, request):
        return self.slice(CheckpointOutput, queries.checkpoints(viewer=self.by))

    @extend_schema(operation_id="checkpoints_make", request=None, responses={201: CheckpointOutput})
    def post(self, request):
        """The checkpoint of the record as it is now; the same one again where nothing was added since."""
        return self.answer(CheckpointOutput, actions.checkpoint(by=self.by), status=status.HTTP_201_CREATED)


class CheckpointDetail(Door):
    @extend_schema(operation_id="checkpoints_read", responses=CheckpointOutput)
    def get(self, request, pk):
        return self.answer(CheckpointOutput, get_object_or_404(queries.checkpoints(viewer=self.by), pk=pk))


class WitnessList(Door):
    @extend_schema(operation_id="witnesses_list", responses=WitnessOutput(many=True))
    def get(self, request):
        return self.slice(WitnessOutput, queries.witnesses(viewer=self.by))

    @extend_schema(operation_id="witnesses_add", request=WitnessInput, responses={201: WitnessOutput})
    def post(self, request):
        """Name a mailbox or an HTTP witness; it is given every checkpoint from now on."""
        made = actions.add_witness(by=self.by, **self.read(WitnessInput))
        row = queries.witnesses(viewer=self.by).get(pk=made.pk)
        return self.answer(WitnessOutput, row, status=status.HTTP_201_CREATED)


class WitnessDetail(Door):
    def witness(self, pk):
        return get_object_or_404(queries.witnesses(viewer=self.by), pk=pk)

    @extend_schema(operation_id="witnesses_read", responses=WitnessOutput)
    def get(self, request, pk):
        return self.answer(WitnessOutput, self.witness(pk))

    @extend_schema(operation_id="witnesses_end", responses={204: None})
    def delete(self, request, pk):
        """It is handed nothing more; what it keeps, it keeps."""
        actions.end_witness(self.witness(pk), by=self.by)
        return Response(status=status.HTTP_204_NO_CONTENT)


class KeyList(Door):
    @extend_schema(operation_id="keys_list", responses=KeyOutput(many=True))
    def get(self, request):
        return self.slice(KeyOutput, queries.signing_keys(viewer=self.by), key="number")

    @extend_schema(operation_id="keys_rotate", request=None, responses={201: KeyOutput})
    def post(self, request):
        """A new key from now on; what the old ones signed still verifies."""
        return self.answer(KeyOutput, actions.rotate_key(by=self.by), status=status.HTTP_201_CREATED)


class RecordVerification(Door):
    @extend_schema(operation_id="records_verify", request=VerificationInput, responses=VerificationOutput)
    def post(self, request):
        """Recompute the whole record, and compare it with every checkpoint."""
        asked = self.read(VerificationInput)
        known = checkpoints.kept(self.by.organization_id, asked.get("checkpoint", ""))
        return self.answer(VerificationOutput, actions.verify(by=self.by, known=known, new=asked["new"]))


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
