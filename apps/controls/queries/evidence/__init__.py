"""Which evidence there is: one statement a source, for one model version or for every one of an organization's page.

Each of the 25 kinds is mapped to what the portal holds of it. What the portal cannot make yet is missing, and said."""

from collections import defaultdict
from dataclasses import dataclass, replace

from apps.controls.catalogue import KINDS
from apps.controls.queries.evidence.organizations import of_organization
from apps.controls.queries.evidence.papers import of_documents, of_statements
from apps.controls.queries.evidence.projects import of_incidents, of_project
from apps.controls.queries.evidence.sign_offs import of_deployment, of_sign_off
from apps.controls.queries.evidence.subjects import Source, Subject
from apps.controls.queries.evidence.versions import of_data, of_model, of_reports
from apps.controls.queries.said import Said
from apps.controls.rules.coverage import Holding, Item

NOT_YET_MADE = {
    "robustness_report": "The portal measures no robustness yet.",
    "drift_report": "The portal watches for no drift of inputs yet.",
    "energy_report": "The portal measures no energy yet.",
    "reproducibility_report": "The portal makes no reproduction certificate yet.",
}
CITED = (  # what documents are filled from: newer than a document, it makes it stale
    "performance_report", "fairness_report", "privacy_report", "explainability_report", "data_quality_report",
    "intended_purpose", "human_oversight_plan", "impact_assessment", "monitoring_plan",
)  # fmt: skip
CITING = ("technical_documentation", "model_card")


@dataclass
class Found:
    """Evidence as it comes in, by subject and kind."""

    items: dict
    lacking: dict

    def holdings(self, subject: Subject) -> dict[str, Holding]:
        newest = [item for kind in CITED for item in self.items[subject.key, kind]]
        for kind in CITING:
            items = self.items[subject.key, kind]
            items[:] = [_outdated(item, newest) for item in items]
        return {kind: self._holding(kind, (subject.key, kind)) for kind in KINDS}

    def _holding(self, kind, key) -> Holding:
        items, lacking = tuple(self.items[key]), tuple(self.lacking[key])
        if not items and not lacking and kind in NOT_YET_MADE:
            lacking = (NOT_YET_MADE[kind],)
        return Holding(kind, items, lacking)


def _outdated(document: Item, cited: list[Item]) -> Item:
    """The document, stale where something it cites is newer than it."""
    newer = next((item for item in cited if item.at > document.at), None)
    if newer is None or document.why_not_current:
        return document
    return replace(document, why_not_current=f"{newer.name} is newer than it.")


def holdings(*, viewer, subjects: list[Subject], said: dict[int, Said]) -> dict[tuple, dict[str, Holding]]:
    """Subject's key -> kind -> what there is of it."""
    found = Found(defaultdict(list), defaultdict(list))
    for source in SOURCES:
        for subject, kind, what in source(viewer=viewer, subjects=subjects, said=said):
            into = found.lacking if isinstance(what, str) else found.items
            into[subject.key, kind].append(what)
    return {subject.key: found.holdings(subject) for subject in subjects}


SOURCES: tuple[Source, ...] = (
    of_project, of_organization, of_model, of_data, of_reports, of_sign_off, of_deployment, of_incidents, of_statements,
    of_documents,
)  # fmt: skip
