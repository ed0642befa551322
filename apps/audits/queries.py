"""Reading the record: searched by person, thing, verb, project and time, newest first by number."""

import datetime as dt
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count, Max, OuterRef, Q, Subquery, TextField, Value
from django.db.models.expressions import RawSQL
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce

from apps.audits import events, proofs, tree
from apps.audits.events import Event
from apps.audits.models import ERASED, Attestation, Checkpoint, Delivery, Opening, Record, SigningKey, Witness

PORTAL = 0  # the `person` that stands for the portal itself

# From the highest person's number down, one step of the index for each: as quick with a million records as with ten.
PEOPLE = """
with recursive people as (
    (select by_id, names ->> 'by' as word from audits_record where organization_id = %(organization)s
        and by_id is not null order by by_id desc, seq desc limit 1)
    union all
    select found.by_id, found.word from people cross join lateral
           (select by_id, names ->> 'by' as word from audits_record where organization_id = %(organization)s
               and by_id < people.by_id order by by_id desc, seq desc limit 1) found)
select by_id, coalesce(text, %(erased)s) as name from people
  left join audits_opening o on o.organization_id = %(organization)s and o.commitment = word order by name, by_id
"""


def records(
    *,
    viewer,
    person: int | None = None,
    verb: str = "",
    thing: str = "",
    on: tuple[str, int] | None = None,
    project: str = "",
    outcome: str = "",
    request: str = "",
    since: dt.date | None = None,
    until: dt.date | None = None,
):
    """The organization's records that fit every filter given.

    `person`: a person's id, or PORTAL; `verb`: an event; `thing`: part of a thing's name; `on`: kind and id of one
    thing; `project`: a slug; `outcome`: one of events.OUTCOMES; `request`: the identifier of a request; `since` and
    `until`: days in UTC, both included."""
    found = Record.objects.filter(organization_id=viewer.organization_id)
    if person is not None:
        found = found.filter(by_id=person) if person != PORTAL else found.filter(by_id=None)
    if on:
        found = found.filter(on_type=on[0], on_id=on[1])
    if thing:
        called = Opening.objects.filter(organization_id=viewer.organization_id, text__icontains=thing)
        found = found.alias(word=KT("names__on")).filter(
            Q(thing__icontains=thing) | Q(word__in=called.values("commitment"))
        )
    if outcome:
        found = found.filter(event__in=events.with_outcome(outcome))
    if request:
        found = found.alias(asked=KT("origin__request")).filter(origin__has_key="request", asked=request)
    exact: dict[str, object] = {"event": verb, "project": project}
    exact |= {"at__gte": since and _at(since, dt.time.min), "at__lte": until and _at(until, dt.time.max)}
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
        cursor.execute(PEOPLE, {"organization": viewer.organization_id, "erased": ERASED})
        return cursor.fetchall()


def newest(*, viewer) -> int:
    """The number of the latest record."""
    return records(viewer=viewer).order_by("-seq").values_list("seq", flat=True).first() or 0


def last_verification(*, viewer) -> Record | None:
    return records(viewer=viewer, verb=Event.RECORD_VERIFIED).order_by("-seq").first()


def checkpoints(*, viewer):
    """Those of the organization, newest first by number."""
    return Checkpoint.objects.filter(organization_id=viewer.organization_id)


def witnesses(*, viewer):
    """Newest first, each with how many checkpoints it has, how many wait, and the last try that failed."""
    arrived, waiting = Q(deliveries__delivered_at__isnull=False), Q(deliveries__delivered_at=None)
    failed = Delivery.objects.filter(witness=OuterRef("pk"), delivered_at=None).exclude(problem="")
    return Witness.objects.filter(organization_id=viewer.organization_id).annotate(
        arrived=Count("deliveries", filter=arrived),
        waiting=Count("deliveries", filter=waiting & Q(deliveries__pk__isnull=False)),
        last_at=Max("deliveries__delivered_at"),
        last_size=Max("deliveries__checkpoint__size", filter=arrived),
        problem=Coalesce(
            Subquery(failed.order_by("-next_at").values("problem")[:1]), Value(""), output_field=TextField()
        ),
    )


def signing_keys(*, viewer):
    """Every key the portal signs or signed with in the organization's name, newest first."""
    return SigningKey.objects.filter(organization_id=viewer.organization_id).order_by("-number")


@dataclass(frozen=True)
class Inclusion:
    """That record `seq` is in the tree over the first `size`. `path`: hashes from the leaf up, hex."""

    seq: int
    size: int
    leaf_hash: str
    path: list[str]
    root: str
    checkpoint: Checkpoint | None

    @property
    def steps(self) -> list[tuple[str, str]]:
        """The path with the side each hash stands on."""
        spans = tree.inclusion(self.seq - 1, self.size)
        sides = ["left" if first < self.seq - 1 else "right" for first, _ in spans]
        return list(zip(sides, self.path, strict=True))


def inclusion(record: Record, *, size: int | None = None) -> Inclusion:
    """The proof for the tree of `size`; of the smallest checkpoint that covers it, or of all, if none is named.

    Raises BadInput."""
    mine, seq = record.organization_id, record.seq
    over = Checkpoint.objects.filter(organization_id=mine, **({"size": size} if size else {"size__gte": seq}))
    checkpoint = over.order_by("size").first()
    size = size or (checkpoint.size if checkpoint else proofs.size(mine))
    path = [hash.hex() for hash in proofs.inclusion(mine, seq, size)]
    return Inclusion(seq, size, record.digest_hex, path, proofs.root(mine, size).hex(), checkpoint)


def consistency(*, viewer, old: int, new: int | None = None) -> dict:
    """That the tree over the first `new` records, or all, begins with the one over the first `old`. Raises BadInput."""
    mine = viewer.organization_id
    new = proofs.size(mine) if new is None else new
    path = [hash.hex() for hash in proofs.consistency(mine, old, new)]
    roots = {"old_root": proofs.root(mine, old).hex(), "new_root": proofs.root(mine, new).hex()}
    return {"old": old, "new": new, "path": path, **roots}


def _at(day: dt.date, time: dt.time) -> dt.datetime:
    return dt.datetime.combine(day, time, dt.UTC)


def attestations(*, viewer):
    """The trials of the walls that this organization asked for."""
    return Attestation.objects.filter(organization_id=viewer.organization_id).select_related(
        "organization", "started_by__user"
    )
