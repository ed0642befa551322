"""What is stated, for programs: the kinds and their questions, statements, and their withdrawal."""

import json

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from apps.audits import readings
from apps.common.api import Door
from apps.common.errors import NothingThere
from apps.datasets import queries as datasets
from apps.documents import actions, queries
from apps.documents.kinds import KINDS, named
from apps.models import queries as models
from apps.projects import queries as projects


class AskedOutput(serializers.Serializer):
    name = serializers.CharField()
    title = serializers.CharField()
    asks = serializers.CharField()
    reference = serializers.CharField()
    part = serializers.CharField()
    needed = serializers.BooleanField()


class StatementKindOutput(serializers.Serializer):
    kind = serializers.CharField(source="name")
    subtype = serializers.CharField()
    title = serializers.CharField()
    about = serializers.CharField()
    needed_for = serializers.CharField()
    open_answers = serializers.BooleanField()
    questions = AskedOutput(many=True)


class StatementKindsOutput(serializers.Serializer):
    results = StatementKindOutput(many=True)


class StatementInput(serializers.Serializer):
    """`answers`: a text for each question, or `{"answer": "given", "text": "…"}`; of a datasheet, also “unknown” or
    “not applicable”. Where `supersedes` is given, it must be the newest statement of the kind about the same thing."""

    project = serializers.SlugField()
    kind = serializers.CharField(max_length=40)
    subtype = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")
    answers = serializers.JSONField()
    model_version = serializers.IntegerField(required=False, allow_null=True, min_value=1, default=None)
    dataset_version = serializers.IntegerField(required=False, allow_null=True, min_value=1, default=None)
    valid_until = serializers.DateField(required=False, allow_null=True, default=None)
    supersedes = serializers.IntegerField(required=False, allow_null=True, min_value=1)


class StatementOutput(serializers.Serializer):
    """A statement in a list; one alone carries its body and its signature too."""

    id = serializers.IntegerField(source="pk")
    url = serializers.SerializerMethodField()
    project = serializers.CharField(source="project.slug")
    kind = serializers.CharField()
    subtype = serializers.CharField()
    name = serializers.CharField(source="__str__")
    model_version = serializers.IntegerField(source="model_version_id", allow_null=True)
    dataset_version = serializers.IntegerField(source="dataset_version_id", allow_null=True)
    state = serializers.SerializerMethodField()
    digest = serializers.CharField()
    stated_by = serializers.CharField(source="stated_by.user.__str__")
    stated_at = serializers.DateTimeField()
    valid_until = serializers.DateField(allow_null=True)
    supersedes = serializers.IntegerField(source="supersedes_id", allow_null=True)
    superseded_by = serializers.IntegerField(allow_null=True)
    withdrawn_at = serializers.DateTimeField(allow_null=True)
    withdrawn_reason = serializers.CharField()

    def get_url(self, statement) -> str:
        return self.context["request"].build_absolute_uri(statement.get_absolute_url())

    def get_state(self, statement) -> str:
        return queries.standing(statement)


class StatementWhole(StatementOutput):
    body = serializers.SerializerMethodField()
    envelope = serializers.JSONField()

    def get_body(self, statement) -> dict:
        return json.loads(statement.body)


class StatementsOutput(serializers.Serializer):
    results = StatementOutput(many=True)
    next = serializers.URLField(allow_null=True, required=False)


class StatementWithdrawalInput(serializers.Serializer):
    reason = serializers.CharField(max_length=1000)


class StatementKinds(Door):
    @extend_schema(operation_id="statement_kinds_list", responses=StatementKindsOutput)
    def get(self, request):
        """What can be stated, and what is asked."""
        return Response({"results": StatementKindOutput(KINDS.values(), many=True).data})


FILTERS = [
    OpenApiParameter("project", str, description="slug of a project"),
    OpenApiParameter("kind", str, description="a kind of statement"),
]


class StatementList(Door):
    @extend_schema(operation_id="statements_list", parameters=FILTERS, responses=StatementsOutput)
    def get(self, request):
        found, asked = queries.statements(viewer=self.by), request.query_params
        if slug := asked.get("project"):
            found = found.filter(project__slug=slug)
        if kind := asked.get("kind"):
            found = found.filter(kind=kind)
        return self.slice(StatementOutput, found.defer("body", "envelope"))

    @extend_schema(operation_id="statements_make", request=StatementInput, responses={201: StatementWhole})
    def post(self, request):
        """State something: it supersedes what was stated of the same thing before."""
        given = self.read(StatementInput)
        project = projects.named(viewer=self.by, slug=given["project"])
        kind = named(given["kind"], given["subtype"])
        if kind is None:
            raise NothingThere({"kind": "There is no such kind of statement; /statement-kinds/ lists them."})
        about = {
            "model_version": thing(models.versions(viewer=self.by, project=project), given, "model_version"),
            "dataset_version": thing(datasets.versions(viewer=self.by, project=project), given, "dataset_version"),
        }
        seen = {"seen": given["supersedes"]} if "supersedes" in given else {}
        made = actions.state(
            project, kind, answers=given["answers"], valid_until=given["valid_until"], by=self.by, **about, **seen
        )
        return self.answer(StatementWhole, _statement(self.by, made.pk), status=status.HTTP_201_CREATED)


class StatementDetail(Door):
    @extend_schema(operation_id="statements_read", responses=StatementWhole)
    def get(self, request, pk):
        statement = _statement(self.by, pk)
        readings.opened(statement, by=self.by, digest=statement.digest)
        return self.answer(StatementWhole, statement)


class StatementWithdrawal(Door):
    @extend_schema(operation_id="statements_withdraw", request=StatementWithdrawalInput, responses=StatementWhole)
    def post(self, request, pk):
        """Withdraw a statement: it stays readable and counts no more."""
        statement = _statement(self.by, pk)
        actions.withdraw(statement, by=self.by, **self.read(StatementWithdrawalInput))
        return self.answer(StatementWhole, _statement(self.by, pk))


def _statement(viewer, pk):
    return get_object_or_404(queries.statements(viewer=viewer), pk=pk)


def thing(found, given: dict, name: str):
    """What a field of a body names among `found`, or None where it names nothing. Raises NothingThere."""
    if given[name] is None:
        return None
    if (there := found.filter(pk=given[name]).first()) is None:
        raise NothingThere({name: f"There is no such {name.replace('_', ' ')} here."})
    return there
