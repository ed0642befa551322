"""Coverage and inventory, taken away: CSV for a spreadsheet, canonical JSON, PDF/A with that JSON inside.

Every clause that applies points to digests, and every kind of evidence that is not present and current has a line that
says so: nothing can be left out without a gap being printed in its place."""

import csv
import datetime as dt
import io
from collections import Counter
from dataclasses import dataclass
from typing import Any

from apps.audits.exports import BEGINNINGS
from apps.common import documents
from apps.common.canonical import canonical, digest
from apps.common.charts import Chart
from apps.common.charts.groups import Row, bar_chart
from apps.common.numbers import number
from apps.controls.catalogue import GATES, KINDS, SHORT, frameworks
from apps.controls.queries import Coverage
from apps.controls.rules import STATES, Clause, Has, Holding, State

MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json", "pdf": "application/pdf"}
CAVEAT = (
    "A satisfied clause shows that every kind of evidence it asks for exists and is current, not that it is good"
    " enough: that is a reviewer's judgement, printed beside it where one was given on exactly this evidence."
)
COLUMNS = (
    "framework", "clause", "reference", "title", "state", "why", "due", "due_at", "kind", "evidence_state", "evidence",
    "digest", "provenance", "at", "current", "gap", "judgement", "judged_by", "judged_because",
)  # fmt: skip


@dataclass(frozen=True)
class Export:
    content: bytes
    media_type: str
    filename: str


def coverage(found: Coverage, form: str, at: dt.datetime) -> Export:
    """The coverage of one project and model version as `csv`, `json` or `pdf`."""
    told = plain(found, at)
    version = f"-{found.subject.version.model.name}-v{found.subject.version.number}" if found.subject.version else ""
    content = {"csv": _csv, "json": canonical, "pdf": lambda it: _pdf(found, it)}[form](told)
    return Export(content, MEDIA_TYPES[form], f"coverage-{found.subject.project.slug}{version}.{form}")


def plain(found: Coverage, at: dt.datetime) -> dict[str, Any]:
    """Everything the exports say, as plain values."""
    project, version = found.subject.project, found.subject.version
    return {
        "assay": "coverage 1",
        "at": _moment(at),
        "organization": project.organization.slug,
        "project": {"slug": project.slug, "name": project.name, "risk_class": project.risk_class,
                    "owner": str(project.owner.user)},
        "model": version and {"name": version.model.name, "version": version.number,
                              "artifact_digest": version.artifact_digest},
        "gate": list(GATES)[found.reached],
        "flags": found.flags,
        "frameworks": [_framework(framework, found) for framework in frameworks().values()],
        "caveat": CAVEAT,
    }  # fmt: skip


def _framework(framework, found: Coverage) -> dict[str, Any]:
    choice = found.said.choices.get(framework.id, {})
    clauses = [each for each in found.clauses if each.control.framework == framework.id]
    return {
        "id": framework.id,
        "title": framework.title,
        "version": framework.version,
        "catalogue_digest": framework.digest,
        "followed": found.said.follows(framework.id),
        "reason": choice.get("reason", ""),
        "counts": {state.value: count for state, count in Counter(each.state for each in clauses).items()},
        "clauses": [_clause(each) for each in clauses],
    }


def _clause(clause: Clause) -> dict[str, Any]:
    control, judged = clause.control, clause.judgement
    return {
        "id": control.id,
        "reference": control.reference,
        "title": control.title,
        "basis": control.basis,
        "state": clause.state.value,
        "why": clause.why,
        "due": control.due,
        "due_at": clause.due_at and clause.due_at.isoformat(),
        "evidence": [_holding(holding) for holding in clause.holdings],
        "gaps": [{"kind": holding.kind, "gap": gap} for holding, gap in clause.gaps],
        "judgement": judged and {"adequate": judged.adequate, "reason": judged.reason, "by": judged.by,
                                 "at": _moment(judged.at), "evidence_digest": judged.evidence_digest},
        "waiver": clause.waiver and {"owner": clause.waiver.owner, "reason": clause.waiver.reason,
                                     "until": clause.waiver.until and clause.waiver.until.isoformat()},
    }  # fmt: skip


def _holding(holding: Holding) -> dict[str, Any]:
    return {
        "kind": holding.kind,
        "state": holding.state.value,
        "lacking": list(holding.lacking),
        "items": [
            {"name": item.name, "digest": item.digest, "provenance": item.provenance.value, "at": _moment(item.at),
             "current": not item.why_not_current, "why_not_current": item.why_not_current,
             "valid_until": item.valid_until and item.valid_until.isoformat()}
            for item in holding.items
        ],
    }  # fmt: skip


# --- CSV ------------------------------------------------------------------------------------------------------------


def _csv(told: dict[str, Any]) -> bytes:
    return _table(COLUMNS, (row for framework in told["frameworks"] for row in _rows(framework)))


def _rows(framework):
    for clause in framework["clauses"]:
        judged = clause["judgement"] or {}
        word = {True: "adequate", False: "not adequate"}.get(judged.get("adequate"), "")
        head = [framework["id"], *(clause[name] for name in ("id", "reference", "title", "state", "why", "due")),
                clause["due_at"] or ""]  # fmt: skip
        tail = [word, judged.get("by", ""), judged.get("reason", "")]
        gaps = {gap["kind"]: gap["gap"] for gap in clause["gaps"]}
        for held in clause["evidence"] or [{"kind": "", "state": "", "items": []}]:
            for item in held["items"] or [{}]:
                it = [item.get(name, "") for name in ("name", "digest", "provenance", "at", "current")]
                yield [*head, held["kind"], held["state"], *it, gaps.get(held["kind"], ""), *tail]


def _table(columns, rows) -> bytes:
    """Text that no spreadsheet takes for a formula: an apostrophe stands before what could begin one."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue().encode()


def _cell(value) -> str:
    text = str(value)
    return f"'{text}" if text[:1] and text[0] in BEGINNINGS else text


# --- the inventory --------------------------------------------------------------------------------------------------


def inventory(rows: list[Coverage], waivers: list[dict[str, Any]], form: str, at: dt.datetime) -> Export:
    """Every model with its tier, owner, state, next review and coverage, as `csv` or `json`; as the latter, with the
    register of waivers: {"owner_name", "email", "open", "overdue", "renewed", "all"} for each owner."""
    lines = [inventory_line(row) for row in rows]
    if form == "json":
        told = {"assay": "inventory 1", "at": _moment(at), "models": lines, "waivers": waivers}
        return Export(canonical(told), MEDIA_TYPES["json"], "inventory.json")
    columns = [name for name in (lines[0] if lines else {"project": ""}) if name != "frameworks"]
    headings = [*columns, *(f"{name} {word}" for name in SHORT for word in ("satisfied", "apply"))]
    return Export(_table(headings, (_flat(line, columns) for line in lines)), MEDIA_TYPES["csv"], "inventory.csv")


def inventory_line(found: Coverage) -> dict[str, Any]:
    """One line of the inventory, as plain values."""
    project, version = found.subject.project, found.subject.version
    signed, serving = found.holdings["approval_signature"], found.holdings["deployment_record"]
    return {
        "project": project.slug,
        "name": project.name,
        "purpose": project.purpose,
        "model": str(version) if version else "",
        "artifact_digest": version.artifact_digest if version else "",
        "tier": project.risk_class,
        "owner": str(project.owner.user),
        "third_party": found.flags["third_party_component"],
        "sign_off": signed.gap or "stands",
        "serves": serving.items[0].name if serving.items else "",
        "next_review": found.next_review.isoformat() if found.next_review else None,
        "closed": project.closed_at is not None,
        "missing": found.counts[State.MISSING],
        "stale": found.counts[State.STALE],
        "unanswered": found.counts[State.UNANSWERED],
        "frameworks": {
            framework.id: {"satisfied": counts[State.SATISFIED],
                           "apply": len(clauses) - counts[State.NOT_APPLICABLE]}
            for framework, clauses, counts in found.by_framework
        },
    }  # fmt: skip


def _flat(line, columns):
    values = [line[name] for name in columns]
    for name in SHORT:
        its = line["frameworks"].get(name, {"satisfied": "", "apply": ""})
        values += [its["satisfied"], its["apply"]]
    return ["" if value is None else value for value in values]


# --- PDF ------------------------------------------------------------------------------------------------------------


def _pdf(found: Coverage, told: dict[str, Any]) -> bytes:
    content = canonical(told)
    followed = [framework for framework in told["frameworks"] if framework["followed"]]
    data = {
        "title": f"Control coverage of {told['project']['name']}",
        "subject": f"{found.subject.project.organization.name} · {found.subject.version or told['project']['name']}",
        "answer": answer(found),
        "verdict": "fail" if found.gaps else "pass",
        "digest": digest(content),
        "at": told["at"],
        "facts": _facts(told),
        "caveat": CAVEAT,
        "states": [state.value for state in STATES],
        "summary": [[SHORT[each["id"]], *(number(each["counts"].get(state, 0)) for state in STATES)]
                    for each in followed],
        "gaps": [_gap(clause, gap) for each in followed for clause in each["clauses"] for gap in clause["gaps"]],
        "frameworks": [_chapter(each) for each in followed],
        "left_out": [[each["title"], each["reason"]] for each in told["frameworks"] if not each["followed"]],
    }  # fmt: skip
    attached = documents.Attachment("coverage.json", content, "The same, as canonical JSON (RFC 8785)")
    return documents.render("controls/coverage.typ", data, charts={"covered": chart(found)}, attachments=[attached])


def answer(found: Coverage) -> str:
    """How it stands, in one sentence."""
    counts, relevant = found.counts, len(found.relevant)
    if not relevant:
        return "No clause of the frameworks that are followed applies."
    parts = [
        f"{counts[State.MISSING]} lack evidence that is due" if counts[State.MISSING] else "",
        f"{counts[State.STALE]} rest on stale evidence" if counts[State.STALE] else "",
        f"{counts[State.UNANSWERED]} depend on a question nobody has answered" if counts[State.UNANSWERED] else "",
    ]
    said = ", ".join(part for part in parts if part)
    so_far = f"{counts[State.SATISFIED]} of {relevant} clauses that apply have evidence that is present and current"
    return f"{so_far}; {said}." if said else f"{so_far}; nothing that is due is missing."


def chart(found: Coverage) -> Chart:
    """The share of each framework's clauses that is satisfied, of those that apply."""
    rows = []
    for framework, clauses, counts in found.by_framework:
        relevant = sum(each.state != State.NOT_APPLICABLE for each in clauses)
        share = counts[State.SATISFIED] / relevant if relevant else None
        rows.append(Row(framework.short, share, n=relevant, note="no clause applies"))
    caption = "Share of the clauses that apply whose evidence is present and current; n is how many apply."
    named = {"title": "Coverage by framework", "measured": "Share satisfied", "name": "Framework"}
    return bar_chart(rows, caption=caption, most=1.0, **named)


def _facts(told) -> list[list[str]]:
    model = told["model"]
    facts = [["Risk class", told["project"]["risk_class"]], ["Owner", told["project"]["owner"]]]
    facts += [["Due by now", f"everything {GATES[told['gate']]} and before it"]]
    return [*facts, *([["Model bytes", model["artifact_digest"]]] if model else [])]


def _gap(clause, gap) -> list[str]:
    due = "due" if clause["state"] in ("missing", "stale") else clause["state"]
    return [clause["id"], KINDS[gap["kind"]], gap["gap"], due]


def _chapter(framework) -> dict[str, Any]:
    relevant = [clause for clause in framework["clauses"] if clause["state"] != State.NOT_APPLICABLE]
    others = [clause for clause in framework["clauses"] if clause["state"] == State.NOT_APPLICABLE]
    return {
        "title": framework["title"],
        "version": framework["version"],
        "clauses": [_entry(clause) for clause in relevant],
        "others": [[clause["id"], clause["title"], clause["why"]] for clause in others],
    }


def _entry(clause) -> dict[str, Any]:
    judged = clause["judgement"]
    word = "Adequate" if judged and judged["adequate"] else "Not adequate"
    said = f"{word}, {judged['by']}: {judged['reason']}" if judged else ""
    return {
        "id": clause["id"],
        "reference": clause["reference"],
        "title": clause["title"],
        "state": clause["state"],
        "why": clause["why"],
        "due": GATES[clause["due"]],
        "judgement": said,
        "evidence": [_line(held) for held in clause["evidence"]],
    }


def _line(held) -> dict[str, Any]:
    return {
        "kind": KINDS[held["kind"]],
        "gap": "" if held["state"] == Has.CURRENT else held["state"],
        "items": [[item["name"], item["digest"], item["provenance"]] for item in held["items"]],
    }


def _moment(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="seconds")
