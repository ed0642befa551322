"""Emergency access: asked with a reason, agreed to by a second person, over by itself, reviewed by a third."""

from django.utils import timezone

from apps.accounts import queries, rules
from apps.accounts.models import EmergencyAccess
from apps.accounts.permissions import IN_EMERGENCY, Permission, require
from apps.audits.actions import personal, record
from apps.audits.events import Event
from apps.audits.refusals import action
from apps.common.errors import BadInput, refuse


@action
def ask(*, words: list[str], minutes: int, reason: str, by) -> EmergencyAccess:
    """Ask for rights beyond one's role for some minutes. Nothing is given yet."""
    require(by, Permission.EMERGENCY_ASK)
    refuse(rules.why_not_ask_emergency(by=by))
    if problems := _problems(words, minutes, reason):
        raise BadInput(problems)
    access = EmergencyAccess.objects.create(
        organization_id=by.organization_id,
        asked_by=by,
        words=sorted(set(words)),
        minutes=minutes,
        reason=reason.strip(),
    )
    record(Event.EMERGENCY_ASKED, on=access, by=by, words=access.words, minutes=minutes, reason=access.reason)
    return access


@action
def agree(access: EmergencyAccess, *, by) -> EmergencyAccess:
    """Let it begin, now, for as long as was asked."""
    access = _locked(access, by)
    require(by, Permission.EMERGENCY_AGREE)
    refuse(rules.why_not_agree(access, by=by))
    access.agreed_by = by
    access.save(update_fields=["agreed_by"])  # the database writes the moments
    access = queries.emergencies(viewer=by).get(pk=access.pk)
    until = access.until.isoformat()
    record(Event.EMERGENCY_AGREED, on=access, by=by, words=access.words, until=until, of=personal(access.asked_by.user))
    return access


@action
def end(access: EmergencyAccess, *, by) -> EmergencyAccess:
    """End it before its time, or take the request back."""
    access = _locked(access, by)
    if access.asked_by_id != by.pk:
        require(by, Permission.EMERGENCY_AGREE)
    refuse(rules.why_not_end(access, by=by))
    access.ended_by, access.ended_at = by, timezone.now()
    access.save(update_fields=["ended_by", "ended_at"])
    record(Event.EMERGENCY_ENDED, on=access, by=by, of=personal(access.asked_by.user))
    return queries.emergencies(viewer=by).get(pk=access.pk)


@action
def review(access: EmergencyAccess, *, finding: str, by) -> EmergencyAccess:
    """Say afterwards whether it was needed, and whether what was done under it was right."""
    access = _locked(access, by)
    require(by, Permission.EMERGENCY_AGREE)
    refuse(rules.why_not_review_emergency(access, by=by))
    if not finding.strip():
        raise BadInput({"finding": "Say what you found."})
    late = access.state == "overdue"
    access.reviewed_by, access.reviewed_at, access.finding = by, timezone.now(), finding.strip()
    access.save(update_fields=["reviewed_by", "reviewed_at", "finding"])
    record(Event.EMERGENCY_REVIEWED, on=access, by=by, finding=access.finding, late=late)
    return queries.emergencies(viewer=by).get(pk=access.pk)


def _locked(access: EmergencyAccess, by) -> EmergencyAccess:
    EmergencyAccess.objects.select_for_update().get(pk=access.pk)
    return queries.emergencies(viewer=by).get(pk=access.pk)


def _problems(words: list[str], minutes: int, reason: str) -> dict[str, str]:
    problems = {}
    if not words or not set(words) <= {word.value for word in IN_EMERGENCY}:
        problems["words"] = "Choose from the rights that an emergency may give; signing is none of them."
    if not 1 <= minutes <= rules.EMERGENCY_MINUTES_MOST:
        problems["minutes"] = f"It lasts from 1 to {rules.EMERGENCY_MINUTES_MOST} minutes."
    if not reason.strip():
        problems["reason"] = "Say what happened."
    return problems
