"""What is asked of data, always on behalf of a viewer."""

import json
from functools import cache

from django.db.models import Count, Exists, Func, IntegerField, OuterRef, Subquery, Sum

from apps.datasets.models import BudgetEntry, Dataset, DatasetVersion, Profile


def datasets(*, viewer, project=None):
    """Newest first, with the number of versions, the newest version's id, and ε spent so far."""
    newest = DatasetVersion.objects.filter(dataset=OuterRef("pk")).order_by("-number").values("pk")[:1]
    spent = BudgetEntry.objects.filter(dataset=OuterRef("pk")).order_by().values("dataset")
    found = Dataset.objects.filter(organization_id=viewer.organization_id)
    if project is not None:
        found = found.filter(project=project)
    return (
        found.select_related("project__organization", "created_by__user")
        .annotate(
            version_count=Count("versions"),
            newest_id=Subquery(newest),
            epsilon_spent=Subquery(spent.annotate(sum=Sum("epsilon")).values("sum")),
        )
        .order_by("-pk")
    )


@cache
def _all():
    """Newest first; put together once, which takes as long as asking it."""
    latest = Profile.objects.filter(version=OuterRef("pk")).order_by("-pk")
    newer = DatasetVersion.objects.filter(dataset=OuterRef("dataset"), number__gt=OuterRef("number"))
    found = DatasetVersion.objects.annotate(
        profile_state=Subquery(latest.values("state")[:1]), superseded=Exists(newer)
    )
    return found.order_by("-pk")


def versions(*, viewer, project=None):
    """Newest first, each with the state and outcome of its latest profile."""
    found = _of(_all(), viewer, project)
    return found.select_related("dataset", "project__organization", "uploaded_by__user", "declared_by__user")


def _of(found, viewer, project):
    found = found.filter(organization_id=viewer.organization_id)
    return found if project is None else found.filter(project=project)


@cache
def _lines():
    """What a line of a project's list shows: of the columns, how many there are."""
    width = Func("columns", function="jsonb_array_length", output_field=IntegerField())
    return _all().annotate(width=width).select_related("dataset", "uploaded_by__user").only(
        "project", "number", "filename", "size", "withdrawn_at", "declared_at", "rows", "digest", "uploaded_at",
        "dataset__name", "uploaded_by__user__name", "uploaded_by__user__email",
    )  # fmt: skip


def listed_versions(*, viewer, project):
    """The same as `versions`, with what a line of a list shows and no more."""
    return _of(_lines(), viewer, project)


def usable(*, viewer, project):
    """The versions a model may learn from."""
    return versions(viewer=viewer, project=project).filter(declaration__isnull=False, withdrawn_at=None)


def latest_profile(version) -> Profile | None:
    """The newest profile, whatever its state; the version was fetched for a viewer."""
    return Profile.objects.filter(organization_id=version.organization_id, version=version).order_by("-pk").first()


def profile_result(version) -> dict | None:
    """What the newest finished profile says."""
    finished = Profile.objects.filter(organization_id=version.organization_id, version=version, state="finished")
    result = finished.order_by("-pk").values_list("result", flat=True).first()
    return json.loads(result) if result else None


def facts_by_column(version) -> dict[str, dict]:
    """A column's name to what the newest finished profile says of it; empty while there is none."""
    result = profile_result(version)
    return {facts["name"]: facts for facts in result["columns"]} if result else {}


def siblings(version, *, viewer):
    """All versions of the same dataset, newest first."""
    return versions(viewer=viewer, project=version.project).filter(dataset=version.dataset)


def budget(*, viewer, dataset):
    """The privacy ledger of a dataset, newest first."""
    found = BudgetEntry.objects.filter(organization_id=viewer.organization_id, dataset=dataset)
    return found.select_related("version__dataset").order_by("-pk")


def spent(*, viewer, dataset) -> dict:
    """ε and δ added up over the whole ledger: basic composition, an upper bound of what was spent."""
    entries = BudgetEntry.objects.filter(organization_id=viewer.organization_id, dataset=dataset)
    return entries.aggregate(epsilon=Sum("epsilon"), delta=Sum("delta"), entries=Count("pk"))
