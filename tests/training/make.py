"""Builders: declared data small enough to learn from in a moment, and runs on it."""

import numpy as np
import polars as pl

from apps.ml.tables import Attribute, Declaration
from apps.training import actions, runs
from apps.training.models import TrainingRun
from tests.make import Tenant
from tests.reports import make as reports

DECLARED = Declaration("paid", "yes", (Attribute("sex"),), ("note",), ("?",))
QUICK = {"estimator": "logistic"}
NETWORK = {"estimator": "network", "hyper": {"epochs": 4, "layers": [4], "patience": 0}}
PRIVATE = {"estimator": "private_network", "hyper": {"noise": 1.0, "epochs": 3, "batch": 20, "layers": [4]}}


def table(rows=200, **columns) -> bytes:
    drawn = np.random.default_rng(0)
    amount = drawn.normal(size=rows)
    frame = pl.DataFrame(
        {
            "amount": amount,
            "kind": drawn.choice(["a", "b", "c"], rows),
            "sex": drawn.choice(["f", "m"], rows),
            "note": ["=1+1"] * rows,
            "paid": np.where(amount + drawn.normal(size=rows) > 0, "yes", "no"),
        }
        | columns
    )
    return frame.write_csv().encode()


def data(tenant: Tenant, content: bytes | None = None, *, declaration=DECLARED, name="loans"):
    return reports.dataset_version(tenant.builder, content or table(), declaration, name=name, project=tenant.project)


def launched(tenant: Tenant, recipe: dict = QUICK, *, on=None, model="approve", **fields) -> TrainingRun:
    return actions.launch(
        tenant.project, model=model, dataset_version=on or data(tenant), recipe=recipe, by=tenant.builder, **fields
    )


def carried_out(run: TrainingRun) -> TrainingRun:
    """What becomes of a committed run when a worker takes it up."""
    from apps.common.tenancy import as_organization

    runs.run(run.organization_id, run.pk)
    with as_organization(run.organization_id):
        return TrainingRun.objects.select_related("model_version__model", "project__organization").get(pk=run.pk)
