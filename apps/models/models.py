"""What was built, version by version, each frozen by the digests of what made it."""

from django.db import models
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Membership
from apps.common.tenancy import TenantModel
from apps.datasets.models import DatasetVersion
from apps.projects.models import ProjectModel


class RegisteredModel(ProjectModel):
    name = models.SlugField(max_length=80)
    created_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="models_model_name")]

    def __str__(self):
        return self.name


class ModelVersion(ProjectModel):
    """Immutable but for its retirement."""

    model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    run_id = models.BigIntegerField(unique=True)  # the training run; its room lies above
    artifact_digest = models.CharField(max_length=64)  # SHA-256 of the canonical JSON of `files` as {name: digest}
    files = models.JSONField()  # {name: {"digest", "size"}}
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="+")
    data_digest = models.CharField(max_length=64)
    declaration_digest = models.CharField(max_length=64)
    test_dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="+", null=True)
    recipe = models.JSONField()
    recipe_digest = models.CharField(max_length=64)
    seed = models.BigIntegerField()
    code_version = models.CharField(max_length=80)
    libraries = models.JSONField()  # {name: version}
    device = models.JSONField()
    duration_s = models.FloatField()
    input_schema = models.JSONField()  # [{"name", "kind", "categories", …}]
    metrics = models.JSONField()
    privacy = models.JSONField(null=True)  # null: trained without differential privacy
    trained_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True)
    retired_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    retired_reason = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "number"], name="models_version_number")]

    def __str__(self):
        return f"{self.model.name} v{self.number}"

    def get_absolute_url(self):
        return reverse("model", args=[self.project.organization.slug, self.project.slug, self.pk])


class ModelSignature(TenantModel):
    """The organization's signature over the files of a version. Only ever added, once."""

    version = models.OneToOneField(ModelVersion, on_delete=models.PROTECT, related_name="signature")
    envelope = models.JSONField()  # DSSE
    signed_at = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return f"signature of {self.version}"
