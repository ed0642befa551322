"""What evidence is looked for of, and one item of it."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from apps.controls.rules.coverage import Item, Provenance
from apps.datasets.models import DatasetVersion
from apps.models.models import ModelVersion
from apps.projects.models import Project

NO_MODEL = "There is no model version yet."
COMPUTED, DECLARED = Provenance.RECOMPUTED, Provenance.DECLARED


@dataclass(frozen=True)
class Subject:
    """What is looked at: a project, and one version of one of its models, or none yet."""

    project: Project
    version: ModelVersion | None
    data: tuple[DatasetVersion, ...]  # what the version learned from and was measured on; or the newest there is

    @property
    def key(self) -> tuple[int, int | None]:
        return self.project.pk, self.version and self.version.pk


Source = Callable[..., Iterable[tuple[Subject, str, Item | str]]]


def item_of(
    kind: str, provenance: Provenance, *, name, digest, at, url="", why_not_current="", valid_until=None
) -> Item:
    return Item(kind, name, digest, provenance, at, url, why_not_current, valid_until)


def of_each_version(subjects) -> dict[int, list[Subject]]:
    found: dict[int, list[Subject]] = defaultdict(list)
    for subject in subjects:
        if subject.version is not None:
            found[subject.version.pk].append(subject)
    return found
