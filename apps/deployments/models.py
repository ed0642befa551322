"""What serves, and on whose sign-off."""

from django.db import models
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Membership
from apps.approvals.models import Approval
from apps.models.models import ModelVersion
from apps.projects.models import ProjectModel


class State(models.TextChoices):
    SERVING = "serving", "serving"
    STOPPED = "stopped", "stopped"


class Deployment(ProjectModel):
    name = models.SlugField(max_length=80)
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="deployments")
    approval = models.ForeignKey(Approval, on_delete=models.PROTECT, related_name="deployments")
    state = models.CharField(max_length=10, choices=State, default=State.SERVING)
    opened_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(default=timezone.now)
    stopped_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    stopped_at = models.DateTimeField(null=True)
    stop_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"], condition=models.Q(state="serving"), name="deployments_name_serving"
            )
        ]

    def __str__(self):
        return f"{self.name}: {self.model_version}"

    def get_absolute_url(self):
        return reverse("deployment", args=[self.project.organization.slug, self.project.slug, self.pk])
