"""Coverage taken away: three forms, one content, and a line for every gap."""

import csv
import datetime as dt
import io
import json

import pytest
from pypdf import PdfReader

from apps.approvals import queries as approvals
from apps.audits.models import Record
from apps.common.canonical import canonical, digest
from apps.controls import actions, exports, queries
from apps.controls.catalogue import controls
from tests.approvals import make as signed
from tests.controls import make
from tests.make import project

pytestmark = pytest.mark.django_db
AT = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def told(found) -> dict:
    return exports.plain(found, AT)


def gaps(found) -> list[tuple[str, str]]:
    return [
        (clause["id"], gap["kind"])
        for framework in told(found)["frameworks"]
        for clause in framework["clauses"]
        for gap in clause["gaps"]
    ]


@pytest.fixture
def lending(acme):
    make.answered(acme)
    signed.reported(acme)
    return acme


def test_the_json_is_canonical_and_names_every_clause_with_digests(lending):
    found = make.coverage(lending)
    taken = exports.coverage(found, "json", AT)
    assert taken.content == canonical(json.loads(taken.content))
    clauses = [clause for framework in json.loads(taken.content)["frameworks"] for clause in framework["clauses"]]
    assert {clause["id"] for clause in clauses} == set(controls())
    digests = {item["digest"] for clause in clauses for held in clause["evidence"] for item in held["items"]}
    assert digests and all(len(one) == 64 for one in digests)


def test_the_same_evidence_gives_the_same_bytes(lending):
    for form in exports.MEDIA_TYPES:
        first, second = (exports.coverage(make.coverage(lending), form, AT).content for _ in range(2))
        assert first == second, form


@pytest.mark.parametrize("kind", ["performance", "fairness", "privacy", "explainability"])
def test_deleting_any_report_adds_a_line(acme, kind):
    make.answered(acme)
    full, lacking = signed.reported(acme), signed.reported(acme, number=2, without=(kind,))
    new = set(gaps(make.coverage(acme, version=lacking))) - set(gaps(make.coverage(acme, version=full)))
    asking = {name for name, control in controls().items() if f"{kind}_report" in control.evidence}
    relevant = {each.control.id for each in make.coverage(acme).relevant}
    assert {(name, f"{kind}_report") for name in asking & relevant} <= new


def test_each_item_that_goes_leaves_a_line_in_its_place(lending):
    """Whatever kind of evidence a clause asks for: without it the clause has a line for it."""
    found = make.coverage(lending)
    for clause in found.relevant:
        lines = {(clause.control.id, held.kind) for held, sentence in clause.gaps if sentence}
        there = {(clause.control.id, held.kind) for held in clause.holdings if held.state == "current"}
        assert lines | there == {(clause.control.id, kind) for kind in clause.control.evidence}


def test_the_table_is_no_formula(lending):
    lending.project.owner.user.name = "=cmd"
    found = make.clause(lending, "RMF-MS-2.11")
    lending.enter(lending.reviewer)
    words = {"adequate": False, "reason": "=HYPERLINK(1)", "evidence_digest": found.evidence_digest}
    actions.judge(lending.project, "RMF-MS-2.11", by=lending.reviewer, **words)
    rows = list(csv.DictReader(io.StringIO(exports.coverage(make.coverage(lending), "csv", AT).content.decode())))
    assert {row["clause"] for row in rows} == set(controls())
    judged = [row for row in rows if row["clause"] == "RMF-MS-2.11"]
    assert judged[0]["judged_because"] == "'=HYPERLINK(1)" and judged[0]["judgement"] == "not adequate"
    assert not [value for row in rows for value in row.values() if value[:1] in ("=", "+", "@")]


def test_the_document_carries_the_json_and_prints_the_gaps(lending):
    actions.choose_framework("nyc-ll144", followed=False, reason="No one is hired.", by=lending.enter().owner)
    found = make.coverage(lending)
    taken = exports.coverage(found, "pdf", AT)
    reader = PdfReader(io.BytesIO(taken.content))
    assert reader.attachments["coverage.json"][0] == exports.coverage(found, "json", AT).content
    text = " ".join(page.extract_text() for page in reader.pages)
    assert digest(exports.coverage(found, "json", AT).content)[:40] in text.replace("\n", "")
    for name, _ in gaps(found):
        assert name in text
    assert "MISSING" in text and "No one is hired." in text
    assert found.holdings["fairness_report"].items[0].digest in text.replace("\n", "")


def test_taking_it_away_is_remembered(lending):
    taken = actions.export_coverage(make.coverage(lending), form="json", by=lending.auditor)
    (kept,) = Record.objects.filter(event="coverage.exported")
    assert kept.facts["digest"] == digest(taken.content)


def test_the_inventory_lists_every_model(lending):
    project(lending.builder, slug="empty")
    lending.enter(lending.auditor)
    rows = queries.every_coverage(viewer=lending.auditor)
    taken = actions.export_inventory(rows, form="csv", by=lending.auditor)
    lines = list(csv.DictReader(io.StringIO(taken.content.decode())))
    assert [(line["project"], line["model"], line["tier"]) for line in lines] == [
        ("lending", "screening v1", "high"), ("empty", "", "high")
    ]  # fmt: skip
    kept = json.loads(actions.export_inventory(rows, form="json", by=lending.auditor).content)
    assert kept["models"][0]["frameworks"]["nist-ai-rmf"]["apply"] > 20 and kept["waivers"] == []


def test_the_inventory_counts_the_waivers_of_each_owner(lending):
    signed.waived(lending, signed.reported(lending, number=2))
    owner = lending.second_reviewer.user
    row = {"owner_name": owner.name, "email": owner.email, "open": 1, "overdue": 0, "renewed": 0, "all": 1}
    rows = queries.every_coverage(viewer=lending.auditor)
    kept = json.loads(actions.export_inventory(rows, form="json", by=lending.auditor).content)
    assert kept["waivers"] == [row] == approvals.counted(viewer=lending.auditor)
