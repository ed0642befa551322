"""What an organization keeps beside its models; and the rows that only time, or a worker, would make."""

import secrets

from django.utils import timezone

from apps.accounts.models import AccessReview
from apps.approvals.models import Approval, Notice
from apps.audits.models import LegalHold, Refusal
from apps.controls.models import Disposal
from apps.controls.rules.coverage import State
from apps.datasets import actions as datasets
from apps.datasets.models import DatasetVersion
from apps.models.models import ModelVersion
from apps.reports.models import OperationReport
from apps.training.models import TrainingRun
from portal.isolation.canaries.canary import Canary
from portal.isolation.canaries.data import uploaded
from portal.isolation.doors import OUTSIDE


def house(canary: Canary) -> None:
    """What an organization keeps beside its models; and the rows that only time, or a worker, would make."""
    slug = canary.slug
    canary.do("owner", "api-invitations", email=f"{canary.word('invited')}@{slug}.example", role="auditor")
    canary.do("builder", "api-emergencies", words=["run.cancel"], minutes=30, reason=canary.word("emergency"))
    canary.do("owner", "api-access-reviews")
    canary.enter()
    review = AccessReview.objects.get(organization=canary.organization).pk
    line = f"member-{canary.members['builder'].pk}"
    canary.do("owner", "api-access-review-decisions", review, line=line, keep=True, note=canary.word("review"))
    hold = canary.do("owner", "api-holds", project=canary.project, reason=canary.word("hold"))
    canary.rows[LegalHold] = LegalHold.objects.get(pk=hold["id"])
    canary.do("owner", "api-witnesses", kind="mailbox", name=canary.word("witness"), address=f"notary@{slug}.example")
    canary.do("owner", "api-destinations", kind="webhook", name=canary.word("destination"), address=OUTSIDE + "/in")
    canary.do("owner", "api-frameworks", framework="gdpr", followed=False, reason=canary.word("framework"))
    canary.do("owner", "api-facts", verb="put", answers={"continual_learning": False})
    schedule = canary.do("owner", "api-retention", periods={"data": 4000}, maximum_personal=None)
    canary.do("reviewer", "api-retention-publication", schedule["number"])
    canary.do("owner", "api-disposals")
    version = canary.rows[ModelVersion].pk
    clauses = canary.do("reviewer", "api-coverage", verb="get", limit=200)["results"]
    shown = (one for one in clauses if one["state"] != State.NOT_APPLICABLE)
    clause = next(one for one in shown if any(kind["items"] for kind in one["evidence"]))
    judged = {"control": clause["id"], "adequate": True, "evidence_digest": clause["evidence_digest"]}
    canary.do("reviewer", "api-judgements", model_version=version, reason=canary.word("judgement"), **judged)
    canary.do("auditor", "api-attestations")
    canary.clients["owner"].post(f"/api/v1/{slug}/checkpoints/", HTTP_IDEMPOTENCY_KEY=secrets.token_hex(16))
    _made_by_time(canary)
    _waiting(canary)


def _made_by_time(canary: Canary) -> None:
    canary.enter()
    own = {"organization": canary.organization}
    data = DatasetVersion.objects.get(pk=canary.rows[ModelVersion].dataset_version_id)
    Notice.objects.create(**own, approval=Approval.objects.get(**own), kind="overdue")
    Disposal.objects.create(
        **own, project=data.project, version=data, digest=data.digest, size=1, why=canary.word("disposal")
    )
    Refusal.objects.create(organization_id=canary.organization.pk, key="0" * 64, at=timezone.now())
    run = TrainingRun.objects.get(**own)
    datasets.charge(data, run_id=run.pk, epsilon=0.1, delta=1e-6, mechanism={}, note=canary.word("charge"))


def _waiting(canary: Canary) -> None:
    """One row of each kind of work that no worker has taken up yet."""
    canary.enter()
    version = canary.rows[ModelVersion].pk
    data = canary.rows[ModelVersion].dataset_version_id
    uploaded(canary, "another")
    canary.do("builder", "api-runs", project=canary.project, model=canary.word("model"), dataset_version=data,
              recipe={"estimator": "logistic", "seed": 1}, gpu=False)  # fmt: skip
    canary.do("builder", "api-reports", model_version=version, kinds=["privacy"])
    canary.do("builder", "api-documents", kind="dataset_datasheet", dataset_version=data)
    measured = OperationReport.objects.get(organization=canary.organization)
    approval = Approval.objects.get(organization=canary.organization).pk
    canary.do("builder", "api-approval-operation-reports", approval, dataset_version=measured.dataset_version_id,
              kinds=["fairness"])  # fmt: skip
