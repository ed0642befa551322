"""What is shown to somebody outside, for a time."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Membership
from apps.common.tenancy import TenantModel


class Share(TenantModel):
    """A link that shows chosen sign-offs to an auditor outside, read-only, until a day; only its secret's digest is
    kept. Whom it is for, what it shows and until when never change; it can only be taken back.

    Outside it stands where a membership stands inside: it is the `viewer` of what its link shows."""

    addressee = models.CharField(max_length=200)  # a person or firm, in words
    note = models.CharField(max_length=500, blank=True)
    approvals = ArrayField(models.BigIntegerField())  # the sign-offs it shows
    files = models.BooleanField(default=False)  # with the models' own files
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the secret in the link
    made_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self):
        return f"share {self.pk}"

    def get_absolute_url(self):
        return reverse("share", args=[self.organization.slug, self.pk])

    @property
    def state(self) -> str:
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at <= timezone.now() else "live"
