"""Recompute the chain of an organization's records, and name the first one that is wrong.

PostgreSQL sends each record's leaf, made anew from its columns; the digests are computed here. Rows stream through
one COPY, so that memory stays the same for any number of records."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, transaction

GENESIS = bytes(32)
LINKS = """
copy (select seq, previous, digest, convert_to(audits_leaf(r), 'UTF8')
        from audits_record r where organization_id = %s order by seq) to stdout with (format binary)
"""


@dataclass(frozen=True)
class Head:
    """One record's number and digest (hex), as somebody wrote them down."""

    seq: int
    digest: str


@dataclass(frozen=True)
class Verification:
    """`count` records hold; the last of them is `head`. `wrong` is the first that does not, `problem` says why."""

    count: int
    head: Head
    wrong: int | None = None
    problem: str = ""

    @property
    def intact(self) -> bool:
        return not self.problem

    def facts(self) -> dict:
        return {
            "intact": self.intact,
            "records": self.count,
            "head": self.head.digest,
            **({"wrong": self.wrong, "problem": self.problem} if self.problem else {}),
        }


def verify(organization_id: int, *, known: Head | None = None) -> Verification:
    """Recompute every leaf and every link, up to the first that is wrong.

    `known` is a head from an earlier day: a chain whose end was cut off is whole in itself, and only such a head,
    kept elsewhere, tells. Needs the tenant to be set, and one transaction, which is its snapshot."""
    count, before, sha256 = 0, GENESIS, hashlib.sha256
    for seq, previous, digest, leaf in _links(organization_id):
        if seq != count + 1 or previous != before or sha256(before + leaf).digest() != digest:
            return Verification(count, _head(count, before), count + 1, _why(count, before, seq, previous))
        count, before = seq, digest
        if known and known.seq == seq and known.digest != digest.hex():
            sentence = f"Record {seq} has another digest than the one you gave: everything up to it was rewritten."
            return Verification(count, _head(count, before), seq, sentence)
    if known and known.seq > count:
        sentence = f"The record ends at {count}, but you know a record {known.seq}: its end was cut off."
        return Verification(count, _head(count, before), count + 1, sentence)
    return Verification(count, _head(count, before))


def _links(organization_id: int) -> Iterator[tuple[int, bytes, bytes, bytes]]:
    # the savepoint: who stops reading early cancels the statement, and the transaction must live on;
    # the inner cursor: the one Django wraps around it while debugging takes no parameters
    with transaction.atomic(), connection.cursor() as cursor, cursor.cursor.copy(LINKS, [organization_id]) as copy:
        copy.set_types(["int8", "bytea", "bytea", "bytea"])
        yield from copy.rows()


def _why(count: int, before: bytes, seq: int, previous: bytes) -> str:
    """The sentence for a row, numbered `seq`, that should have been record `count + 1`."""
    if seq > count + 1:
        return f"Record {count + 1} is missing: after record {count} comes record {seq}."
    if seq < count + 1:
        return f"The number {seq} was given twice."
    if previous != before:
        return (
            f"Record {seq} does not follow record {count}: it names another digest as the one before it."
            " One of the two was changed, exchanged or put in between."
            if count
            else "Record 1 does not begin the chain: it names a record before it."
        )
    return f"Record {seq} was changed: its content no longer gives its digest."


def _head(count: int, digest: bytes) -> Head:
    return Head(count, digest.hex())
