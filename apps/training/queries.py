"""What is asked of runs and workers. Workers belong to the install; everything else to the viewer's organization."""

from django.utils import timezone

from apps.training import rules
from apps.training.models import LogLine, TrainingRun, Worker


def runs(*, viewer, project=None):
    """Newest first."""
    found = TrainingRun.objects.filter(organization_id=viewer.organization_id)
    if project is not None:
        found = found.filter(project=project)
    return found.select_related(
        "project__organization", "model", "model_version__model", "dataset_version__dataset",
        "test_dataset_version__dataset", "started_by__user",
    ).order_by("-pk")  # fmt: skip


def log(run, *, viewer):
    """What a run said, newest first."""
    return LogLine.objects.filter(organization_id=viewer.organization_id, run=run).order_by("-pk")


def live_workers():
    """Every worker that was heard of lately; the same for every organization."""
    return Worker.objects.filter(seen_at__gt=timezone.now() - rules.ALIVE_FOR).order_by("name")
