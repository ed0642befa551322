"""A rule set aside for a time: by whom, why, what takes its place, and who agreed."""

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Membership
from apps.approvals.gates.policy import Rule
from apps.approvals.models.policy import PolicyVersion
from apps.models.models import ModelVersion
from apps.projects.models import ProjectModel

LONGEST = timedelta(days=90)  # and one renewal


class WaiverState(models.TextChoices):
    """What is kept. Whether an approved one is active or expired, the clock says: see `Waiver.status`."""

    REQUESTED = "requested", "requested"
    APPROVED = "approved", "approved"
    REJECTED = "rejected", "rejected"
    REVOKED = "revoked", "revoked"
    CLOSED = "closed", "closed"


class Waiver(ProjectModel):
    """One rule of one policy version, set aside for one model version or for its whole project.

    A departure from a rule; an accepted risk within the rules is a signature's meaning, not this."""

    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="waivers")
    rule = models.PositiveSmallIntegerField()  # its place in the policy, from 1
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="waivers", null=True)
    reason = models.TextField()
    risk = models.TextField()
    measure = models.TextField()  # what is done instead
    monitoring = models.TextField(default="")  # how it is seen in time that it goes wrong; empty: asked for before
    plan = models.TextField()  # how the rule will be kept again
    owner = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")  # answers for it
    requested_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(default=timezone.now)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    renewal_of = models.ForeignKey("self", on_delete=models.PROTECT, related_name="renewals", null=True)
    state = models.CharField(max_length=10, choices=WaiverState, default=WaiverState.REQUESTED)
    decided_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.TextField(blank=True)
    ended_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    ended_at = models.DateTimeField(null=True)
    ended_reason = models.TextField(blank=True)  # of a revocation, or the evidence with which it was closed

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["policy_version", "rule", "project", "model_version"],
                condition=Q(renewal_of=None, state__in=["requested", "approved", "revoked"]),
                nulls_distinct=False,
                name="approvals_waiver_once",
            ),
            models.UniqueConstraint(
                fields=["renewal_of"],
                condition=Q(state__in=["requested", "approved", "revoked"]),
                name="approvals_waiver_one_renewal",
            ),
        ]

    @property
    def status(self) -> str:
        """The state, with the clock: approved is not yet, active or expired."""
        now = timezone.now()
        if self.state == WaiverState.APPROVED:
            return "expired" if self.ends_at <= now else "active" if self.starts_at <= now else "approved"
        return self.state

    @property
    def overdue(self) -> bool:
        """Over, and nobody has yet said how it ended."""
        return self.status == "expired"

    @property
    def asked(self) -> Rule:
        """The rule it sets aside."""
        return self.policy_version.parsed.rules[self.rule - 1]

    @property
    def covers(self):
        """The model version, or the whole project."""
        return self.model_version or self.project

    def __str__(self):
        return f"waiver {self.pk}"

    def get_absolute_url(self):
        return reverse("waiver", args=[self.project.organization.slug, self.project.slug, self.pk])
