"""What is well formed."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from apps.reports import submissions
from tests.reports.test_submissions.make import FIGURE, GAP, TODAY, wrong

pytestmark = pytest.mark.django_db


def test_whole_figures_of_every_kind_are_taken():
    assert wrong() == {}
    assert wrong("fairness", figures=[GAP, GAP | {"of": "sex"}, GAP | {"of": "sex & race"}]) == {}
    assert wrong("privacy", figures=[{"name": "epsilon", "value": 3.5, "n": 900}]) == {}
    assert (
        wrong(
            "explainability",
            figures=[{"name": "additivity_residual", "value": 1e-7, "low": 1e-7, "high": 1e-7, "n": 5}],
        )
        == {}
    )
    assert wrong(figures=[{"name": "log_loss", "value": 7.5, "n": 1}]) == {}


@pytest.mark.parametrize(
    ("other", "field", "words"),
    [
        ({"name": "accurracy"}, "name", "No performance report has “accurracy”. It may have accuracy, "),
        ({"name": "epsilon"}, "name", "No performance report has “epsilon”"),
        ({"of": "race"}, "of", "Balanced accuracy is a figure of the whole model, not of “race”."),
        ({"value": None}, "value", "balanced_accuracy has no value."),
        ({"value": "good"}, "value", "“good” is no finite number."),
        ({"value": float("nan"), "low": None, "high": None}, "value", "no finite number"),
        ({"value": float("inf")}, "value", "no finite number"),
        ({"value": 10**400}, "value", "no finite number"),
        ({"value": True}, "value", "no finite number"),
        ({"value": 78}, "value", "Balanced accuracy lies from 0 to 1; 78 does not."),
        ({"low": -0.1}, "low", "Balanced accuracy lies from 0 to 1; -0.1 does not."),
        ({"high": None}, "high", "An interval has two ends; give both, or neither."),
        ({"low": None}, "low", "An interval has two ends"),
        ({"value": 0.9}, "value", "0.9 does not lie within its interval, 0.7 to 0.85."),
        ({"low": 0.85, "high": 0.7}, "value", "does not lie within its interval"),
        ({"n": None}, "n", "Say on how many rows it was measured."),
        ({"n": 0}, "n", "“0” is no whole number of rows, 1 or more."),
        ({"n": 1.5}, "n", "“1.5” is no whole number"),
        ({"n": "many"}, "n", "“many” is no whole number"),
        ({"n": 10**400}, "n", "is no whole number"),
        ({"smallest_group": 600}, "smallest_group", "The smallest group cannot have more rows than all 597."),
        ({"smallest_group": 0}, "smallest_group", "“0” is no whole number"),
    ],
)
def test_a_figure_that_cannot_be_is_refused_by_its_field(other, field, words):
    found = wrong(figures=[{"name": "roc_auc", "value": 0.8, "n": 9}, FIGURE | other])
    assert list(found) == [f"figures.1.{field}"] and words in found[f"figures.1.{field}"]


@pytest.mark.parametrize(
    ("kind", "figure", "field", "words"),
    [
        ("fairness", GAP | {"of": ""}, "of", "nor a pair of them. The data declares race, sex."),
        ("fairness", GAP | {"of": "age"}, "of", "“age” is no sensitive attribute"),
        ("fairness", GAP | {"of": "race & race"}, "of", "is no sensitive attribute"),
        ("privacy", {"name": "epsilon", "value": 3, "low": 2, "high": 4, "n": 9}, "low", "give it no interval"),
        ("privacy", {"name": "epsilon", "value": -1, "n": 9}, "value", "loss ε lies at 0 or above; -1 does not."),
    ],
)  # fmt: skip
def test_so_is_what_its_kind_does_not_allow(kind, figure, field, words):
    found = wrong(kind, figures=[figure])
    assert list(found) == [f"figures.0.{field}"] and words in found[f"figures.0.{field}"]


def test_a_figure_is_given_once_whichever_way_its_pair_is_turned():
    pair = GAP | {"of": "race & sex"}
    assert wrong("fairness", figures=[pair, GAP, pair | {"of": "sex & race"}]) == {
        "figures.2.name": "equalized_odds_difference of sex & race was given before."
    }


@pytest.mark.parametrize(
    ("other", "field", "words"),
    [
        ({"measured_by": " "}, "measured_by", "Say who measured."),
        ({"method": ""}, "method", "Say by which method"),
        ({"data": "x" * 4001}, "data", "At most 4,000 characters."),
        ({"measured_on": TODAY + timedelta(days=2)}, "measured_on", "is still to come."),
        ({"measured_on": TODAY - timedelta(days=32)}, "measured_on", "nothing was measured of it before."),
        ({"data_digest": "abc"}, "data_digest", "A SHA-256 has 64 hexadecimal digits."),
        ({"figures": []}, "figures", "Give at least one figure."),
        ({"figures": [FIGURE] * 201}, "figures", "At most 200 figures are taken."),
    ],
)
def test_so_is_a_submission_that_does_not_say_where_it_comes_from(other, field, words):
    found = wrong(**other)
    assert list(found) == [field] and words in found[field]


@pytest.mark.parametrize(
    "text",
    [
        "name,of,value,low,high,n,smallest_group\nbalanced_accuracy,,0.78,0.7,0.85,597,",
        "name;value;low;high;n\n\nbalanced_accuracy;0.78;0.7;0.85;597\n",
        "name\tvalue\tlow\thigh\tn\r\n balanced_accuracy \t0.78\t0.7\t0.85\t597\r\n",
        json.dumps([FIGURE]),
        json.dumps({"figures": [FIGURE | {"threshold": None, "direction": None, "verdict": None, "note": ""}]}),
    ],
)
def test_a_table_is_read_as_csv_or_json(text):
    (row,) = submissions.pasted(text)
    assert {name: cell for name, cell in row.items() if cell not in (None, "")} == FIGURE


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("balanced_accuracy,0.78", "The first line must name the columns name, of, value"),
        ("name,value,colour\nroc_auc,0.8,red", "Line 2 has “colour”; the columns are name, of, value"),
        ("name,value\nroc_auc,0.8,7", "Line 2 has 3 cells, the header 2."),
        ('name,value\n"roc_auc,0.8', "This is no CSV"),
        ("[{", "This is no JSON"),
        ("[" * 100_000, "This is no JSON"),
        ('{"figures": 3}', "The JSON must be a list of figures"),
        ('[{"value": 3}]', "The JSON must be a list of figures"),
        ('[{"name": "roc_auc", "p": 3}]', "Figure 1 has “p”"),
        ('[{"name": "\\ud800"}]', "half of a surrogate pair"),
    ],
)
def test_what_is_no_table_says_where(text, words):
    with pytest.raises(submissions.Unreadable, match=words.replace("[", r"\[")):
        submissions.pasted(text)


def test_a_day_is_where_it_is():
    assert date.fromisoformat(f"{TODAY}") and not wrong(measured_on=(datetime.now(UTC) + timedelta(hours=13)).date())
