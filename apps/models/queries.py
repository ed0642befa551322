"""What is asked of models, always on behalf of a viewer."""

from django.db.models import Count, Max

from apps.models.models import ModelVersion, RegisteredModel


def models(*, viewer, project=None):
    """Newest first, with how many versions each has and the number of the newest."""
    found = RegisteredModel.objects.filter(organization_id=viewer.organization_id)
    if project is not None:
        found = found.filter(project=project)
    found = found.select_related("project__organization", "created_by__user")
    return found.annotate(version_count=Count("versions"), newest_number=Max("versions__number")).order_by("-pk")


def versions(*, viewer, project=None, model=None):
    """Newest first."""
    found = ModelVersion.objects.filter(organization_id=viewer.organization_id)
    if project is not None:
        found = found.filter(project=project)
    if model is not None:
        found = found.filter(model=model)
    return found.select_related(
        "model", "project__organization", "dataset_version__dataset", "test_dataset_version__dataset",
        "trained_by__user", "retired_by__user",
    ).order_by("-pk")  # fmt: skip


def siblings(version, *, viewer):
    """All versions of the same model, newest first."""
    return versions(viewer=viewer, project=version.project, model=version.model_id)
