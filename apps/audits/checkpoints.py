"""Checkpoints: the root of an organization's tree under its signature, to be kept where this portal cannot reach.

Whoever keeps one can tell, on any later day, that nothing up to its size was changed, cut off or exchanged."""

from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection, transaction

from apps.audits import keys, notes, proofs
from apps.audits.models import Checkpoint, Delivery, Witness
from apps.common.errors import BadInput


@transaction.atomic
def make(organization_id: int) -> Checkpoint:
    """The checkpoint of the record as this transaction sees it; the same one again where nothing was added since.

    Needs the tenant to be set. It belongs to the transaction: a rollback leaves none."""
    size = proofs.size(organization_id)
    if known := Checkpoint.objects.filter(organization_id=organization_id, size=size).first():
        return known
    key = keys.in_use(organization_id).key
    size = proofs.size(organization_id)  # the first key is a record of its own
    said = notes.Checkpoint(origin(organization_id), size, proofs.root(organization_id, size))
    made = Checkpoint(organization_id=organization_id, size=size, root=said.root, note=notes.signed(said, key))
    Checkpoint.objects.bulk_create([made], ignore_conflicts=True)  # another may be making the same one
    made = Checkpoint.objects.get(organization_id=organization_id, size=size)
    _hand_over(made)
    return made


def _hand_over(made: Checkpoint) -> None:
    """To every witness; `witnesses.deliver` carries it out, after the transaction."""
    live = Witness.objects.filter(organization_id=made.organization_id, ended_at=None)
    Delivery.objects.bulk_create(
        (Delivery(organization_id=made.organization_id, witness=witness, checkpoint=made) for witness in live),
        ignore_conflicts=True,
    )


def latest(organization_id: int) -> Checkpoint | None:
    return Checkpoint.objects.filter(organization_id=organization_id).order_by("-size").first()


def kept(organization_id: int, note: str) -> list[notes.Checkpoint]:
    """A checkpoint that somebody kept, as what the record is to be compared with; none for no text. Raises BadInput."""
    if not note.strip():
        return []
    said, is_signed = read(organization_id, note)
    if said.origin != (mine := origin(organization_id)):
        raise BadInput({"checkpoint": f"This is a checkpoint of {said.origin}; this record is {mine}."})
    if not is_signed:
        raise BadInput({"checkpoint": "No key of this organization signed this checkpoint."})
    return [said]


def read(organization_id: int, note: str) -> tuple[notes.Checkpoint, bool]:
    """What a note says, and whether a key of this organization signed it. Raises BadInput."""
    note = note.strip().replace("\r\n", "\n") + "\n"
    try:
        said = notes.read(note)
        return said, any(notes.signed_by(note, public) for public in keys.trusted(organization_id).values())
    except notes.NoNote as error:
        raise BadInput({"checkpoint": str(error)}) from error


def origin(organization_id: int) -> str:
    """The log's name: this portal's host and the organization's address, such as portal.example/acme."""
    with connection.cursor() as cursor:
        cursor.execute("select slug from accounts_organization where id = %s", [organization_id])
        return f"{portal()}/{cursor.fetchone()[0]}"


def portal() -> str:
    """The name under which this portal's checkpoints go."""
    return urlsplit(settings.URL).netloc
