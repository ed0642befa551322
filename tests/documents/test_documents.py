"""A document says what its evidence says, names what is missing, and is the same bytes from the same sources."""

import hashlib
import io
import re
import subprocess
import sys
from dataclasses import replace

import pypdf
import pytest
from django.db import DatabaseError, connection, transaction

from apps.audits.models import Record
from apps.common import documents as common
from apps.common import storage
from apps.common.canonical import canonical, digest
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from apps.datasets.models import DatasetVersion, Profile
from apps.documents import actions, printing, queries, runs, sheets
from apps.documents.models import Document, DocumentKind, Statement
from apps.documents.queries import evidence as found
from apps.documents.queries.evidence import SLOTS, State
from apps.models.models import ModelVersion
from apps.projects.models import Project
from apps.reports.models import Report
from tests.approvals import make as sign_offs
from tests.documents import make
from tests.models import make as models
from tests.projects.make import LENDING
from tests.reports import make as reports

pytestmark = pytest.mark.django_db
CARD, TECHNICAL, DATASHEET, BIAS = "model_card", "technical_documentation", "dataset_datasheet", "bias_audit"
NEVER_THERE = "Robustness report: the portal does not measure it yet."
KNOWN: dict = {}


@pytest.fixture
def known(acme):
    """All evidence about a model that lacks nothing, as plain values: made once, told by many tests."""
    if not KNOWN:
        acme.enter()
        acme.project.answers = LENDING
        acme.project.save(update_fields=["answers"])
        version = make.measured(acme)
        make.everything_stated(acme, version)
        asked = actions.build(BIAS, model_version=version, by=acme.builder)
        KNOWN.update(
            version=found.of_version(version),
            data=found.of_data(version.dataset_version),
            measured=runs._measured(asked),
        )
    return KNOWN


def of(known, kind):
    return known["data" if kind == DATASHEET else "version"]


def content(known, kind, evidence=None):
    return sheets.content(kind, evidence or of(known, kind), known["measured"] if kind == BIAS else None)


def pdf(told):
    return printing.pdf(told, canonical(told))


def said(told):
    return make.joined(make.printed(pdf(told)))


@pytest.fixture
def version(acme):
    acme.enter()
    return models.version(acme)


# --- what it says ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DocumentKind.values)
def test_with_everything_there_it_has_no_gap_but_what_nobody_measures(known, kind):
    told = content(known, kind)
    assert [gap["says"] for gap in told["gaps"]] == ([NEVER_THERE] if kind == TECHNICAL else [])
    assert {item["slot"] for item in told["evidence"]} == set(SLOTS[kind])
    assert all(item["digest"] for item in told["evidence"] if item["state"] == "current")


@pytest.mark.parametrize("kind", DocumentKind.values)
def test_whatever_is_taken_away_leaves_a_line_that_names_it(known, kind):
    """In the PDF, in its JSON, and in the section that lacks it; for each thing by itself."""
    before = {gap["says"] for gap in content(known, kind)["gaps"]}
    for slot in SLOTS[kind]:
        evidence = of(known, kind)
        if not evidence[slot].is_current or slot == "artifact":  # without the model there is nothing to write about
            continue
        without = content(known, kind, evidence.without(slot))
        line = f"{evidence[slot].name}: it is not there."
        assert {gap["says"] for gap in without["gaps"]} - before == {line}, slot
        lacking = [one for one in without["sections"] if any(part.get("gap") == line for part in one["parts"])]
        assert lacking, slot
        text = said(without)
        assert text.count(make.joined(line)) == 1 + len(
            [p for s in lacking for p in s["parts"] if p.get("gap") == line]
        )
        listed = next(item for item in without["evidence"] if item["slot"] == slot)
        assert (listed["state"], listed["digest"]) == ("missing", "")


def pointed(tree, pointer):
    """What lies at a JSON Pointer (RFC 6901) without escapes."""
    for step in pointer.strip("/").split("/"):
        tree = tree[int(step) if isinstance(tree, list) else step]
    return tree


def numbers_of(told):
    for section in told["sections"]:
        for part in section["parts"]:
            yield from part.get("figures", ())
            for line in part.get("table", {}).get("lines", ()):
                yield from line[1:]


@pytest.mark.parametrize(("kind", "least"), [(CARD, 100), (TECHNICAL, 100), (DATASHEET, 10), (BIAS, 20)])
def test_every_number_of_a_table_is_one_of_its_evidence(known, kind, least):
    told = content(known, kind)
    counted = 0
    for shown in numbers_of(told):
        if not any(letter.isdigit() for letter in shown.get("text", shown.get("value", ""))):
            continue
        source = shown["source"]
        measured = source["slot"] == "measured"
        there = pointed(told["measured"] if measured else of(known, kind)[source["slot"]].content, source["at"])
        there = there if isinstance(there, dict) else {"value": there}
        assert {name: there.get(name) for name in shown["raw"]} == shown["raw"], source
        counted += 1
    assert counted >= least
    for section in told["sections"]:  # and its generated sentences are the evidence's own
        for part in section["parts"]:
            if (
                "text" in part
                and "verdict" not in part
                and part.get("source", {"slot": "measured"})["slot"] != "measured"
            ):
                at = part["source"]["at"]
                there = pointed(of(known, kind)[part["source"]["slot"]].content, at)
                assert part["text"].endswith(there)


@pytest.mark.parametrize("kind", DocumentKind.values)
def test_whatever_shows_a_digit_names_its_evidence_or_is_marked_as_a_persons_words(known, kind):
    """A lint for numbers that come from nowhere: only the subject's own name and number may stand by themselves."""
    told = content(known, kind)
    own = {str(told["subject"][word]) for word in told["subject"]}
    own |= {str(told["subject"]["version"] - 1)}  # the one it follows
    for section in told["sections"]:
        for part in section["parts"]:
            if {"heading", "gap", "slot", "source", "figures"} & part.keys() or part.get("table"):
                continue  # it names its evidence, as do the cells of a table: see above
            said = " ".join(value for _, value in part["facts"]) if "facts" in part else part.get("text", "")
            digits = re.findall(r"[0-9a-f]{64}|[0-9][0-9.,]*", said)
            assert all(digit.strip(".,") in own for digit in digits), part
        authored = [part for part in section["parts"] if "words" in part]
        assert all(part["by"] and part["slot"] and part["asked"] for part in authored)
        assert bool(authored) == ("authored" in section["filled"])


def test_the_pack_has_a_manifest_whose_digests_resolve(acme):
    """Each section names its evidence; each piece of evidence is a row of the portal that bears the same digest."""
    version = make.measured(acme)
    make.everything_stated(acme, version)
    acme.project.answers = LENDING
    acme.project.save(update_fields=["answers"])
    body = make.body(make.built(acme, TECHNICAL, version))
    listed = {item["slot"]: item for item in body["evidence"]}
    there = [item for item in listed.values() if item["state"] == "current"]
    assert len(there) > 20 and {item["slot"] for item in listed.values()} == set(SLOTS[TECHNICAL])
    for item in there:
        word, _, number = item["id"].rpartition(" ")
        row = ROWS[word].objects.get(pk=number)
        assert item["digest"] in digests_of(row), item
    for section in body["sections"]:
        assert set(section["evidence"]) <= set(listed)
        assert section["filled"] in {"authored", "generated", "authored and generated", "empty"}
    assert {section["number"] for section in body["sections"] if section["filled"] == "empty"} == set()


ROWS = {"model version": ModelVersion, "project": Project, "dataset version": DatasetVersion, "profile": Profile,
        "report": Report, "statement": Statement}  # fmt: skip


def digests_of(row) -> set[str]:
    """What the row's own bytes and words come to, computed anew where the row holds them."""
    if isinstance(row, Project):
        return {digest({"answers": row.answers, "risk_class": row.risk_class})}
    if isinstance(row, Report | Profile):
        return {hashlib.sha256(row.result.encode()).hexdigest()}
    if isinstance(row, Statement):
        return {hashlib.sha256(row.body.encode()).hexdigest()}
    if isinstance(row, DatasetVersion):
        stored = storage.read(row.organization_id, row.digest)
        return {hashlib.sha256(stored).hexdigest(), digest(row.declaration)}
    recorded = {
        "run": row.run_id, "recipe": row.recipe, "recipe_digest": row.recipe_digest, "seed": row.seed,
        "code_version": row.code_version, "libraries": row.libraries, "device": row.device,
        "data": row.data_digest, "declaration": row.declaration_digest,
    }  # fmt: skip
    return {digest({name: file["digest"] for name, file in row.files.items()}), digest(recorded)}


def test_a_model_card_has_its_nine_sections_and_its_analyses_are_the_reports(known):
    told = content(known, CARD)
    assert [section["title"] for section in told["sections"]] == [
        "Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data",
        "Quantitative analyses", "Ethical considerations", "Caveats and recommendations",
    ]  # fmt: skip
    assert all(section["filled"] != "empty" and section["evidence"] for section in told["sections"])
    analyses = told["sections"][6]
    assert {"performance", "fairness"} <= set(analyses["evidence"])
    tables = [part["table"]["caption"] for part in analyses["parts"] if "table" in part]
    assert any("By race:" in caption for caption in tables) and any(" & " in caption for caption in tables)


def test_a_datasheet_has_seven_sections_and_the_rules_the_data_are_under(known):
    told = content(known, DATASHEET)
    assert [section["title"] for section in told["sections"]] == [
        "Motivation", "Composition", "Collection process", "Preprocessing, cleaning, labelling", "Uses",
        "Distribution", "Maintenance", "Rules it is under", "What is open",
    ]  # fmt: skip
    rules = [part["title"] for part in told["sections"][7]["parts"]]
    assert rules == ["Legal basis", "Permitted purposes", "Reference population", "Licence", "Retention", "Access"]
    composition = [fact for part in told["sections"][1]["parts"] for fact in part.get("facts", ())]
    assert dict(composition)["Sensitive"] == "race, sex"


@pytest.mark.parametrize("finding", ["a new report", "newer answers of people", "a new version"])
def test_a_new_finding_makes_the_card_stale_and_a_new_version_has_none(acme, finding):
    acme.enter()
    version = reports.model_version(acme.builder, project=acme.project)
    built = make.built(acme, CARD, version)
    assert built.digest in {row["digest"] for row in queries.current(version)} and not queries.changes(built)
    if finding == "a new report":
        reports.report(acme.builder, version, "performance")
        said = ["Performance report: it is there now, and was missing."]
    elif finding == "newer answers of people":
        make.stated(acme, "model_card_notes", version=version)
        said = ["Model card: what only people can say: it is there now, and was missing."]
    else:
        version, said = reports.model_version(acme.builder, version.dataset_version, project=acme.project), []
    assert queries.changes(built) == said
    assert CARD not in {row["kind"] for row in queries.current(version)}
    again = make.built(acme, CARD, version)
    assert again.digest in {row["digest"] for row in queries.current(version)}


def test_the_bias_audit_counts_everybody(known):
    told = content(known, BIAS)
    for way in ("selection", "scoring"):
        for table in told["measured"][way].values():
            counted = sum(line["n"] for line in table["categories"])
            assert counted + table["unknown"] == table["assessed"] == told["measured"]["inputs"]["n"]
    assert "rehearsal" in said(told) and "advice, no verdict" in said(told)


def test_the_bias_audit_selects_as_the_fairness_report_does(known):
    fairness = known["version"]["fairness"].content["detail"]["attributes"]
    races = next(table for table in fairness if table["of"] == "race")
    rates = {group["group"]: group["selection_rate"]["value"] for group in races["groups"]}
    assert {line["category"]: line["rate"] for line in known["measured"]["selection"]["race"]["categories"]} == rates


def test_what_a_waiver_sets_aside_is_printed_as_waived_until_it_ends(acme, monkeypatch):
    version = reports.model_version(acme.builder, project=acme.project)
    waiver = sign_offs.waived(acme, version, rule=1)
    acme.enter(acme.builder)
    document = make.built(acme, CARD, version)
    line = f"Performance report: it has not been measured. Waived: waiver {waiver.pk}, until "
    assert line in make.text(document)
    assert [gap for gap in document.gaps if "Waived" in gap] == [gap for gap in document.gaps if gap.startswith(line)]
    assert "Fairness report: it has not been measured." in document.gaps
    assert queries.changes(document) == []
    monkeypatch.setattr("django.utils.timezone.now", lambda: waiver.ends_at)
    assert queries.changes(document) == ["Performance report: it is missing now."]


def test_what_is_sampled_stale_or_waived_is_said_to_be(known):
    evidence = known["version"]
    assert "Explainability report: computed from" in said(content(known, CARD))
    stale = replace(evidence["cybersecurity"], state=State.STALE, why="it was valid until 1 May 2026, and no more.")
    told = content(known, TECHNICAL, replace(evidence, items=evidence.items | {"cybersecurity": stale}))
    assert "STALE" in said(told) and "Cybersecurity: it was valid until 1 May 2026" in said(told)
    waived = evidence.without("cybersecurity").waived([{"slot": "cybersecurity", "says": "until June, by Rita Chen."}])
    text = said(content(known, TECHNICAL, waived))
    assert "WAIVED" in text and "Waived: until June, by Rita Chen." in text


def test_a_datasheet_counts_what_is_open(known):
    evidence = known["data"]
    answers = evidence["datasheet_answers"].content
    opened = answers | {"errors": answers["errors"] | {"answer": "unknown", "text": ""}}
    items = evidence.items | {"datasheet_answers": replace(evidence["datasheet_answers"], content=opened)}
    text = said(content(known, DATASHEET, replace(evidence, items=items)))
    assert f"1 of {len(answers)} questions are unknown: Errors." in text


# --- the same bytes -------------------------------------------------------------------------------------------------

FRESH = """
import json, sys, hashlib, django
django.setup()
from apps.common.canonical import canonical, digest
from apps.documents import printing
told = json.load(open(sys.argv[1]))
print(hashlib.sha256(printing.pdf(told, canonical(told))).hexdigest())
"""


@pytest.mark.parametrize("kind", DocumentKind.values)
def test_it_is_the_same_bytes_from_the_same_content_in_any_process(known, kind, tmp_path):
    told = content(known, kind)
    once = pdf(told)
    assert pdf(content(known, kind)) == once
    (tmp_path / "told.json").write_bytes(canonical(told))
    again = subprocess.run(
        [sys.executable, "-c", FRESH, tmp_path / "told.json"], capture_output=True, text=True, check=True
    )
    assert again.stdout.strip() == hashlib.sha256(once).hexdigest()


def test_it_carries_its_json_and_is_an_archive_document_that_can_be_read_aloud(known):
    told = content(known, CARD)
    written = pdf(told)
    reader = pypdf.PdfReader(io.BytesIO(written))
    assert reader.attachments == {"document.json": [canonical(told)]}
    for mark in (b"<pdfaid:part>3<", b"<pdfaid:conformance>A<", b"<pdfuaid:part>1<"):
        assert mark in written
    root = reader.trailer["/Root"]
    assert root["/Lang"] == "en" and root["/MarkInfo"]["/Marked"] and root["/StructTreeRoot"]
    assert reader.metadata.title == "Model card of screening v1"


def test_its_moment_is_that_of_its_newest_source(known):
    told = content(known, CARD)
    assert told["at"] == max(item["at"] for item in told["evidence"])


# --- its life -------------------------------------------------------------------------------------------------------


def test_it_is_built_on_a_worker_and_kept_by_its_digests(acme, version):
    built = make.built(acme, CARD, version)
    assert built.state == "finished" and built.gaps
    stored = storage.read(acme.organization.pk, built.digest)
    assert stored.startswith(b"%PDF") and make.body(built)["kind"] == CARD
    assert built.template_digest == printing.template_digest() and set(built.libraries) == {"typst", "rfc8785"}
    assert [record.event for record in Record.objects.filter(on_type="document").order_by("seq")] == [
        "document.asked", "document.built",
    ]  # fmt: skip


def test_built_again_it_is_the_same_bytes_and_the_newer_one_stands(acme, version):
    first, second = make.built(acme, CARD, version), make.built(acme, CARD, version)
    assert (first.digest, first.body_digest) == (second.digest, second.body_digest)
    first = queries.documents(viewer=acme.builder).get(pk=first.pk)
    assert queries.changes(first) == ["A newer one was built."] and queries.changes(second) == []


def test_it_holds_until_a_source_changes(acme, version):
    purpose = make.stated(acme)
    built = make.built(acme, CARD, version)
    assert built.digest in {row["digest"] for row in queries.current(version)}
    make.stated(acme, uses="Advise.")
    assert queries.changes(built) == ["Intended purpose: there is another one than it was filled from."]
    assert built.digest not in {row["digest"] for row in queries.current(version)}
    built = make.built(acme, CARD, version)
    actions.withdraw(queries.statements(acme.project).get(supersedes=purpose), reason="No.", by=acme.owner)
    assert queries.changes(built) == ["Intended purpose: it is stale now."]
    built = make.built(acme, CARD, version)
    assert any("was withdrawn on" in gap for gap in built.gaps)
    make.stated(acme)
    assert queries.changes(built) == ["Intended purpose: it is there now, and was stale."]


def test_a_datasheet_speaks_about_every_model_of_its_data(acme, version):
    built = make.built(acme, DATASHEET, version.dataset_version)
    assert {row["kind"] for row in queries.current(version)} == {DATASHEET}
    assert queries.current(version)[0]["name"] == str(built) and queries.current(version)[0]["is"] == "document"


def test_asked_for_twice_it_is_built_once(acme, version):
    first = actions.build(CARD, model_version=version, by=acme.builder)
    assert actions.build(CARD, model_version=version, by=acme.reviewer) == first


def test_what_cannot_be_read_fails_with_a_sentence(acme, version):
    document = make.built(acme, BIAS, version)  # its files are no model
    assert document.state == "failed" and document.problem and not document.digest
    with pytest.raises(ActionDenied, match="not built"):
        actions.take_away(document, form="pdf", by=acme.auditor)


@pytest.mark.parametrize(
    "given",
    [{"kind": "novel"}, {"kind": DATASHEET}, {"kind": CARD, "data": True}, {"kind": BIAS, "sex": "colour"}],
)
def test_what_makes_no_sense_is_not_built(acme, version, given):
    data = version.dataset_version if given.pop("data", False) else None
    with pytest.raises(BadInput):
        actions.build(**given, model_version=version, dataset_version=data, by=acme.builder)


def test_an_auditor_takes_away_and_builds_nothing(acme, version):
    with pytest.raises(NotPermitted, match="have documents built"):
        actions.build(CARD, model_version=version, by=acme.auditor)
    actions.take_away(make.built(acme, CARD, version), form="json", by=acme.auditor)
    assert Record.objects.filter(event="document.downloaded").get().facts["form"] == "json"


@pytest.mark.parametrize("column", ["digest", "body_digest", "inputs", "gaps", "kind", "state"])
def test_nobody_changes_a_built_one(acme, version, column):
    document = make.built(acme, CARD, version)
    value = "'[1]'" if column in ("inputs", "gaps") else "'queued'"
    for attack in (f"update documents_document set {column} = {value}", "delete from documents_document"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"{attack} where id = %s", [document.pk])
    assert Document.objects.get(pk=document.pk).digest == document.digest


def test_nobody_plants_one_about_anothers_model(acme, rival):
    rival.enter()
    theirs = models.version(rival)
    acme.enter()
    with pytest.raises(DatabaseError), transaction.atomic():
        Document.objects.create(
            organization=acme.organization,
            project=acme.project,
            kind=CARD,
            model_version=theirs,
            started_by=acme.builder,
        )


# --- what people wrote ----------------------------------------------------------------------------------------------

HOSTILE = '#panic("no") *bold* $x$ = heading #import "/data.json" @ref <label> `raw` \\ // comment'


def test_what_people_wrote_is_never_markup(acme, version):
    make.stated(acme, uses=HOSTILE, users="\n= A heading of mine\n- item")
    text = make.text(make.built(acme, CARD, version))
    assert make.joined(HOSTILE) in text.replace("“", '"').replace("”", '"') and "= A heading of mine" in text


def test_it_speaks_from_right_to_left_and_prints_letters_it_lacks_by_number(acme, version):
    make.stated(acme, uses="هذا نص عربي", users="זה טקסט", affected="世界 and 🙂", environment="Ω ж ế")
    document = make.built(acme, CARD, version)
    text = make.text(document)
    assert "[U+4E16][U+754C] and [U+1F642]" in text and "Ωжế" in text.replace(" ", "")
    said = {part["title"]: part for one in make.body(document)["sections"] for part in one["parts"] if "words" in part}
    assert said["Uses"]["rtl"] and said["Users"]["rtl"] and not said["Setting"]["rtl"]


def test_very_long_words_and_texts_stay_on_the_page(acme, version):
    make.stated(acme, uses="x" * 20_000, users="word " * 3_900)
    document = make.built(acme, CARD, version)
    assert make.text(document).replace(" ", "").count("x" * 40) >= 400
    reader = pypdf.PdfReader(io.BytesIO(storage.read(acme.organization.pk, document.digest)))
    assert len(reader.pages) > 8


def test_a_letter_that_no_font_has_is_named_and_nothing_else_is_touched():
    assert common._without("a世\\u0000".encode(), {"世", "\0"}) == b"a[U+4E16][U+0000]"
