"""Reading the record: searched by person, thing, verb, project and time, newest first by number."""

import datetime as dt

from django.db import connection
from django.db.models.expressions import RawSQL

from apps.audits.events import Event
from apps.audits.models import Record

PORTAL = 0  # the `person` that stands for the portal itself

# From the highest person's number down, one step of the index for each: as quick with a million records as with ten.
PEOPLE = """
with recursive people as (
    (select by_id, by_name from audits_record where organization_id = %(organization)s and by_id is not null
      order by by_id desc, seq desc limit 1)
    union all
    select found.by_id, found.by_name from people cross join lateral
           (select by_id, by_name from audits_record where organization_id = %(organization)s and by_id < people.by_id
             order by by_id desc, seq desc limit 1) found)
select by_id, by_name from people order by by_name
"""


def records(
    *,
    viewer,
    person: int | None = None,
    verb: str = "",
    thing: str = "",
    on: tuple[str, int] | None = None,
    project: str = "",
    since: dt.date | None = None,
    until: dt.date | None = None,
):
    """The organization's records that fit every filter given.

    `person`: a person's id, or PORTAL; `verb`: an event; `thing`: part of a thing's name; `on`: kind and id of one
    thing; `project`: a slug; `since` and `until`: days in UTC, both included."""
    found = Record.objects.filter(organization_id=viewer.organization_id)
    if person is not None:
        found = found.filter(by_id=person) if person != PORTAL else found.filter(by_id=None)
    if on:
        found = found.filter(on_type=on[0], on_id=on[1])
    exact: dict[str, object] = {"event": verb, "project": project, "on_name__icontains": thing}
    exact |= {"at__gte": since and _midnight(since), "at__lt": until and _midnight(until + dt.timedelta(days=1))}
    return found.filter(**{name: value for name, value in exact.items() if value})


def record(*, viewer, seq: int):
    """One record, by its number in the organization, with its `leaf`; as a queryset."""
    leaf = RawSQL("audits_leaf(audits_record)", [])
    return records(viewer=viewer).filter(seq=seq).annotate(leaf=leaf)


def history(*, viewer, on):
    """What happened to one row of any room."""
    return records(viewer=viewer, on=(on._meta.model_name, on.pk))


def people(*, viewer) -> list[tuple[int, str]]:
    """Everybody who ever did something here: (id, latest name)."""
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE, {"organization": viewer.organization_id})
        return cursor.fetchall()


def newest(*, viewer) -> int:
    """The number of the latest record."""
    return records(viewer=viewer).order_by("-seq").values_list("seq", flat=True).first() or 0


def last_verification(*, viewer) -> Record | None:
    return records(viewer=viewer, verb=Event.RECORD_VERIFIED).order_by("-seq").first()


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.min, dt.UTC)
