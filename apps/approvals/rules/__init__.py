"""Who may do what to a policy or a sign-off, and when. Every objection is a sentence; none is None."""

from apps.approvals.rules.approvals import (
    RENEWAL,
    decided,
    place_for,
    why_not_ask,
    why_not_conditions,
    why_not_confirm,
    why_not_decide,
    why_not_fulfil,
    why_not_revoke,
    why_not_sign,
    why_not_withdraw,
)
from apps.approvals.rules.case import Case, Condition, Conflict, Evidence, Place, answer, day
from apps.approvals.rules.delegations import why_not_delegate, why_not_end
from apps.approvals.rules.policies import why_not_publish, why_not_withdraw_policy
from apps.approvals.rules.waivers import (
    why_not_approve,
    why_not_ask_waiver,
    why_not_close_waiver,
    why_not_decide_waiver,
    why_not_owner,
    why_not_renew,
    why_not_revoke_waiver,
    why_not_term,
    why_not_waive,
)

__all__ = [
    "RENEWAL",
    "Case",
    "Condition",
    "Conflict",
    "Evidence",
    "Place",
    "answer",
    "day",
    "decided",
    "place_for",
    "why_not_approve",
    "why_not_ask",
    "why_not_ask_waiver",
    "why_not_close_waiver",
    "why_not_conditions",
    "why_not_confirm",
    "why_not_decide",
    "why_not_decide_waiver",
    "why_not_delegate",
    "why_not_end",
    "why_not_fulfil",
    "why_not_owner",
    "why_not_publish",
    "why_not_renew",
    "why_not_revoke",
    "why_not_revoke_waiver",
    "why_not_sign",
    "why_not_term",
    "why_not_waive",
    "why_not_withdraw",
    "why_not_withdraw_policy",
]
