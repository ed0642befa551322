"""Programs' door to data."""

import json

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser

from apps.common.api import Door, Page
from apps.common.errors import BadInput
from apps.datasets import actions, queries, rules
from apps.datasets.downloads import attachment
from apps.projects import queries as projects


class UploadInput(serializers.Serializer):
    project = serializers.SlugField()
    name = serializers.CharField(max_length=rules.LONGEST_NAME)
    encoding = serializers.CharField(required=False, allow_blank=True, max_length=40)
    delimiter = serializers.CharField(required=False, allow_blank=True, max_length=1, trim_whitespace=False)
    quote = serializers.CharField(
        required=False, allow_blank=True, max_length=1, help_text="Left out: found. Empty: values are never quoted."
    )
    file = serializers.FileField(allow_empty_file=True)


class DeclarationInput(serializers.Serializer):
    """Checked by the rules, so that pages and programs are told the same."""

    target = serializers.CharField(trim_whitespace=False)
    favourable = serializers.CharField(trim_whitespace=False)
    sensitive = serializers.JSONField(required=False)
    left_out = serializers.JSONField(required=False)
    missing = serializers.JSONField(required=False)


class DatasetWithdrawalInput(serializers.Serializer):
    reason = serializers.CharField(max_length=1000)


class ProfileOutput(serializers.Serializer):
    id = serializers.IntegerField(source="pk")
    state = serializers.CharField()
    declared = serializers.BooleanField()
    progress = serializers.JSONField()
    problem = serializers.CharField()
    digest = serializers.CharField()
    result = serializers.SerializerMethodField()

    def get_result(self, profile) -> dict | None:
        return json.loads(profile.result) if profile.result else None


class VersionOutput(serializers.Serializer):
    """A version in a list; one alone carries its profile too."""

    id = serializers.IntegerField(source="pk")
    url = Page()
    project = serializers.CharField(source="project.slug")
    dataset = serializers.IntegerField(source="dataset_id")
    name = serializers.CharField(source="dataset.name")
    number = serializers.IntegerField()
    filename = serializers.CharField()
    format = serializers.CharField()
    encoding = serializers.CharField()
    delimiter = serializers.CharField()
    quote = serializers.CharField()
    size = serializers.IntegerField()
    digest = serializers.CharField()
    rows = serializers.IntegerField()
    columns = serializers.JSONField()
    declaration = serializers.JSONField(allow_null=True)
    declaration_digest = serializers.CharField()
    declared_by = serializers.CharField(source="declared_by.user.__str__", default=None, allow_null=True)
    declared_at = serializers.DateTimeField(allow_null=True)
    uploaded_by = serializers.CharField(source="uploaded_by.user.__str__")
    uploaded_at = serializers.DateTimeField()
    withdrawn_at = serializers.DateTimeField(allow_null=True)
    withdrawn_reason = serializers.CharField()


class VersionWhole(VersionOutput):
    profile = serializers.SerializerMethodField()

    @extend_schema_field(ProfileOutput(allow_null=True))
    def get_profile(self, version):
        profile = queries.latest_profile(version)
        return ProfileOutput(profile).data if profile else None


class DatasetOutput(serializers.Serializer):
    id = serializers.IntegerField(source="pk")
    project = serializers.CharField(source="project.slug")
    name = serializers.CharField()
    versions = serializers.IntegerField(source="version_count")
    newest = serializers.IntegerField(source="newest_id", allow_null=True)
    epsilon_spent = serializers.FloatField(allow_null=True)
    epsilon_cap = serializers.FloatField(allow_null=True, help_text="the most that runs may spend; null: no limit")
    created_by = serializers.CharField(source="created_by.user.__str__")
    created_at = serializers.DateTimeField()


class CapInput(serializers.Serializer):
    cap = serializers.FloatField(allow_null=True, help_text="epsilon; null takes the limit away")


class BudgetOutput(serializers.Serializer):
    id = serializers.IntegerField(source="pk")
    dataset_version = serializers.IntegerField(source="version_id")
    run = serializers.IntegerField(source="run_id")
    epsilon = serializers.FloatField()
    delta = serializers.FloatField()
    mechanism = serializers.JSONField()
    note = serializers.CharField()
    charged_at = serializers.DateTimeField()


def _page_of(output):
    """The shape of one page of a list, for the schema."""
    fields = {"results": output(many=True), "next": serializers.URLField(allow_null=True)}
    return type(f"{output.__name__}Page", (serializers.Serializer,), fields)


IN_PROJECT = OpenApiParameter("project", str, description="slug of a project")
OF_DATASET = OpenApiParameter("dataset", int, description="id of a dataset")


class DatasetList(Door):
    parser_classes = (MultiPartParser,)

    @extend_schema(operation_id="datasets_list", parameters=[IN_PROJECT], responses=_page_of(DatasetOutput))
    def get(self, request):
        found = queries.datasets(viewer=self.by)
        if slug := request.query_params.get("project"):
            found = found.filter(project__slug=slug)
        return self.slice(DatasetOutput, found)

    @extend_schema(
        operation_id="datasets_upload", request={"multipart/form-data": UploadInput}, responses={201: VersionWhole}
    )
    def post(self, request):
        request.data  # noqa: B018  the body is read here, so that a dropped upload can say why
        if problem := getattr(request._request, "upload_problem", None):
            raise BadInput({"file": problem})
        given = self.read(UploadInput)
        project = projects.named(viewer=self.by, slug=given.pop("project"))
        version = actions.upload(project, by=self.by, **given)
        return self.answer(VersionWhole, version, status=status.HTTP_201_CREATED)


class DatasetBudget(Door):
    @extend_schema(operation_id="datasets_budget", responses=_page_of(BudgetOutput))
    def get(self, request, pk):
        dataset = get_object_or_404(queries.datasets(viewer=self.by), pk=pk)
        return self.slice(BudgetOutput, queries.budget(viewer=self.by, dataset=dataset))

    @extend_schema(operation_id="datasets_set_budget", request=CapInput, responses=DatasetOutput)
    def put(self, request, pk):
        """The most epsilon that all runs on the dataset may spend together."""
        dataset = get_object_or_404(queries.datasets(viewer=self.by), pk=pk)
        actions.set_budget(dataset, by=self.by, **self.read(CapInput))
        return self.answer(DatasetOutput, queries.datasets(viewer=self.by).get(pk=pk))


class VersionList(Door):
    @extend_schema(
        operation_id="dataset_versions_list", parameters=[IN_PROJECT, OF_DATASET], responses=_page_of(VersionOutput)
    )
    def get(self, request):
        found = queries.versions(viewer=self.by)
        if slug := request.query_params.get("project"):
            found = found.filter(project__slug=slug)
        if (dataset := self.number("dataset")) is not None:
            found = found.filter(dataset=dataset)
        return self.slice(VersionOutput, found)


class VersionDoor(Door):
    def version(self, pk):
        return get_object_or_404(queries.versions(viewer=self.by), pk=pk)


class VersionDetail(VersionDoor):
    @extend_schema(operation_id="dataset_versions_read", responses=VersionWhole)
    def get(self, request, pk):
        return self.answer(VersionWhole, self.version(pk))


class VersionFile(VersionDoor):
    """The exact bytes; every download is remembered."""

    @extend_schema(
        operation_id="dataset_versions_download", responses={(200, "application/octet-stream"): OpenApiTypes.BINARY}
    )
    def get(self, request, pk):
        return attachment(self.version(pk), by=self.by)


class VersionDeclaration(VersionDoor):
    @extend_schema(operation_id="dataset_versions_declare", request=DeclarationInput, responses={201: VersionWhole})
    def post(self, request, pk):
        version = self.version(pk)
        declared = actions.declare(version, declaration=dict(self.read(DeclarationInput)), by=self.by)
        return self.answer(VersionWhole, declared, status=status.HTTP_201_CREATED)


class VersionWithdrawal(VersionDoor):
    @extend_schema(operation_id="dataset_versions_withdraw", request=DatasetWithdrawalInput, responses=VersionWhole)
    def post(self, request, pk):
        version = self.version(pk)
        return self.answer(VersionWhole, actions.withdraw(version, by=self.by, **self.read(DatasetWithdrawalInput)))


class VersionProfile(VersionDoor):
    """Ask again for a profile that failed."""

    @extend_schema(operation_id="dataset_versions_profile", request=None, responses={201: ProfileOutput})
    def post(self, request, pk):
        profile = actions.profile_again(self.version(pk), by=self.by)
        return self.answer(ProfileOutput, profile, status=status.HTTP_201_CREATED)
