"""What is asked of reports, always on behalf of a viewer."""

from django.db.models import OuterRef, Subquery

from apps.common.work import WorkState
from apps.models.models import ModelVersion
from apps.reports.models import Report

FINISHED = WorkState.FINISHED


def reports(*, viewer, project=None, version=None, kind=""):
    """Newest first; `superseded_by` is the newest finished report of the same kind on the same model, if newer."""
    newer = Report.objects.filter(
        model_version=OuterRef("model_version"), kind=OuterRef("kind"), state=FINISHED, pk__gt=OuterRef("pk")
    )
    found = Report.objects.filter(organization_id=viewer.organization_id)
    if project is not None:
        found = found.filter(project=project)
    if version is not None:
        found = found.filter(model_version=version)
    if kind:
        found = found.filter(kind=kind)
    return (
        found.select_related("project__organization", "model_version__model", "started_by__user")
        .annotate(superseded_by=Subquery(newer.order_by("-pk").values("pk")[:1]))
        .order_by("-pk")
    )


def listed_reports(*, viewer, project, version=None, kind=""):
    """What a line of a project's list shows."""
    found = reports(viewer=viewer, project=project, version=version, kind=kind)
    return found.select_related(None).select_related("model_version__model", "started_by__user").only(
        "project", "kind", "state", "verdict", "queued_at", "model_version__number", "model_version__model__name",
        "started_by__user__name", "started_by__user__email",
    )  # fmt: skip


def current(*, viewer, version) -> dict:
    """The newest finished report of each kind on one model version: kind -> report."""
    finished = reports(viewer=viewer, version=version).filter(state=FINISHED).defer("result", "inputs", "parameters")
    newest = finished.order_by("kind", "-pk").distinct("kind")
    return {report.kind: report for report in newest}


def versions(*, viewer):
    """Every model version of the organization, newest first."""
    found = ModelVersion.objects.filter(organization_id=viewer.organization_id)
    return found.select_related("model", "project__organization").order_by("-pk")


def model_versions(*, viewer, project):
    """What can be measured in a project, newest first, by name."""
    found = versions(viewer=viewer).filter(project=project, retired_at=None).select_related(None)
    return found.select_related("model").only("number", "retired_at", "project", "model__name")
