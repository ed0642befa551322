"""The measures, on real data and plain scikit-learn pipelines, give the figures verified beforehand."""

import numpy as np
import polars as pl
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from apps.ml import fairness, performance


def logistic(frame, outcome, train, test):
    """Probability of the favourable outcome for the rows `test`, learned from the rows `train`."""
    text = [name for name in frame.columns if frame[name].dtype == pl.String]
    numbers = [name for name in frame.columns if name not in text]
    pipeline = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), text),
            (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        ),
        LogisticRegression(max_iter=2000),
    )
    pipeline.fit(frame[train].to_pandas(), outcome[train])
    return pipeline.predict_proba(frame[test].to_pandas())[:, 1]


def judged(measured, of):
    """(demographic parity difference, ratio, equalized odds difference)."""
    names = "demographic_parity_difference", "demographic_parity_ratio", "equalized_odds_difference"
    return [measured.figure(name, of).value for name in names]


def held_back(label):
    return train_test_split(np.arange(len(label)), test_size=0.3, random_state=0, stratify=label)


def test_adult(shared_data):
    both = pl.concat(pl.read_csv(shared_data / f"adult-{part}.csv") for part in ("train", "test"))
    outcome = both["income"].str.starts_with(">50K").to_numpy()
    train, test = np.arange(32_561), np.arange(32_561, len(both))
    probability = logistic(both.drop("income", "fnlwgt"), outcome, train, test)
    how = performance.measure(outcome[test], probability)
    assert how.figure("accuracy").value == pytest.approx(0.852, abs=0.005)
    assert how.figure("roc_auc").value == pytest.approx(0.905, abs=0.005)
    groups = {name: both[name].to_numpy()[test] for name in ("sex", "race")}
    fair = fairness.measure(outcome[test], probability >= 0.5, groups)
    assert judged(fair, "sex") == pytest.approx([0.177, 0.299, 0.091], abs=0.005)
    parity, _, odds = judged(fair, "race")
    assert (parity, odds) == (pytest.approx(0.191, abs=0.005), pytest.approx(0.338, abs=0.005))
    female = fair.detail["attributes"][0]["groups"][0]
    rates = "selection_rate", "accuracy", "true_positive_rate", "false_positive_rate"
    assert [female[rate]["value"] for rate in rates] == pytest.approx([0.0753, 0.929, 0.519, 0.021], abs=0.005)


def test_german_credit(shared_data):
    frame = pl.read_csv(shared_data / "german-credit.csv")
    outcome = (frame["credit_risk"] == 1).to_numpy()
    train, test = held_back(outcome)
    probability = logistic(frame.drop("credit_risk", "sex"), outcome, train, test)
    assert performance.measure(outcome[test], probability).figure("accuracy").value == pytest.approx(0.777, abs=0.005)
    groups = {"sex": frame["sex"].to_numpy()[test], "age": np.where(frame["age"] >= 25, "≥25", "<25")[test]}
    fair = fairness.measure(outcome[test], probability >= 0.5, groups)
    assert judged(fair, "sex") == pytest.approx([0.144, 0.830, 0.119], abs=0.005)
    parity, _, odds = judged(fair, "age")
    assert (parity, odds) == (pytest.approx(0.076, abs=0.005), pytest.approx(0.157, abs=0.005))


def test_default_of_credit_card_clients(shared_data):
    frame = pl.read_csv(shared_data / "default-credit-card.csv")
    label = frame["default payment next month"].to_numpy()
    outcome = label == 0
    train, test = held_back(label)
    probability = logistic(frame.drop("default payment next month", "ID"), outcome, train, test)
    how = performance.measure(outcome[test], probability)
    assert how.figure("accuracy").value == pytest.approx(0.811, abs=0.005)
    assert how.figure("roc_auc").value == pytest.approx(0.714, abs=0.005)
    fair = fairness.measure(outcome[test], probability >= 0.5, {"SEX": frame["SEX"].cast(pl.String).to_numpy()[test]})
    assert judged(fair, "SEX")[0] == pytest.approx(0.020, abs=0.005)
    refused = [1 - row["selection_rate"]["value"] for row in fair.detail["attributes"][0]["groups"]]
    assert refused == pytest.approx([0.084, 0.064], abs=0.005)
