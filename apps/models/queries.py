"""What is asked of models, always on behalf of a viewer."""

from functools import cache

from django.db.models import Count, Exists, Max, OuterRef

from apps.audits import holds
from apps.models.models import ModelSignature, ModelVersion, RegisteredModel


def models(*, viewer, project=None):
    """Newest first, with how many versions each has and the number of the newest."""
    found = RegisteredModel.objects.filter(organization_id=viewer.organization_id)
    if project is not None:
        found = found.filter(project=project)
    found = found.select_related("project__organization", "created_by__user")
    return found.annotate(version_count=Count("versions"), newest_number=Max("versions__number")).order_by("-pk")


@cache
def _named():
    """Those that have a version, newest first, by their names alone; put together once, as what follows."""
    built = Exists(ModelVersion.objects.filter(model=OuterRef("pk")))
    return RegisteredModel.objects.filter(built).only("name").order_by("-pk")


def names(*, viewer, project):
    """The models of a project that have a version, newest first, by their names alone."""
    return _named().filter(organization_id=viewer.organization_id, project=project)


def versions(*, viewer, project=None, model=None):
    """Newest first."""
    return _chosen(ModelVersion.objects.order_by("-pk"), viewer, project, model).select_related(
        "model", "project__organization", "dataset_version__dataset", "test_dataset_version__dataset",
        "trained_by__user", "retired_by__user",
    )  # fmt: skip


def _chosen(found, viewer, project, model):
    chosen = {"organization_id": viewer.organization_id, "project": project, "model": model}
    return found.filter(**{name: value for name, value in chosen.items() if value is not None})


@cache
def _lines():
    """What a line of a project's list shows, newest first."""
    return ModelVersion.objects.select_related("model", "dataset_version__dataset", "trained_by__user").only(
        "project", "number", "retired_at", "recipe", "metrics", "privacy", "artifact_digest", "created_at",
        "model__name", "dataset_version__number", "dataset_version__dataset__name",
        "trained_by__user__name", "trained_by__user__email",
    ).order_by("-pk")  # fmt: skip


def listed_versions(*, viewer, project, model=None):
    """The same as `versions`, with what a line of a list shows and no more."""
    return _chosen(_lines(), viewer, project, model)


def signature(version) -> dict | None:
    """The envelope over a version's files, where it was signed."""
    return ModelSignature.objects.filter(version=version).values_list("envelope", flat=True).first()


def siblings(version, *, viewer):
    """All versions of the same model, newest first."""
    return versions(viewer=viewer, project=version.project, model=version.model_id)


def why_not_alter(model: RegisteredModel) -> str | None:
    """Against a new version of a model, against retiring one and serving one anew: it is kept as evidence."""
    its = ModelVersion.objects.filter(model=model).values_list("pk", flat=True)
    return holds.why_not_alter(model.organization_id, its)
