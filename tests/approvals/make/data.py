"""Data, and a model version that learned from it."""

from contextlib import contextmanager

from django.db import connection
from django.utils import timezone

from apps.accounts.models import Membership
from apps.common.canonical import digest
from apps.datasets.models import Dataset, DatasetVersion
from apps.models.models import ModelVersion, RegisteredModel
from tests.make import Tenant

DECLARATION = {
    "target": "approve",
    "favourable": "1",
    "sensitive": [
        {"name": "race", "kind": "column", "column": "race"},
        {"name": "sex", "kind": "column", "column": "sex"},
    ],
    "left_out": [],
    "missing": [],
}
FILES = {"model.json": b"{}", "weights.safetensors": b"weights"}


def dataset_version(tenant: Tenant, *, by=None, number=1) -> DatasetVersion:
    by = by or tenant.builder
    own = {"organization": tenant.organization, "project": tenant.project}
    dataset, _ = Dataset.objects.get_or_create(**own, name="loanapp", defaults={"created_by": by})
    return DatasetVersion.objects.create(
        **own, dataset=dataset, number=number, filename="loanapp.csv", format="csv", digest=digest(f"data {number}"),
        size=1, rows=1989, columns=["approve", "race", "sex"], uploaded_by=by,
        declared_by=by, declared_at=timezone.now(),
        declaration=DECLARATION, declaration_digest=digest(DECLARATION),
    )  # fmt: skip


def model_version(tenant: Tenant, *, by=None, number=1, data=None, files=None, **fields) -> ModelVersion:
    """`files` {name: bytes} are named by their digests, not stored."""
    by, data = by or tenant.builder, data or dataset_version(tenant, number=number)
    files = {name: {"digest": digest(content), "size": len(content)} for name, content in (files or FILES).items()}
    own = {"organization": tenant.organization, "project": tenant.project}
    model, _ = RegisteredModel.objects.get_or_create(**own, name="screening", defaults={"created_by": by})
    fields = {
        "artifact_digest": digest({name: file["digest"] for name, file in files.items()}), "files": files,
        "recipe": {"estimator": "logistic"}, "recipe_digest": digest({"estimator": "logistic"}), "seed": 0,
        "code_version": "1", "libraries": {}, "device": {"type": "cpu"}, "duration_s": 1.0, "input_schema": [],
        "metrics": {}, "run_id": tenant.organization.pk * 1000 + number,
    } | fields  # fmt: skip
    return ModelVersion.objects.create(
        **own, model=model, number=number, dataset_version=data, data_digest=data.digest,
        declaration_digest=data.declaration_digest, trained_by=by, **fields,
    )  # fmt: skip


@contextmanager
def acting(member: Membership | None):
    """For a while the transaction acts for this member, or for nobody; then for whom it did before."""
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('assay.person', true)")
        (before,) = cursor.fetchone()
        cursor.execute("select set_config('assay.person', %s, true)", [str(member.user_id) if member else ""])
        yield
        cursor.execute("select set_config('assay.person', %s, true)", [before or ""])
