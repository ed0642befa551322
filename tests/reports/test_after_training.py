"""What the training room registers, this room measures: every estimator, every kind."""

import json

import pytest

from apps.reports.models import Kind
from apps.training import runs as training
from tests.reports import make
from tests.training.make import NETWORK, PRIVATE, QUICK, launched

pytestmark = pytest.mark.django_db
RECIPES = {
    "logistic": QUICK,
    "boosting": {"estimator": "boosting", "hyper": {"max_iter": 20}},
    "network": NETWORK,
    "private": PRIVATE,
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_estimator_is_measured_in_every_way(acme, recipe):
    run = launched(acme, RECIPES[recipe])
    training.run(run.organization_id, run.pk)
    run.refresh_from_db()
    assert run.model_version, run.problem
    reports = {kind: make.report(acme.reviewer, run.model_version, kind) for kind in Kind}
    assert {report.state for report in reports.values()} == {"finished"}, [r.problem for r in reports.values()]
    results = {kind: json.loads(report.result) for kind, report in reports.items()}
    how = {figure["name"]: figure["value"] for figure in results[Kind.PERFORMANCE]["figures"]}
    for name in ("accuracy", "balanced_accuracy", "roc_auc", "log_loss", "brier"):
        assert how[name] == pytest.approx(run.model_version.metrics["holdout"][name], abs=1e-9)
    guarantee = results[Kind.PRIVACY]["detail"]["guarantee"]
    assert guarantee["given"] == (recipe == "private")
    if guarantee["given"]:
        assert guarantee["epsilons"]["epsilon"] == pytest.approx(run.model_version.privacy["epsilon"], abs=0.02)
        assert guarantee["assumptions"] == run.model_version.privacy["assumptions"]
    residual = next(f for f in results[Kind.EXPLAINABILITY]["figures"] if f["name"] == "additivity_residual")
    assert residual["value"] < 1e-5
