"""What a document is filled from: each thing it needs, whether it is there, and its digest.

Two shapes of it: `gather` reads everything and is what a document is written from; `manifest` is its short form, kept
with the document and compared later to say what has changed since."""

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from apps.common.canonical import digest
from apps.common.work import WorkState
from apps.datasets.models import Profile
from apps.documents.kinds import KINDS, About
from apps.documents.models import DocumentKind, Standing
from apps.documents.queries import statements as queries
from apps.models.models import ModelVersion
from apps.reports import queries as reports
from apps.reports.models import Kind as Measured
from apps.reports.models import Report


class State(StrEnum):
    CURRENT = "current"
    MISSING = "missing"
    STALE = "stale"
    WAIVED = "waived"


@dataclass(frozen=True)
class Item:
    """One thing a document needs. `content` is what it says, where it is current; `why` says why it is not."""

    slot: str
    name: str
    kind: str
    state: State = State.CURRENT
    id: str = ""  # what it is in the portal, such as “report 7”
    digest: str = ""
    at: str = ""  # when it came to be as it is, an ISO moment
    why: str = ""
    sampled: str = ""
    provenance: str = ""
    by: str = ""
    content: Any = None

    @property
    def is_current(self) -> bool:
        return self.state == State.CURRENT

    @property
    def gap(self) -> str:
        """The line that a document prints in its place."""
        return f"{self.name}: {self.why}"


@dataclass(frozen=True)
class Evidence:
    """Everything about one model version, or one dataset version."""

    subject: dict
    items: dict[str, Item] = field(default_factory=dict)

    def __getitem__(self, slot: str) -> Item:
        return self.items[slot]

    def without(self, slot: str) -> "Evidence":
        nothing = dict.fromkeys(("id", "digest", "at", "sampled"), "")
        gone = replace(self.items[slot], state=State.MISSING, why=NOT_THERE, content=None, **nothing)
        return replace(self, items=self.items | {slot: gone})

    def waived(self, waivers: Iterable[dict]) -> "Evidence":
        """With what is missing and waived said to be so; `waivers`: {"slot", "says"}."""
        items = dict(self.items)
        for waiver in waivers:
            item = items.get(waiver["slot"])
            if item and item.state in (State.MISSING, State.STALE):
                items[item.slot] = replace(item, state=State.WAIVED, why=f"{item.why} Waived: {waiver['says']}")
        return replace(self, items=items)

    def manifest(self, slots: Iterable[str]) -> list[dict]:
        """In the order of the document's slots."""
        return [
            {"slot": item.slot, "name": item.name, "state": str(item.state), "digest": item.digest}
            for item in (self.items[slot] for slot in slots)
        ]

    def moment(self, slots: Iterable[str]) -> str:
        """The latest moment at which anything of it came to be as it is: the only clock a document knows."""
        return max((self.items[slot].at for slot in slots if self.items[slot].at), default=EPOCH)


EPOCH = "1970-01-01T00:00:00+00:00"
NOT_THERE = "it is not there."
REPORTS = {
    "performance": "Performance report",
    "fairness": "Fairness report",
    "privacy": "Privacy report",
    "explainability": "Explainability report",
    "robustness": "Robustness report",
}
STATED = {About.PROJECT: [], About.MODEL: [], About.DATA: []}
for _kind in KINDS.values():
    STATED[_kind.about].append(_kind.key)

OF_DATA = ("data", "declaration", "profile", "datasheet_answers")
OF_TEST = ("test_data", "test_declaration")
SLOTS = {
    DocumentKind.TECHNICAL_DOCUMENTATION: (
        "artifact", "training_record", "risk_classification", *OF_DATA, *OF_TEST, *REPORTS,
        *STATED[About.PROJECT], "design_rationale", "instructions_for_use", "declaration_of_conformity",
    ),
    DocumentKind.MODEL_CARD: (
        "artifact", "training_record", *OF_DATA, *OF_TEST, "performance", "fairness", "privacy", "explainability",
        "intended_purpose", "model_card_notes",
    ),
    DocumentKind.DATASHEET: ("data", "declaration", "profile", "datasheet_answers", "retention_policy"),
    DocumentKind.BIAS_AUDIT: ("artifact", *OF_TEST, "intended_purpose", "bias_audit_notes"),
}  # fmt: skip


def of_version(version: ModelVersion, *, whole=True) -> Evidence:
    """`whole`: with what everything says, for a document to be written; else what a manifest needs."""
    data, test = version.dataset_version, version.test_dataset_version or version.dataset_version
    subject = {
        "organization": version.project.organization.name,
        "project": version.project.name,
        "model": version.model.name,
        "version": version.number,
        "digest": version.artifact_digest,
    }
    items = [
        *_of_model(version),
        _risk(version.project),
        *_of_data(data, whole=whole),
        *_of_bytes(test, "test_", "test data"),
        *_reports(version, whole=whole),
        *_statements(version.project, queries.speaking_of(version), data, whole=whole),
    ]
    return Evidence(subject, {item.slot: item for item in items})


def of_data(data, *, whole=True) -> Evidence:
    subject = {
        "organization": data.project.organization.name,
        "project": data.project.name,
        "dataset": data.dataset.name,
        "version": data.number,
        "digest": data.digest,
    }
    stated = queries.statements(data.project).filter(superseded_by=None, model_version=None)
    items = [*_of_data(data, whole=whole), *_statements(data.project, list(stated), data, whole=whole)]
    return Evidence(subject, {item.slot: item for item in items})


def changes(before: list[dict], now: list[dict]) -> list[str]:
    """What has changed between two manifests, each in a sentence."""
    known = {item["slot"]: item for item in now}
    return [said for item in before if (said := _change(item, known.get(item["slot"], item)))]


def _change(before, now) -> str:
    if (before["state"], before["digest"]) == (now["state"], now["digest"]):
        return ""
    if now["state"] != State.CURRENT:
        return f"{now['name']}: it is {now['state']} now."
    if before["state"] == State.CURRENT:
        return f"{now['name']}: there is another one than it was filled from."
    return f"{now['name']}: it is there now, and was {before['state']}."


# --- what there is --------------------------------------------------------------------------------------------------


def _of_model(version):
    made = {
        "run": version.run_id, "recipe": version.recipe, "recipe_digest": version.recipe_digest, "seed": version.seed,
        "code_version": version.code_version, "libraries": version.libraries, "device": version.device,
        "data": version.data_digest, "declaration": version.declaration_digest,
    }  # fmt: skip
    at = _moment(version.created_at)
    said = {
        **made, "trained_by": str(version.trained_by.user), "trained_at": at, "duration_s": version.duration_s,
        "input_schema": version.input_schema, "files": version.files, "privacy": version.privacy,
    }  # fmt: skip
    named = f"model version {version.pk}"
    yield Item("artifact", "Model", "artifact", id=named, digest=version.artifact_digest, at=at,
               provenance="registered")  # fmt: skip
    yield Item(
        "training_record", "Training record", "training_record", id=named, digest=digest(made), at=at, content=said,
        provenance="recorded by the portal",
    )  # fmt: skip


def _risk(project):
    item = Item("risk_classification", "Risk classification", "risk_classification", provenance="declared")
    if not project.answers:
        return replace(item, state=State.MISSING, why="its questions have not been answered.")
    said = {"answers": project.answers, "risk_class": project.risk_class}
    return replace(
        item, id=f"project {project.pk}", digest=digest(said), content=said
    )  # no moment: other changes of a project are not its own


def _of_bytes(data, prefix="", name="data"):
    """The bytes of a dataset version and what their columns mean."""
    called = name.capitalize()
    facts = {"name": str(data), "rows": data.rows, "columns": data.columns, "file": data.filename, "size": data.size}
    named = f"dataset version {data.pk}"
    bytes_ = Item(f"{prefix}data", called, "lineage", id=named, digest=data.digest, at=_moment(data.uploaded_at),
                  content=facts, provenance="registered", by=str(data.uploaded_by.user))  # fmt: skip
    if data.withdrawn_at:
        bytes_ = replace(bytes_, state=State.STALE, at=_moment(data.withdrawn_at), why=_withdrawn(data, str(data)))
    yield bytes_
    said = Item(f"{prefix}declaration", f"Declaration of the {name}", "lineage", provenance="declared")
    if data.declaration is None:
        yield replace(said, state=State.MISSING, why="nobody has said what its columns mean.")
    else:
        yield replace(said, id=named, digest=data.declaration_digest, at=_moment(data.declared_at or data.uploaded_at),
                      content=data.declaration, by=str(data.declared_by.user) if data.declared_by else "")  # fmt: skip


def _of_data(data, *, whole):
    yield from _of_bytes(data)
    finished = Profile.objects.filter(version=data, state=WorkState.FINISHED).order_by("-declared", "-pk")
    profile = (finished if whole else finished.defer("result")).first()
    item = Item("profile", "Profile of the data", "data_quality_report", provenance="computed by the portal")
    if profile is None:
        yield replace(item, state=State.MISSING, why="no worker has profiled it.")
        return
    said = json.loads(profile.result) if whole else None
    approximate = (said or {}).get("approximate")
    yield replace(
        item, id=f"profile {profile.pk}", digest=profile.digest, at=_moment(profile.finished_at), content=said,
        sampled=approximate["sentence"] if approximate else "",
    )  # fmt: skip


def _reports(version, *, whole):
    """The one of each kind that speaks; `queries.current` asks its viewer for the organization alone."""
    current = reports.current(viewer=version, version=version)
    results = {}
    if whole:
        found = Report.objects.filter(pk__in=[report.pk for report in current.values()])
        results = dict(found.values_list("kind", "result"))
    for kind, name in REPORTS.items():
        report, item = current.get(kind), Item(kind, name, f"{kind}_report", provenance="recomputed by the portal")
        if report is None:
            why = "it has not been measured." if kind in Measured.values else "the portal does not measure it yet."
            yield replace(item, state=State.MISSING, why=why)
            continue
        said = json.loads(results[kind]) if whole else None
        at = report.queued_at if report.is_submitted else report.finished_at
        yield replace(
            item, id=f"report {report.pk}", digest=report.digest, at=_moment(at), content=said,
            by=str(report.started_by.user), sampled=_sampled(said) if said else "",
            provenance=report.get_provenance_display(),
        )  # fmt: skip


def _sampled(result) -> str:
    """Where a report looked at some of the rows only."""
    rows, n = result["method"].get("rows"), result["inputs"].get("n")
    if isinstance(rows, int) and n is not None and rows < n:
        return f"computed from {rows:,} of {n:,} rows, drawn at random."
    return ""


def _statements(project, stated, data, *, whole):
    """One for each kind: the newest that was stated of this project, version or data."""
    found = {(one.kind, one.subtype): one for one in stated if one.dataset_version_id in (None, data.pk)}
    for key, kind in KINDS.items():
        statement = found.get((kind.name, kind.subtype))
        yield _stated(Item(key, kind.title, kind.name, provenance="declared"), statement, whole=whole)


def _stated(item, statement, *, whole) -> Item:
    if statement is None:
        return replace(item, state=State.MISSING, why="nobody has stated it.")
    standing = queries.standing(statement)
    named, at = f"statement {statement.pk}", _moment(statement.stated_at)
    item = replace(item, id=named, digest=statement.digest, by=str(statement.stated_by.user), at=at)
    if standing == Standing.CURRENT:
        said = {one["question"]: one for one in queries.answered(statement)} if whole else None
        return replace(item, content=said)
    if standing == Standing.WITHDRAWN:
        return replace(item, state=State.STALE, at=_moment(statement.withdrawn_at), why=_withdrawn(statement, "it"))
    why = f"it was valid until {statement.valid_until:%-d %B %Y}, and has not been stated anew."
    return replace(item, state=State.STALE, at=_moment(statement.ends_at), why=why)


def _withdrawn(thing, name) -> str:
    return f"{name} was withdrawn on {thing.withdrawn_at:%-d %B %Y}: {thing.withdrawn_reason}"


def _moment(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat()
