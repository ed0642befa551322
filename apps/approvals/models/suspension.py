"""A sign-off held up for a time, and who was told that it was held up or taken back."""

from django.db import models
from django.utils import timezone

from apps.accounts.models import Membership
from apps.approvals.models.approval import Approval
from apps.common.tenancy import TenantModel


class Suspension(TenantModel):
    """One person suspends at once; two people, one of them independent, let it stand again. A drill is one that was
    announced as such: it stops what serves like any other."""

    approval = models.ForeignKey(Approval, on_delete=models.PROTECT, related_name="suspensions")
    drill = models.BooleanField(default=False)
    reason = models.TextField()
    suspended_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    suspended_at = models.DateTimeField(default=timezone.now)
    asked_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    asked_at = models.DateTimeField(null=True)
    asked_reason = models.TextField(blank=True)  # why it may stand again
    resumed_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    resumed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["approval"], condition=models.Q(resumed_at=None), name="approvals_suspension_one_open"
            )
        ]

    def __str__(self):
        return f"suspension of {self.approval}"


class Telling(TenantModel):
    """Somebody was told that a sign-off was suspended or revoked. Only ever added."""

    approval = models.ForeignKey(Approval, on_delete=models.PROTECT, related_name="tellings")
    who = models.CharField(max_length=200)  # a person, a deployer, an authority, in words
    how = models.CharField(max_length=200)
    told_at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")

    def __str__(self):
        return f"{self.who} was told of {self.approval}"
