"""The control catalogue: six frameworks, 161 clauses, as data in YAML beside this file, parsed once.

A clause's text is our own wording; the cited source prevails. A passing check shows that evidence exists and is
current, not that it is good enough: that is a reviewer's judgement."""

import datetime as dt
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from apps.common.canonical import digest

FOLDER = Path(__file__).parent
SHORT = {  # in the order they are shown
    "eu-ai-act": "EU AI Act",
    "gdpr": "GDPR",
    "nist-ai-rmf": "NIST AI RMF",
    "iso-42001": "ISO/IEC 42001",
    "sr-11-7": "SR 26-2 / 11-7",
    "nyc-ll144": "NYC LL144",
}
GATES = {  # when a clause must hold, in the order of life
    "registration": "from the project's opening",
    "data": "before training",
    "approval": "before the final signature",
    "deployment": "before it goes live",
    "operation": "while it serves",
    "retirement": "when it is retired",
}
KINDS = {  # the closed list of 25 kinds of evidence
    "risk_classification": "risk classification",
    "intended_purpose": "intended purpose",
    "dataset_datasheet": "datasheet of the data",
    "data_quality_report": "data quality report",
    "lineage": "lineage",
    "training_record": "training record",
    "performance_report": "performance report",
    "fairness_report": "fairness report",
    "privacy_report": "privacy report",
    "explainability_report": "explainability report",
    "robustness_report": "robustness report",
    "human_oversight_plan": "human oversight plan",
    "model_card": "model card",
    "technical_documentation": "technical documentation",
    "approval_signature": "sign-off",
    "audit_log": "audit log",
    "deployment_record": "deployment record",
    "monitoring_plan": "monitoring plan",
    "drift_report": "drift report",
    "incident_record": "incident register",
    "impact_assessment": "impact assessment",
    "energy_report": "energy report",
    "reproducibility_report": "reproducibility report",
    "access_review": "access review",
    "retention_policy": "retention policy",
}


@dataclass(frozen=True)
class Control:
    """One clause: whom it is for, what must be there, by when."""

    id: str
    framework: str
    reference: str
    title: str
    requirement: str
    risk_levels: tuple[str, ...]
    due: str  # a gate
    evidence: tuple[str, ...]  # kinds; every one must be present and current
    check: str  # what a reviewer looks for
    basis: str  # stored: read in public text; k: general knowledge, to be confirmed by counsel
    applies_when: tuple[str, ...] = ()  # flags, all of which must be true
    applies_from: dt.date | None = None

    @property
    def gate(self) -> int:
        return list(GATES).index(self.due)


@dataclass(frozen=True)
class Framework:
    id: str
    title: str
    version: str
    date: str
    source: str
    status: str
    notes: tuple[str, ...]
    digest: str  # of the file's content, as canonical JSON
    controls: tuple[Control, ...] = field(repr=False)

    @property
    def short(self) -> str:
        return SHORT[self.id]

    def __str__(self):
        return self.short


@cache
def frameworks() -> dict[str, Framework]:
    """Every framework by its id, in the order they are shown."""
    return {name: _framework(source(name)) for name in SHORT}


@cache
def controls() -> dict[str, Control]:
    """Every clause by its id."""
    return {control.id: control for framework in frameworks().values() for control in framework.controls}


def source(name: str) -> dict:
    """A framework's file as plain values."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same subset, in C where it was built
    return yaml.load((FOLDER / f"{name}.yaml").read_text("utf-8"), Loader=loader)  # noqa: S506  both are safe


def _framework(told: dict) -> Framework:
    about = {name: told[name] for name in ("id", "title", "version", "source", "status")}
    return Framework(
        **about,
        date=str(told["date"]),
        notes=tuple(told.get("notes", ())),
        digest=digest(told),
        controls=tuple(_control(clause, told["id"]) for clause in told["controls"]),
    )


def _control(told: dict, framework: str) -> Control:
    lists = {name: tuple(told.get(name, ())) for name in ("risk_levels", "evidence", "applies_when")}
    begins = {"applies_from": dt.date.fromisoformat(told["applies_from"])} if "applies_from" in told else {}
    return Control(**{**told, **lists, **begins}, framework=framework)
