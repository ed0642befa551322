"""A place handed to somebody else for a time."""

from django.db import models
from django.utils import timezone

from apps.accounts.models import Membership
from apps.common.tenancy import TenantModel
from apps.projects.models import Project


class Delegation(TenantModel):
    """One reviewer lets another person sign in their place. Never changed; it can only be ended before its time.

    Who is joined by one counts as one: what either had a hand in, neither signs, and both together sign once."""

    delegator = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    delegate = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+", null=True)  # null: every project
    reason = models.TextField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    made_at = models.DateTimeField(default=timezone.now)
    authentication_id = models.BigIntegerField(unique=True)  # the accounts.Reentry it was given with
    envelope = models.JSONField()  # DSSE around an in-toto statement, under the organization's key
    ended_at = models.DateTimeField(null=True)  # before its time, by the delegator

    def __str__(self):
        return f"the place of {self.delegator.user}, to {self.delegate.user}"

    @property
    def without_names(self) -> str:
        """What the record calls it: what it keeps for good names nobody."""
        return f"delegation {self.pk}"

    @property
    def state(self) -> str:
        now = timezone.now()
        if self.ended_at:
            return "ended"
        return "expired" if self.ends_at <= now else "active" if self.starts_at <= now else "waits"
