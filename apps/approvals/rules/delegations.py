"""Who may hand their place to whom, and until when."""

from datetime import datetime, timedelta
from typing import Any

from apps.accounts.permissions import Permission, why_not
from apps.approvals.models import Delegation

LONGEST = timedelta(days=90)
MAY_STAND_IN = ("reviewer", "builder")  # owners administer and auditors only read


def why_not_delegate(delegate, *, starts_at: datetime, ends_at: datetime, by, now: datetime) -> str | None:
    if reason := why_not(by, Permission.APPROVAL_SIGN):
        return reason
    if delegate.user_id == by.user_id:
        return "You cannot hand your place to yourself."
    if delegate.role not in MAY_STAND_IN or not delegate.is_active:
        return f"{delegate.user} cannot stand in for you: only reviewers and builders may."
    if ends_at <= max(starts_at, now):
        return "It ends before it begins; choose a later end."
    if ends_at - starts_at > LONGEST:
        return f"A place is handed on for {LONGEST.days} days at most."
    return None


def handing_on(delegate, project, ends_at: datetime) -> dict[str, Any]:
    """What the passkey of who hands their place on is asked about."""
    where = project.slug if project else None
    return {"act": "hand on", "delegate": delegate.user_id, "project": where, "ends_at": ends_at.isoformat()}


def why_not_end(delegation: Delegation, *, by) -> str | None:
    if delegation.delegator.user_id != by.user_id:
        return f"Only {delegation.delegator.user}, whose place it is, takes it back."
    if delegation.state in ("ended", "expired"):
        return "It is over already."
    return None
