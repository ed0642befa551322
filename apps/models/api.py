"""Programs' door to models."""

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers

from apps.common.api import Door, Page
from apps.models import actions, queries
from apps.models.downloads import attachment, signature

PROJECT = OpenApiParameter("project", str, description="slug of a project")
MODEL = OpenApiParameter("model", str, description="name of a model")


class ModelOutput(serializers.Serializer):
    id = serializers.IntegerField(source="pk")
    project = serializers.CharField(source="project.slug")
    name = serializers.CharField()
    versions = serializers.IntegerField(source="version_count")
    newest = serializers.IntegerField(source="newest_number", allow_null=True)
    created_by = serializers.CharField(source="created_by.user.__str__")
    created_at = serializers.DateTimeField()


class ModelVersionOutput(serializers.Serializer):
    """A model version: immutable, but for its retirement."""

    id = serializers.IntegerField(source="pk")
    url = Page()
    project = serializers.CharField(source="project.slug")
    model = serializers.CharField(source="model.name")
    name = serializers.CharField(source="__str__")
    number = serializers.IntegerField()
    run = serializers.IntegerField(source="run_id")
    artifact_digest = serializers.CharField()
    files = serializers.JSONField()
    dataset_version = serializers.IntegerField(source="dataset_version_id")
    test_dataset_version = serializers.IntegerField(source="test_dataset_version_id", allow_null=True)
    data_digest = serializers.CharField()
    declaration_digest = serializers.CharField()
    recipe = serializers.JSONField()
    recipe_digest = serializers.CharField()
    seed = serializers.IntegerField()
    code_version = serializers.CharField()
    libraries = serializers.JSONField()
    device = serializers.JSONField()
    duration_s = serializers.FloatField()
    input_schema = serializers.JSONField()
    metrics = serializers.JSONField()
    privacy = serializers.JSONField()
    trained_by = serializers.CharField(source="trained_by.user.__str__")
    created_at = serializers.DateTimeField()
    retired_at = serializers.DateTimeField(allow_null=True)
    retired_reason = serializers.CharField()


class RetirementInput(serializers.Serializer):
    reason = serializers.CharField(max_length=1000)


class ModelList(Door):
    @extend_schema(operation_id="models_list", parameters=[PROJECT], responses=ModelOutput(many=True))
    def get(self, request):
        """The names under which versions are kept, newest first."""
        found = queries.models(viewer=self.by)
        if slug := request.query_params.get("project"):
            found = found.filter(project__slug=slug)
        return self.slice(ModelOutput, found)


class ModelDetail(Door):
    @extend_schema(operation_id="models_read", responses=ModelOutput)
    def get(self, request, pk):
        """One model: how many versions it has."""
        return self.answer(ModelOutput, get_object_or_404(queries.models(viewer=self.by), pk=pk))


class VersionList(Door):
    @extend_schema(
        operation_id="model_versions_list", parameters=[PROJECT, MODEL], responses=ModelVersionOutput(many=True)
    )
    def get(self, request):
        """Every model version of the organization, newest first."""
        found = queries.versions(viewer=self.by)
        if slug := request.query_params.get("project"):
            found = found.filter(project__slug=slug)
        if name := request.query_params.get("model"):
            found = found.filter(model__name=name)
        return self.slice(ModelVersionOutput, found)


class VersionDetail(Door):
    @extend_schema(operation_id="model_versions_read", responses=ModelVersionOutput)
    def get(self, request, pk):
        """One version, with the digests of all that made it."""
        return self.answer(ModelVersionOutput, _version(self.by, pk))


class VersionFile(Door):
    @extend_schema(
        operation_id="model_versions_download", responses={(200, "application/octet-stream"): OpenApiTypes.BINARY}
    )
    def get(self, request, pk, name):
        """One file of a model, exactly as registered; the download is remembered."""
        version = _version(self.by, pk)
        if name not in version.files:
            raise Http404
        return attachment(version, name, by=self.by)


class VersionSignature(Door):
    @extend_schema(operation_id="model_versions_signature", responses={(200, "application/json"): OpenApiTypes.OBJECT})
    def get(self, request, pk):
        """The organization's signature over the files, as OpenSSF Model Signing writes it (a Sigstore bundle)."""
        return signature(_version(self.by, pk))


class VersionRetirement(Door):
    @extend_schema(operation_id="model_versions_retire", request=RetirementInput, responses=ModelVersionOutput)
    def post(self, request, pk):
        """Retire a version: nothing new begins on it, and it stays as evidence."""
        version = _version(self.by, pk)
        actions.retire(version, by=self.by, **self.read(RetirementInput))
        return self.answer(ModelVersionOutput, _version(self.by, pk))


def _version(viewer, pk):
    return get_object_or_404(queries.versions(viewer=viewer), pk=pk)
