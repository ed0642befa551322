"""Tables: policies with their versions, sign-offs with their signatures, conditions, suspensions and breaches,
delegations."""

from apps.approvals.models.approval import CONDITIONAL, SIGNED_WORDS, Approval, Decision, Signature, State
from apps.approvals.models.breach import Breach
from apps.approvals.models.condition import Consequence, Fulfilment, Notice
from apps.approvals.models.delegation import Delegation
from apps.approvals.models.policy import Policy, PolicyVersion
from apps.approvals.models.suspension import Suspension, Telling
from apps.approvals.models.waiver import LONGEST, Waiver, WaiverState

__all__ = [
    "CONDITIONAL",
    "LONGEST",
    "SIGNED_WORDS",
    "Approval",
    "Breach",
    "Consequence",
    "Decision",
    "Delegation",
    "Fulfilment",
    "Notice",
    "Policy",
    "PolicyVersion",
    "Signature",
    "State",
    "Suspension",
    "Telling",
    "Waiver",
    "WaiverState",
]
