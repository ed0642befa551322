"""How the catalogue stands for a project and a model version, or for every project of a page."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field

from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.utils import timezone

from apps.controls.catalogue import Framework, frameworks
from apps.controls.queries.evidence import Subject, holdings
from apps.controls.queries.said import Said, said
from apps.controls.rules import GAPS, Clause, Has, Holding, State, applies, clause, flags, reached
from apps.datasets.models import DatasetVersion
from apps.models.models import ModelVersion
from apps.projects import queries as projects
from apps.projects.models import Project

DEED = """(select string_agg(distinct deed, ' and ') from approvals_hands(models_modelversion.id) where user_id = %s)"""
AT_ONCE = 100


@dataclass(frozen=True)
class Coverage:
    """Every clause of every framework that is followed, for one subject."""

    subject: Subject
    said: Said
    flags: dict[str, bool | None]
    holdings: dict[str, Holding]
    clauses: tuple[Clause, ...] = field(repr=False)
    reached: int
    today: dt.date

    @property
    def relevant(self) -> list[Clause]:
        return [each for each in self.clauses if each.state != State.NOT_APPLICABLE]

    @property
    def counts(self) -> Counter:
        return Counter(each.state for each in self.clauses)

    @property
    def by_framework(self) -> list[tuple[Framework, list[Clause], Counter]]:
        """(framework, its clauses, how many in each state), of those followed."""
        found = []
        for framework in frameworks().values():
            its = [each for each in self.clauses if each.control.framework == framework.id]
            if self.said.follows(framework.id):
                found.append((framework, its, Counter(each.state for each in its)))
        return found

    @property
    def gaps(self) -> list[Clause]:
        return [each for each in self.clauses if each.state in GAPS]

    @property
    def next_review(self) -> dt.date | None:
        """The first day on which something that was signed or stated for it runs out."""
        items = [item for holding in self.holdings.values() for item in holding.items]
        return min((item.valid_until for item in items if item.valid_until), default=None)

    @property
    def next_due(self) -> dt.date | None:
        """The next day on which a clause begins to ask, or evidence runs out."""
        ahead = [each.due_at for each in self.clauses if each.due_at and each.due_at > self.today]
        return min(ahead, default=None)


def coverage(*, viewer, project, version=None, today: dt.date | None = None) -> Coverage:
    """One project's coverage, for one model version or the newest that is not retired."""
    (found,) = coverages(viewer=viewer, subjects=[subject(viewer=viewer, project=project, version=version)],
                         today=today)  # fmt: skip
    return found


def coverages(*, viewer, subjects: list[Subject], today: dt.date | None = None) -> list[Coverage]:
    """As many statements for fifty subjects as for one."""
    if not subjects:
        return []
    known = said(viewer=viewer, projects=[each.project for each in subjects])
    there = holdings(viewer=viewer, subjects=subjects, said=known)
    day = today or timezone.now().date()
    return [_coverage(each, known[each.project.pk], there[each.key], day) for each in subjects]


def every_coverage(*, viewer) -> list[Coverage]:
    """The whole inventory, a hundred projects at a time."""
    mine = list(projects.projects(viewer=viewer).order_by("pk"))
    return [
        row
        for first in range(0, len(mine), AT_ONCE)
        for row in coverages(viewer=viewer, subjects=subjects(viewer=viewer, projects=mine[first : first + AT_ONCE]))
    ]


def _coverage(subject: Subject, known: Said, there: dict[str, Holding], today: dt.date) -> Coverage:
    told = flags(subject.project.answers, known.stated)
    gate = reached(
        has_data=bool(subject.data),
        has_version=subject.version is not None,
        signed=there["approval_signature"].state == Has.CURRENT,
        deployed=bool(there["deployment_record"].items),
        retired=subject.version is not None and subject.version.retired_at is not None,
    )
    clauses = tuple(
        clause(
            control,
            applies(control, subject.project.risk_class, told),
            there,
            reached=gate,
            today=today,
            waivers=known.waivers_for(subject.key[1]),
            judged=known.judged.get((subject.key[1], control.id)),
        )
        for framework in frameworks().values()
        if known.follows(framework.id)
        for control in framework.controls
    )
    return Coverage(subject, known, told, there, clauses, gate, today)


# --- what is looked at ----------------------------------------------------------------------------------------------


def versions(*, viewer, project):
    """A project's model versions, newest first; each with `deed`: what the viewer did to it, if anything."""
    mine = ModelVersion.objects.filter(organization_id=viewer.organization_id, project=project)
    return _with_data(mine).annotate(deed=RawSQL(DEED, [viewer.user_id]))  # noqa: S611  the person is a parameter


def subject(*, viewer, project, version=None) -> Subject:
    """A project with the version given, or its newest that is not retired, or none."""
    if version is None:
        version = versions(viewer=viewer, project=project).filter(retired_at=None).first()
    return Subject(
        project, version, _data_of(version) if version else newest_data(viewer, [project]).get(project.pk, ())
    )


def newest_data(viewer, projects) -> dict[int, tuple[DatasetVersion, ...]]:
    """Project's id -> the newest data that a model could learn from: what is looked at before there is a model."""
    rows = DatasetVersion.objects.filter(
        Q(declaration__isnull=False), organization_id=viewer.organization_id, project__in=projects, withdrawn_at=None
    )
    rows = rows.select_related("dataset", "project__organization").order_by("project_id", "-pk").distinct("project_id")
    return {row.project_id: (row,) for row in rows}


def _with_data(rows):
    return rows.select_related(
        "model", "project__organization", "dataset_version__dataset", "dataset_version__project__organization",
        "test_dataset_version__dataset", "test_dataset_version__project__organization",
    ).order_by("-pk")  # fmt: skip


def _data_of(version: ModelVersion) -> tuple[DatasetVersion, ...]:
    used = (version.dataset_version, version.test_dataset_version)
    return tuple({data.pk: data for data in used if data is not None}.values())


def subjects(*, viewer, projects: list[Project]) -> list[Subject]:
    """Each project's models, by the newest version of each; a project without a model stands for itself."""
    newest = ModelVersion.objects.filter(organization_id=viewer.organization_id, project__in=projects, retired_at=None)
    newest = newest.order_by("model_id", "-pk").distinct("model_id").values("pk")
    found = list(_with_data(ModelVersion.objects.filter(pk__in=newest)))
    data = newest_data(viewer, projects)
    rows = []
    for project in projects:
        its = [version for version in found if version.project_id == project.pk]
        rows += [Subject(project, version, _data_of(version)) for version in its]
        if not its:
            rows.append(Subject(project, None, data.get(project.pk, ())))
    return rows
