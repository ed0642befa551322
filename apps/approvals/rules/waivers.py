"""Who may ask for, decide on, renew, close and revoke a waiver, and when. Signatures and segregation are no rules of a
policy, so no waiver reaches them; nor does one reach a rule that says it is never waived."""

from datetime import datetime, timedelta

from apps.accounts.permissions import Permission, why_not
from apps.approvals.models import LONGEST, PolicyVersion, Waiver, WaiverState
from apps.approvals.rules.case import day

NEXT_STATES = {
    WaiverState.REQUESTED: {WaiverState.APPROVED, WaiverState.REJECTED, WaiverState.CLOSED},
    WaiverState.APPROVED: {WaiverState.REVOKED, WaiverState.CLOSED},
    WaiverState.REJECTED: set(),
    WaiverState.REVOKED: set(),
    WaiverState.CLOSED: set(),
}


def why_not_ask_waiver(project, *, by) -> str | None:
    """Against this person asking for any waiver in a project."""
    if reason := why_not(by, Permission.WAIVER_ASK):
        return reason
    return "This project is closed." if project.closed_at else None


def why_not_waive(policy_version: PolicyVersion, place: int, project) -> str | None:
    """Against this rule being set aside at all."""
    policy = policy_version.parsed
    if policy_version.withdrawn_at:
        return f"{policy_version} was withdrawn; nothing is judged by it any more."
    if policy.risk_class != project.risk_class or not policy.applies_to(project.answers):
        return f"{policy_version} is not the policy of this project."
    if not policy_version.published_at:
        return f"{policy_version} is proposed, not published; nothing is judged by it yet."
    if not 1 <= place <= len(policy.rules):
        return f"{policy_version} has {len(policy.rules)} rules; there is no rule {place}."
    if not policy.rules[place - 1].waivable:
        return f"Rule {place} is never waived: the policy says so."
    return None


def why_not_owner(owner, *, by) -> str | None:
    if not owner.is_active or owner.role == "auditor":
        return "Somebody who may act in this organization owns a waiver; auditors only read."
    if owner.user_id == by.user_id:
        return "Somebody else must own it: who asks, who owns and who approves are three people."
    return None


def why_not_term(starts_at: datetime, ends_at: datetime, now: datetime) -> str | None:
    if ends_at <= starts_at or ends_at <= now:
        return "It would be over before it began; choose a later end."
    if ends_at - starts_at > LONGEST:
        return f"A waiver ends within {LONGEST.days} days of its start, and may be renewed once."
    if starts_at > now + timedelta(days=365):
        return "It begins more than a year from now; ask for it when it is needed."
    return None


def why_not_decide_waiver(waiver: Waiver, hands: dict[int, str], *, by) -> str | None:
    """Against this person approving or rejecting it. `hands`: who made what it is for."""
    if reason := why_not(by, Permission.WAIVER_APPROVE):
        return reason
    if waiver.state != WaiverState.REQUESTED:
        return f"It was {waiver.get_state_display()} already; nothing is left to decide."
    if by.user_id == waiver.requested_by.user_id:
        return "You asked for it; somebody else must decide."
    if by.user_id == waiver.owner.user_id:
        return "You own it; somebody else must decide."
    if deed := hands.get(by.user_id):
        return f"You {deed}; somebody who had no hand in it must decide."
    return None


def why_not_approve(waiver: Waiver, hands: dict[int, str], *, by, now: datetime) -> str | None:
    if reason := why_not_decide_waiver(waiver, hands, by=by):
        return reason
    if waiver.ends_at <= now:
        return f"It would have ended on {day(waiver.ends_at)} already; reject it."
    if waiver.policy_version.withdrawn_at:
        return f"{waiver.policy_version} was withdrawn; reject it."
    return None


def why_not_renew(waiver: Waiver, *, by, now: datetime) -> str | None:
    if reason := why_not_ask_waiver(waiver.project, by=by):
        return reason
    if waiver.renewal_of_id:
        return "It is a renewal itself; a waiver is renewed once."
    if waiver.state != WaiverState.APPROVED:
        return "Only an approved waiver is renewed."
    live = [other for other in waiver.renewals.all() if other.state in ("requested", "approved", "revoked")]
    return f"It was renewed already, as {live[0]}." if live else None


def why_not_close_waiver(waiver: Waiver, *, by) -> str | None:
    if reason := why_not(by, Permission.WAIVER_ASK):
        return reason
    if WaiverState.CLOSED not in NEXT_STATES[WaiverState(waiver.state)]:
        return f"It was {waiver.get_state_display()} already."
    if by.user_id not in (waiver.requested_by.user_id, waiver.owner.user_id):
        return f"{waiver.requested_by.user}, who asked for it, or {waiver.owner.user}, who owns it, closes it."
    return None


def why_not_revoke_waiver(waiver: Waiver, *, by) -> str | None:
    if reason := why_not(by, Permission.WAIVER_REVOKE):
        return reason
    if waiver.state != WaiverState.APPROVED:
        return "Only an approved waiver can be revoked."
    return None
