"""Builders: a registered model version with its files stored, without training."""

from apps.common import storage
from apps.models import actions
from apps.models.models import ModelVersion
from tests.make import Tenant
from tests.training import make as training

FILES = {"model.json": b'{"format":"assay-model/1"}', "weights.safetensors": b"weights"}
HELD = {
    "n": 60, "accuracy": 0.8, "balanced_accuracy": 0.75, "roc_auc": 0.85, "log_loss": 0.4, "brier": 0.15,
    "intervals": {"accuracy": [0.7, 0.9], "balanced_accuracy": [0.6, 0.9], "roc_auc": [0.7, 0.95]},
}  # fmt: skip
PRIVACY = {
    "epsilon": 2.9, "epsilon_pld": 2.89, "epsilon_rdp": 3.2, "delta": 1e-5, "noise": 1.1, "sample_rate": 0.1,
    "steps": 150, "clip": 4.0, "accountant": "PRV (Opacus)", "assumptions": ["One row is protected."],
}  # fmt: skip


def version(tenant: Tenant, *, on=None, name="approve", run_id=None, **facts) -> ModelVersion:
    """Registered as a worker would, inside the caller's transaction."""
    on = on or training.data(tenant)
    kept = {file: storage.put(tenant.organization.pk, content) for file, content in FILES.items()}
    model = actions.named(tenant.project, name, by=tenant.builder)
    facts = {
        "run_id": run_id or model.versions.count() + 10**6 * model.pk,
        "files": {file: {"digest": stored.digest, "size": stored.size} for file, stored in kept.items()},
        "recipe": {"estimator": "logistic", "seed": 0, "inputs_sensitive": False, "hyper": {"C": 1.0}},
        "dataset_version": on, "trained_by": tenant.builder, "code_version": "0.1.0", "libraries": {"numpy": "2"},
        "device": {"kind": "cpu", "threads": 1}, "duration_s": 2.5,
        "input_schema": [{"name": "amount", "kind": "number", "needed": True},
                         {"name": "kind", "kind": "category", "needed": False, "values": ["a", "b"], "complete": True}],
        "metrics": {"holdout": HELD}, "privacy": None,
    } | facts  # fmt: skip
    return actions.register(model, **facts)
