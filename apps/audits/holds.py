"""Legal holds: while one is in force, nothing it covers is disposed of and nobody in it is erased.

The rule lies this deep so that every room can ask it: `why_not_dispose(organization_id, project_id)` before bytes or
rows go, `why_not_erase(organization_id)` before a person does. An *evidence hold* is one that a serious incident put:
`why_not_alter(organization_id, versions)` before anything is trained, retired or served in place of what it keeps."""

from collections.abc import Iterable

from django.utils import timezone

from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.models import LegalHold
from apps.audits.refusals import action
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


def of_incident(organization_id: int, incident_id: int) -> LegalHold | None:
    """The evidence hold of an incident, released or not."""
    return LegalHold.objects.filter(organization_id=organization_id, incident_id=incident_id).first()


def why_not_alter(organization_id: int, versions: Iterable[int]) -> str | None:
    """Against altering what any of these model versions is evidence of. Taking it out of service is not altering it."""
    found = in_force(organization_id).filter(versions__overlap=list(versions)).first()
    if found is None:
        return None
    since = f"{found.placed_at:%-d %B %Y}"
    return (
        f"Incident {found.incident_id} keeps it as evidence since {since}: it may be taken out of service, and is not"
        " altered until two people have signed the release."
    )


def why_not_change(*, by) -> str | None:
    return None if by.may(CHANGE) else f"Placing and releasing legal holds needs the right “{CHANGE}”."


def why_not_release(hold: LegalHold, *, by) -> str | None:
    if reason := why_not_change(by=by):
        return reason
    if hold.released_at:
        return "It was released already."
    if hold.incident_id:
        return f"It keeps the evidence of incident {hold.incident_id}: two people sign its release there."
    if hold.asked_by_id == by.user_id:
        return "You asked for its release; a second person grants it."
    return None


@action
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


@action
def release(hold: LegalHold, *, reason: str = "", by, project=None) -> LegalHold:
    """The first person asks, with a reason; the second grants it. Until then the hold binds."""
    _refuse(why_not_change(by=by))
    hold = LegalHold.objects.select_for_update().get(pk=hold.pk, organization_id=by.organization_id)
    if objection := why_not_release(hold, by=by):
        raise ActionDenied(objection)
    return _released(hold, reason, by, project)


# --- evidence holds: put and released by the room of incidents, inside its transaction and after its own judgement ----


def keep_evidence(incident, versions: list[int], *, reason: str, by) -> LegalHold:
    """Hold the project of a serious incident and the model versions it affects; or reach further, to more of them."""
    hold = of_incident(incident.organization_id, incident.pk)
    if hold is None:
        hold = LegalHold.objects.create(
            organization_id=incident.organization_id, project_id=incident.project_id, incident_id=incident.pk,
            versions=sorted(versions), reason=reason, placed_by_id=by.user_id,
        )  # fmt: skip
        _remember(Event.HOLD_PLACED, hold, by, incident.project, incident=incident.pk, reason=reason,
                  versions=hold.versions, covers=str(incident.project))  # fmt: skip
    elif hold.released_at is None and set(versions) - set(hold.versions):
        hold.versions = sorted({*hold.versions, *versions})
        hold.save(update_fields=["versions"])
        _remember(Event.HOLD_EXTENDED, hold, by, incident.project, incident=incident.pk, versions=hold.versions)
    return hold


def release_evidence(incident, *, reason: str, by) -> LegalHold:
    """The first to sign asks for it, the second grants it; the database asks for both signatures."""
    hold = LegalHold.objects.select_for_update().get(
        organization_id=incident.organization_id, incident_id=incident.pk
    )  # fmt: skip
    return _released(hold, reason, by, incident.project, incident=incident.pk)


def _released(hold: LegalHold, reason: str, by, project, **facts) -> LegalHold:
    if hold.asked_by_id is None:
        hold.asked_by_id, hold.asked_at, hold.asked_reason = by.user_id, timezone.now(), _reason(reason)
        hold.save(update_fields=["asked_by_id", "asked_at", "asked_reason"])
        _remember(Event.HOLD_RELEASE_ASKED, hold, by, project, reason=hold.asked_reason, **facts)
        return hold
    hold.released_by_id, hold.released_at = by.user_id, timezone.now()
    hold.save(update_fields=["released_by_id", "released_at"])
    _remember(Event.HOLD_RELEASED, hold, by, project, reason=hold.asked_reason, **facts)
    return hold


def _why_not(holds: Iterable[LegalHold], consequence: str) -> str | None:
    found = next(iter(holds), None)
    if found is None:
        return None
    kind = "An evidence hold" if found.incident_id else "A legal hold"
    return f"{kind} of {found.placed_at:%-d %B %Y} is in force ({found.reason}): {consequence}."


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
