"""The catalogue, a project's coverage, the facts it reads, judgements of evidence, the inventory."""

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from apps.common.api import Door, file_answers
from apps.common.errors import BadInput, NothingThere
from apps.common.pages import row_number
from apps.controls import actions, exports, forms, queries
from apps.controls.catalogue import KINDS, frameworks
from apps.controls.downloads import attachment
from apps.controls.rules import FACTS
from apps.controls.shown import matching

ANY = serializers.JSONField
VERSION = OpenApiParameter("model_version", int, description="The newest that is not retired, if left out.")
FILTERS = [
    VERSION,
    OpenApiParameter("framework", str),
    OpenApiParameter("state", str, description="One state, or `all`; what is still open, if left out."),
    OpenApiParameter("due", str, description="A gate."),
    OpenApiParameter("kind", str, description="A kind of evidence that the clause asks for."),
]


class ClauseOutput(serializers.Serializer):
    id = serializers.CharField()
    reference = serializers.CharField()
    title = serializers.CharField()
    basis = serializers.CharField()
    state = serializers.CharField()
    why = serializers.CharField()
    due = serializers.CharField(help_text="The gate at which it must hold.")
    due_at = serializers.CharField(allow_null=True)
    evidence = ANY(help_text="Each kind it asks for, with its items and their digests.")
    evidence_digest = serializers.CharField(help_text="What a judgement of this clause is bound to.")
    gaps = ANY()
    judgement = ANY()
    waiver = ANY()


class CoverageOutput(serializers.Serializer):
    answer = serializers.CharField()
    model = ANY()
    gate = serializers.CharField()
    counts = ANY()
    next_due = serializers.DateField(allow_null=True)
    results = ClauseOutput(many=True)
    next = serializers.CharField(allow_null=True)


class ControlOutput(serializers.Serializer):
    id = serializers.CharField()
    framework = serializers.CharField()
    reference = serializers.CharField()
    title = serializers.CharField()
    requirement = serializers.CharField()
    risk_levels = serializers.ListField(child=serializers.CharField())
    due = serializers.CharField()
    evidence = serializers.ListField(child=serializers.CharField())
    applies_when = serializers.ListField(child=serializers.CharField())
    applies_from = serializers.DateField(allow_null=True)
    check = serializers.CharField(help_text="What a reviewer looks for.")
    basis = serializers.CharField()


class JudgementInput(serializers.Serializer):
    control = serializers.CharField(max_length=40)
    model_version = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    adequate = serializers.BooleanField()
    reason = serializers.CharField(max_length=4000)
    evidence_digest = serializers.CharField(max_length=64, help_text="As the clause was read.")


class JudgementOutput(serializers.Serializer):
    id = serializers.IntegerField()
    control = serializers.CharField()
    adequate = serializers.BooleanField()
    reason = serializers.CharField()
    evidence_digest = serializers.CharField()
    by = serializers.CharField(source="by.user")
    at = serializers.DateTimeField()


class FactsInput(serializers.Serializer):
    answers = serializers.DictField(child=serializers.BooleanField())


class FactOutput(serializers.Serializer):
    name = serializers.CharField()
    text = serializers.CharField()
    reference = serializers.CharField()
    needs = serializers.CharField()
    answer = serializers.BooleanField(allow_null=True)


class InventoryOutput(serializers.Serializer):
    project = serializers.CharField()
    name = serializers.CharField()
    purpose = serializers.CharField()
    model = serializers.CharField()
    artifact_digest = serializers.CharField()
    tier = serializers.CharField()
    owner = serializers.CharField()
    third_party = serializers.BooleanField(allow_null=True)
    sign_off = serializers.CharField()
    serves = serializers.CharField()
    next_review = serializers.DateField(allow_null=True)
    closed = serializers.BooleanField()
    missing = serializers.IntegerField()
    stale = serializers.IntegerField()
    unanswered = serializers.IntegerField()
    frameworks = ANY(help_text="Framework's id -> {satisfied, apply}.")


class _Coverage(Door):
    def found(self, given=None):
        """The coverage of this address's project, for the version asked for."""
        asked = self.request.query_params.get("model_version", "") if given is None else str(given)
        version = None
        if asked:
            number = row_number(asked)
            rows = queries.versions(viewer=self.by, project=self.request.project)
            version = rows.filter(pk=number).first() if number else None
            if version is None:
                raise NothingThere({"model_version": "There is no such model version in this project."})
        return queries.coverage(viewer=self.by, project=self.request.project, version=version)


class Catalogue(Door):
    @extend_schema(responses=ControlOutput(many=True), operation_id="controls_list")
    def get(self, request):
        """Every clause of every framework."""
        clauses = [control for framework in frameworks().values() for control in framework.controls]
        return Response({"results": ControlOutput(clauses, many=True).data, "next": None, "kinds": KINDS})


class Coverage(_Coverage):
    @extend_schema(responses=CoverageOutput, operation_id="coverage_read", parameters=FILTERS)
    def get(self, request, project=None):
        """How each clause stands for a model version; all at once, since there are at most 161."""
        found = self.found()
        chosen = forms.Filters(request.query_params).chosen
        told = exports.plain(found, timezone.now())
        wanted = {each.control.id: each.evidence_digest for each in matching(found, chosen)}
        clauses = [clause for framework in told["frameworks"] for clause in framework["clauses"]]
        body = {
            "answer": exports.answer(found),
            "model": told["model"],
            "gate": told["gate"],
            "counts": {state.value: count for state, count in found.counts.items()},
            "next_due": found.next_due,
            "results": [c | {"evidence_digest": wanted[c["id"]]} for c in clauses if c["id"] in wanted],
            "next": None,
        }
        return Response(CoverageOutput(body).data)


class CoverageExport(_Coverage):
    def perform_content_negotiation(self, request, force=False):
        """`?format=` names the file here; refusals are JSON whatever the caller accepts."""
        return JSONRenderer(), JSONRenderer.media_type

    @extend_schema(
        responses=file_answers(*(media.split(";")[0] for media in exports.MEDIA_TYPES.values())),
        operation_id="coverage_export",
        parameters=[VERSION, OpenApiParameter("format", str, enum=list(exports.MEDIA_TYPES))],
    )
    def get(self, request, project=None):
        form = request.query_params.get("format", "json")
        if form not in exports.MEDIA_TYPES:
            raise BadInput({"format": f"Choose among {', '.join(exports.MEDIA_TYPES)}."})
        return attachment(actions.export_coverage(self.found(), form=form, by=self.by))


class Facts(Door):
    @extend_schema(responses=FactOutput(many=True), operation_id="facts_list")
    def get(self, request, project=None):
        stated = queries.said(viewer=self.by, projects=[request.project])[request.project.pk].stated
        rows = [{"name": fact.name, "text": fact.text, "reference": fact.reference, "needs": fact.needs,
                 "answer": stated.get(fact.name)} for fact in FACTS]  # fmt: skip
        return Response({"results": FactOutput(rows, many=True).data, "next": None})

    @extend_schema(request=FactsInput, responses=FactOutput(many=True), operation_id="facts_state")
    def put(self, request, project=None):
        actions.state_facts(request.project, answers=self.read(FactsInput)["answers"], by=self.by)
        return self.get(request)


class Judgements(_Coverage):
    @extend_schema(request=JudgementInput, responses={201: JudgementOutput}, operation_id="evidence_judge")
    def post(self, request, project=None):
        given = self.read(JudgementInput)
        version = given.pop("model_version", None)
        found = self.found(version) if version else None
        made = actions.judge(request.project, by=self.by, version=found and found.subject.version, **given)
        return self.answer(JudgementOutput, made, status=status.HTTP_201_CREATED)


class Inventory(Door):
    def perform_content_negotiation(self, request, force=False):
        return JSONRenderer(), JSONRenderer.media_type

    @extend_schema(
        responses={(200, "application/json"): InventoryOutput(many=True)} | file_answers("text/csv"),
        operation_id="inventory_list",
        parameters=[OpenApiParameter("format", str, enum=["json", "csv"], description="As a file to keep.")],
    )
    def get(self, request):
        """Every model with its tier, owner, next review and coverage."""
        form = self.word("format", among=("json", "csv"))
        rows = queries.every_coverage(viewer=self.by)
        if form:
            return attachment(actions.export_inventory(rows, form=form, by=self.by))
        lines = [exports.inventory_line(row) for row in rows]
        return Response({"results": InventoryOutput(lines, many=True).data, "next": None})
