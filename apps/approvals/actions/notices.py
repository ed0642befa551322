"""What happens to sign-offs and waivers by itself, told to the record: once each, by whichever worker sees it first."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from apps.accounts.models import Membership
from apps.approvals import queries, rules
from apps.approvals.actions.approvals import lapse
from apps.approvals.models import CONDITIONAL, Approval, Notice, State, Suspension, Waiver, WaiverState
from apps.approvals.queries import STANDS
from apps.audits.actions import is_told, personal, record
from apps.audits.events import Event
from apps.audits.models import Record
from apps.common.tenancy import as_organization, organization_ids

WARNED = (90, 30, 7)  # days before the end of a sign-off
SOONER = (
    30,
    7,
)  # days before that of a waiver, and before a condition is due: neither lasts much longer than the first
MOST = 100  # of each kind that are looked at in one round of one organization


def notice() -> int:
    """One round over all organizations. Returns how many things were told."""
    told = 0
    for organization_id in organization_ids():
        with as_organization(organization_id):
            told += sum(1 for _ in _of_organization(organization_id))
    return told


def _of_organization(organization_id: int) -> Iterator[None]:
    mine = Approval.objects.filter(organization_id=organization_id).select_for_update(skip_locked=True, of=("self",))
    mine = mine.select_related(
        "project__organization", "project__owner__user", "model_version__model", "policy_version__policy"
    )
    for approval in mine.filter(state=State.OPEN, policy_version__body__has_key="deadline_days")[:MOST]:
        yield from _deadline(approval)
    held = Suspension.objects.filter(approval=OuterRef("pk"), resumed_at=None)
    approved = mine.filter(state=State.APPROVED).exclude(notices__kind="stale").exclude(Exists(held))
    for approval in approved.filter(signatures__meaning=CONDITIONAL)[:MOST]:
        yield from _unmet(approval)
    for days, near in _near("valid_until", WARNED).items():
        for approval in approved.filter(near).exclude(notices__kind=f"ends in {days} days")[:MOST]:
            yield from _ending(approval, days)
    left = approved.filter(project__owner__is_active=False).exclude(notices__kind="owner left")
    for approval in left.annotate(stands=STANDS).filter(stands=True)[:MOST]:
        yield from _ownerless(approval)
    yield from _waivers(organization_id)
    broken = mine.filter(state=State.APPROVED, breaches__isnull=False).exclude(notices__kind="broken")
    for approval in mine.filter(pk__in=broken.values("pk")[:MOST]):
        yield from _broken(approval)
    for approval in approved.annotate(stands=STANDS).filter(stands=False)[:MOST]:
        yield from _fallen(approval)


def _deadline(approval: Approval) -> Iterator[None]:
    body = approval.policy_version.body
    if approval.requested_at + timedelta(days=body["deadline_days"]) >= timezone.now():
        return
    if body.get("on_deadline") == "return":
        lapse(approval)
        yield
    elif _first(approval, "overdue"):
        record(Event.APPROVAL_OVERDUE, on=approval, by=None, days=body["deadline_days"])
        yield


def _near(end: str, warned: tuple[int, ...]) -> dict[int, Q]:
    """Days -> what ends within so many, and not within fewer that are warned of too."""
    now = timezone.now()
    sooner = {days: max((less for less in warned if less < days), default=0) for days in warned}
    return {
        days: Q(**{f"{end}__gt": now + timedelta(days=less), f"{end}__lte": now + timedelta(days=days)})
        for days, less in sooner.items()
    }


def _ending(approval: Approval, days: int) -> Iterator[None]:
    """Its end is near: told once for each of the days in `WARNED`, the nearest that fits."""
    assert approval.valid_until, "an approved one has its end"
    if _first(approval, f"ends in {days} days"):
        record(Event.APPROVAL_ENDING, on=approval, by=None, valid_until=approval.valid_until.isoformat(), days=days)
        yield


def _waivers(organization_id: int) -> Iterator[None]:
    """Approved ones whose end is near, and those that ended and that nobody closed."""
    mine = Waiver.objects.filter(organization_id=organization_id, state=WaiverState.APPROVED)
    mine = mine.select_for_update(skip_locked=True, of=("self",)).select_related("project__organization", "owner__user")
    told = Record.objects.filter(organization_id=organization_id, on_type="waiver", on_id=OuterRef("pk"))
    for days, near in _near("ends_at", SOONER).items():
        warned = told.filter(event=Event.WAIVER_ENDING, facts__days=days)
        for waiver in mine.filter(near).exclude(Exists(warned))[:MOST]:
            yield from _told(Event.WAIVER_ENDING, waiver, until=waiver.ends_at.isoformat(), days=days)
    over = mine.filter(ends_at__lte=timezone.now()).exclude(Exists(told.filter(event=Event.WAIVER_EXPIRED)))
    for waiver in over[:MOST]:
        yield from _told(Event.WAIVER_EXPIRED, waiver, until=waiver.ends_at.isoformat())


def _told(event: Event, waiver: Waiver, **facts) -> Iterator[None]:
    """Asked once more with the row held: another worker may have told it since this one began to look."""
    if not is_told(event, on=waiver, **facts):
        record(event, on=waiver, by=None, **facts, owner=personal(waiver.owner.user))
        yield


def _ownerless(approval: Approval) -> Iterator[None]:
    """Nobody answers for its project any more: it is told, and none is asked for until somebody else does."""
    if _first(approval, "owner left"):
        record(Event.APPROVAL_OWNERLESS, on=approval, by=None, owner=personal(approval.project.owner.user))
        yield


def _broken(approval: Approval) -> Iterator[None]:
    """What is out of bounds in operation, rule by rule; told even where the sign-off had fallen for another reason."""
    found, policy = queries.breaches(approval), approval.policy_version.parsed
    if found and _first(approval, "broken"):
        for breach in found:
            facts = {"rule": breach.place, "of": breach.of, "figure": breach.figure, "report": breach.report.digest}
            record(Event.APPROVAL_BROKEN, on=approval, by=None, **facts, reason=rules.broken(breach, policy))
        yield


def _fallen(approval: Approval) -> Iterator[None]:
    case = queries.case(approval)
    if not case.stands and _first(approval, "stale"):
        record(
            Event.APPROVAL_STALE, on=approval, by=None, dossier=approval.dossier_digest, reason=" ".join(case.reasons)
        )
        yield


def _unmet(approval: Approval) -> Iterator[None]:
    """Its conditions whose day is near, and those whose day passed unmet."""
    for condition in queries.case(approval).conditions:
        kind = f"{condition.number} of {condition.signature.pk}"
        facts: dict[str, Any] = {"condition": condition.text}
        left = condition.due_at - timezone.now()
        days = min((days for days in SOONER if left <= timedelta(days=days)), default=None)
        if condition.overdue and _first(approval, kind):
            told = facts | {"consequence": condition.consequence}
            record(Event.APPROVAL_UNMET, on=approval, by=None, **told, owner=_owner(condition))
            yield
        elif days and left > timedelta(0) and not condition.met and _first(approval, f"{days}: {kind}"):
            told = facts | {"due_at": condition.due_at.isoformat(), "days": days}
            record(Event.APPROVAL_DUE, on=approval, by=None, **told, owner=_owner(condition))
            yield


def _owner(condition):
    """Who answers for it, as a word that can be erased; the portal checks a figure itself."""
    if condition.owner is None:
        return "portal"
    return personal(Membership.objects.select_related("user").get(pk=condition.owner).user)


def _first(approval: Approval, kind: str) -> bool:
    """Whether this was not told before; says that it is now."""
    try:
        with transaction.atomic():
            Notice.objects.create(organization_id=approval.organization_id, approval=approval, kind=kind)
    except IntegrityError:
        return False
    return True
