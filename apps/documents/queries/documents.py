"""What is asked of documents; and what speaks about a model version today."""

from django.db.models import OuterRef, Q, Subquery

from apps.common.work import WorkState
from apps.documents.models import Document, DocumentKind, Standing
from apps.documents.queries import evidence, statements, waived

RELATED = (
    "project__organization", "model_version__model", "model_version__project__organization",
    "model_version__dataset_version__dataset", "model_version__test_dataset_version__dataset",
    "model_version__trained_by__user", "dataset_version__dataset", "dataset_version__project__organization",
    "dataset_version__uploaded_by__user", "dataset_version__declared_by__user", "started_by__user",
)  # fmt: skip


def documents(*, viewer, project=None):
    """Newest first; `superseded_by` is the newest built document of the same kind about the same thing, if newer."""
    newer = Document.objects.filter(
        Q(model_version=OuterRef("model_version")) | Q(dataset_version=OuterRef("dataset_version")),
        kind=OuterRef("kind"), state=WorkState.FINISHED, pk__gt=OuterRef("pk"),
    )  # fmt: skip
    found = Document.objects.filter(organization_id=viewer.organization_id)
    if project is not None:
        found = found.filter(project=project)
    later = Subquery(newer.order_by("-pk").values("pk")[:1])
    return found.select_related(*RELATED).annotate(superseded_by=later).order_by("-pk")


def of_version(version):
    """Every document about a model version or the data it was made of and tested on; the version was fetched for a
    viewer."""
    data = [pk for pk in (version.dataset_version_id, version.test_dataset_version_id) if pk]
    about_it = Q(model_version=version) | Q(dataset_version__in=data)
    return documents(viewer=version, project=version.project).filter(about_it)


def newest(version) -> list[Document]:
    """The newest built document of each kind about a version and its data."""
    return list(of_version(version).filter(state=WorkState.FINISHED, superseded_by=None).order_by("kind", "pk"))


def about(document, *, whole=True) -> evidence.Evidence:
    """What there is today to fill this document from."""
    if document.kind == DocumentKind.DATASHEET:
        found = evidence.of_data(document.dataset_version, whole=whole)
    else:
        found = evidence.of_version(document.model_version, whole=whole)
    return found.waived(waived.still(document.parameters.get("waived", ())))


def changes(document, there: evidence.Evidence | None = None) -> list[str]:
    """Why a built document speaks no longer of what there is, each reason a sentence; empty while it does.

    `there`: what there is today, where it was read already."""
    slots = [item["slot"] for item in document.inputs]
    there = (there or about(document, whole=False)).waived(waived.still(document.parameters.get("waived", ())))
    found = evidence.changes(document.inputs, there.manifest(slots))
    if document.superseded_by:
        found.append("A newer one was built.")
    return found


def current(version, there: list[tuple[Document, list[str]]] | None = None) -> list[dict]:
    """Every statement and document that speaks about a model version today and may be relied on, as plain values:
    kind (a word of the control catalogue) and subtype, name, digest, valid_until (an ISO day, or None), and whether it
    is a “statement” (then provenance is *declared*) or a “document”. The version was fetched for a viewer.

    `there`: what `written` gives, where it was asked already."""
    stated = statements.speaking_of(version)
    relied = [one for one in stated if statements.standing(one) == Standing.CURRENT]
    there = written(version) if there is None else there
    built = [document for document, changed in there if not changed]
    return [*map(_stated, relied), *map(_built, built)]


def written(version) -> list[tuple[Document, list[str]]]:
    """The newest document of each kind about a version and its data, each with why it holds no longer; what there is
    of the version is read once for all of them."""
    found = newest(version)
    there = evidence.of_version(version, whole=False) if any(one.model_version_id for one in found) else None
    return [(one, changes(one, there if one.model_version_id else None)) for one in found]


def _stated(statement) -> dict:
    return {
        "kind": statement.kind,
        "subtype": statement.subtype,
        "name": str(statement),
        "digest": statement.digest,
        "valid_until": statement.valid_until.isoformat() if statement.valid_until else None,
        "is": "statement",
    }


def _built(document) -> dict:
    return {
        "kind": document.kind, "subtype": "", "name": str(document), "digest": document.digest, "valid_until": None,
        "is": "document",
    }  # fmt: skip
