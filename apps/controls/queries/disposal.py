"""What is past its time, and what spares it."""

from django.db.models import Exists, OuterRef, Q

from apps.accounts.idempotency import KEPT
from apps.accounts.models import IdempotencyKey
from apps.approvals.models import Approval
from apps.approvals.models import State as Asked
from apps.approvals.queries import STANDS
from apps.audits import holds
from apps.controls.models import Disposal, DisposalRun
from apps.controls.queries.said import schedules
from apps.controls.rules import retention
from apps.controls.rules.facts import flags
from apps.controls.rules.retention import Period
from apps.datasets.models import DatasetVersion
from apps.documents.models import Document
from apps.models.models import ModelVersion
from apps.reports.models import Report
from apps.training.models import TrainingRun


def withdrawn(*, viewer):
    """Withdrawn dataset versions whose bytes are still there, each with what binds them."""
    resting = Approval.objects.filter(
        Q(model_version__dataset_version=OuterRef("pk")) | Q(model_version__test_dataset_version=OuterRef("pk"))
    ).annotate(stands=STANDS)
    twins = DatasetVersion.objects.filter(
        organization=OuterRef("organization"), digest=OuterRef("digest"), withdrawn_at=None
    )
    return (
        DatasetVersion.objects.filter(organization_id=viewer.organization_id, withdrawn_at__isnull=False)
        .exclude(pk__in=Disposal.objects.values("version"))
        .annotate(signed=Exists(resting.filter(Q(stands=True) | Q(state=Asked.OPEN))), twin=Exists(twins))
        .select_related("dataset", "project__organization")
        .order_by("pk")
    )


def named(organization_id: int) -> set[str]:
    """The digests of all bytes that a row names and that were not disposed of."""
    mine = {"organization_id": organization_id}
    data = DatasetVersion.objects.filter(**mine).exclude(pk__in=Disposal.objects.values("version"))
    found = set(data.values_list("digest", flat=True))
    found |= set(TrainingRun.objects.filter(**mine).values_list("checkpoint", flat=True))
    for files in ModelVersion.objects.filter(**mine).values_list("files", flat=True):
        found |= {file["digest"] for file in files.values()}
    for pair in Document.objects.filter(**mine).values_list("digest", "body_digest"):
        found |= set(pair)
    originals = Report.objects.filter(**mine, original__isnull=False).values_list("original", flat=True)
    return found | {original["digest"] for original in originals}


def old_keys(*, viewer, now):
    """Answers kept for requests that come twice, past the week they are kept for."""
    return IdempotencyKey.objects.filter(organization_id=viewer.organization_id, created_at__lt=now - KEPT)


def periods(project, schedule: dict | None, stated: dict[str, bool] | None = None) -> dict[str, Period]:
    """How long each kind of thing of a project is kept; `schedule`: the body of the one in force."""
    known = flags(project.answers, stated or {})
    return {kind: retention.effective(kind, project.risk_class, known, schedule) for kind in retention.KEPT}


def schedule_in_force(*, viewer) -> dict | None:
    row = schedules(viewer=viewer).first()
    return row and row.body


def runs(*, viewer):
    """The rounds of disposal, newest first."""
    found = DisposalRun.objects.filter(organization_id=viewer.organization_id)
    return found.select_related("started_by__user").order_by("-pk")


def disposals(*, viewer):
    found = Disposal.objects.filter(organization_id=viewer.organization_id)
    return found.select_related("version__dataset", "project").order_by("-pk")


def legal_holds(*, viewer):
    """Every hold, newest first."""
    return holds.every(viewer.organization_id)
