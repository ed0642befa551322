"""A required figure out of bounds in operation."""

from django.db import models
from django.utils import timezone

from apps.approvals.models.approval import Approval
from apps.common.tenancy import TenantModel
from apps.reports.models import OperationReport


class Breach(TenantModel):
    """What a report in operation says against one rule of the policy a sign-off was given under: it fails.

    The database writes it as the report finishes, and nobody else does. It is only ever added, so that the sign-off
    falls for good, whatever is measured later."""

    approval = models.ForeignKey(Approval, on_delete=models.PROTECT, related_name="breaches")
    report = models.ForeignKey(OperationReport, on_delete=models.PROTECT, related_name="breaches")
    place = models.PositiveSmallIntegerField()  # of the rule in the policy, from 1
    of = models.CharField(max_length=300, blank=True)  # the attribute, or the pair of them
    figure = models.JSONField()  # as the report gives it
    found_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["approval", "report", "place", "of"], name="approvals_breach_once")
        ]

    def __str__(self):
        return f"rule {self.place} of {self.approval}, broken in operation"
