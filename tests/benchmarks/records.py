"""The record: appending to it, verifying it, taking it away."""

import csv
import hashlib
import statistics
import time

from django.db import connection, connections, transaction

from apps.audits import actions, checkpoints, proofs, verification
from apps.audits.models import Record
from apps.common.tenancy import as_organization, become
from tests.benchmarks.clock import best, grown, megabytes, middle, took
from tests.benchmarks.table import Row

MANY = 1_000_000
FEW = 1_000
COLUMNS = (
    "organization_id, event, by_id, by_role, by_token, on_type, on_id, thing, project, names, facts, origin, seq, at,"
    " digest"
)
VALUES = (
    "%(organization)s, 'dataset.added', 3, 'builder', null, 'datasetversion', {n}, 'adult v' || {n}, 'lending',"
    " {names}, jsonb_build_object('digest', encode(sha256({n}::text::bytea), 'hex'), 'rows', {n}),"
    " jsonb_build_object('door', 'page', 'request', left(md5({n}::text), 16)), {n}, now(), sha256('')"
)
SAID = """'{"by": ["person 3", "Ada Builder"]}'::jsonb"""  # what is given, and what is kept of it
KEPT = """'{"by": "6d0b07ee773591f2a1b492d3ca65afdefc90e1cadfcc542a74048bb0ae7daa27"}'::jsonb"""


def measure(*, small: bool):
    from tests import make

    with transaction.atomic():
        tenant = make.tenant("bench")
    each, many = (50, MANY // 100) if small else (500, MANY)
    _plain_twin()
    _fill(tenant, FEW)
    yield _append(tenant, each, FEW)
    _fill(tenant, many)
    yield _append(tenant, each, many)
    with as_organization(tenant.organization.pk):
        yield _verify(tenant)
        yield _prove(tenant)
    yield _export(tenant)


def _append(tenant, each: int, count: int) -> Row:
    """In turns, because a machine is never equally quick for long; the median of the turns' ratios."""
    turns = []
    for _ in range(9):
        plain = _insert("plain", KEPT, tenant, each)
        turns.append((plain, _insert("audits_record", SAID, tenant, each)))
    ratio = statistics.median(plain / ours for plain, ours in turns)
    plain, ours = (statistics.median(times) / each for times in zip(*turns, strict=True))
    return Row(
        f"record appended to {count:,}, with its name’s commitment and the tree’s nodes",
        "plain insert of the same row into the same columns and indexes, one at a time",
        f"{ours * 1e6:.0f} µs against {plain * 1e6:.0f} µs: **{ratio:.2f}** of its rate", "at least 0.35 of its rate",
        ratio >= 0.35,
    )  # fmt: skip


def _plain_twin() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("create table plain (like audits_record including all)")
        cursor.execute("grant all on plain to assay_web")


def _insert(table: str, names: str, tenant, count: int) -> float:
    sql = f"insert into {table} ({COLUMNS}) values ({VALUES.format(n='%(n)s::bigint', names=names)})"
    with transaction.atomic(), connection.cursor() as cursor:
        become(tenant.organization.pk)
        cursor.execute(f"select coalesce(max(seq), 0) from {table}")
        first = cursor.fetchone()[0] + 1
        began = time.perf_counter()
        for n in range(first, first + count):
            cursor.execute(sql, {"organization": tenant.organization.pk, "n": n})
        return time.perf_counter() - began


def _fill(tenant, count: int) -> None:
    """Records, and rows of the plain table, until there are so many."""
    for table, names in (("audits_record", SAID), ("plain", KEPT)):
        with as_organization(tenant.organization.pk), connection.cursor() as cursor:
            cursor.execute(f"select count(*), coalesce(max(seq), 0) from {table}")
            there, last = cursor.fetchone()
            cursor.execute(
                f"insert into {table} ({COLUMNS}) select {VALUES.format(n='n', names=names)}"
                " from generate_series(%(last)s::bigint + 1, %(last)s::bigint + %(more)s) n",
                {"organization": tenant.organization.pk, "last": last, "more": max(count - there, 0)},
            )
        with connections["owner"].cursor() as cursor:
            cursor.execute(f"vacuum analyze {table}")
    with connections["owner"].cursor() as cursor:
        cursor.execute("vacuum analyze audits_node")
        cursor.execute("checkpoint")  # or what was filled in is still written while something else is measured


def _verify(tenant) -> Row:
    checkpoints.make(tenant.organization.pk)
    with connection.cursor() as cursor:
        cursor.execute("select '\\x00'::bytea || convert_to(audits_leaf(r), 'UTF8') from audits_record r order by seq")
        parts = [bytes(part) for (part,) in cursor.fetchall()]
    found: list = []
    turns = [
        (
            took(lambda: [hashlib.sha256(part).digest() for part in parts]),
            took(lambda: found.append(verification.verify(tenant.organization.pk))),
        )
        for _ in range(5)
    ]
    count, ratio = len(parts), statistics.median(ours / plain for plain, ours in turns)
    plain, ours = map(statistics.median, zip(*turns, strict=True))
    assert found[-1].intact and found[-1].count == count
    return Row(
        f"verification of {count:,} records: leaves, nodes, names", "SHA-256 over the same bytes in memory",
        f"{ours:.2f} s against {plain:.2f} s: **{ratio:.1f}×**", "at most 6×", ratio <= 6,
    )  # fmt: skip


def _prove(tenant) -> Row:
    mine = tenant.organization.pk
    count = proofs.size(mine)
    asked = [1 + n * (count - 1) // 99 for n in range(100)]
    one = middle(lambda: [proofs.inclusion(mine, seq, count) for seq in asked]) / len(asked)
    two = middle(lambda: [proofs.consistency(mine, seq, count) for seq in asked]) / len(asked)
    return Row(
        f"a proof out of {count:,} records", "the limit alone",
        f"inclusion **{one * 1000:.1f} ms**, consistency **{two * 1000:.1f} ms**", "5 ms", max(one, two) <= 0.005,
    )  # fmt: skip


def _export(tenant) -> Row:
    count = _count(tenant)
    first: list[float] = []
    memory = grown(lambda: _take(tenant, first))
    ours = best(lambda: _take(tenant, first), times=2)
    theirs = took(lambda: _by_orm(tenant))
    return Row(
        f"export of {count:,} records as CSV", "Django’s ORM iterator and csv.writer",
        f"{ours:.1f} s against {theirs:.1f} s: **{theirs / ours:.1f}×**, first bytes in {max(first) * 1000:.0f} ms,"
        f" {megabytes(memory)} more memory",
        "at least 5×, first byte in 0.1 s, under 50 MB",
        theirs >= 5 * ours and max(first) < 0.1 and memory < 50 * 10**6,
    )  # fmt: skip


def _count(tenant) -> int:
    with as_organization(tenant.organization.pk):
        return Record.objects.count()


def _take(tenant, first: list[float]) -> None:
    """Read a whole export away; note when the first rows (not the header alone) were there."""
    began = time.perf_counter()
    with as_organization(tenant.organization.pk):
        pieces = actions.export(by=tenant.auditor, form="csv").content
    next(pieces)
    next(pieces)
    first.append(time.perf_counter() - began)
    for _ in pieces:
        pass


class _Handed:
    """A file whose writer gets its line back, as Django's documentation streams CSV."""

    def write(self, text: str) -> str:
        return text


def _by_orm(tenant) -> None:
    fields = [field.attname for field in Record._meta.fields if field.attname != "id"]
    writer = csv.writer(_Handed())
    with as_organization(tenant.organization.pk):
        for record in Record.objects.order_by("seq").iterator():
            writer.writerow([getattr(record, name) for name in fields])
