"""Places handed on, over REST."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status

from apps.approvals import actions, queries
from apps.approvals.models import Delegation
from apps.common.api import Door
from apps.common.errors import NothingThere
from apps.projects import queries as projects


class DelegationInput(serializers.Serializer):
    delegate = serializers.IntegerField(min_value=1, help_text="Who stands in: the id of a member.")
    project = serializers.SlugField(default=None, allow_null=True, help_text="Where; none: in every project.")
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    reason = serializers.CharField(max_length=2000)
    password = serializers.CharField(trim_whitespace=False, write_only=True)
    code = serializers.CharField(max_length=20, default="", allow_blank=True, write_only=True)


class DelegationOutput(serializers.ModelSerializer):
    delegator = serializers.CharField(source="delegator.user")
    delegate = serializers.CharField(source="delegate.user")
    project = serializers.SlugRelatedField(slug_field="slug", read_only=True, allow_null=True)
    state = serializers.CharField()

    class Meta:
        model = Delegation
        fields = [
            "id",
            "delegator",
            "delegate",
            "project",
            "reason",
            "starts_at",
            "ends_at",
            "ended_at",
            "state",
            "envelope",
        ]


class DelegationList(Door):
    @extend_schema(responses=DelegationOutput(many=True), operation_id="delegations_list")
    def get(self, request):
        return self.slice(DelegationOutput, queries.delegations(viewer=self.by))

    @extend_schema(request=DelegationInput, responses={201: DelegationOutput}, operation_id="delegations_make")
    def post(self, request):
        given = self.read(DelegationInput)
        to = queries.stand_ins(viewer=self.by).filter(pk=given.pop("delegate")).first()
        if to is None:
            raise NothingThere({"delegate": "There is no such member who could stand in for you."})
        slug = given.pop("project")
        project = projects.named(viewer=self.by, slug=slug) if slug else None
        made = actions.delegate(to, project=project, by=self.by, **given)
        return self.answer(DelegationOutput, made, status=status.HTTP_201_CREATED)


class DelegationEnding(Door):
    @extend_schema(request=None, responses=DelegationOutput, operation_id="delegations_end")
    def post(self, request, pk):
        found = get_object_or_404(queries.delegations(viewer=self.by), pk=pk)
        return self.answer(DelegationOutput, actions.end(found, by=self.by))
