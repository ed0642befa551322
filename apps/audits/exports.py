"""The record, taken away: CSV for a spreadsheet, JSON Lines to recompute the tree from, PDF to read and to file.

CSV and JSON Lines are made by PostgreSQL itself (COPY) and streamed, in a transaction of their own: the first bytes
leave at once, and memory stays the same for any number of records. A PDF is set as a whole, so one holds PDF_LIMIT
records and says where the next part begins."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection
from django.db.models import F, Func, TextField
from django.db.models.expressions import RawSQL

from apps.audits.models import ERASED, SYSTEM
from apps.common import documents
from apps.common.numbers import number
from apps.common.tenancy import as_organization

CHUNK = 2**16  # bytes
PDF_LIMIT = 2000  # records in one document
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl", "pdf": "application/pdf"}
BEGINNINGS = "=+-@\t\r\n \u00a0＝＋－＠"  # what may start a formula, or stand before what does


class Plain(Func):
    """SQL as it stands, in a column of its own kind."""

    template = "%(sql)s"
    arity = 0
    output_field = TextField()


class Cell(Func):
    """Text that no spreadsheet takes for a formula: an apostrophe stands before what could begin one."""

    template = (  # the inner `offset` keeps what may be dear from being computed thrice
        f"(select case when ascii(said) in ({', '.join(str(ord(sign)) for sign in BEGINNINGS)})"  # noqa: S608
        " then '''' || said else said end from (select %(expressions)s as said offset 0) as cell)"
    )
    output_field = TextField()


class Hexadecimal(Func):
    template = "encode(%(expressions)s, 'hex')"
    output_field = TextField()


class Moment(Func):
    template = "to_char(%(expressions)s at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    output_field = TextField()


OPENED = (
    "select o.text from audits_opening o where o.organization_id = audits_record.organization_id and o.commitment ="
)
BY = f"case when by_id is null then '{SYSTEM}' else coalesce(({OPENED} names ->> 'by'), '{ERASED}') end"
ON = f"case when names ? 'on' then coalesce(({OPENED} names ->> 'on'), '{ERASED}') else thing end"
FACTS = f"""(case when strpos(names::text, '".') = 0 then facts else facts || (
    select jsonb_object_agg(substr(key, 2), coalesce(({OPENED} value), '{ERASED}'))
      from jsonb_each_text(names) where starts_with(key, '.')) end)::text"""  # noqa: S608
COLUMNS = {
    "seq": F("seq"),
    "at": Moment("at"),
    "event": Cell("event"),
    "by": F("by_id"),
    "by_name": Cell(Plain(sql=BY)),
    "by_role": Cell("by_role"),
    "by_token": F("by_token"),
    "on_type": Cell("on_type"),
    "on": F("on_id"),
    "on_name": Cell(Plain(sql=ON)),
    "project": Cell("project"),
    "facts": Cell(Plain(sql=FACTS)),
    "origin": Cell(Plain(sql="origin::text")),
    "digest": Hexadecimal("digest"),
}
AS_CSV = "(format csv)"
AS_LINES = "(format csv, quote e'\\x01', delimiter e'\\x02')"  # JSON holds no control character: nothing is quoted
LINE = """json_build_object('seq', seq, 'digest', encode(digest, 'hex'), 'leaf', audits_leaf(audits_record),
    'opened', (select coalesce(
                      json_object_agg(n.key, json_build_object('key', encode(k.key, 'hex'), 'text', o.text)), '{}')
                 from jsonb_each_text(names) n
                 join audits_opening o on o.organization_id = audits_record.organization_id and o.commitment = n.value
                 join audits_personkey k on k.id = o.person_id))"""


@dataclass(frozen=True)
class Export:
    """A file on its way: its bytes in pieces, and what to call it."""

    content: Iterator[bytes]
    media_type: str
    filename: str


def write(found, *, viewer, form: str, first: int) -> Export:
    """The records of a queryset, oldest first, from number `first` on, as `form`: csv, jsonl or pdf."""
    found = found.filter(seq__gte=first).order_by("seq")
    make = {"csv": _csv, "jsonl": _lines, "pdf": _pdf}[form]
    slug = viewer.organization.slug
    return Export(make(found, viewer), MEDIA_TYPES[form], f"records-{slug}.{form}")


def _csv(found, viewer) -> Iterator[bytes]:
    yield (",".join(COLUMNS) + "\n").encode()
    yield from _copied(found.values_list(*COLUMNS.values()), viewer.organization_id, AS_CSV)


def _lines(found, viewer) -> Iterator[bytes]:
    line = found.values_list(RawSQL(LINE, []))  # noqa: S611  no parameters, nothing given from outside
    return _copied(line, viewer.organization_id, AS_LINES)


def _copied(rows, organization_id: int, how: str) -> Iterator[bytes]:
    """What COPY answers for the query of `rows`, in pieces of about CHUNK bytes."""
    sql, parameters = rows.query.sql_with_params()
    with as_organization(organization_id), connection.cursor() as cursor:
        cursor.execute("set local enable_sort = off")  # read along the index of numbers: rows come from the first on
        with cursor.cursor.copy(f"copy ({sql}) to stdout with {how}", parameters) as copy:
            piece = bytearray()
            for row in copy:
                piece += row
                if len(piece) >= CHUNK:
                    yield bytes(piece)
                    piece.clear()
            yield bytes(piece)


def _pdf(found, viewer) -> Iterator[bytes]:
    rows = list(found[:PDF_LIMIT])
    following = found.filter(seq__gt=rows[-1].seq).values_list("seq", flat=True).first() if rows else None
    lines = b"".join(_lines(found.filter(seq__lte=rows[-1].seq), viewer)) if rows else b""
    attached = documents.Attachment(
        "records.jsonl",
        lines,
        "The same records; each line holds its leaf, to recompute the tree",
        "application/jsonl",
    )
    return iter([documents.render("audits/records.typ", _told(rows, following, viewer), attachments=[attached])])


def _told(rows, following: int | None, viewer) -> dict:
    """What the document's template says."""
    name = viewer.organization.name
    span = f"Records {number(rows[0].seq)} to {number(rows[-1].seq)}" if rows else "No records"
    more = f" This part ends here; the next one begins at record {number(following)} (first={following})."
    return {
        "title": "The record",
        "subject": f"{name} · {span.lower()}",
        "answer": f"{span} of {name}, {number(len(rows))} in this document.{more if following else ''}",
        "verdict": "",
        "digest": rows[-1].digest_hex if rows else "0" * 64,
        "at": (rows[-1].at if rows else viewer.joined_at).isoformat(),
        "facts": [["Organization", name], ["Taken by", str(viewer.user)], ["Records", number(len(rows))]],
        "rows": [
            [str(row.seq), f"{row.at:%Y-%m-%d %H:%M:%S}", row.by_name, row.deed, row.on_name, row.digest_hex[:12]]
            for row in rows
        ],
    }
