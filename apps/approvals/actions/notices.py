"""What happens to sign-offs by itself, told to the record: once each, by whichever worker sees it first."""

from collections.abc import Iterator
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from apps.accounts.models import Membership
from apps.approvals import queries
from apps.approvals.actions.approvals import lapse
from apps.approvals.models import CONDITIONAL, Approval, Notice, State, Suspension
from apps.approvals.queries import STANDS
from apps.audits.actions import personal, record
from apps.audits.events import Event
from apps.common.tenancy import as_organization, organization_ids

WARNED = (90, 30, 7)  # days before the end of a sign-off
MOST = 100  # sign-offs looked at in one round of one organization


def notice() -> int:
    """One round over all organizations. Returns how many things were told."""
    told = 0
    for organization_id in organization_ids():
        with as_organization(organization_id):
            told += sum(1 for _ in _of_organization(organization_id))
    return told


def _of_organization(organization_id: int) -> Iterator[None]:
    mine = Approval.objects.filter(organization_id=organization_id).select_for_update(skip_locked=True, of=("self",))
    mine = mine.select_related("project__organization", "model_version__model", "policy_version__policy")
    for approval in mine.filter(state=State.OPEN, policy_version__body__has_key="deadline_days")[:MOST]:
        yield from _deadline(approval)
    held = Suspension.objects.filter(approval=OuterRef("pk"), resumed_at=None)
    approved = mine.filter(state=State.APPROVED).exclude(notices__kind="stale").exclude(Exists(held))
    for approval in approved.filter(signatures__meaning=CONDITIONAL)[:MOST]:
        yield from _unmet(approval)
    for approval in approved.filter(valid_until__lte=timezone.now() + timedelta(days=max(WARNED)))[:MOST]:
        yield from _ending(approval)
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


def _ending(approval: Approval) -> Iterator[None]:
    """Its end is near: told once for each of the days in `WARNED`, the nearest that fits."""
    assert approval.valid_until, "an approved one has its end"
    left = approval.valid_until - timezone.now()
    days = min(days for days in WARNED if left <= timedelta(days=days))
    if left > timedelta(0) and _first(approval, f"ends in {days} days"):
        record(Event.APPROVAL_ENDING, on=approval, by=None, valid_until=approval.valid_until.isoformat(), days=days)
        yield


def _fallen(approval: Approval) -> Iterator[None]:
    case = queries.case(approval)
    if not case.stands and _first(approval, "stale"):
        record(
            Event.APPROVAL_STALE, on=approval, by=None, dossier=approval.dossier_digest, reason=" ".join(case.reasons)
        )
        yield


def _unmet(approval: Approval) -> Iterator[None]:
    for condition in queries.case(approval).conditions:
        kind = f"{condition.number} of {condition.signature.pk}"
        if condition.overdue and _first(approval, kind):
            facts = {"condition": condition.text, "consequence": condition.consequence}
            record(Event.APPROVAL_UNMET, on=approval, by=None, **facts, owner=_owner(condition))
            yield


def _owner(condition):
    """Who answers for it, as a word that can be erased; the portal checks a figure itself."""
    return personal(Membership.objects.select_related("user").get(pk=condition.owner)) if condition.owner else "portal"


def _first(approval: Approval, kind: str) -> bool:
    """Whether this was not told before; says that it is now."""
    try:
        with transaction.atomic():
            Notice.objects.create(organization_id=approval.organization_id, approval=approval, kind=kind)
    except IntegrityError:
        return False
    return True
