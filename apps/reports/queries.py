"""What is asked of reports, always on behalf of a viewer."""

from collections.abc import Iterable
from functools import cache

from django.db.models import OuterRef, Q, Subquery
from django.db.models.expressions import RawSQL

from apps.common.work import WorkState
from apps.models.models import ModelVersion
from apps.reports.models import OperationReport, Provenance, Report

FINISHED = WorkState.FINISHED


def speaking(version_ids: Iterable[int]):
    """The report of each kind that speaks for each model version; which one that is, the database says, because the
    gates and every prediction ask it too. Said once more as a column, for the planner knows nothing of functions."""
    versions = list(version_ids)
    spoken = "select r.id from unnest(%s::bigint[]) version, reports_speaking(version) r"
    speaks = RawSQL(spoken, [versions])  # noqa: S611  no value is in the text
    return Report.objects.filter(model_version__in=versions, pk__in=speaks)


@cache
def _all():
    """Newest first, with what took each one's place; put together once, which takes as long as asking it."""
    alike = Q(provenance=OuterRef("provenance"))
    newer = Report.objects.filter(
        alike & Q(pk__gt=OuterRef("pk")) | Q(provenance=Provenance.RECOMPUTED) & ~alike,
        model_version=OuterRef("model_version"), kind=OuterRef("kind"), state=FINISHED,
    )  # fmt: skip
    superseding = Subquery(newer.order_by("provenance", "-pk").values("pk")[:1])
    return Report.objects.annotate(superseded_by=superseding).order_by("-pk")


def reports(*, viewer, project=None, version=None, kind=""):
    """Newest first; `superseded_by` is the finished report of the same kind on the same model that took its place: the
    newest of its own provenance, if newer; of a submission, whatever the portal recomputed, whenever it came."""
    found = _chosen(_all(), viewer, project, version, kind)
    return found.select_related("project__organization", "model_version__model", "started_by__user")


def _chosen(found, viewer, project, version, kind):
    chosen = {"organization_id": viewer.organization_id, "project": project, "model_version": version, "kind": kind}
    return found.filter(**{name: value for name, value in chosen.items() if value not in (None, "")})


@cache
def _lines():
    """What a line of a project's list shows."""
    return _all().select_related("model_version__model", "started_by__user").only(
        "project", "kind", "provenance", "state", "verdict", "withdrawn_at", "queued_at", "model_version__number",
        "model_version__model__name", "started_by__user__name", "started_by__user__email",
    )  # fmt: skip


def listed_reports(*, viewer, project, version=None, kind=""):
    """The same as `reports`, with what a line of a list shows and no more."""
    return _chosen(_lines(), viewer, project, version, kind)


def current(*, viewer, version) -> dict:
    """The report of each kind that speaks for one model version: kind -> report, without what is in it."""
    spoken = speaking([version.pk]).filter(organization_id=viewer.organization_id)
    spoken = spoken.select_related("project__organization", "started_by__user").only(
        "kind", "provenance", "verdict", "digest", "queued_at", "finished_at", "project__slug",
        "project__organization__slug", "started_by__user__name", "started_by__user__email",
    )  # fmt: skip
    return {report.kind: report for report in spoken}


def measured(*, viewer, version):
    """One of these with what its data declares; None for None."""
    return version and versions(viewer=viewer).select_related("dataset_version").get(pk=version.pk)


def attributes(version) -> list[str]:
    """The sensitive attributes that the data of a model version declares."""
    return [attribute["name"] for attribute in (version.dataset_version.declaration or {}).get("sensitive", [])]


def operation_reports(*, viewer, project=None, version=None):
    """What was measured in operation, newest first; of a version: of the same bytes in its project."""
    found = OperationReport.objects.filter(organization_id=viewer.organization_id)
    if project is not None:
        found = found.filter(project=project)
    if version is not None:
        found = found.filter(project=version.project_id, model_version__artifact_digest=version.artifact_digest)
    related = ("project__organization", "model_version__model", "dataset_version__dataset", "started_by__user")
    return found.select_related(*related).order_by("-pk")


def listed_operation_reports(*, viewer, project=None, version=None):
    """The same without what only the page of one shows."""
    found = operation_reports(viewer=viewer, project=project, version=version)
    return found.defer("result", "inputs", "parameters", "dataset_version__declaration", "dataset_version__columns")


def versions(*, viewer):
    """Every model version of the organization, newest first."""
    found = ModelVersion.objects.filter(organization_id=viewer.organization_id)
    return found.select_related("model", "project__organization").order_by("-pk")


def model_versions(*, viewer, project):
    """What can be measured in a project, newest first, by name."""
    found = versions(viewer=viewer).filter(project=project, retired_at=None).select_related(None)
    return found.select_related("model").only("number", "retired_at", "project", "model__name")
