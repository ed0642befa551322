"""Real data sets through training and reports give the figures verified beforehand, and fairlearn's own to 1e-12."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from fairlearn import metrics as fairlearn
from sklearn.model_selection import train_test_split

from apps.ml import artifacts, tables
from apps.reports import runs
from apps.reports.models import Kind
from tests.reports import make

pytestmark = pytest.mark.django_db


def figures(report):
    assert report.state == "finished", report.problem
    return {(figure["name"], figure["of"]): figure["value"] for figure in json.loads(report.result)["figures"]}


def gaps(found, of):
    names = "demographic_parity_difference", "demographic_parity_ratio", "equalized_odds_difference"
    return [found[name, of] for name in names]


def reports(acme, version):
    return [figures(make.report(acme.builder, version, kind)) for kind in (Kind.PERFORMANCE, Kind.FAIRNESS)]


def adult(acme, shared_data, **options):
    declaration = tables.Declaration(
        target="income", favourable=">50K", sensitive=(tables.Attribute("sex"), tables.Attribute("race")),
        left_out=("fnlwgt",), missing=(),
    )  # fmt: skip
    learned, test = (
        make.dataset_version(
            acme.builder, (shared_data / f"adult-{part}.csv").read_bytes(), said, name="adult", project=acme.project
        )
        for part, said in (("train", declaration), ("test", replace(declaration, favourable=">50K.")))
    )
    return make.model_version(acme.builder, learned, test=test, project=acme.project, **options)


def test_adult(acme, shared_data):
    how, fair = reports(acme, adult(acme, shared_data, inputs_sensitive=True))
    assert how["accuracy", ""] == pytest.approx(0.852, abs=0.005)
    assert how["roc_auc", ""] == pytest.approx(0.905, abs=0.005)
    assert gaps(fair, "sex") == pytest.approx([0.177, 0.299, 0.091], abs=0.005)
    parity, _, odds = gaps(fair, "race")
    assert (parity, odds) == (pytest.approx(0.191, abs=0.005), pytest.approx(0.338, abs=0.005))


def test_adult_without_sensitive_inputs_is_no_fairer(acme, shared_data):
    how, fair = reports(acme, adult(acme, shared_data, inputs_sensitive=False))
    assert how["accuracy", ""] == pytest.approx(0.852, abs=0.005)
    assert gaps(fair, "sex")[0] == pytest.approx(0.168, abs=0.005)


def test_every_gap_equals_fairlearns_on_the_same_predictions(acme, shared_data):
    version = adult(acme, shared_data, inputs_sensitive=True)
    report = make.report(acme.builder, version, Kind.FAIRNESS)
    evidence = runs.gather(version)
    predicted = evidence.model.probability(evidence.unseen.frame) >= artifacts.THRESHOLD
    groups = {a.name: tables.groups(evidence.unseen.frame, a) for a in evidence.declaration.sensitive}
    groups["sex & race"] = tables.intersection(list(groups.values()))
    for table in json.loads(report.result)["detail"]["attributes"]:
        judged = np.isin(groups[table["of"]], [row["group"] for row in table["groups"] if row["judged"]])
        everyone = np.ones(len(judged), bool)
        for name, told, rows in (
            ("demographic_parity_difference", figures(report), judged),
            ("demographic_parity_ratio", figures(report), judged),
            ("equalized_odds_difference", {}, everyone),
            ("equal_opportunity_difference", {}, everyone),
        ):
            expected = getattr(fairlearn, name)(
                evidence.unseen.outcome[rows], predicted[rows], sensitive_features=groups[table["of"]][rows]
            )
            ours = told[name, table["of"]] if told else table["gaps_over_all_groups"][name]
            assert ours == pytest.approx(expected, abs=1e-12), (name, table["of"])


def test_german_credit(acme, shared_data):
    """Sex is left out as an input and judged all the same; age stays an input and is judged at 25."""
    sensitive = tables.Attribute("sex"), tables.Attribute("age", "cuts", column="age", cuts=(25,))
    declaration = tables.Declaration("credit_risk", "1", sensitive, ("sex",), ())
    content = (shared_data / "german-credit.csv").read_bytes()
    version = make.dataset_version(acme.builder, content, declaration, name="german", project=acme.project)
    how, fair = reports(acme, make.model_version(acme.builder, version, project=acme.project, inputs_sensitive=True))
    assert how["accuracy", ""] == pytest.approx(0.777, abs=0.005)
    assert how["roc_auc", ""] == pytest.approx(0.826, abs=0.005)
    assert gaps(fair, "sex") == pytest.approx([0.144, 0.830, 0.119], abs=0.005)
    parity, _, odds = gaps(fair, "age")
    assert (parity, odds) == (pytest.approx(0.076, abs=0.005), pytest.approx(0.157, abs=0.005))


@pytest.mark.parametrize(
    ("estimator", "accuracy", "area", "parity"), [("logistic", 0.811, 0.714, 0.020), ("boosting", 0.820, 0.777, 0.012)]
)
def test_default_of_credit_card_clients(acme, shared_data, estimator, accuracy, area, parity):
    """The favourable outcome is label 0. The split is the verified one, stratified by the label itself."""
    frame = pl.read_csv(shared_data / "default-credit-card.csv")
    target = "default payment next month"
    label = frame[target].to_numpy()
    parts = train_test_split(np.arange(len(label)), test_size=0.3, random_state=0, stratify=label)
    declaration = tables.Declaration(target, "0", (tables.Attribute("SEX"),), ("ID",), ())
    learned, test = (
        make.dataset_version(
            acme.builder, frame[rows].write_csv().encode(), declaration, name="default", project=acme.project
        )
        for rows in parts
    )
    options = {"estimator": estimator, "inputs_sensitive": True, "project": acme.project}
    how, fair = reports(acme, make.model_version(acme.builder, learned, test=test, **options))
    assert how["accuracy", ""] == pytest.approx(accuracy, abs=0.005)
    assert how["roc_auc", ""] == pytest.approx(area, abs=0.005)
    assert how["selection_rate", ""] > 0.8
    assert gaps(fair, "SEX")[0] == pytest.approx(parity, abs=0.005)
