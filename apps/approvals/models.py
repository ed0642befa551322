"""Who asked, under which policy, and who signed exactly what."""

from django.db import models
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Membership
from apps.approvals.gates.schema import MEANINGS
from apps.common.tenancy import TenantModel
from apps.models.models import ModelVersion
from apps.projects.models import ProjectModel


class Policy(TenantModel):
    name = models.SlugField(max_length=80)
    risk_class = models.CharField(max_length=10)  # the projects it is for
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="approvals_policy_name")]

    def __str__(self):
        return self.name


class PolicyVersion(TenantModel):
    """Published when it is made; only its withdrawal can be added."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    source = models.TextField()  # YAML as it was written
    body = models.JSONField()  # the same, parsed
    digest = models.CharField(max_length=64)  # of the canonical JSON of body
    published_by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="+", null=True
    )  # null: a default
    published_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["policy", "number"], name="approvals_policy_number")]

    def __str__(self):
        return f"{self.policy.name} v{self.number}"

    def get_absolute_url(self):
        return reverse("policy", args=[self.policy.organization.slug, self.pk])


class State(models.TextChoices):
    OPEN = "open", "in review"
    APPROVED = "approved", "approved"
    RETURNED = "returned", "sent back"
    REJECTED = "rejected", "rejected"
    WITHDRAWN = "withdrawn", "withdrawn"
    REVOKED = "revoked", "revoked"


class Approval(ProjectModel):
    """One model version under one policy version, with the dossier frozen when it was asked for."""

    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="approvals")
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    note = models.TextField(blank=True)
    dossier = models.TextField()  # canonical JSON (RFC 8785)
    dossier_digest = models.CharField(max_length=64)
    bound = models.JSONField(null=True, editable=False)  # what the dossier binds; the database writes it itself
    requested_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True)
    valid_until = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    ended_reason = models.TextField(blank=True)  # of a withdrawal or revocation

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["model_version"], condition=models.Q(state="open"), name="approvals_approval_one_open"
            )
        ]

    @property
    def tone(self) -> str:
        """The colour of its state; one that is approved but stands no longer is told apart by whoever asked."""
        return {"open": "busy", "returned": "unsure", "withdrawn": "void"}.get(self.state, "")

    def __str__(self):
        return f"sign-off of {self.model_version}"

    def get_absolute_url(self):
        return reverse("approval", args=[self.project.organization.slug, self.project.slug, self.pk])


class Decision(models.TextChoices):
    SIGN = "sign", "Sign"
    RETURN = "return", "Send back"
    REJECT = "reject", "Reject"


class Signature(TenantModel):
    """One person's name under one dossier. Only ever added."""

    approval = models.ForeignKey(Approval, on_delete=models.PROTECT, related_name="signatures")
    signer = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    printed_name = models.CharField(max_length=120)
    role = models.CharField(max_length=10)
    decision = models.CharField(max_length=10, choices=Decision)
    meaning = models.CharField(max_length=30, choices=MEANINGS, blank=True)  # none where it is no approval
    reason = models.TextField()
    dossier_digest = models.CharField(max_length=64)
    signed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["approval", "signer"], name="approvals_signature_once")]

    def __str__(self):
        return f"{self.printed_name}: {self.meaning or self.decision}"
