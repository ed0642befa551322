"""Pages about policies, waivers and sign-offs."""

from apps.approvals.views.approvals import (
    approval_ask_to_resume,
    approval_confirm,
    approval_detail,
    approval_document,
    approval_dossier,
    approval_fulfil,
    approval_new,
    approval_question,
    approval_resume,
    approval_revoke,
    approval_suspend,
    approval_tell,
    approval_withdraw,
    approvals,
)
from apps.approvals.views.delegations import delegation_end, delegation_question, delegations
from apps.approvals.views.operation import approval_operation
from apps.approvals.views.policies import (
    policies,
    policy_adopt,
    policy_detail,
    policy_new,
    policy_publish,
    policy_withdraw,
)
from apps.approvals.views.waivers import waiver_detail, waiver_move, waiver_new, waiver_register, waiver_renew, waivers

__all__ = [
    "approval_ask_to_resume",
    "approval_confirm",
    "approval_detail",
    "approval_document",
    "approval_dossier",
    "approval_fulfil",
    "approval_new",
    "approval_operation",
    "approval_question",
    "approval_resume",
    "approval_revoke",
    "approval_suspend",
    "approval_tell",
    "approval_withdraw",
    "approvals",
    "delegation_end",
    "delegation_question",
    "delegations",
    "policies",
    "policy_adopt",
    "policy_detail",
    "policy_new",
    "policy_publish",
    "policy_withdraw",
    "waiver_detail",
    "waiver_move",
    "waiver_new",
    "waiver_register",
    "waiver_renew",
    "waivers",
]
