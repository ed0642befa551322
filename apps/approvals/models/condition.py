"""What became of a sign-off after it was given: its conditions fulfilled, its fall told."""

from django.db import models
from django.utils import timezone

from apps.accounts.models import Membership
from apps.approvals.models.approval import Approval, Signature
from apps.common.tenancy import TenantModel


class Consequence(models.TextChoices):
    """What an overdue condition does."""

    BLOCK = "block", "the sign-off falls, for good"
    SUSPEND = "suspend", "the sign-off does not stand until it is fulfilled"
    ESCALATE = "escalate", "it is told; the sign-off stands"


class Fulfilment(TenantModel):
    """One condition of a signature, met: evidence by its owner, then a reviewer's word."""

    signature = models.ForeignKey(Signature, on_delete=models.PROTECT, related_name="fulfilments")
    number = models.PositiveSmallIntegerField()  # of the condition in the signature, from 1
    evidence = models.TextField()
    fulfilled_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    fulfilled_at = models.DateTimeField(default=timezone.now)
    confirmed_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["signature", "number"], name="approvals_fulfilment_once")]

    def __str__(self):
        return f"condition {self.number} of {self.signature}"


class Notice(TenantModel):
    """That the record was told, once, of something that happens by itself. Only ever added."""

    approval = models.ForeignKey(Approval, on_delete=models.PROTECT, related_name="notices")
    kind = models.CharField(max_length=20)  # stale, overdue, ends in 30 days, condition 1 of 12
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["approval", "kind"], name="approvals_notice_once")]
