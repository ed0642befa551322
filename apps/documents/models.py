"""What is written about a model version: statements by people, and documents the portal renders from evidence."""

import datetime as dt

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Membership
from apps.common.work import Work
from apps.datasets.models import DatasetVersion
from apps.documents.kinds import NAMES, named
from apps.models.models import ModelVersion
from apps.projects.models import ProjectModel


class Standing(models.TextChoices):
    """Whether what was written may still be relied on."""

    CURRENT = "current", "current"
    EXPIRED = "expired", "expired"
    SUPERSEDED = "superseded", "superseded"
    WITHDRAWN = "withdrawn", "withdrawn"


class Statement(ProjectModel):
    """What a person states and the portal cannot compute: provenance *declared*. Immutable but for its withdrawal.

    It is about a model version, a dataset version, or, with neither, its project."""

    kind = models.CharField(max_length=40, choices=[(name, name) for name in NAMES])
    subtype = models.CharField(max_length=20, blank=True)
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+", null=True)
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="+", null=True)
    body = models.TextField()  # canonical JSON: the bytes its digest is of
    digest = models.CharField(max_length=64)
    envelope = models.JSONField()  # DSSE around an in-toto statement, under the organization's key
    stated_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    stated_at = models.DateTimeField(default=timezone.now)
    valid_until = models.DateField(null=True)  # the last day, in UTC
    supersedes = models.OneToOneField("self", on_delete=models.PROTECT, related_name="successor", null=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    withdrawn_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "subtype", "model_version", "dataset_version"],
                condition=Q(supersedes=None),
                nulls_distinct=False,
                name="documents_statement_first",
            ),
            models.CheckConstraint(
                condition=Q(model_version=None) | Q(dataset_version=None), name="documents_statement_about_one"
            ),
        ]

    def __str__(self):
        return f"{self.title} of {self.about}"

    @property
    def title(self) -> str:
        kind = named(self.kind, self.subtype)
        return kind.title if kind else self.kind.replace("_", " ").capitalize()

    @property
    def about(self):
        return self.model_version or self.dataset_version or self.project

    @property
    def ends_at(self) -> dt.datetime | None:
        """The first moment at which it is valid no more."""
        if self.valid_until is None:
            return None
        return dt.datetime.combine(self.valid_until + dt.timedelta(days=1), dt.time.min, dt.UTC)

    def standing(self, *, superseded: bool) -> Standing:
        if superseded:
            return Standing.SUPERSEDED
        if self.withdrawn_at:
            return Standing.WITHDRAWN
        return Standing.EXPIRED if self.ends_at and self.ends_at <= timezone.now() else Standing.CURRENT

    def get_absolute_url(self):
        return reverse("statement", args=[self.project.organization.slug, self.project.slug, self.pk])


class DocumentKind(models.TextChoices):
    TECHNICAL_DOCUMENTATION = "technical_documentation", "Technical documentation"
    MODEL_CARD = "model_card", "Model card"
    DATASHEET = "dataset_datasheet", "Datasheet"
    BIAS_AUDIT = "bias_audit", "Bias audit"


class Document(Work, ProjectModel):
    """One document about a model version (a datasheet: about a dataset version). Immutable once built.

    Its bytes lie in the store under their digests; `inputs` says what it was filled from, and what was missing."""

    task = "apps.documents.tasks.build_document"
    kind = models.CharField(max_length=30, choices=DocumentKind)
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+", null=True)
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="+", null=True)
    parameters = models.JSONField(default=dict)
    inputs = models.JSONField(default=list)  # [{"slot", "name", "digest", "state", …}]
    digest = models.CharField(max_length=64, blank=True)  # of the PDF, which carries the JSON
    body_digest = models.CharField(max_length=64, blank=True)  # of the JSON
    template_digest = models.CharField(max_length=64, blank=True)
    libraries = models.JSONField(default=dict)  # {name: version}
    gaps = models.JSONField(default=list)  # the sentences that say what is missing

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(model_version=None, dataset_version__isnull=False)
                | Q(model_version__isnull=False, dataset_version=None),
                name="documents_document_about_one",
            ),
        ]
        indexes = [models.Index(fields=["project", "kind", "-id"], name="documents_document_latest")]

    def __str__(self):
        return f"{self.get_kind_display()} of {self.about}"

    @property
    def about(self):
        return self.model_version or self.dataset_version

    def get_absolute_url(self):
        return reverse("document", args=[self.project.organization.slug, self.project.slug, self.pk])
