"""What was learned from: versions that never change, their profiles, and what was spent of their privacy."""

from django.db import models
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Membership
from apps.common.work import Work
from apps.projects.models import ProjectModel


class Dataset(ProjectModel):
    name = models.CharField(max_length=120)
    epsilon_cap = models.FloatField(null=True)  # the most that runs may spend together; null: no cap was set
    created_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="datasets_dataset_name")]

    def __str__(self):
        return self.name


class DatasetVersion(ProjectModel):
    """Exact bytes, and once declared, what they mean. Both never change."""

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        PARQUET = "parquet", "Parquet"

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    filename = models.CharField(max_length=255)
    format = models.CharField(max_length=10, choices=Format)
    encoding = models.CharField(max_length=40, blank=True)
    delimiter = models.CharField(max_length=4, blank=True)
    quote = models.CharField(max_length=1, blank=True)
    digest = models.CharField(max_length=64)  # SHA-256 of the bytes as they came
    size = models.BigIntegerField()  # bytes
    rows = models.BigIntegerField()
    columns = models.JSONField()  # names, in order
    uploaded_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(default=timezone.now)
    declaration = models.JSONField(null=True)  # see apps.ml.tables.Declaration
    declaration_digest = models.CharField(max_length=64, blank=True)
    declared_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    declared_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    withdrawn_reason = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dataset", "number"], name="datasets_version_number")]

    def __str__(self):
        return f"{self.dataset.name} v{self.number}"

    def get_absolute_url(self):
        return reverse("dataset", args=[self.project.organization.slug, self.project.slug, self.pk])


class Profile(Work, ProjectModel):
    """What a worker saw in a version; one before the declaration, one after it."""

    task = "apps.datasets.tasks.run_profile"
    version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="profiles")
    declared = models.BooleanField(default=False)  # whether it was made with the declaration
    result = models.TextField(blank=True)  # canonical JSON
    digest = models.CharField(max_length=64, blank=True)

    def __str__(self):
        return f"profile of {self.version}"


class BudgetEntry(ProjectModel):
    """Privacy spent on a dataset by one run, finished or not. Entries are only ever added."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="budget")
    version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="+")
    run_id = models.BigIntegerField()
    epsilon = models.FloatField()
    delta = models.FloatField()
    mechanism = models.JSONField()  # sampling rate, noise, steps: what an accountant composes from
    note = models.CharField(max_length=200, blank=True)
    charged_at = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return f"ε {self.epsilon:.3g} of {self.dataset.name}"
