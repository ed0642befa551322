"""Deployments over REST. Predictions are made by the serving process; here they are only passed on."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status

from apps.approvals import queries as approvals
from apps.common.api import Door
from apps.common.errors import NothingThere
from apps.common.pages import Later
from apps.deployments import actions, queries
from apps.deployments.forward import to_serving
from apps.deployments.models import Deployment
from apps.deployments.shapes import AnswerOutput, RowsInput


class OpeningInput(serializers.Serializer):
    approval = serializers.IntegerField(min_value=1)
    name = serializers.SlugField(max_length=80)


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
    opened_by = serializers.CharField(source="opened_by.user")
    stopped_by = serializers.CharField(source="stopped_by.user", default=None)
    url = serializers.CharField(source="get_absolute_url", help_text="The page.")

    class Meta:
        model = Deployment
        fields = ["id", "url", "project", "name", "state", "stands", "model_version", "subject", "artifact_digest",
                  "approval", "input_schema", "opened_by", "opened_at", "stopped_by", "stopped_at",
                  "stop_reason"]  # fmt: skip


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
        opened = actions.open_deployment(approval, name=given["name"], by=self.by)
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
