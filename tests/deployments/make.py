"""A really trained model, stored, signed and deployed."""

from functools import cache

import numpy as np
import polars as pl

from apps.common import storage
from apps.deployments import actions
from apps.ml import artifacts
from apps.ml.recipes import Recipe
from apps.ml.tables import Attribute, Declaration
from apps.ml.training import train
from tests.approvals import make as approvals
from tests.make import Tenant


@cache
def trained(seed: int = 0) -> tuple[dict[str, bytes], list[dict]]:
    """(files, input schema) of a small logistic regression: income and town decide."""
    rng = np.random.default_rng(seed)
    income, town = rng.normal(50, 10, 400), rng.choice(["north", "south"], 400)
    granted = income + 8 * (town == "north") + rng.normal(0, 4, 400) > 54
    frame = pl.DataFrame({"income": income, "town": town, "granted": np.where(granted, "yes", "no"),
                          "sex": rng.choice(["F", "M"], 400)})  # fmt: skip
    sex = Attribute(name="sex", kind="column", column="sex")
    declaration = Declaration(target="granted", favourable="yes", sensitive=(sex,), left_out=("sex",), missing=())
    files = train(frame, declaration, Recipe(estimator="logistic", seed=seed)).files
    return files, artifacts.load(files).schema


def signed(tenant: Tenant, *, seed: int = 0, number: int = 1, **registered):
    """A sign-off that stands, of a model whose bytes are in storage."""
    files, schema = trained(seed)
    for content in files.values():
        storage.put(tenant.organization.pk, content)
    fields = {"files": files, "input_schema": schema, "artifact_digest": artifacts.digest(files), "number": number}
    fields |= registered
    return approvals.approved(tenant, **fields)


def deployed(tenant: Tenant, **options):
    approval = signed(tenant, **options)
    return actions.open_deployment(approval, name="screening", by=tenant.builder)


def tried(tenant: Tenant, deployment, *, drill=True):
    """Its sign-off suspended, its permits taken back by a worker's round, and the sign-off let stand again."""
    approvals.suspended(tenant, deployment.approval, drill=drill)
    actions.keep_permits()
    approvals.resumed(tenant, deployment.approval)
