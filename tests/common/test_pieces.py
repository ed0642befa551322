"""The pieces of a page: numbers as exact as their sample, verdicts that need no colour, tokens one can read."""

import datetime as dt
import re
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest
from django import forms
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from apps.common import measures, numbers

CSS = (Path(__file__).parents[2] / "static" / "assay.css").read_text("utf-8")
SCRIPT = (Path(__file__).parents[2] / "static" / "assay.js").read_text("utf-8")


def shown(source, **context):
    return Template(source).render(Context(context))


@pytest.mark.parametrize(
    ("value", "low", "high", "n", "text"),
    [
        (0.76042, 0.712, 0.804, None, "0.760"),
        (0.8523, 0.8491, 0.8555, None, "0.8523"),
        (0.5, 0.2, 0.9, None, "0.50"),
        (12345.6, 12000, 12700, None, "12,346"),
        (0.1234, None, None, 100, "0.123"),
        (0.1234, None, None, 1_000_000, "0.12340"),
        (0.00001, None, None, None, "1·10⁻⁵"),
        (0.00001, 0, 0.2, None, "0.00"),
        (-0.05, -0.1, 0.02, None, "−0.050"),
        (None, None, None, 10, "not measured"),
        (float("nan"), None, None, None, "not measured"),
        (float("inf"), None, None, None, "∞"),
        (0.7, 0.7, 0.7, None, "0.700"),
    ],
)
def test_a_number_is_rounded_to_what_its_interval_or_sample_supports(value, low, high, n, text):
    assert numbers.rounded(value, low, high, n) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1989, "1,989"), (3.0, "3"), (0.00002, "2·10⁻⁵"), (-0.0, "0"), (0, "0"), (1e-9, "1·10⁻⁹"), (0.25, "0.250")],
)
def test_a_number_alone_is_plain(value, text):
    assert numbers.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.8, "0.8"), (4, "4"), (1e-5, "0.00001"), (1e-8, "1·10⁻⁸"), (0.055, "0.055")]
)
def test_a_threshold_is_said_as_it_was_written(value, text):
    assert numbers.threshold(value) == text


def test_an_interval_with_one_end_is_a_bound():
    assert numbers.interval(0.712, 0.804) == "0.712 to 0.804"
    assert numbers.interval(None, 0.5) == "at most 0.500"
    assert numbers.interval(0.5, None) == "at least 0.500"
    assert numbers.interval(None, None) == ""


@given(st.floats(-1e12, 1e12), st.floats(0, 1e6))
def test_rounding_never_leaves_the_interval_by_more_than_its_last_digit(value, width):
    low, high = value - width, value + width
    text = numbers.rounded(value, low, high).replace(",", "").replace("−", "-")
    if "·" not in text:
        assert abs(float(text) - value) <= 0.5 * 10 ** -numbers.decimals(low, high) + abs(value) * 1e-12


@given(st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), min_size=1))
def test_the_scale_holds_every_value(values):
    start, end = measures.scale(*values)
    assert start < end
    assert all(start <= v <= end for v in values if v is not None)


def test_sizes_and_durations_are_said_in_words():
    assert [numbers.size(n) for n in (12, 158_000_000, 1_040_000_000)] == ["12 bytes", "158 MB", "1.04 GB"]
    assert [numbers.duration(s) for s in (0.4, 31, 124, 7300)] == ["0.4 s", "31 s", "2 min 4 s", "2 h 1 min"]


def test_a_measure_stands_with_interval_threshold_and_n_for_eyes_and_readers():
    html = shown('{% measure 0.842 low=0.751 high=0.921 threshold=0.8 direction="at_least" n=597 %}')
    assert 'aria-label="0.842, interval 0.751 to 0.921, threshold at least 0.8"' in html
    assert "0.751 to 0.921 · n 597" in html
    assert "style=" not in html


def test_a_figure_of_a_report_names_its_smallest_group():
    figure = {
        "value": 0.8,
        "low": 0.7,
        "high": 0.9,
        "n": 900,
        "smallest_group": 61,
        "threshold": None,
        "direction": None,
    }
    assert "smallest group n 61" in shown("{% measure_of figure %}", figure=figure)


def test_what_was_not_measured_is_said_in_its_place():
    html = shown('{% measure value threshold=0.8 note="too few to judge" %}', value=None)
    assert "not measured" in html
    assert "too few to judge" in html
    assert "<svg" not in html


@pytest.mark.parametrize("word", ["pass", "fail", "inconclusive", "missing", "stale", "waived", "revoked"])
def test_a_verdict_has_word_and_shape_beside_its_colour(word):
    html = shown("{% stamp word %}", word=word)
    tone = re.search(r'class="stamp (\w+)"', html).group(1)
    assert f">{word}<" in html
    assert re.search(rf"\.stamp\.{tone}::before {{ content: \"[^\"]+\"", CSS)


def test_no_verdict_is_printed_as_missing():
    assert ">missing<" in shown("{% stamp None %}")


def test_a_shut_button_says_why():
    html = shown('{% next_button "Sign" reason %}', reason="Only <reviewers> sign.")
    described = re.search(r'disabled aria-describedby="([\w-]+)"', html).group(1)
    assert f'id="{described}">Only &lt;reviewers&gt; sign.' in html
    assert "disabled" not in shown('{% next_button "Sign" None %}')


def test_a_moment_is_exact_for_machines_and_on_hover():
    at = dt.datetime(2026, 11, 19, 16, 2, 11, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    html = shown("{% moment at %}", at=at)
    assert 'datetime="2026-11-19T14:02:11Z"' in html
    assert 'title="2026-11-19 14:02:11 UTC"' in html
    assert ">19 Nov 2026, 14:02 UTC<" in html
    assert shown("{% moment None %}") == "never"


def test_a_digest_is_whole_in_the_page():
    assert shown("{% digest whole %}", whole="ab" * 32).count("ab" * 32) == 3


class Form(forms.Form):
    name = forms.CharField(help_text="As printed.")
    colour = forms.ChoiceField(choices=[("r", "red"), ("g", "green")], widget=forms.RadioSelect)
    sure = forms.BooleanField(required=False)


def test_every_field_is_joined_with_its_label_help_and_error():
    form = Form({})
    html = shown("{% fields form %}", form=form)
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    for part in ("id_name_helptext", "id_name_error", "id_colour_error"):
        assert f'id="{part}"' in html
    assert 'aria-invalid="true"' in html
    assert "<legend>Colour</legend>" in html
    assert re.search(r'<label class="choice" for="id_sure"><input type="checkbox"', html)


def test_the_rail_says_each_stop_and_where_one_stands():
    stops = [
        {"name": "Data", "state": "done", "note": "v3", "url": "/d/", "current": True},
        {"name": "Model", "note": ""},
    ]
    html = shown("{% rail stops %}", stops=stops)
    assert '<li data-state="done" aria-current="step"><a href="/d/">Data</a><small>v3</small>' in html
    assert "nothing yet" in html


def test_a_list_page_leads_to_its_neighbours_and_keeps_quiet_alone():
    html = shown("{% pager %}", next_url="?q=x&after=7", previous_url=None)
    assert 'rel="next" href="?q=x&amp;after=7"' in html
    assert "Newer" not in html
    assert shown("{% pager %}").strip() == ""


@pytest.mark.parametrize("theme", [0, 1])
def test_every_ink_can_be_read_on_every_paper_in_both_themes(theme):
    tokens = dict(re.findall(r"(--[\w-]+): light-dark\((#[0-9a-f]{6}, #[0-9a-f]{6})\)", CSS))
    colour = {name: pair.split(", ")[theme] for name, pair in tokens.items()}
    inks = ("ink", "quiet", "accent", "pass", "fail", "unsure", "void", "series-1", "series-2", "series-3", "series-4")
    for ink, paper in product(inks, ("paper", "sheet", "sunk")):
        assert contrast(colour[f"--{ink}"], colour[f"--{paper}"]) >= 4.5, (ink, paper)
    for paper in ("paper", "sheet"):
        assert contrast(colour["--edge"], colour[f"--{paper}"]) >= 3, paper
    assert contrast(colour["--on-accent"], colour["--accent"]) >= 4.5


def contrast(one, other):
    """WCAG 2.2, 1.4.3: the ratio of relative luminances."""
    dark, light = sorted(luminance(c) for c in (one, other))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_no_template_writes_what_the_content_policy_forbids():
    for path in (Path(__file__).parents[2] / "templates").rglob("*.html"):
        text = path.read_text("utf-8")
        assert not re.search(r"\sstyle=|\son\w+=|javascript:|hx-on|<style", text), path
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), path


def test_the_script_needs_no_evaluation():
    assert not re.search(r"\beval\(|new Function|innerHTML|document\.write", SCRIPT)


@pytest.mark.parametrize("path", ["records/7/", "checkpoints/", "attestations/1/"])
def test_the_house_marks_where_one_stands(path):
    membership = SimpleNamespace(organization=SimpleNamespace(slug="acme"))
    request = SimpleNamespace(membership=membership, project=None, path=f"/acme/{path}")
    html = shown("{% house %}", request=request)
    assert '<a href="/acme/records/" aria-current="true">Record</a>' in html
    assert html.count("aria-current") == 1
