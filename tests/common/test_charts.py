"""Charts: checked specs, one picture for page and paper, themed by tokens, safe under a strict content policy."""

import json
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import altair
import pytest

from apps.common import charts
from apps.common.charts import Row, drawing
from apps.common.charts.pen import DrawingFailed, Pen

SVG = "{http://www.w3.org/2000/svg}"
RATES = [
    Row("White", 0.897, 0.882, 0.911, 1681),
    Row("<b>Black & Hispanic</b>", None, n=3, note="too few to judge"),
    Row("Black", 0.755, 0.690, 0.810, 197),
]
LOSS = [(epoch, 1 / (epoch + 1)) for epoch in range(20)]
BINS = [
    {"predicted": 0.1, "observed": 0.12, "low": 0.05, "high": 0.2, "n": 60},
    {"predicted": 0.6, "observed": 0.55, "low": 0.4, "high": 0.7, "n": 41},
    {"predicted": None, "observed": None, "low": None, "high": None, "n": 0},
]
CONFUSION = {("yes", "yes"): 480, ("yes", "no"): 20, ("no", "yes"): 40, ("no", "no"): 57}
WORDS = {"title": "Title & <more>", "caption": "Caption"}

DRAWN = {
    "interval": charts.interval_chart(RATES, measured="rate", limit=0.718, **WORDS),
    "difference": charts.interval_chart([Row("sex", 0.05, -0.02, 0.12, 900)], measured="difference", **WORDS),
    "bars": charts.bar_chart([Row("age", 0.4), Row("hours", -0.2)], measured="SHAP", signed=True, **WORDS),
    "importance": charts.importance_chart([Row("age", 0.1), Row("gain", 1.2)], **WORDS),
    "confusion": charts.grid_chart(CONFUSION, down="truly", across="predicted", share_of="row", **WORDS),
    "loss": charts.line_chart({"training": LOSS, "held out": LOSS}, x="epoch", y="log loss", **WORDS),
    "roc": charts.line_chart({"model": [(0, 0), (0.2, 0.7), (1, 1)]}, x="FPR", y="TPR", diagonal=True, **WORDS),
    "calibration": charts.calibration_chart(BINS, **WORDS),
    "histogram": charts.histogram([0, 10, 20, 30], [5, 9, 2], x="age, years", limit=15, **WORDS),
    "overlay": charts.histogram([0, 10, 20], [5, 9], overlay={"Black": [1, 2]}, x="age", **WORDS),
    "scatter": charts.scatter([(i, (i * 7919) % 13 - 6) for i in range(900)], x="age", y="SHAP", **WORDS),
    "empty": charts.interval_chart([], measured="rate", **WORDS),
}


@pytest.fixture(params=DRAWN)
def chart(request):
    return DRAWN[request.param]


def tags(svg):
    return list(ET.fromstring(svg).iter())


def test_each_spec_holds_against_the_schema(chart):
    for spec in (chart.wide, chart.narrow):
        altair.LayerChart.from_dict(spec)


def test_a_page_gets_tokens_and_paper_gets_colours(chart):
    page, paper = chart.svg(), chart.print_svg()
    assert "var(--ink)" in page or "var(--quiet)" in page
    assert "var(" not in paper
    for svg in (page, paper):
        assert "#a55a" not in svg
    assert not re.findall("#[0-9a-f]{6}", page), "a colour that no theme can change"
    assert drawing.PAPER_FONT in paper


def test_nothing_in_it_needs_a_wider_content_policy(chart):
    for element in tags(chart.svg()):
        assert "style" not in element.attrib
        assert element.tag not in {SVG + "script", SVG + "style", SVG + "foreignObject", SVG + "image"}
        assert not [name for name in element.attrib if name.startswith("on")]


def test_it_is_one_image_with_words(chart):
    root = ET.fromstring(chart.svg())
    title, desc = root.find(SVG + "title"), root.find(SVG + "desc")
    assert root.get("role") == "img"
    assert root.get("aria-labelledby").split() == [title.get("id"), desc.get("id")]
    assert (title.text, desc.text) == (chart.title, chart.text)
    assert not [e for e in list(root.iter())[1:] if e.get("role") or e.get("aria-label")]


def test_it_fits_where_it_is_shown(chart):
    assert float(ET.fromstring(chart.svg()).get("width")) <= drawing.WIDE + 12
    assert float(ET.fromstring(chart.svg(narrow=True)).get("width")) <= drawing.NARROW + 12


def test_two_charts_on_a_page_share_no_id():
    ids = [e.get("id") for c in DRAWN.values() for n in (False, True) for e in tags(c.svg(narrow=n)) if e.get("id")]
    assert len(ids) == len(set(ids))


def test_missing_evidence_is_drawn_in_its_place():
    text = " ".join(ET.fromstring(DRAWN["interval"].svg()).itertext())
    assert "too few to judge" in text
    assert "undefined" not in text
    assert "null" not in text
    assert ("<b>Black & Hispanic</b>", "3", "too few to judge", "") in DRAWN["interval"].rows


def test_names_are_text_never_markup():
    assert "<b>" not in DRAWN["interval"].svg()


def test_the_order_is_the_callers():
    text = " ".join(ET.fromstring(DRAWN["interval"].svg()).itertext())
    drawn_part = text[text.index("threshold at") :]
    assert drawn_part.index("White") < drawn_part.index("too few") or drawn_part.index("0.897") < drawn_part.index(
        "0.755"
    )
    assert [row[0] for row in DRAWN["importance"].rows] == ["gain", "age"]


def test_paper_says_what_the_page_says_in_the_light_theme():
    css = (Path(__file__).parents[2] / "static" / "assay.css").read_text("utf-8")
    light = dict(re.findall(r"(--[\w-]+): light-dark\((#[0-9a-f]{6}),", css))
    for variable, paper in drawing.TOKENS.values():
        assert light[variable] == paper


def test_a_drawn_chart_is_not_drawn_again():
    chart = DRAWN["loss"]
    chart.svg()
    began = time.perf_counter()
    for _ in range(20):
        chart.svg()
    assert (time.perf_counter() - began) / 20 < 0.005


def test_a_pen_that_was_killed_is_taken_up_again():
    pen = Pen()
    spec = json.dumps(DRAWN["loss"].wide)
    once = pen.draw(spec)
    pen._process.kill()
    pen._process.wait()
    assert pen.draw(spec) == once
    pen.rest()


def test_a_spec_that_cannot_be_drawn_says_so_and_harms_no_other():
    pen = Pen()
    with pytest.raises(DrawingFailed):
        pen.draw('{"mark": "no such mark"}')
    assert pen.draw(json.dumps(DRAWN["loss"].wide)).startswith("<svg")
    pen.rest()


def test_many_threads_share_one_pen():
    pen = Pen()
    specs = [json.dumps(chart.wide) for chart in DRAWN.values()] * 2
    with ThreadPoolExecutor(4) as threads:
        drawn = list(threads.map(pen.draw, specs))
    assert drawn == [pen.draw(spec) for spec in specs]
    pen.rest()


def test_drawing_costs_this_process_no_engine():
    code = (
        "import sys; from apps.common import charts;"
        "charts.bar_chart([charts.Row('a', 1.0)], title='t', caption='c', measured='m').svg();"
        "assert not {'vl_convert', 'altair'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
