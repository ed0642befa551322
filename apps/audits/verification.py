"""Recompute the tree of an organization's records, and name the first one that is wrong.

PostgreSQL sends blocks of BLOCK records: their leaves, made anew from the columns, the digests and nodes it keeps, and
the checkpoints that fall inside; every hash is computed here and compared with what is kept. The blocks stream through
one COPY, which is one snapshot, so that memory stays the same for any number of records. `offset 0` keeps each block's
nodes a walk along the index, whatever the planner thinks of the table."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from django.db import connection, transaction

from apps.audits import keys, notes, proofs, tree
from apps.audits.models import Checkpoint

LEVEL = 10
BLOCK = 1 << LEVEL  # records
BLOCKS = """
copy (
  select b.number, r.*, n.*, c.*
    from generate_series(%(first)s::bigint, (greatest(
           (select max(seq) from audits_record where organization_id = %(organization)s),
           (select max(size) from audits_checkpoint where organization_id = %(organization)s)) - 1) >> 10) b (number)
   cross join lateral (
      select count(*), max(seq), convert_to(string_agg(audits_leaf(r), E'\\n' order by seq), 'UTF8'),
             string_agg(digest, '' order by seq)
        from audits_record r where organization_id = %(organization)s
         and seq > case b.number when 0 then -9223372036854775808 else b.number << 10 end
         and seq <= (b.number + 1) << 10) r
   cross join lateral (
      select string_agg(hashes, '' order by level) from (
        select l.level, (
          select string_agg(hash, '' order by index) from audits_node n where n.organization_id = %(organization)s
             and n.level = l.level::smallint and n.index >= b.number << (10 - l.level)
             and n.index < (b.number + 1) << (10 - l.level)) as hashes from generate_series(1, 10) l (level)
        union all
        select l.level, (
          select string_agg(hash, '') from audits_node n where n.organization_id = %(organization)s
             and n.level = l.level::smallint and n.index = ((b.number + 1) >> (l.level - 10)) - 1)
          from generate_series(11, 62) l (level)
         where ((b.number + 1) >> (l.level - 10)) << (l.level - 10) = b.number + 1) nodes) n
   cross join lateral (
      select json_agg(json_build_array(size, encode(root, 'hex'), note) order by size)::text from audits_checkpoint
       where organization_id = %(organization)s and size > b.number << 10 and size <= (b.number + 1) << 10) c
) to stdout with (format binary)
"""
TYPES = ["int8", "int8", "int8", "bytea", "bytea", "bytea", "text"]
ROWS = """
select seq, convert_to(audits_leaf(r), 'UTF8'), digest from audits_record r
 where organization_id = %s and seq > %s and seq <= %s order by seq
"""
STRAY = """
select n.level, n.index from audits_node n
 where n.organization_id = %(organization)s and (n.index < 0 or n.level < 1 or ((n.index + 1) << n.level) > (
    select coalesce(max(seq), 0) from audits_record where organization_id = %(organization)s)) limit 1
"""


@dataclass(frozen=True)
class Verification:
    """`count` records hold and give `root`, beginning after the `since` that were trusted; `checkpoints` agreed.

    `wrong` is the first record that does not hold, or the first that may not, and `problem` says why."""

    count: int
    root: str
    checkpoints: int = 0
    since: int = 0
    wrong: int | None = None
    problem: str = ""

    @property
    def intact(self) -> bool:
        return not self.problem

    def facts(self) -> dict:
        return {
            "intact": self.intact,
            "records": self.count,
            "root": self.root,
            "checkpoints": self.checkpoints,
            **({"since": self.since} if self.since else {}),
            **({"wrong": self.wrong, "problem": self.problem} if self.problem else {}),
        }


class Wrong(Exception):
    """The walk found something: the first record concerned, and the sentence."""

    def __init__(self, seq: int, sentence: str):
        super().__init__(sentence)
        self.seq = seq


class Suspect(Exception):
    """A block does not give what is kept of it; a second look says which record it is."""


@dataclass
class Walk:
    """Where the recomputation stands: `peaks` are the roots of the whole subtrees of the blocks behind it."""

    organization_id: int
    known: list[notes.Checkpoint]  # from outside: they are compared as well
    trusted: dict[str, bytes]
    first: int = 0  # block
    count: int = 0  # records that hold
    peaks: list[tuple[int, bytes]] = field(default_factory=list)  # (level, root)
    root: bytes = tree.EMPTY
    agreed: int = 0  # checkpoints
    agreed_to: int = 0  # the size of the last of them


def verify(organization_id: int, *, known: list[notes.Checkpoint] | None = None, new: bool = False) -> Verification:
    """Recompute every leaf, node and checkpoint, up to the first that is wrong.

    `known` are checkpoints that somebody kept elsewhere: whoever owns the database can make a whole record anew, or
    cut off its end, and only these tell. With `new`, what the last checkpoint covers is taken as verified before.
    Needs the tenant to be set, and one transaction."""
    walk = Walk(organization_id, sorted(known or [], key=lambda one: one.size), keys.trusted(organization_id))
    since, problem, wrong = 0, "", None
    try:
        if new:
            since = _go_on(walk)
        _blocks(walk)
        _ends_where_it_should(walk)
        _names_are_true(organization_id)
    except Wrong as found:
        wrong, problem = found.seq, str(found)
    return Verification(walk.count, walk.root.hex(), walk.agreed, since, wrong, problem)


def _go_on(walk: Walk) -> int:
    """Begin at the block of the last checkpoint, over the nodes that are kept; the size that is trusted."""
    last = Checkpoint.objects.filter(organization_id=walk.organization_id).order_by("-size").first()
    if last is None:
        return 0
    walk.first, walk.count = last.size >> LEVEL, last.size >> LEVEL << LEVEL
    places = tree.peaks((0, walk.count))
    try:
        hashes = proofs.hashes(walk.organization_id, set(places))
    except proofs.Damaged as damage:
        raise Wrong(1, str(damage)) from damage
    walk.peaks = [(level, hashes[level, index]) for level, index in places]
    walk.root = tree.folded([root for _, root in walk.peaks])
    walk.agreed_to = 0
    if last.size == walk.count:
        _compare(walk, last.size, last.root_hex, last.note, walk.root)
    return last.size


def _blocks(walk: Walk) -> None:
    try:
        for number, count, last, leaves, digests, nodes, checkpoints in _sent(walk):
            if walk.count != number << LEVEL:  # the block before was short
                raise Suspect
            levels = _levels(leaves, digests, nodes, walk) if count else []
            if count and last != walk.count + count:  # one is missing, or there twice
                raise Suspect
            _agrees(walk, number, count, levels, json.loads(checkpoints or "[]"))
            walk.count += count
            if count:
                walk.root = _root_at(walk, levels, count)
            if count == BLOCK:
                _push(walk, levels[LEVEL][0])
    except Suspect:
        _look_closely(walk)


def _sent(walk: Walk) -> Iterator[tuple]:
    # the savepoint: who stops reading early cancels the statement, and the transaction must live on;
    # the inner cursor: the one Django wraps around it while debugging takes no parameters
    wanted = {"organization": walk.organization_id, "first": walk.first}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local jit = off")
        with cursor.cursor.copy(BLOCKS, wanted) as copy:
            copy.set_types(TYPES)
            yield from copy.rows()


def _levels(leaves: bytes, digests: bytes, nodes: bytes | None, walk: Walk) -> list[list[bytes]]:
    """The block's hashes, level by level from its leaves. Raises Suspect where what is kept differs."""
    level = [sha256(b"\0" + leaf).digest() for leaf in leaves.split(b"\n")]
    joined = b"".join(level)
    if joined != digests:
        raise Suspect
    levels, inner = [level], []
    while len(level) > 1:
        level = [sha256(b"\1" + joined[at : at + 64]).digest() for at in range(0, len(joined) - 63, 64)]
        joined = b"".join(level)
        levels.append(level)
        inner.append(joined)
    if len(levels[0]) == BLOCK:
        inner += _above(walk, level[0])
    if b"".join(inner) != (nodes or b""):
        raise Suspect
    return levels


def _above(walk: Walk, root: bytes) -> list[bytes]:
    """The nodes above the block that its end completes, from the lowest."""
    found, level = [], LEVEL
    for height, left in reversed(walk.peaks):
        if height != level:
            break
        root, level = tree.node_hash(left, root), level + 1
        found.append(root)
    return found


def _push(walk: Walk, root: bytes) -> None:
    level = LEVEL
    while walk.peaks and walk.peaks[-1][0] == level:
        root, level = tree.node_hash(walk.peaks.pop()[1], root), level + 1
    walk.peaks.append((level, root))


def _root_at(walk: Walk, levels: list[list[bytes]], count: int) -> bytes:
    """The root over everything behind the block and its first `count` leaves."""
    inside = [levels[level][index] for level, index in tree.peaks((0, count))]
    return tree.folded([root for _, root in walk.peaks] + inside)


def _agrees(walk: Walk, number: int, count: int, levels: list[list[bytes]], stored: list) -> None:
    """Compare the checkpoints that fall into a block, those kept here and those from outside."""
    here = [(size, root, note) for size, root, note in stored]
    here += [(one.size, one.root.hex(), "") for one in walk.known if one.size - 1 >> LEVEL == number]
    for size, root, note in sorted(here):
        inside = size - walk.count
        if inside > count:
            raise _cut_off(walk.count + count, size)
        _compare(walk, size, root, note, _root_at(walk, levels, inside))


def _compare(walk: Walk, size: int, said: str, note: str, root: bytes) -> None:
    after = walk.agreed_to + 1
    try:
        agrees = said == root.hex() and (not note or (notes.read(note).size, notes.read(note).root) == (size, root))
        signed = not note or any(notes.signed_by(note, public) for public in walk.trusted.values())
    except notes.NoNote as error:
        raise Wrong(after, f"The checkpoint over {size} records was changed. {error}") from error
    if not agrees:
        raise Wrong(
            after,
            f"The checkpoint over {size} records has another root than they give: the record was rewritten"
            f" somewhere from record {after} to {size}.",
        )
    if not signed:
        raise Wrong(after, f"No key of this organization signed the checkpoint over {size} records.")
    walk.agreed, walk.agreed_to = walk.agreed + 1, max(size, walk.agreed_to)


def _cut_off(count: int, size: int) -> Wrong:
    return Wrong(count + 1, f"The record ends at {count}, but a checkpoint covers {size} records: its end was cut off.")


def _ends_where_it_should(walk: Walk) -> None:
    for one in walk.known:
        if one.size > walk.count:
            raise _cut_off(walk.count, one.size)
    with connection.cursor() as cursor:
        cursor.execute(STRAY, {"organization": walk.organization_id})
        if stray := cursor.fetchone():
            raise Wrong(walk.count + 1, _beyond(walk.count, *stray))


def _beyond(count: int, level: int, index: int) -> str:
    low, high = (index << level) + 1, (index + 1) << level
    return f"The record ends at {count}, but the tree has a node over records {low} to {high}: its end was cut off."


def _look_closely(walk: Walk) -> None:
    """Name what is wrong after `walk.count` records, row by row and node by node."""
    first = walk.count >> LEVEL << LEVEL
    with connection.cursor() as cursor:
        low = first if first else -(2**63)
        cursor.execute(ROWS, [walk.organization_id, low, first + 2 * BLOCK])
        rows = [(seq, bytes(leaf), bytes(digest)) for seq, leaf, digest in cursor.fetchall()]
    expected = first
    for seq, leaf, digest in rows:
        expected += 1
        if seq < expected:
            raise _hold(walk, expected, f"The number {seq} was given twice.")
        if seq > expected:
            after = f"after record {expected - 1} comes record {seq}" if expected > 1 else f"the first is {seq}"
            raise _hold(walk, expected, f"Record {expected} is missing: {after}.")
        if tree.leaf_hash(leaf) != digest:
            raise _hold(walk, seq, f"Record {seq} was changed: its content no longer gives its digest.")
    raise _hold(walk, *_wrong_node(walk, first, [digest for *_, digest in rows[:BLOCK]]))


def _hold(walk: Walk, seq: int, sentence: str) -> Wrong:
    walk.count = seq - 1
    return Wrong(seq, sentence)


def _wrong_node(walk: Walk, first: int, level: list[bytes]) -> tuple[int, str]:
    """For the lowest node over the block's records that is not the one they give: the first of them, and why."""
    height, wanted, end = 0, {}, first + len(level)
    while len(level) > 1:
        level = [tree.node_hash(*level[at : at + 2]) for at in range(0, len(level) - 1, 2)]
        height += 1
        wanted |= {(height, (first >> height) + at): root for at, root in enumerate(level)}
    with connection.cursor() as cursor:
        cursor.execute(
            "select level, index, hash from audits_node where organization_id = %s and level <= %s"
            " and index >= %s >> level and index < (%s >> level) + (%s >> level)",
            [walk.organization_id, LEVEL, first, first, BLOCK],
        )
        kept = {(level, index): bytes(hash) for level, index, hash in cursor.fetchall()}
    for height, index in sorted(kept.keys() - wanted.keys()):
        return end + 1, _beyond(end, height, index)
    for height, index in sorted(wanted):
        if kept.get((height, index)) != wanted[height, index]:
            low, high = (index << height) + 1, (index + 1) << height
            return low, f"The tree was changed: its node over records {low} to {high} is not the one they give."
    return first + 1, f"The tree was changed: a node that ends with record {end} is not the one its records give."


def _names_are_true(organization_id: int) -> None:
    """Each word that is kept beside the record must be the one a record committed to."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select o.commitment, k.key, o.text from audits_opening o join audits_personkey k on k.id = o.person_id"
            " where o.organization_id = %s order by o.id",
            [organization_id],
        )
        for commitment, key, text in cursor:
            if sha256(bytes(key) + text.encode()).hexdigest() != commitment:
                raise Wrong(
                    _first_with(organization_id, commitment),
                    f"“{text}” was put in the place of a name: it does not give the commitment in the record.",
                )


def _first_with(organization_id: int, commitment: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "select min(seq) from audits_record where organization_id = %s and exists ("
            " select 1 from jsonb_each_text(names) n where n.value = %s)",
            [organization_id, commitment],
        )
        return cursor.fetchone()[0] or 1
