"""Who may suspend a sign-off, ask for it to stand again, grant that, and say who was told."""

from apps.accounts.permissions import Permission, why_not
from apps.approvals.models import Approval, State, Suspension
from apps.approvals.rules.case import Conflict, day


def why_not_suspend(approval: Approval, suspension: Suspension | None, *, by) -> str | None:
    """`suspension`: the one in force, if there is one."""
    if reason := why_not(by, Permission.APPROVAL_SUSPEND):
        return reason
    if approval.state != State.APPROVED:
        return "Only a completed sign-off can be suspended."
    if suspension:
        return f"{suspension.suspended_by.user} suspended it on {day(suspension.suspended_at)} already."
    return None


def why_not_ask_to_resume(approval: Approval, suspension: Suspension | None, *, by) -> str | None:
    if reason := why_not(by, Permission.APPROVAL_SUSPEND):
        return reason
    if suspension is None:
        return "It is not suspended."
    if approval.state != State.APPROVED:
        return f"It was {approval.get_state_display()}, and that is final."
    if suspension.asked_by:
        return f"{suspension.asked_by.user} asked for it already; a second person grants it."
    return None


def why_not_resume(approval: Approval, suspension: Suspension | None, conflict: Conflict | None, *, by) -> str | None:
    """`conflict`: what keeps this person from being independent of the model, if anything."""
    if reason := why_not(by, Permission.APPROVAL_RESUME):
        return reason
    if suspension is None:
        return "It is not suspended."
    if approval.state != State.APPROVED:
        return f"It was {approval.get_state_display()}, and that is final."
    if suspension.asked_by is None:
        return "Nobody has asked for it to stand again; one asks, a second person grants it."
    if suspension.asked_by.user_id == by.user_id:
        return "You asked for it; a second person grants it."
    if conflict and conflict.deed != "signed it already":
        return str(conflict)
    return None


def why_not_tell(approval: Approval, suspension: Suspension | None, *, by) -> str | None:
    if reason := why_not(by, Permission.APPROVAL_SUSPEND):
        return reason
    if approval.state != State.REVOKED and suspension is None:
        return "It is neither suspended nor revoked; there is nothing to tell."
    return None
