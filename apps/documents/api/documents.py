"""Documents, for programs: the same verbs as the pages."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status

from apps.audits import readings
from apps.common.api import Door, file_answers
from apps.datasets import queries as datasets
from apps.documents import actions, downloads, queries
from apps.documents.api.statements import thing
from apps.documents.models import DocumentKind
from apps.models import queries as models


class DocumentInput(serializers.Serializer):
    """A datasheet names a `dataset_version`, every other document a `model_version`. `sex` and `race` name the declared
    attributes of a bias audit, where they are called otherwise."""

    kind = serializers.CharField(max_length=30)
    model_version = serializers.IntegerField(required=False, allow_null=True, min_value=1, default=None)
    dataset_version = serializers.IntegerField(required=False, allow_null=True, min_value=1, default=None)
    sex = serializers.CharField(required=False, allow_blank=True, default="", max_length=120)
    race = serializers.CharField(required=False, allow_blank=True, default="", max_length=120)


class DocumentOutput(serializers.Serializer):
    """A document in a list; one alone says what it was filled from and whether it still holds, too."""

    id = serializers.IntegerField(source="pk")
    url = serializers.SerializerMethodField()
    project = serializers.CharField(source="project.slug")
    kind = serializers.CharField()
    name = serializers.CharField(source="__str__")
    model_version = serializers.IntegerField(source="model_version_id", allow_null=True)
    dataset_version = serializers.IntegerField(source="dataset_version_id", allow_null=True)
    state = serializers.CharField()
    problem = serializers.CharField()
    digest = serializers.CharField()
    body_digest = serializers.CharField()
    template_digest = serializers.CharField()
    gaps = serializers.ListField(child=serializers.CharField())
    superseded_by = serializers.IntegerField(allow_null=True)
    started_by = serializers.CharField(source="started_by.user.__str__")
    queued_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_url(self, document) -> str:
        return self.context["request"].build_absolute_uri(document.get_absolute_url())


class DocumentWhole(DocumentOutput):
    inputs = serializers.JSONField()
    libraries = serializers.JSONField()
    parameters = serializers.JSONField()
    changes = serializers.SerializerMethodField(help_text="why it holds no longer; empty while it does")

    def get_changes(self, document) -> list[str]:
        return queries.changes(document) if document.digest else []


class DocumentsOutput(serializers.Serializer):
    results = DocumentOutput(many=True)
    next = serializers.URLField(allow_null=True, required=False)


FILTERS = [
    OpenApiParameter("project", str, description="slug of a project"),
    OpenApiParameter("model_version", int, description="id of a model version"),
    OpenApiParameter("kind", str, enum=DocumentKind.values),
]


class DocumentList(Door):
    @extend_schema(operation_id="documents_list", parameters=FILTERS, responses=DocumentsOutput)
    def get(self, request):
        found, asked = queries.documents(viewer=self.by), request.query_params
        if slug := asked.get("project"):
            found = found.filter(project__slug=slug)
        if (version := self.number("model_version")) is not None:
            found = found.filter(model_version=version)
        if kind := self.word("kind", among=DocumentKind.values):
            found = found.filter(kind=kind)
        return self.slice(DocumentOutput, found)

    @extend_schema(operation_id="documents_build", request=DocumentInput, responses={201: DocumentWhole})
    def post(self, request):
        """Have a document built."""
        given = self.read(DocumentInput)
        about = {
            "model_version": thing(models.versions(viewer=self.by), given, "model_version"),
            "dataset_version": thing(datasets.versions(viewer=self.by), given, "dataset_version"),
        }
        made = actions.build(by=self.by, **given | about)
        return self.answer(DocumentWhole, _document(self.by, made.pk), status=status.HTTP_201_CREATED)


class DocumentDetail(Door):
    @extend_schema(operation_id="documents_read", responses=DocumentWhole)
    def get(self, request, pk):
        document = _document(self.by, pk)
        readings.opened(document, by=self.by, digest=document.digest)
        return self.answer(DocumentWhole, document)


class DocumentFile(Door):
    """A built document as PDF, or as the JSON it carries; every download is remembered."""

    form = "json"

    @extend_schema(responses=file_answers(*downloads.TYPES.values()))
    def get(self, request, pk):
        document = _document(self.by, pk)
        return downloads.attachment(document, self.form, by=self.by)


def _document(viewer, pk):
    return get_object_or_404(queries.documents(viewer=viewer), pk=pk)
