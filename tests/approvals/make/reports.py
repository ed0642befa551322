"""Reports as workers leave them, before a sign-off and in operation."""

from django.utils import timezone

from apps.common.canonical import canonical, digest
from apps.datasets.models import Dataset, DatasetVersion
from apps.models.models import ModelVersion
from apps.reports.models import OperationReport, Provenance, Report
from tests.approvals.make.data import DECLARATION, acting, model_version
from tests.make import Tenant


def figure(name, of="", value=0.9, low=0.85, high=0.95, n=597, smallest_group=61):
    return {"name": name, "of": of, "value": value, "low": low, "high": high, "n": n, "smallest_group": smallest_group}


def figures(kind: str) -> list[dict]:
    """Figures that pass the built-in policy for high risk."""
    low = {"value": 0.05, "low": 0.01, "high": 0.12}
    return {
        "performance": [figure("balanced_accuracy")],
        "fairness": [
            one
            for of in ("race", "sex")
            for one in (
                figure("demographic_parity_ratio", of),
                figure("equal_opportunity_difference", of, **low),
                figure("equalized_odds_difference", of, **low),
            )
        ],
        "privacy": [figure("membership_auc", value=0.51, low=0.48, high=0.54)],
        "explainability": [figure("additivity_residual", value=1e-7, low=None, high=None)],
    }[kind]


def report(
    version: ModelVersion, kind: str, *, by=None, measured=None, provenance="recomputed by the portal", **fields
) -> Report:
    """A finished report with these figures, as a worker (or, of another provenance, a builder) would have left it."""
    by, at = by or version.trained_by, fields.pop("finished_at", timezone.now())
    inputs, submitted = {"artifact": version.artifact_digest}, provenance != Provenance.RECOMPUTED.label
    if submitted:
        at = at.replace(hour=0, minute=0, second=0, microsecond=0)
    result = canonical(
        {
            "kind": kind,
            "answer": f"The {kind} is good.",
            "figures": figures(kind) if measured is None else measured,
            "provenance": provenance,
        }
        | ({"inputs": inputs, "measured": {"on": f"{at:%Y-%m-%d}"}} if submitted else {})
    )
    said = {"result": result.decode(), "digest": digest(result), "inputs": inputs} | fields
    with acting(by if submitted else None):
        if submitted:
            done = {"provenance": Provenance.SUBMITTED, "state": "finished", "finished_at": at}
            return Report.objects.create(**_of(version, kind), started_by=by, **done, **said)
        made = queued(version, kind, by=by)
        running = Report.objects.filter(pk=made.pk)
        running.update(state="running", attempt=1, worker="a test", started_at=timezone.now())
        running.update(state="finished", finished_at=at, **{"verdict": "pass"} | said)
        made.refresh_from_db()
        return made


def queued(version: ModelVersion, kind: str, *, by=None) -> Report:
    """A report that no worker has taken up yet."""
    return Report.objects.create(**_of(version, kind), started_by=by or version.trained_by, queue="cpu")


def _of(version: ModelVersion, kind: str) -> dict:
    return {
        "organization": version.organization, "project": version.project, "model_version": version, "kind": kind,
    }  # fmt: skip


def operated(version: ModelVersion, kind: str = "fairness", *, measured=None, by=None, data=None, **fields):
    """A finished report in operation, on rows that a builder brought."""
    by = by or version.trained_by
    if data is None:
        data = DatasetVersion.objects.filter(dataset__name="june", project=version.project).first() or brought(version)
    inputs = {
        "artifact": version.artifact_digest, "data": version.data_digest, "n": 812,
        "test_data": data.digest, "test_declaration": data.declaration_digest,
    }  # fmt: skip
    told = {"dataset": data.dataset.name, "version": data.number, "digest": data.digest, "since": None, "until": None}
    result = canonical(
        {
            "kind": kind,
            "answer": f"The {kind} in operation.",
            "figures": figures(kind) if measured is None else measured,
            "provenance": "recomputed by the portal",
            "inputs": inputs,
            "operation": told,
        }
    )
    made = OperationReport.objects.create(
        organization=version.organization, project=version.project, model_version=version, dataset_version=data,
        kind=kind, started_by=by, queue="cpu",
    )  # fmt: skip
    said = {"result": result.decode(), "digest": digest(result), "inputs": inputs, "verdict": "pass"} | fields
    with acting(None):
        running = OperationReport.objects.filter(pk=made.pk)
        running.update(state="running", attempt=1, worker="a test", started_at=timezone.now())
        running.update(state="finished", finished_at=timezone.now(), **said)
    made.refresh_from_db()
    return made


def brought(version: ModelVersion, *, name="june", number=1, by=None, **fields) -> DatasetVersion:
    """Rows from operation, declared as those were that the model learned from."""
    by, own = by or version.trained_by, {"organization": version.organization, "project": version.project}
    dataset, _ = Dataset.objects.get_or_create(**own, name=name, defaults={"created_by": by})
    fields = {"digest": digest(f"{name} {number} of {version.pk}"), "declaration": DECLARATION} | fields
    return DatasetVersion.objects.create(
        **own, dataset=dataset, number=number, filename=f"{name}.csv", format="csv", size=1, rows=812,
        columns=["approve", "race", "sex"], uploaded_by=by, declared_by=by, declared_at=timezone.now(),
        declaration_digest=digest(fields["declaration"]), **fields,
    )  # fmt: skip


UNFAIR = {"value": 0.5, "low": 0.45, "high": 0.55}  # an impact ratio that no policy of ours lets pass


def unfair() -> list[dict]:
    """Figures of fairness in operation that break the impact ratio by race."""
    return [figure("demographic_parity_ratio", "race", **UNFAIR), *figures("fairness")[1:]]


def reported(tenant: Tenant, *, number=1, without=(), **fields) -> ModelVersion:
    """A model version with every report but those `without`."""
    version = model_version(tenant, number=number, **fields)
    for kind in ("performance", "fairness", "privacy", "explainability"):
        if kind not in without:
            report(version, kind)
    return version
