"""Who asked, under which policy, and who signed exactly what."""

from django.db import models
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Membership
from apps.approvals.gates.schema import MEANINGS
from apps.approvals.models.delegation import Delegation
from apps.approvals.models.policy import PolicyVersion
from apps.common.tenancy import TenantModel
from apps.models.models import ModelVersion
from apps.projects.models import ProjectModel


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


CONDITIONAL = "approved with conditions"
SIGNED_WORDS = {**MEANINGS, CONDITIONAL: "I approve deployment under the conditions named"}


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
    meaning = models.CharField(max_length=30, blank=True)  # a word of SIGNED_WORDS; none where it is no approval
    reason = models.TextField()
    dossier_digest = models.CharField(max_length=64)
    signed_at = models.DateTimeField(default=timezone.now)
    place = models.PositiveSmallIntegerField()  # which of the policy's signers it answers for, from 1
    conditions = models.JSONField(default=list)  # of one that approves with conditions
    delegation = models.ForeignKey(Delegation, on_delete=models.PROTECT, related_name="+", null=True)
    authentication_id = models.BigIntegerField(null=True)  # the accounts.Reentry it was given with
    envelope = models.JSONField(null=True)  # DSSE around an in-toto statement; null: given before there were any
    digest = models.CharField(max_length=64, blank=True)  # SHA-256 of the statement in it
    key_id = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["approval", "signer"], name="approvals_signature_once"),
            models.UniqueConstraint(fields=["authentication_id"], name="approvals_signature_one_proof"),
        ]

    def __str__(self):
        return f"{self.printed_name}: {self.meaning or self.decision}"

    @property
    def words(self) -> str:
        """What the name under it says."""
        return SIGNED_WORDS.get(self.meaning) or self.get_decision_display()
