"""What people stated, and what was written from evidence."""

from django.db.models import Q
from django.urls import NoReverseMatch
from django.utils import timezone

from apps.controls.catalogue import KINDS
from apps.controls.queries.evidence.subjects import COMPUTED, DECLARED, Subject, item_of
from apps.controls.rules.coverage import Item
from apps.documents.models import Document, Statement

RELATED = (
    "project__organization", "model_version__model", "model_version__project__organization", "dataset_version__dataset",
    "dataset_version__project__organization",
)  # fmt: skip


def of_statements(*, viewer, subjects, said):
    """What people stated of the project, the version or its data; the newest of each kind speaks."""
    rows = Statement.objects.filter(
        _about(subjects), organization_id=viewer.organization_id, successor=None, kind__in=KINDS
    )
    rows = rows.defer("body", "envelope").select_related(*RELATED)
    for row in rows.order_by("kind", "subtype", "pk"):
        for subject in _spoken_of(row, subjects):
            yield subject, row.kind, _statement(row)


def of_documents(*, viewer, subjects, said):
    """The newest finished document of each kind: about the version, and a datasheet for each of its data."""
    rows = Document.objects.filter(
        _about(subjects), organization_id=viewer.organization_id, state="finished", kind__in=KINDS
    )
    rows = rows.defer("libraries", "progress", "parameters", "inputs").select_related(*RELATED)
    key = ("kind", "model_version_id", "dataset_version_id")
    for row in rows.order_by(*key, "-pk").distinct(*key):
        for subject in _spoken_of(row, subjects):
            yield subject, row.kind, _document(row)


def _about(subjects) -> Q:
    """Rows that speak of a subject: of its version or its data, or of its project with neither."""
    versions = [subject.version.pk for subject in subjects if subject.version]
    data = [one.pk for subject in subjects for one in subject.data]
    project = Q(project__in=[subject.project.pk for subject in subjects], model_version=None, dataset_version=None)
    return project | Q(model_version__in=versions) | Q(dataset_version__in=data)


def _spoken_of(row, subjects) -> list[Subject]:
    if row.model_version_id:
        return [subject for subject in subjects if subject.version and subject.version.pk == row.model_version_id]
    if row.dataset_version_id:
        return [subject for subject in subjects if row.dataset_version_id in [data.pk for data in subject.data]]
    return [subject for subject in subjects if subject.project.pk == row.project_id]


def _statement(row: Statement) -> Item:
    day = timezone.now()
    why = ""
    if row.withdrawn_at:
        why = f"It was withdrawn on {row.withdrawn_at:%-d %B %Y}."
    elif row.ends_at and row.ends_at <= day:
        why = f"It was valid until {row.valid_until:%-d %B %Y}."
    return Item(row.kind, str(row), row.digest, DECLARED, row.stated_at, _url(row), why, row.valid_until, row.subtype)


def _document(row: Document) -> Item:
    words = {"name": str(row), "digest": row.digest, "at": row.finished_at}
    why = f"It says itself what is missing in it: {row.gaps[0]}" if row.gaps else ""
    return item_of(row.kind, COMPUTED, **words, url=_url(row), why_not_current=why)


def _url(thing) -> str:
    try:
        return thing.get_absolute_url()
    except NoReverseMatch:  # it has no page
        return ""
