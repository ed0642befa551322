"""The rules of an organization, version by version."""

from django.db import models
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Membership
from apps.approvals.gates.policy import Policy as PolicyText
from apps.common.tenancy import TenantModel


class Policy(TenantModel):
    name = models.SlugField(max_length=80)
    risk_class = models.CharField(max_length=10)  # the projects it is for
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="approvals_policy_name")]

    def __str__(self):
        return self.name


class PolicyVersion(TenantModel):
    """Proposed by one person, published by another; then only its withdrawal can be added."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    source = models.TextField()  # YAML as it was written
    body = models.JSONField()  # the same, parsed
    digest = models.CharField(max_length=64)  # of the canonical JSON of body
    proposed_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    proposed_at = models.DateTimeField(null=True)
    published_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    published_at = models.DateTimeField(null=True)  # null: proposed; without publisher: the built-in one
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["policy", "number"], name="approvals_policy_number")]

    @property
    def status(self) -> str:
        if self.withdrawn_at:
            return "withdrawn"
        return "published" if self.published_at else "proposed"

    @property
    def parsed(self) -> PolicyText:
        """Its body as a policy that decides."""
        return PolicyText.from_json(self.body)

    def __str__(self):
        return f"{self.policy.name} v{self.number}"

    def get_absolute_url(self):
        return reverse("policy", args=[self.policy.organization.slug, self.pk])
