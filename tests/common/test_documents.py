"""A document is the same bytes from the same input, says what it must, and carries its machine-readable twin."""

import io
import json

import pypdf
import pytest

from apps.common import documents
from apps.common.charts import Row, interval_chart

TEMPLATE = """
#import "/_document.typ": *
#let data = json("/data.json")
#show: document.with(data)
= What was measured
#measures(data.figures)
= By group
#chart(data, "rates")
#rows(("Group", "n", "Rate"), data.groups, caption: "By group")
"""
FIGURES = [
    {"name": "balanced_accuracy", "of": "", "value": 0.7604, "low": 0.712, "high": 0.804, "n": 597,
     "smallest_group": None, "threshold": 0.7, "direction": "at_least", "verdict": "pass", "note": ""},
    {"name": "impact_ratio", "of": "race", "value": None, "low": None, "high": None, "n": 597, "smallest_group": 3,
     "threshold": 0.8, "direction": "at_least", "verdict": "inconclusive", "note": "one group is too small to judge"},
]  # fmt: skip
RESULT = json.dumps({"kind": "fairness", "figures": FIGURES}).encode()


@pytest.fixture
def drawn(settings, tmp_path):
    """Renders the template above with any change to its data."""
    real = settings.BASE_DIR / "templates" / documents.SHARED
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / documents.SHARED).write_text(real.read_text("utf-8"), "utf-8")
    (tmp_path / "templates" / "fairness.typ").write_text(TEMPLATE, "utf-8")
    settings.BASE_DIR = tmp_path
    rows = [Row("White", 0.897, 0.882, 0.911, 1681), Row("Black and Hispanic", None, n=3, note="too few to judge")]
    chart = interval_chart(rows, title="Rates", caption="Approval rate by race.", measured="rate", limit=0.718)

    def render(**changes):
        data = {
            "title": "Does loan-screening v7 treat groups alike?",
            "subject": "Acme Bank · Lending · loan-screening v7",
            "answer": "We cannot tell for race.",
            "verdict": "inconclusive",
            "digest": "c07f5512be03" + "0" * 52,
            "at": "2026-11-19T14:02:11+00:00",
            "facts": [["Rows", "1,989"], ["Model", "9d20b7f1c4aa" + "1" * 52]],
            "figures": documents.measured(FIGURES),
            "groups": [["White", "1,681", "0.897"]],
            **changes,
        }
        twin = documents.Attachment("fairness.json", RESULT, "The same result, for machines")
        return documents.render("fairness.typ", data, charts={"rates": chart}, attachments=[twin])

    return render


def read(pdf):
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    return reader, " ".join("\n".join(page.extract_text() for page in reader.pages).split())


def test_the_same_input_gives_the_same_bytes_and_other_input_others(drawn):
    once = drawn()
    assert drawn() == once
    assert drawn(at="2026-11-19T14:02:12+00:00") != once


def test_it_says_subject_verdict_digest_and_page(drawn):
    _, text = read(drawn())
    for said in ("Does loan-screening v7 treat groups alike?", "INCONCLUSIVE", "We cannot tell for race."):
        assert said in text
    for said in ("c07f5512be03" + "0" * 52, "page 1 of", "2026-11-19 14:02:11 UTC"):
        assert said in text


def test_every_number_stands_with_its_interval_n_and_threshold(drawn):
    _, text = read(drawn())
    assert "balanced accuracy 0.760 0.712 to 0.804 597 at least 0.7" in text
    assert "impact ratio by race one group is too small to judge not measured 3 in the smallest group" in text


def test_it_carries_the_result_for_machines(drawn):
    reader, _ = read(drawn())
    assert reader.attachments == {"fairness.json": [RESULT]}


def test_it_declares_itself_an_archive_document(drawn):
    pdf = drawn()
    assert b"<pdfaid:part>3</pdfaid:part>" in pdf
    assert b"<pdfaid:conformance>A</pdfaid:conformance>" in pdf
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf


def test_what_people_wrote_is_never_markup(drawn):
    hostile = '#panic("no") *bold* $x$ \\ "quoted" = heading <script>'
    _, text = read(drawn(answer=hostile, facts=[[hostile, hostile]]))
    assert text.count(hostile) >= 3 or text.replace("- ", "").count('#panic("no") *bold* $x$') >= 3


def test_a_figure_is_drawn_with_its_words(drawn):
    pdf = drawn()
    reader, text = read(pdf)
    assert "Figure 1: Approval rate by race." in text
    assert "four fifths" not in text
    assert "too few to judge" in text
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
