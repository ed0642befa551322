"""What is asked of data, always on behalf of a viewer."""

import json

from django.db.models import Count, Exists, OuterRef, Subquery, Sum

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


def versions(*, viewer, project=None):
    """Newest first, each with the state and outcome of its latest profile."""
    latest = Profile.objects.filter(version=OuterRef("pk")).order_by("-pk")
    found = DatasetVersion.objects.filter(organization_id=viewer.organization_id)
    if project is not None:
        found = found.filter(project=project)
    return (
        found.select_related("dataset", "project__organization", "uploaded_by__user", "declared_by__user")
        .annotate(
            profile_state=Subquery(latest.values("state")[:1]),
            superseded=Exists(
                DatasetVersion.objects.filter(dataset=OuterRef("dataset"), number__gt=OuterRef("number"))
            ),
        )
        .order_by("-pk")
    )


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
