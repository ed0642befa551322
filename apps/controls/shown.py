"""What the pages show of coverage: which clauses, in which order, in which tone."""

from collections import Counter

from django.urls import reverse

from apps.controls.catalogue import KINDS
from apps.controls.queries import Coverage
from apps.controls.rules import STATES, Clause, Has, State
from apps.documents.kinds import NAMES

FORMATS = (("pdf", "PDF/A"), ("csv", "CSV"), ("json", "JSON"))
TONES = {
    State.MISSING: "fail",
    State.STALE: "stale",
    State.UNANSWERED: "unsure",
    State.WAIVED: "waived",
    State.LATER: "void",
    State.SATISFIED: "pass",
    State.NOT_APPLICABLE: "void",
}
OPEN = (State.MISSING, State.STALE, State.UNANSWERED)


def matching(found: Coverage, chosen: dict) -> list[Clause]:
    """The clauses that fit every filter; with none chosen, those that still ask for something."""
    kind, state = chosen.get("kind"), chosen.get("state")
    return [
        each
        for each in found.clauses
        if (state in {"all", each.state} or (not state and (each.state in OPEN or kind)))
        and chosen.get("framework") in (None, each.control.framework)
        and chosen.get("due") in (None, each.control.due)
        and (not kind or (kind in each.control.evidence and each.state != State.NOT_APPLICABLE))
    ]


def by_framework(found: Coverage, clauses: list[Clause]) -> list[dict]:
    """The clauses under their frameworks, the gravest first; only frameworks that have some."""
    order = {state: place for place, state in enumerate(STATES)}
    groups = []
    for framework, _, _ in found.by_framework:
        its = [each for each in clauses if each.control.framework == framework.id]
        if its:
            rows = [{"clause": each, "tone": TONES[each.state]} for each in sorted(its, key=lambda c: order[c.state])]
            groups.append({"framework": framework, "rows": rows})
    return groups


def open_kinds(found: Coverage) -> list[dict]:
    """What would close gaps: each kind of evidence that is not there, with how many open clauses ask for it."""
    asked = Counter(holding.kind for each in found.clauses if each.state in OPEN for holding, _ in each.gaps)
    return [
        {
            "kind": kind,
            "name": KINDS[kind],
            "count": count,
            "gap": found.holdings[kind].gap or "What there is of it does not answer every clause that asks.",
            "url": _where(kind, found.subject.project),
            "stale": found.holdings[kind].state == Has.STALE,
        }
        for kind, count in asked.most_common()
    ]


WHERE = {  # where evidence of a kind is made; rooms are known by the names of their lists
    **dict.fromkeys(("performance_report", "fairness_report", "privacy_report", "explainability_report"), "reports"),
    **dict.fromkeys(NAMES, "statements"),
    "data_quality_report": "datasets",
    "lineage": "models",
    "training_record": "models",
    "approval_signature": "approvals",
    "deployment_record": "deployments",
    "risk_classification": "project-risk",
}


WHERE_OF_ALL = {  # of the organization's pages
    "retention_policy": "retention",
    "audit_log": "records-verify",
    "access_review": "access-reviews",
}


def _where(kind: str, project) -> str:
    """The page on which evidence of a kind comes about; nothing where the portal has none."""
    if kind in WHERE_OF_ALL:
        return reverse(WHERE_OF_ALL[kind], args=[project.organization.slug])
    place = WHERE.get(kind)
    return reverse(place, args=[project.organization.slug, project.slug]) if place else ""


def with_tones(found: Coverage) -> list[dict]:
    """A line a framework: its name and how many of its clauses are in each state."""
    return [
        {"framework": framework, "apply": len(clauses) - counts[State.NOT_APPLICABLE],
         "cells": [(state, TONES[state], counts[state]) for state in STATES]}
        for framework, clauses, counts in found.by_framework
    ]  # fmt: skip


def matrix(rows: list[Coverage], frameworks) -> list[dict]:
    """A line a model: its coverage under each framework."""
    return [{"found": row, "cells": _cells(row, frameworks)} for row in rows]


def _cells(row: Coverage, frameworks) -> list[dict]:
    mine = {framework.id: (clauses, counts) for framework, clauses, counts in row.by_framework}
    cells = []
    for framework in frameworks:
        clauses, counts = mine.get(framework.id, ((), Counter()))
        apply = len(clauses) - counts[State.NOT_APPLICABLE]
        gaps = counts[State.MISSING] + counts[State.STALE]
        cells.append({"framework": framework, "apply": apply, "satisfied": counts[State.SATISFIED], "gaps": gaps})
    return cells
