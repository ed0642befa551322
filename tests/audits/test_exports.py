"""Taking the record away: streamed, recomputable by an outsider, harmless in a spreadsheet, and itself remembered."""

import csv
import hashlib
import io
import json

import pytest
from django.utils import timezone

from apps.audits import actions, exports, proofs
from apps.audits.actions import personal, record
from apps.audits.events import Event
from apps.audits.models import Record
from apps.common.errors import NotPermitted
from tests.audits.test_proofs import mth

pytestmark = pytest.mark.django_db

TRAPS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1", " =1+1", "＝1+1", "\u00a0=1"]
HARMLESS = ["a=1", "1-1", 'it, “quoted” "twice"', "two\nlines", "ä𝛆"]


def named(acme, *names):
    for name in names:
        acme.project.name = name
        record(Event.PROJECT_CHANGED, on=acme.project, by=acme.builder, said=name)


def taken(by, form, **chosen) -> bytes:
    return b"".join(actions.export(by=by, form=form, **chosen).content)


def test_an_outsider_recomputes_the_tree_from_json_lines(acme):
    named(acme, *TRAPS, *HARMLESS)
    leaves = []
    lines = taken(acme.auditor, "jsonl").decode().splitlines()
    for number, line in enumerate(map(json.loads, lines), start=1):
        assert line["seq"] == number
        leaves.append(line["leaf"].encode())
        assert line["digest"] == hashlib.sha256(b"\0" + leaves[-1]).hexdigest()
        assert json.loads(line["leaf"])["seq"] == number
    assert len(lines) == Record.objects.count() == len(TRAPS) + len(HARMLESS) + 2
    assert proofs.root(acme.organization.pk, len(lines)) == mth(leaves)


def test_an_outsider_checks_each_name_against_its_commitment(acme):
    record(Event.MEMBER_CHANGED, on=acme.builder, by=acme.owner, who=personal(acme.reviewer, "Rita"))
    line = json.loads(taken(acme.auditor, "jsonl", verb=Event.MEMBER_CHANGED))
    names = json.loads(line["leaf"])["names"]
    assert {place: one["text"] for place, one in line["opened"].items()} == {
        "by": "Owner", "on": "Builder (Builder)", ".who": "Rita",
    }  # fmt: skip
    for place, one in line["opened"].items():
        committed = hashlib.sha256(bytes.fromhex(one["key"]) + one["text"].encode()).hexdigest()
        assert committed == names[place]


def test_the_csv_holds_every_column_of_every_record(acme):
    named(acme, *HARMLESS)
    rows = list(csv.DictReader(io.StringIO(taken(acme.auditor, "csv").decode(), newline="")))
    kept = list(Record.objects.order_by("seq"))
    assert [int(row["seq"]) for row in rows] == [one.seq for one in kept]
    for row, one in zip(rows, kept, strict=True):
        assert row["on_name"] == one.on_name
        assert row["digest"] == one.digest_hex
        assert row["by_name"] == one.by_name
        assert json.loads(row["facts"]) == one.facts
        assert row["at"] == f"{one.at:%Y-%m-%dT%H:%M:%S.%f}Z"
        assert row["by"] == str(one.by_id)


def test_no_cell_of_the_csv_runs_as_a_formula(acme):
    named(acme, *TRAPS)
    acme.builder.user.name = '=HYPERLINK("http://elsewhere.example")'
    record(Event.PROJECT_CHANGED, on=acme.project, by=acme.builder)
    for row in csv.DictReader(io.StringIO(taken(acme.auditor, "csv").decode(), newline="")):
        for cell in row.values():
            assert cell.strip()[:1] not in set("=+-@＝＋－＠"), cell
            assert cell[:1] not in set("\t\r\n"), cell


def test_a_trap_keeps_its_text_behind_the_apostrophe(acme):
    named(acme, *TRAPS)
    cells = [row["on_name"] for row in csv.DictReader(io.StringIO(taken(acme.auditor, "csv").decode(), newline=""))]
    assert [cell for cell in cells if cell.startswith("'")] == [f"'{trap}" for trap in TRAPS]


def test_an_export_is_in_the_export(acme):
    last = json.loads(taken(acme.auditor, "jsonl", verb=Event.RECORD_EXPORTED).decode().splitlines()[-1])
    leaf = json.loads(last["leaf"])
    assert leaf["words"][:3] == ["record.exported", "auditor", "organization"]
    assert leaf["facts"] == {"format": "jsonl", "first": 1, "filters": {"verb": "record.exported"}}


@pytest.mark.parametrize("door", ["", "/api/v1"])
def test_it_is_taken_by_every_filter_at_once(client, acme, door):
    named(acme, "one", "two")
    today = timezone.now().date().isoformat()
    asked = {
        "verb": "project.changed", "person": acme.builder.user_id, "thing": "tw", "on": f"project:{acme.project.pk}",
        "project": "lending", "outcome": "done", "since": today, "until": today,
    }  # fmt: skip
    client.force_login(acme.auditor.user)
    answer = client.get(f"{door}/acme/records/export/", {**asked, "format": "jsonl"})
    (line,) = b"".join(answer).splitlines()
    assert json.loads(json.loads(line)["leaf"])["facts"] == {"said": "two"}
    kept = Record.objects.get(event=Event.RECORD_EXPORTED).facts
    assert kept["filters"] == {name: str(value) for name, value in asked.items()}


def test_it_is_remembered_even_if_nothing_is_read(acme):
    actions.export(by=acme.auditor, form="csv")
    assert Record.objects.order_by("-seq").first().event == Event.RECORD_EXPORTED


def test_it_begins_at_the_record_asked_for(acme):
    named(acme, "one", "two", "three")
    lines = taken(acme.auditor, "jsonl", first=3).decode().splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [3, 4, 5]


def test_it_never_holds_another_organizations_records(acme, rival):
    acme.enter()
    named(acme, "ours")
    rival.enter()
    assert b"ours" not in taken(rival.auditor, "jsonl") + taken(rival.auditor, "csv")


def test_a_builder_may_not(acme):
    with pytest.raises(NotPermitted, match="As builder you may not export the record"):
        actions.export(by=acme.builder, form="csv")
    assert not Record.objects.filter(event=Event.RECORD_EXPORTED).exists()


def test_the_pdf_shows_the_records_and_carries_them_whole(acme):
    import pypdf

    named(acme, "#eval(read)", "*bold* [x] \\ $", "ä𝛆")
    document = pypdf.PdfReader(io.BytesIO(taken(acme.auditor, "pdf")))
    text = "".join(sheet.extract_text() for sheet in document.pages)
    assert "The record" in text
    assert "#eval(read)" in text
    assert "*bold* [x] \\ $" in text
    (lines,) = document.attachments["records.jsonl"]
    assert len(lines.splitlines()) == Record.objects.count()


def test_a_long_pdf_says_where_the_next_part_begins(acme, monkeypatch):
    import pypdf

    monkeypatch.setattr(exports, "PDF_LIMIT", 3)
    named(acme, *"abcdef")
    text = pypdf.PdfReader(io.BytesIO(taken(acme.auditor, "pdf"))).pages[0].extract_text()
    assert "Records 1 to 3" in text
    assert "begins at record 4" in " ".join(text.split())
    rest = pypdf.PdfReader(io.BytesIO(taken(acme.auditor, "pdf", first=7))).pages[0].extract_text()
    assert "Records 7 to 9" in rest  # both exports were remembered meanwhile
    assert "next one begins" not in " ".join(rest.split())


def test_an_empty_choice_is_an_empty_file(acme):
    assert taken(acme.auditor, "jsonl", thing="no such thing") == b""
    assert taken(acme.auditor, "csv", thing="no such thing").count(b"\n") == 1
    assert taken(acme.auditor, "pdf", thing="no such thing").startswith(b"%PDF")
