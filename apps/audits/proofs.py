"""Proofs from the stored nodes of an organization's tree: that a record is in it, and that it only grew.

Each is answered from O(log n) rows, read in one statement. Sizes count records; record `seq` is leaf `seq - 1`."""

from django.db import connection

from apps.audits import tree
from apps.common.errors import BadInput

STORED = """
select 0, seq - 1, digest from audits_record where organization_id = %(organization)s and seq = any(%(seqs)s)
union all
select n.level, n.index, n.hash from unnest(%(levels)s::int[], %(indexes)s::bigint[]) wanted (level, index)
  join audits_node n on n.organization_id = %(organization)s and n.level = wanted.level and n.index = wanted.index
"""


class Damaged(RuntimeError):
    """A node of the tree is missing: the database was changed from outside. `manage.py audit verify` says where."""


def size(organization_id: int) -> int:
    """How many records there are, as this transaction sees them."""
    with connection.cursor() as cursor:
        cursor.execute("select coalesce(max(seq), 0) from audits_record where organization_id = %s", [organization_id])
        return cursor.fetchone()[0]


def root(organization_id: int, size: int) -> bytes:
    """The root of the tree over the first `size` records."""
    return _roots(organization_id, [(0, size)])[0]


def inclusion(organization_id: int, seq: int, size: int) -> list[bytes]:
    """RFC 6962's audit path of record `seq` in the tree of the first `size` records. Raises BadInput."""
    _within(organization_id, size)
    if not 1 <= seq <= size:
        raise BadInput({"size": f"Record {seq} is not among the first {size}."})
    return _roots(organization_id, tree.inclusion(seq - 1, size))


def consistency(organization_id: int, old: int, new: int) -> list[bytes]:
    """RFC 6962's proof that the tree of `new` records begins with that of `old`. Raises BadInput."""
    _within(organization_id, new)
    if not 0 <= old <= new:
        raise BadInput({"old": f"The older tree holds from 0 to {new} records."})
    return _roots(organization_id, tree.consistency(old, new))


def _within(organization_id: int, wanted: int) -> None:
    if not 0 <= wanted <= (there := size(organization_id)):
        raise BadInput({"size": f"The record holds {there} records, not {wanted}."})


def _roots(organization_id: int, spans: list[tree.Span]) -> list[bytes]:
    """The root over each span of leaves, none of which needs more than the whole subtrees in it."""
    parts = [tree.peaks(span) for span in spans]
    known = hashes(organization_id, {place for part in parts for place in part})
    return [tree.folded([known[place] for place in part]) for part in parts]


def hashes(organization_id: int, places: set[tree.Place]) -> dict[tree.Place, bytes]:
    """What is kept at these places. Raises Damaged."""
    above = [place for place in places if place[0]]
    wanted = {
        "organization": organization_id,
        "seqs": [index + 1 for level, index in places if level == 0],
        "levels": [level for level, _ in above],
        "indexes": [index for _, index in above],
    }
    with connection.cursor() as cursor:
        cursor.execute(STORED, wanted)
        known = {(level, index): bytes(hash) for level, index, hash in cursor.fetchall()}
    if missing := places - known.keys():
        level, index = min(missing)
        raise Damaged(f"The tree has no node {index} at level {level}: the database was changed from outside.")
    return known
