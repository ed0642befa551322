"""What is asked of reports, always on behalf of a viewer."""

from django.db.models import OuterRef, Subquery

from apps.common.work import WorkState
from apps.models.models import ModelVersion
from apps.reports.models import Kind, Report

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
    """For lists: without the results, which are long."""
    return reports(viewer=viewer, project=project, version=version, kind=kind).defer("result", "inputs", "parameters")


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
    """What can be measured in a project, newest first."""
    return versions(viewer=viewer).filter(project=project, retired_at=None)


def summary(*, viewer, project) -> dict:
    """Where the newest model stands with its reports, for the rail."""
    version = model_versions(viewer=viewer, project=project).first()
    if version is None:
        return {"state": "", "text": "no model yet", "url": None}
    found = current(viewer=viewer, version=version)
    verdicts = [report.verdict for report in found.values()]
    under_way = Report.objects.filter(model_version=version, state__in=(WorkState.QUEUED, WorkState.RUNNING)).exists()
    address = reports_address(project)
    if not found:
        state, text = ("open", "being measured") if under_way else ("", "none yet")
        return {"state": state, "text": text, "url": address}
    if "fail" in verdicts:
        return {"state": "shut", "text": _naming(found, "fail"), "url": address}
    if "inconclusive" in verdicts:
        return {"state": "open", "text": _naming(found, "inconclusive"), "url": address}
    state = "done" if len(found) == len(Kind) else "open"
    return {"state": state, "text": f"{len(found)} of {len(Kind)} pass", "url": address}


def reports_address(project) -> str:
    return f"{project.get_absolute_url()}reports/"


def _naming(found, verdict) -> str:
    names = [kind for kind, report in found.items() if report.verdict == verdict]
    return f"{', '.join(names)}: {verdict}" if len(names) < 3 else f"{len(names)} reports: {verdict}"
