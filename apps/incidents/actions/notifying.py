"""Say that somebody who must be told was told; and tell the record, by itself, which duties are near or overdue."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.permissions import Permission, require
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.refusals import action
from apps.common.errors import BadInput, database_refusals, refuse
from apps.common.tenancy import as_organization, organization_ids
from apps.incidents import queries, rules
from apps.incidents.actions.reporting import one_at_a_time
from apps.incidents.models import Incident, Notice, Reminder

WARNED = (72, 24, 4)  # hours before a duty's time


@action
def notify(
    incident: Incident, *, duty: str, stage: str, who: str, how: str, told_at: datetime, reference: str = "",
    note: str = "", by,
) -> Notice:  # fmt: skip
    """Keep that a duty was met: who was told, through what, when, under which reference. Raises BadInput.

    A final report follows the incomplete ones before it; the portal sends nothing itself."""
    require(by, Permission.INCIDENT_REPORT)
    one_at_a_time(incident.project)
    case = queries.case(incident)
    clock = case.clock(duty)
    refuse(rules.why_not_notify(clock, case.before(duty), case.closing, by=by))
    assert clock, "without a duty, the rule refused"
    found = rules.notice_problems(
        clock, stage, told_at=told_at, who=who, note=note, risk_class=incident.project.risk_class,
        aware_at=case.known.aware_at, now=case.now,
    )  # fmt: skip
    if not how.strip():
        found["how"] = "Say through what, and where the proof of it is."
    if found:
        raise BadInput(found)
    said = {"stage": stage, "who": who.strip(), "how": how.strip(), "reference": reference.strip(), "told_at": told_at}
    refuse(rules.why_not_told_twice(clock, said))
    with database_refusals():
        made = Notice.objects.create(
            organization_id=incident.organization_id,
            incident=incident,
            duty=duty,
            note=note.strip(),
            follows=clock.notices[-1] if clock.notices else None,
            by=by,
            **said,
        )
    told = {"duty": duty, "stage": stage, "reference": made.reference, "told_at": told_at.isoformat()}
    record(Event.INCIDENT_NOTIFIED, on=incident, by=by, notice=made.pk, **told, due_at=clock.due_at.isoformat())
    return made


def remind() -> int:
    """One round over all organizations. Returns how many things were told."""
    told = 0
    for organization_id in organization_ids():
        with as_organization(organization_id):
            told += of_organization(timezone.now())
    return told


def of_organization(now: datetime) -> int:
    """The tenant's duties that nobody has met: told once when they are near, once for each of `WARNED`, and once when
    their time is over."""
    near = [row for row in queries.open_duties() if row[2] - now <= timedelta(hours=max(WARNED))]
    incidents = Incident.objects.select_related("project__organization").in_bulk({pk for pk, *_ in near})
    known = set(Reminder.objects.filter(incident__in=incidents).values_list("incident", "kind"))
    told = 0
    for pk, duty, due_at in near:
        kind, event = _kind(duty, due_at - now)
        if (pk, kind) not in known:
            told += _told(incidents[pk], kind, event, duty=duty, due_at=due_at.isoformat())
    return told


def _kind(duty: str, left: timedelta) -> tuple[str, Event]:
    if left <= timedelta(0):
        return f"{duty} overdue", Event.INCIDENT_OVERDUE
    hours = min(hours for hours in WARNED if left <= timedelta(hours=hours))
    return f"{duty} in {hours} hours", Event.INCIDENT_DUE


def _told(incident: Incident, kind: str, event: Event, **facts) -> bool:
    """Whether the record was told of it now; another worker may have been quicker."""
    try:
        with transaction.atomic():
            Reminder.objects.create(organization_id=incident.organization_id, incident=incident, kind=kind)
    except IntegrityError:
        return False
    record(event, on=incident, by=None, **facts)
    return True
