"""Propose and publish a policy; waive one of its rules; ask for a sign-off; sign, send back, withdraw, revoke it."""

from apps.approvals.actions.approvals import ask, decide, download, reject, revoke, send_back, sign, withdraw
from apps.approvals.actions.conditions import confirm, fulfil
from apps.approvals.actions.delegations import delegate, end
from apps.approvals.actions.notices import notice
from apps.approvals.actions.operation import measure_in_operation
from apps.approvals.actions.policies import adopt_default, in_force, preview, propose, publish, withdraw_policy
from apps.approvals.actions.suspensions import ask_to_resume, resume, suspend, tell
from apps.approvals.actions.waivers import (
    approve_waiver,
    ask_waiver,
    close_waiver,
    reject_waiver,
    renew_waiver,
    revoke_waiver,
)

__all__ = [
    "adopt_default",
    "approve_waiver",
    "ask",
    "ask_to_resume",
    "ask_waiver",
    "close_waiver",
    "confirm",
    "decide",
    "delegate",
    "download",
    "end",
    "fulfil",
    "in_force",
    "measure_in_operation",
    "notice",
    "preview",
    "propose",
    "publish",
    "reject",
    "reject_waiver",
    "renew_waiver",
    "resume",
    "revoke",
    "revoke_waiver",
    "send_back",
    "sign",
    "suspend",
    "tell",
    "withdraw",
    "withdraw_policy",
]
