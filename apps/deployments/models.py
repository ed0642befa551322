"""What serves, on whose sign-off, and with which permit."""

import uuid
from datetime import datetime, timedelta

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


DRILL_EVERY = timedelta(days=180)
DRILL_WARNED = (30, 7)  # days before it is due
STOPS_WITHIN = timedelta(seconds=60)  # of a suspension or revocation, whatever serves: every permit has fallen
LONGEST = timedelta(hours=1)  # that a permit lasts; the database refuses a longer one
MOST_ROWS = 10_000  # in one request, whatever a deployment says


def usual_limits() -> dict[str, int]:
    return {"rows": MOST_ROWS}


class Deployment(ProjectModel):
    name = models.SlugField(max_length=80)
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="deployments")
    approval = models.ForeignKey(Approval, on_delete=models.PROTECT, related_name="deployments")
    state = models.CharField(max_length=10, choices=State, default=State.SERVING)
    limits = models.JSONField(default=usual_limits)  # {"rows": in a request, "requests_per_minute": where limited}
    opened_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(default=timezone.now)
    stopped_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    stopped_at = models.DateTimeField(null=True)
    stop_reason = models.TextField(blank=True)
    stands: bool  # whether its sign-off stands now; where a query has asked
    permitted_until: datetime | None  # likewise
    tried_at: datetime | None  # likewise: when a suspension that is over last stopped it in time

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"], condition=models.Q(state="serving"), name="deployments_name_serving"
            )
        ]

    @property
    def drill_due(self) -> datetime:
        """By when its stop is to be tried again, by a drill or in earnest."""
        return (self.tried_at or self.opened_at) + DRILL_EVERY

    @property
    def drill_overdue(self) -> bool:
        return self.state == State.SERVING and self.drill_due <= timezone.now()

    @property
    def drill_near(self) -> int | None:
        """Within how many of the days of `DRILL_WARNED` it is due, the fewest that fit; None before and after."""
        left = self.drill_due - timezone.now()
        if self.state != State.SERVING or left <= timedelta(0):
            return None
        return min((days for days in DRILL_WARNED if left <= timedelta(days=days)), default=None)

    def __str__(self):
        return f"{self.name}: {self.model_version}"

    def get_absolute_url(self):
        return reverse("deployment", args=[self.project.organization.slug, self.project.slug, self.pk])


class Permit(ProjectModel):
    """A short-lived token that lets the deployment's exact bytes run. Only ever added; it can only be revoked."""

    number = models.UUIDField(default=uuid.uuid4, unique=True)  # the token's jti
    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="permits")
    approval = models.ForeignKey(Approval, on_delete=models.PROTECT, related_name="+")
    environment = models.CharField(max_length=40)
    artifact_digest = models.CharField(max_length=64)
    dossier_digest = models.CharField(max_length=64)
    limits = models.JSONField()
    token = models.TextField()
    token_digest = models.CharField(max_length=64)  # SHA-256 of the token
    issued_at = models.DateTimeField(default=timezone.now)
    not_before = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_reason = models.TextField(blank=True)
    stands: bool  # whether it lets its model run now; where a query has asked

    class Meta:
        indexes = [
            models.Index(fields=["deployment", "-id"], name="deployments_permit_newest"),
            models.Index(fields=["deployment", "-expires_at"], name="deployments_permit_longest"),
        ]

    def __str__(self):
        return f"permit of {self.deployment}"

    def get_absolute_url(self):
        return self.deployment.get_absolute_url()
