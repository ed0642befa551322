"""Legal holds: while one is in force, nothing it covers is disposed of and nobody in it is erased.

The rule lies this deep so that every room can ask it: `why_not_dispose(organization_id, project_id)` before bytes or
rows go, `why_not_erase(organization_id)` before a person does."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.models import LegalHold
from apps.common.errors import ActionDenied, BadInput, NotPermitted

CHANGE = "hold.change"  # the word of permission; the table of roles lies above this room


def in_force(organization_id: int):
    """The holds that bind now, oldest first."""
    return LegalHold.objects.filter(organization_id=organization_id, released_at=None).order_by("pk")


def every(organization_id: int):
    """Also those that were released, newest first."""
    return LegalHold.objects.filter(organization_id=organization_id).order_by("-pk")


def why_not_erase(organization_id: int) -> str | None:
    """Against erasing a person: any hold in the organization may concern them."""
    return _why_not(in_force(organization_id), "nobody is erased")


def why_not_dispose(organization_id: int, project_id: int | None) -> str | None:
    """Against disposing of what belongs to a project; with None, of what belongs to the organization alone."""
    return why_not_dispose_under(in_force(organization_id), project_id)


def why_not_dispose_under(holds: Iterable[LegalHold], project_id: int | None) -> str | None:
    """The same, for holds that were fetched already. What belongs to no project is covered by every hold."""
    return _why_not((h for h in holds if None in (h.project_id, project_id) or h.project_id == project_id),
                    "nothing is disposed of")  # fmt: skip


def why_not_change(*, by) -> str | None:
    return None if by.may(CHANGE) else f"Placing and releasing legal holds needs the right “{CHANGE}”."


def why_not_release(hold: LegalHold, *, by) -> str | None:
    if reason := why_not_change(by=by):
        return reason
    if hold.released_at:
        return "It was released already."
    if hold.asked_by_id == by.user_id:
        return "You asked for its release; a second person grants it."
    return None


@transaction.atomic
def place(on, *, reason: str, by) -> LegalHold:
    """Hold everything of `on`: a project, or the organization."""
    _refuse(why_not_change(by=by))
    project = getattr(on, "project", None)
    hold = LegalHold.objects.create(
        organization_id=by.organization_id,
        project_id=project and project.pk,
        reason=_reason(reason),
        placed_by_id=by.user_id,
    )
    _remember(Event.HOLD_PLACED, hold, by, project, reason=hold.reason, covers=str(on))
    return hold


@transaction.atomic
def release(hold: LegalHold, *, reason: str = "", by, project=None) -> LegalHold:
    """The first person asks, with a reason; the second grants it. Until then the hold binds."""
    _refuse(why_not_change(by=by))
    hold = LegalHold.objects.select_for_update().get(pk=hold.pk, organization_id=by.organization_id)
    if objection := why_not_release(hold, by=by):
        raise ActionDenied(objection)
    if hold.asked_by_id is None:
        hold.asked_by_id, hold.asked_at, hold.asked_reason = by.user_id, timezone.now(), _reason(reason)
        hold.save(update_fields=["asked_by_id", "asked_at", "asked_reason"])
        _remember(Event.HOLD_RELEASE_ASKED, hold, by, project, reason=hold.asked_reason)
        return hold
    hold.released_by_id, hold.released_at = by.user_id, timezone.now()
    hold.save(update_fields=["released_by_id", "released_at"])
    _remember(Event.HOLD_RELEASED, hold, by, project, reason=hold.asked_reason)
    return hold


def _why_not(holds: Iterable[LegalHold], consequence: str) -> str | None:
    found = next(iter(holds), None)
    if found is None:
        return None
    return f"A legal hold of {found.placed_at:%-d %B %Y} is in force ({found.reason}): {consequence}."


def _remember(event: Event, hold: LegalHold, by, project, **facts) -> None:
    hold.project = project
    record(event, on=hold, by=by, **facts)


def _reason(text: str) -> str:
    if not text.strip():
        raise BadInput({"reason": "Say why: it stands in the record."})
    return text.strip()


def _refuse(reason: str | None) -> None:
    if reason:
        raise NotPermitted(reason)
