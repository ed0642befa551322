"""Models and data at the edges are reported honestly, on the page and on paper."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from apps.ml import recipes, tables
from apps.ml.estimators import layers
from apps.ml.training import train
from apps.reports.models import Kind
from apps.reports.sheets import files
from tests.reports import make

pytestmark = pytest.mark.django_db


def shown(client, acme, report):
    """The page; the document is made too."""
    assert report.state == "finished", report.problem
    assert files.pdf(report).startswith(b"%PDF")
    client.force_login(acme.auditor.user)
    page = client.get(report.get_absolute_url())
    acme.enter()
    assert page.status_code == 200
    return page.content.decode()


@pytest.fixture
def indifferent(acme):
    """A model that says the same to everybody."""
    version = make.dataset_version(acme.builder, make.loans(), project=acme.project)
    frame, declaration = make.read(version)
    recipe = recipes.Recipe("logistic", False, 0.3, 0, 0, False, {})
    trained = train(frame, declaration, recipe)
    weights = layers.load(trained.files)
    same = layers.Layers(tuple(0 * part for part in weights.weights), tuple(0 * part for part in weights.biases))
    return make.register(
        acme.builder, version, replace(trained, files=trained.files | layers.save(same)), recipe, project=acme.project
    )


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Kind.PERFORMANCE, "The model gives every row the same answer"),
        (Kind.FAIRNESS, "predicted favourable"),
        (Kind.PRIVACY, "No guarantee"),
        (Kind.EXPLAINABILITY, "No column moves the answers"),
    ],
)
def test_a_model_that_says_the_same_to_everybody(client, acme, indifferent, kind, words):
    assert words in shown(client, acme, make.report(acme.builder, indifferent, kind))


@pytest.mark.parametrize("unsaid", [("direction",), ("direction", "threshold", "verdict", "note", "smallest_group")])
def test_a_figure_that_says_nothing_of_a_limit_is_shown_without_one(client, acme, unsaid):
    report = make.report(acme.builder, make.model_version(acme.builder, project=acme.project), Kind.FAIRNESS)
    result = json.loads(report.result)
    assert "at least" in shown(client, acme, report)
    result["figures"] = [{k: v for k, v in figure.items() if k not in unsaid} for figure in result["figures"]]
    assert shown(client, acme, make.kept(acme.builder, report.model_version, Kind.FAIRNESS, result))


def small(acme, rows, **columns):
    rng = np.random.default_rng(1)
    amount = rng.normal(size=rows)
    paid = np.where(amount + rng.normal(size=rows) > 0, "yes", "no")
    frame = pl.DataFrame({"amount": amount, "paid": paid} | columns)
    declaration = tables.Declaration("paid", "yes", (tables.Attribute("group"),), (), ("",))
    version = make.dataset_version(
        acme.builder, frame.write_csv().encode(), declaration, name="small", project=acme.project
    )
    return make.model_version(acme.builder, version, project=acme.project)


@pytest.mark.parametrize("kind", Kind.values)
def test_a_dozen_rows_decide_nothing_and_say_so(client, acme, kind):
    version = small(acme, 40, group=["a", "b"] * 20)
    report = make.report(acme.builder, version, kind)
    page = shown(client, acme, report)
    if kind == Kind.FAIRNESS:
        assert report.verdict == "inconclusive" and "no attribute has two groups large enough" in page
        assert "too few to judge" in page
        assert {figure["value"] for figure in json.loads(report.result)["figures"]} == {None}


def test_markup_in_the_data_is_only_text(client, acme):
    """Names of groups are data: on the page they are escaped, on paper they are no markup."""
    nasty = ["<script>alert(1)</script>", '#panic("typst") *bold* $x$ & "quoted"']
    version = small(acme, 400, group=nasty * 200)
    page = shown(client, acme, make.report(acme.builder, version, Kind.FAIRNESS))
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page
    assert "#panic(&quot;typst&quot;) *bold*" in page


def test_a_group_without_values_is_never_the_reference(client, acme):
    groups = ["a", "b", "", "a"] * 250
    report = make.report(acme.builder, small(acme, 1000, group=groups), Kind.FAIRNESS)
    page = shown(client, acme, report)
    table = json.loads(report.result)["detail"]["attributes"][0]
    assert table["reference"] in ("a", "b")
    assert [row["missing"] for row in table["groups"]] == [True, False, False]
    assert "rows without a value are shown as their own group and never" in page


def test_data_that_declares_nothing_sensitive_cannot_be_judged(acme):
    version = make.dataset_version(
        acme.builder, make.loans(), replace(make.LOANS, sensitive=()), name="plain", project=acme.project
    )
    report = make.report(acme.builder, make.model_version(acme.builder, version, project=acme.project), Kind.FAIRNESS)
    assert report.state == "failed" and "declares no sensitive column" in report.problem
