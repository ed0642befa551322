"""A model version with data, reports and a policy, up to a sign-off that stands."""

from contextlib import contextmanager
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from apps.accounts.models import Membership, Role
from apps.approvals import actions, queries
from apps.audits import readings
from apps.common.canonical import canonical, digest
from apps.datasets.models import Dataset, DatasetVersion
from apps.models.models import ModelVersion, RegisteredModel
from apps.reports.models import OperationReport, Provenance, Report
from tests.make import PASSWORD, Tenant, member

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


@contextmanager
def acting(member: Membership | None):
    """For a while the transaction acts for this member, or for nobody; then for whom it did before."""
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('assay.person', true)")
        (before,) = cursor.fetchone()
        cursor.execute("select set_config('assay.person', %s, true)", [str(member.user_id) if member else ""])
        yield
        cursor.execute("select set_config('assay.person', %s, true)", [before or ""])


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


def policy(tenant: Tenant, risk_class: str = "high"):
    """The built-in policy, adopted, where there is none."""
    tenant.enter(tenant.owner)
    if in_force := queries.policy_in_force(risk_class, viewer=tenant.owner):
        return in_force
    return actions.adopt_default(risk_class, by=tenant.owner)


def publish(tenant: Tenant, source: str):
    """A policy of the organization's own, in force: proposed by its owner, published by another."""
    version = propose(tenant, source)
    other = another_owner(tenant)
    published = actions.publish(version, by=other)
    tenant.enter(tenant.owner)
    return published


def propose(tenant: Tenant, source: str):
    tenant.enter(tenant.owner)
    return actions.propose(source, by=tenant.owner)


def another_owner(tenant: Tenant):
    known = Membership.objects.filter(organization=tenant.organization, user__email__startswith="second.owner")
    other = known.first() or member(tenant.organization, "second.owner", Role.OWNER)
    tenant.enter(other)
    return other


def asked(tenant: Tenant, **options):
    """An open sign-off whose gates pass (or not: see `without`)."""
    policy(tenant)
    return asked_for(tenant, reported(tenant, **options))


def asked_for(tenant: Tenant, version: ModelVersion):
    tenant.enter(tenant.builder)
    return actions.ask(version, note="Ready for the spring campaign.", by=tenant.builder)


def read(approval, by):
    """As if this person had opened every report of the dossier."""
    for report in Report.objects.filter(model_version=approval.model_version, state="finished"):
        readings.opened(report, by=by, digest=report.digest)


def waiver(tenant: Tenant, version: ModelVersion, rule: int = 5, *, by=None, **given):
    """A request to set a rule of the policy in force aside for a model version; its owner is the second reviewer."""
    policy_version = policy(tenant)
    by = by or tenant.builder
    tenant.enter(by)
    given = {
        "owner": tenant.second_reviewer, "reason": "Too few rows were kept back.", "risk": "It may be less accurate.",
        "measure": "A person looks at every refusal.", "monitoring": "Its errors are counted each week.",
        "plan": "Measured again on the spring data.",
        "starts_at": timezone.now() - timedelta(hours=1),  # a test is one transaction, in which time stands still
        "ends_at": timezone.now() + timedelta(days=30) - timedelta(hours=1), "model_version": version,
    } | given  # fmt: skip
    return actions.ask_waiver(tenant.project, policy_version, rule, by=by, **given)


def waived(tenant: Tenant, version: ModelVersion, rule: int = 5, **given):
    """The same, approved by a reviewer."""
    request = waiver(tenant, version, rule, **given)
    tenant.enter(tenant.reviewer)
    return actions.approve_waiver(request, reason="Contained for a month.", by=tenant.reviewer)


def sign(approval, by, meaning="validated", **given):
    read(approval, by)
    given = {
        "reason": "Error rates are acceptable.",
        "dossier_digest": approval.dossier_digest,
        "password": PASSWORD,
    } | given
    return actions.sign(approval, meaning=meaning, by=by, **given)


def refuse(approval, tenant: Tenant, act):
    """Sent back or rejected (`act`) by one reviewer, signed by the other: only then is it decided."""
    tenant.enter(tenant.reviewer)
    act(approval, reason="No.", dossier_digest=approval.dossier_digest, password=PASSWORD, by=tenant.reviewer)
    tenant.enter(tenant.second_reviewer)
    sign(approval, tenant.second_reviewer, "approved")
    approval.refresh_from_db()


def approved(tenant: Tenant, **options):
    """A sign-off that stands: validated by one reviewer, approved by another."""
    return signed_off(tenant, asked(tenant, **options))


def approved_of(tenant: Tenant, version: ModelVersion):
    """The same of a model version that is there already, on reports that pass."""
    for kind in ("performance", "fairness", "privacy", "explainability"):
        report(version, kind)
    policy(tenant)
    return signed_off(tenant, asked_for(tenant, version))


def signed_off(tenant: Tenant, approval):
    for signer, meaning in ((tenant.reviewer, "validated"), (tenant.second_reviewer, "approved")):
        tenant.enter(signer)
        sign(approval, signer, meaning)
    tenant.enter(tenant.builder)
    approval.refresh_from_db()
    return approval


def suspended(tenant: Tenant, approval, *, by=None, **given):
    by = by or tenant.builder
    tenant.enter(by)
    return actions.suspend(approval, by=by, **{"reason": "A complaint came in.", **given})


def resumed(tenant: Tenant, approval):
    """Asked for by the builder, granted by a reviewer."""
    tenant.enter(tenant.builder)
    actions.ask_to_resume(approval, reason="It was unfounded.", by=tenant.builder)
    tenant.enter(tenant.reviewer)
    return actions.resume(approval, by=tenant.reviewer)


def another_reviewer(tenant: Tenant, name="third.reviewer"):
    third = member(tenant.organization, name, Role.REVIEWER)
    tenant.enter(third)
    return third


def asked_under(tenant: Tenant, more: str, number=1):
    """A request under the built-in policy with these lines more."""
    publish(tenant, policy(tenant).source + "\n" + more)
    version = reported(tenant, number=number)
    tenant.enter(tenant.builder)
    return actions.ask(version, note="", by=tenant.builder)


def handed_on_and_fulfilled(tenant: Tenant) -> tuple:
    """A delegation that is not in force yet, and the fulfilled condition of another sign-off."""
    now = timezone.now()
    days = {"starts_at": now + timedelta(days=30), "ends_at": now + timedelta(days=31)}
    tenant.enter(tenant.reviewer)
    given = {"project": None, "reason": "Away.", "password": PASSWORD, "by": tenant.reviewer}
    delegation = actions.delegate(tenant.second_reviewer, **days, **given)
    approval = asked_under(tenant, "conditions: {}", number=7)
    tenant.enter(tenant.reviewer)
    sign(approval, tenant.reviewer)
    tenant.enter(tenant.second_reviewer)
    due = {"owner": tenant.builder.pk, "due_at": now + timedelta(days=9), "consequence": "escalate"}
    sign(approval, tenant.second_reviewer, "approved", conditions=[{"text": "Measure robustness.", **due}])
    tenant.enter(tenant.builder)
    return delegation, actions.fulfil(approval, 1, evidence="Report 7.", by=tenant.builder)


def asked_for_by_second_builder(tenant: Tenant):
    """Asked for by somebody who neither trained nor uploaded."""
    policy(tenant)
    version = reported(tenant)
    asker = member(tenant.organization, "second.builder", Role.BUILDER)
    tenant.enter(asker)
    return actions.ask(version, note="", by=asker)
