"""What is asked of statements, always on behalf of a viewer, or of a thing fetched for one."""

import json

from django.db.models import OuterRef, Q, Subquery

from apps.documents.kinds import KINDS, About, Kind, named
from apps.documents.models import Standing, Statement

RELATED = (
    "project__organization", "model_version__model", "model_version__project__organization",
    "dataset_version__dataset", "dataset_version__project__organization", "stated_by__user", "withdrawn_by__user",
)  # fmt: skip


def statements(project=None, *, viewer=None):
    """Every statement, newest first, of a project that was fetched for a viewer, or of the viewer's organization.

    `superseded_by` is the id of the one that took its place, or None."""
    found = Statement.objects.filter(organization_id=(viewer or project).organization_id)
    if project is not None:
        found = found.filter(project=project)
    later = Statement.objects.filter(supersedes=OuterRef("pk")).values("pk")[:1]
    return found.select_related(*RELATED).annotate(superseded_by=Subquery(later)).order_by("-pk")


def latest(project, kind, *, model_version=None, dataset_version=None) -> Statement | None:
    """The newest statement of a kind about one thing, whatever became of it."""
    about = {"model_version": model_version, "dataset_version": dataset_version}
    found = statements(project).filter(kind=kind.name, subtype=kind.subtype, superseded_by=None, **about)
    return found.first()


def standing(statement) -> Standing:
    """Whether a statement that `statements` gave may be relied on."""
    return statement.standing(superseded=statement.superseded_by is not None)


def speaking_of(version) -> list[Statement]:
    """The newest statement of each kind that speaks about a model version: of it, its data or its project."""
    data = [pk for pk in (version.dataset_version_id, version.test_dataset_version_id) if pk]
    about = Q(model_version=None, dataset_version=None) | Q(model_version=version) | Q(dataset_version__in=data)
    return list(statements(version.project).filter(about, superseded_by=None).order_by("kind", "subtype", "pk"))


def asked_of(project, *, model_version=None, dataset_version=None) -> list[tuple]:
    """(kind, its newest statement or None) for every kind that can be stated of the project, the version, the data."""
    things = {About.PROJECT: project, About.MODEL: model_version, About.DATA: dataset_version}
    about = Q(model_version=None, dataset_version=None)
    about |= Q(model_version=model_version) if model_version else Q(pk=None)
    about |= Q(dataset_version=dataset_version) if dataset_version else Q(pk=None)
    heads = statements(project).filter(about, superseded_by=None)
    found = {(head.kind, head.subtype): head for head in heads}
    return [(kind, found.get((kind.name, kind.subtype))) for kind in KINDS.values() if things[kind.about] is not None]


def kind_of(statement) -> Kind:
    """What was asked; of a kind that is asked no more, what its own body says."""
    known = named(statement.kind, statement.subtype)
    return known or Kind(statement.kind, statement.title, About.PROJECT, "", (), statement.subtype)


def answered(statement) -> list[dict]:
    """What was asked and answered, as the bytes say, each with its title and the heading it stands under."""
    known = {question.name: question for question in kind_of(statement).questions}
    return [
        given
        | {
            "title": known[given["question"]].title if given["question"] in known else given["question"],
            "part": known[given["question"]].part if given["question"] in known else "",
        }
        for given in json.loads(statement.body)["answers"]
    ]
