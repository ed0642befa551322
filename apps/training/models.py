"""How it was built: runs, what they said while they ran, and the workers that are alive."""

from django.db import models
from django.urls import reverse
from django.utils import timezone

from apps.common.tenancy import TenantModel
from apps.common.work import Work
from apps.datasets.models import DatasetVersion
from apps.models.models import ModelVersion, RegisteredModel
from apps.projects.models import ProjectModel


class TrainingRun(Work, ProjectModel):
    task = "apps.training.tasks.run_training"
    model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="runs")
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="+")
    test_dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="+", null=True)
    recipe = models.JSONField()
    history = models.JSONField(default=list)  # [{"epoch", "loss", "validation_loss", …}]
    spent = models.JSONField(null=True)  # of the privacy budget, also when the run failed
    checkpoint = models.CharField(max_length=64, blank=True)  # digest of the last epoch's state, while running
    model_version = models.OneToOneField(ModelVersion, on_delete=models.PROTECT, related_name="run", null=True)

    def __str__(self):
        return f"run {self.pk} of {self.model.name}"

    def get_absolute_url(self):
        return reverse("run", args=[self.project.organization.slug, self.project.slug, self.pk])


class LogLine(TenantModel):
    run = models.ForeignKey(TrainingRun, on_delete=models.PROTECT, related_name="log")
    at = models.DateTimeField(default=timezone.now)
    text = models.TextField()


class Worker(models.Model):
    """A worker process that is or was alive. Belongs to the install, not to an organization."""

    name = models.CharField(max_length=200, unique=True)
    queues = models.JSONField(default=list)
    device = models.JSONField(default=dict)  # {"type": "cpu" or "cuda", "name", "memory"}
    memory = models.BigIntegerField(default=0)  # bytes in the machine
    cores = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return self.name
