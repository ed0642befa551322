"""Deployments over REST. Predictions are made by the serving process; here they are only passed on."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from apps.approvals import queries as approvals
from apps.common.api import Door, Page
from apps.common.errors import NothingThere
from apps.common.pages import Later
from apps.deployments import actions, queries
from apps.deployments.forward import to_serving
from apps.deployments.models import MOST_ROWS, Deployment, Permit
from apps.deployments.shapes import AnswerOutput, RowsInput


class OpeningInput(serializers.Serializer):
    approval = serializers.IntegerField(min_value=1)
    name = serializers.SlugField(max_length=80)
    rows = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, default=MOST_ROWS, help_text="Most in a request.")
    requests_per_minute = serializers.IntegerField(min_value=1, max_value=1_000_000, required=False, allow_null=True)


class StopInput(serializers.Serializer):
    reason = serializers.CharField(max_length=2000)


class DeploymentOutput(serializers.ModelSerializer):
    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    model_version = serializers.IntegerField(source="model_version_id")
    subject = serializers.CharField(source="model_version", help_text="The model version's name.")
    artifact_digest = serializers.CharField(source="model_version.artifact_digest")
    input_schema = serializers.JSONField(source="model_version.input_schema")
    approval = serializers.IntegerField(source="approval_id")
    stands = serializers.BooleanField(help_text="Whether the sign-off it rests on stands now.")
    permitted = serializers.BooleanField(help_text="Whether a permit for this portal's environment is in force.")
    tried_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When its stop was last tried, by a drill or in earnest, and every permit fell within 60 seconds.",
    )
    drill_due = serializers.DateTimeField(help_text="By when it is to be tried again.")
    opened_by = serializers.CharField(source="opened_by.user")
    stopped_by = serializers.CharField(source="stopped_by.user", default=None, allow_null=True)
    url = Page()

    class Meta:
        model = Deployment
        fields = ["id", "url", "project", "name", "state", "stands", "permitted", "model_version", "subject",
                  "artifact_digest", "approval", "limits", "input_schema", "tried_at", "drill_due",
                  "opened_by", "opened_at", "stopped_by", "stopped_at", "stop_reason"]  # fmt: skip


class PermitOutput(serializers.ModelSerializer):
    id = serializers.UUIDField(source="number", help_text="The token's jti.")
    deployment = serializers.IntegerField(source="deployment_id")
    approval = serializers.IntegerField(source="approval_id")
    stands = serializers.BooleanField(help_text="Whether it lets its model run now.")

    class Meta:
        model = Permit
        fields = ["id", "deployment", "approval", "environment", "stands", "artifact_digest", "dossier_digest",
                  "limits", "token_digest", "issued_at", "not_before", "expires_at", "revoked_at",
                  "revoked_reason"]  # fmt: skip


class PermitTaken(PermitOutput):
    class Meta(PermitOutput.Meta):
        fields = [*PermitOutput.Meta.fields, "token"]


class KeySetOutput(serializers.Serializer):
    keys = serializers.ListField(child=serializers.DictField(), help_text="JSON Web Keys (RFC 8037).")


class DeploymentList(Door):
    @extend_schema(
        responses=DeploymentOutput(many=True),
        operation_id="deployments_list",
        parameters=[OpenApiParameter("project", str)],
    )
    def get(self, request):
        rows = queries.deployments(viewer=self.by)
        if project := request.query_params.get("project"):
            rows = rows.filter(project__slug=project)
        return self.slice(DeploymentOutput, rows)

    @extend_schema(request=OpeningInput, responses={201: DeploymentOutput}, operation_id="deployments_open")
    def post(self, request):
        given = self.read(OpeningInput)
        approval = approvals.approvals(viewer=self.by).filter(pk=given["approval"]).first()
        if approval is None:
            raise NothingThere({"approval": "There is no such sign-off in this organization."})
        opened = actions.open_deployment(approval, by=self.by, **{k: v for k, v in given.items() if k != "approval"})
        told = queries.deployments(viewer=self.by).get(pk=opened.pk)
        return self.answer(DeploymentOutput, told, status=status.HTTP_201_CREATED)


class DeploymentDetail(Door):
    @extend_schema(responses=DeploymentOutput, operation_id="deployments_read")
    def get(self, request, pk):
        return self.answer(DeploymentOutput, get_object_or_404(queries.deployments(viewer=self.by), pk=pk))


class Stop(Door):
    @extend_schema(request=StopInput, responses=DeploymentOutput, operation_id="deployments_stop")
    def post(self, request, pk):
        deployment = get_object_or_404(queries.deployments(viewer=self.by), pk=pk)
        actions.stop(deployment, by=self.by, **self.read(StopInput))
        return self.answer(DeploymentOutput, queries.deployments(viewer=self.by).get(pk=pk))


class Predict(Door):
    @extend_schema(request=RowsInput, responses=AnswerOutput, operation_id="deployments_predict")
    def post(self, request, pk):
        """Probabilities and decisions for rows, with the version and digest of the model that gave them."""
        get_object_or_404(queries.deployments(viewer=self.by), pk=pk)
        return Later(lambda: to_serving(request._request))


class PermitList(Door):
    @extend_schema(
        responses=PermitOutput(many=True), operation_id="permits_list", parameters=[OpenApiParameter("deployment", int)]
    )
    def get(self, request):
        """Every permit that was issued, newest first; the tokens themselves are not in it."""
        rows = queries.permits(viewer=self.by)
        if (deployment := self.number("deployment")) is not None:
            rows = rows.filter(deployment=deployment)
        return self.slice(PermitOutput, rows)


class PermitOfDeployment(Door):
    @extend_schema(responses=PermitTaken, operation_id="permits_take")
    def get(self, request, pk):
        """The permit that stands now, with its token, to be checked elsewhere; that it was taken is remembered."""
        deployment = get_object_or_404(queries.deployments(viewer=self.by), pk=pk)
        return self.answer(PermitTaken, actions.take_permit(deployment, by=self.by))


class PermitsRevoked(Door):
    @extend_schema(responses={(200, "application/jwt"): OpenApiTypes.STR}, operation_id="permits_revoked")
    def get(self, request):
        """The signed list of permits that count no more before their time; stale after five minutes."""
        return HttpResponse(actions.revoked_list(by=self.by), content_type="application/jwt")


class PermitKeys(Door):
    @extend_schema(responses=KeySetOutput, operation_id="permits_keys")
    def get(self, request):
        """The public keys that permits and lists are signed with, as a JWK set."""
        return Response(actions.key_set(by=self.by))
