"""The register, on behalf of a viewer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import (
    BooleanField,
    CharField,
    Count,
    DateTimeField,
    Exists,
    F,
    Func,
    JSONField,
    OuterRef,
    Q,
    Subquery,
)
from django.utils import timezone

from apps.approvals.models import Approval, Suspension
from apps.approvals.models import State as Asked
from apps.approvals.queries import STANDS
from apps.approvals.rules.case import listed
from apps.audits import holds
from apps.audits.events import REFUSALS
from apps.audits.models import LegalHold, Record
from apps.common.errors import NothingThere
from apps.deployments import queries as deployments
from apps.documents.models import Statement
from apps.incidents import rules
from apps.incidents.models import Confirmation, Entry, Incident, Notice, Purpose, Signature, Snapshot
from apps.models.models import ModelVersion
from apps.projects.models import Project

OVERDUE = Func(F("pk"), function="incidents_overdue", output_field=BooleanField())
NEXT_DUE = Func(F("pk"), function="incidents_next_due", output_field=DateTimeField())
STATES = ("overdue", "open", "serious", "closed")


def incidents(*, viewer, project=None):
    """Newest first; each with `.closed`, `.overdue`, `.next_due`, and of its newest entry `.severity`, `.aware_at` and
    `.serious`."""
    found = Incident.objects.filter(organization=viewer.organization_id)
    if project is not None:
        found = found.filter(project=project)
    newest = Entry.objects.filter(incident=OuterRef("pk")).order_by("-number")
    later = Entry.objects.filter(incident=OuterRef("incident"), number__gt=OuterRef("number"))
    closing = Signature.objects.filter(incident=OuterRef("pk"), purpose=Purpose.CLOSE)
    return (
        found.select_related("project__organization", "reported_by__user")
        .annotate(
            closed=Exists(closing),
            overdue=OVERDUE,
            next_due=NEXT_DUE,
            severity=Subquery(newest.values("severity")[:1], output_field=CharField()),
            aware_at=Subquery(newest.values("aware_at")[:1]),
            serious=Exists(newest.filter(~Exists(later), authority_due_at__isnull=False)),
        )
        .order_by("-pk")
    )


IN_STATE = {
    "overdue": Q(overdue=True),
    "open": Q(closed=False),
    "serious": Q(serious=True),
    "closed": Q(closed=True),
}


def in_state(rows, state: str):
    return rows.filter(IN_STATE[state]) if state in IN_STATE else rows


def counted(rows) -> dict[str, int]:
    """How many there are in each state."""
    each = {f"in_{name}": Count("pk", filter=q) for name, q in IN_STATE.items()}
    found = rows.order_by().aggregate(in_all=Count("pk"), **each)
    return {name.removeprefix("in_"): count for name, count in found.items()}


def versions(*, viewer, project=None):
    """Model versions that an incident may affect, newest first, retired ones too."""
    found = ModelVersion.objects.filter(organization=viewer.organization_id)
    if project is not None:
        found = found.filter(project=project)
    return found.select_related("model", "project__organization").order_by("-pk")


def named_versions(*, viewer, pks: Iterable[int], project=None) -> list[ModelVersion]:
    """Raises NothingThere where one of them is not there."""
    wanted = set(pks)
    found = list(versions(viewer=viewer, project=project).filter(pk__in=wanted))
    if len(found) < len(wanted):
        raise NothingThere({"model_versions": "There is no such model version in that project."})
    return found


def reported_alike(project: Project, title: str, facts: Mapping[str, Any], *, by) -> Incident | None:
    """What this person reported before in that project, in exactly these words and of the same moments."""
    asked = ("severity", "occurred_at", "aware_at", *rules.FLAGS)
    same = {name: facts[name] for name in asked} | {name: facts[name].strip() for name in rules.WORDS}
    first = Entry.objects.filter(number=1, by=by, incident__project=project, incident__title=title, **same)
    found = first.select_related("incident").first()
    return found.incident if found else None


def project_named(slug: str, *, viewer) -> Project:
    """Raises NothingThere."""
    mine = Project.objects.filter(organization=viewer.organization_id, slug=slug).select_related("organization")
    if (found := mine.first()) is None:
        raise NothingThere({"project": "There is no such project in this organization."})
    return found


@dataclass(frozen=True)
class Case:
    """An incident with everything that is kept of it, read at one moment."""

    incident: Incident
    entries: tuple[Entry, ...]  # oldest first
    clocks: tuple[rules.Clock, ...]
    notices: tuple[Notice, ...]  # oldest first
    signatures: tuple[Signature, ...]  # in the order in which they were given
    hold: LegalHold | None
    snapshots: tuple[Snapshot, ...]
    now: datetime

    @property
    def known(self) -> Entry:
        """What counts: the newest entry."""
        return self.entries[-1]

    @property
    def closing(self) -> Signature | None:
        return next((one for one in self.signatures if one.purpose == Purpose.CLOSE), None)

    @property
    def overdue(self) -> list[rules.Clock]:
        return [] if self.closing else [clock for clock in self.clocks if clock.overdue]

    @property
    def asking(self) -> Signature | None:
        return next((one for one in self.signatures if one.purpose == Purpose.ASK), None)

    @property
    def held(self) -> bool:
        return self.hold is not None and self.hold.released_at is None

    def clock(self, duty: str) -> rules.Clock | None:
        return next((clock for clock in self.clocks if clock.duty == duty), None)

    def before(self, duty: str) -> list[rules.Clock]:
        """The duties that are met before this one."""
        order = [*rules.ORDER]
        if duty not in order:
            return []
        return [clock for clock in self.clocks if clock.duty in order[: order.index(duty)]]

    @property
    def answer(self) -> str:
        """The first sentence of the page: is everything done that must be?"""
        if self.closing:
            return f"It is closed: {self.closing.printed_name} signed that it was understood, corrected and verified."
        if self.overdue:
            who = listed([clock.duty.label for clock in self.overdue])
            return f"No: the time to tell {who} is over, and nobody has said that it was done."
        if waiting := [clock for clock in self.clocks if clock.first is None]:
            first = min(waiting, key=lambda clock: clock.due_at)
            return (
                f"Not yet: {first.duty.label} must be told at once, at the latest {first.due_at:%-d %B %Y %H:%M} UTC."
            )
        if any(not clock.final for clock in self.clocks):
            return "Not yet: a final report is to follow the first."
        if self.held:
            return "Everybody was told; the evidence is still held."
        return "Everybody who must be told was told; it waits to be closed."


def case(incident: Incident) -> Case:
    """`incident` came from `incidents(viewer=)`."""
    now = timezone.now()
    entries = tuple(incident.entries.select_related("by__user").order_by("number"))
    notices = tuple(incident.notices.select_related("by__user").order_by("pk"))
    return Case(
        incident=incident,
        entries=entries,
        notices=notices,
        clocks=tuple(rules.clocks(entries[-1], notices, now)),
        signatures=tuple(incident.signatures.select_related("signer__user").order_by("pk")),
        hold=holds.of_incident(incident.organization_id, incident.pk),
        snapshots=tuple(Snapshot.objects.filter(entry__incident=incident).order_by("pk")),
        now=now,
    )


def affected(case: Case) -> list[ModelVersion]:
    """The model versions that it affects, by what is known now."""
    return list(versions(viewer=case.incident).filter(pk__in=case.known.versions))


def sign_offs(case: Case):
    """The sign-offs of what it affects that were completed and not revoked; each with `.stands` and `.held`."""
    held = Suspension.objects.filter(approval=OuterRef("pk"), resumed_at=None)
    found = Approval.objects.filter(model_version__in=case.known.versions, state=Asked.APPROVED)
    found = found.select_related("project__organization", "model_version__model").defer("dossier", "bound")
    return found.annotate(stands=STANDS, held=Exists(held)).order_by("pk")


def serving(case: Case):
    """The deployments of what it affects, stopped ones too."""
    return deployments.deployments(viewer=case.incident).filter(model_version__in=case.known.versions)


def assessment(incident: Incident) -> Statement | None:
    """The newest assessment of the risks of the project, or of a version, that stands."""
    mine = Statement.objects.filter(project=incident.project_id, kind="impact_assessment", subtype="risk")
    found = mine.filter(successor=None, withdrawn_at=None).order_by("-stated_at").first()
    return found if found and (found.ends_at is None or found.ends_at > timezone.now()) else None


def history(case: Case) -> list[Record]:
    """What the record remembers of it and of its hold, oldest first, but for downloads and refusals."""
    about = Q(on_type="incident", on_id=case.incident.pk)
    if case.hold:
        about |= Q(on_type="legalhold", on_id=case.hold.pk)
    mine = Record.objects.filter(about, organization_id=case.incident.organization_id)
    return list(mine.exclude(event__in=("incident.downloaded", *REFUSALS)).order_by("seq"))


def confirmations(*, viewer, project=None):
    """Newest first."""
    found = Confirmation.objects.filter(organization=viewer.organization_id)
    if project is not None:
        found = found.filter(project=project)
    return found.select_related("project__organization", "by__user").order_by("-pk")


def open_duties() -> list[tuple[int, str, datetime]]:
    """(incident, duty, due) of the tenant's duties that nobody has met, of incidents that are not closed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select i.id, d.duty, d.due_at from incidents_incident i cross join lateral incidents_duties(i.id) d"
            " where d.first_at is null and not incidents_closed(i.id) order by d.due_at, i.id"
        )
        return cursor.fetchall()


def suspensions(case: Case) -> list[Suspension]:
    """Of the sign-offs of what it affects, from when it happened on, oldest first."""
    found = Suspension.objects.filter(approval__model_version__in=case.known.versions)
    return list(found.filter(suspended_at__gte=case.known.occurred_at).order_by("pk"))


def confirmation_due(last: Confirmation | None) -> datetime | None:
    """By when somebody is to look through a project's register again; `last`: when somebody did."""
    return last.at + rules.CONFIRMED_EVERY if last else None


@dataclass(frozen=True)
class Register:
    """The register of one project, as evidence: what it holds, since when nobody looked, and what is overdue in it."""

    incidents: int
    digest: str  # of every entry, notice, signature and confirmation
    looked_at: datetime  # when somebody last confirmed it or wrote in it
    serious: bool  # whether one of its incidents is, by what is known now
    breach: bool  # likewise, of personal data
    overdue: tuple[int, str, datetime] | None  # (incident, duty, due) of the first

    @property
    def due_at(self) -> datetime:
        """By when somebody is to look again."""
        return self.looked_at + rules.CONFIRMED_EVERY


REGISTER = Func(F("pk"), function="incidents_register", output_field=JSONField())  # of a project


def register(told: dict | None) -> Register | None:
    """What REGISTER told; None where nobody has written in it or confirmed it."""
    if told is None:
        return None
    late = told["overdue"]
    return Register(
        **told
        | {
            "looked_at": datetime.fromisoformat(told["looked_at"]),
            "overdue": late and (late[0], late[1], datetime.fromisoformat(late[2])),
        }
    )
