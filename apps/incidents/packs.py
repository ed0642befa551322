"""The incident pack (X9): everything kept of an incident as one signed statement, and a document that carries it.

The same bytes from the same state, under the same key; what the record says afterwards changes nothing in it."""

import json
from dataclasses import dataclass
from typing import Any

from apps.audits import keys
from apps.common import documents
from apps.common.canonical import canonical, digest
from apps.common.signing import pem
from apps.incidents import queries, rules
from apps.incidents.models import Entry, Notice, Severity, Signature

TYPE = "https://assay.dev/incident-pack/v1"
SAID = {"reason": "Reason", **rules.CLOSING, "assessment": "Impact assessment"}  # what a signature says, in order
TYPES = {"json": "application/json", "pdf": "application/pdf"}


@dataclass(frozen=True)
class Pack:
    content: bytes
    media_type: str
    filename: str
    digest: str  # of what it says, as canonical JSON


def written(case: queries.Case, form: str) -> Pack:
    """Raises KeyUnusable."""
    incident = case.incident
    said = told(case)
    subject = {f"pack of {incident} of {incident.project.organization.slug}": digest(said)}
    envelope = canonical(keys.attest(incident.organization_id, TYPE, said, subject))
    content = envelope if form == "json" else _pdf(case, said, envelope)
    name = f"incident-{incident.project.organization.slug}-{incident.pk}"
    return Pack(content, TYPES[form], f"{name}.{'dsse.json' if form == 'json' else 'pdf'}", digest(said))


def told(case: queries.Case) -> dict[str, Any]:
    """As plain values."""
    incident = case.incident
    return {
        "assay": "incident pack 1",
        "organization": incident.project.organization.slug,
        "project": incident.project.slug,
        "incident": incident.pk,
        "title": incident.title,
        "reported": {"by": str(incident.reported_by.user), "at": _moment(incident.reported_at)},
        "models": [
            {"model_version": one.pk, "name": one.model.name, "version": one.number, "digest": one.artifact_digest}
            for one in queries.affected(case)
        ],
        "questions": {name: {"asks": asks, "reference": where} for name, (asks, where) in rules.FLAGS.items()},
        "entries": [_entry(entry) for entry in case.entries],
        "duties": [
            {"duty": clock.duty.value, "due_at": _moment(clock.due_at), "first_told_at": _moment(clock.first.told_at)
             if clock.first else None, "final": clock.final, "in_time": bool(clock.first) and not clock.late}
            for clock in case.clocks
        ],
        "notices": [_notice(notice) for notice in case.notices],
        "hold": _hold(case),
        "snapshots": [
            {"entry": one.entry_id, "digest": one.digest, "evidence": json.loads(one.body), "envelope": one.envelope}
            for one in case.snapshots
        ],
        "suspensions": _suspensions(case),
        "signatures": [_signature(one) for one in case.signatures],
        "record": [
            {"seq": line.seq, "at": _moment(line.at), "event": line.event, "leaf_hash": line.digest_hex}
            for line in queries.history(case)
        ],
        "keys": {key: pem(public) for key, public in keys.trusted(incident.organization_id).items()},
    }  # fmt: skip


def _entry(entry: Entry) -> dict[str, Any]:
    return {"said": entry.told, "digest": entry.digest, "by": str(entry.by.user), "at": _moment(entry.at)}


def _notice(notice: Notice) -> dict[str, Any]:
    plain = {name: getattr(notice, name) for name in ("duty", "stage", "who", "how", "reference", "note")}
    whom = {"notice": notice.pk, "follows": notice.follows_id, "by": str(notice.by.user)}
    return plain | whom | {"told_at": _moment(notice.told_at), "kept_at": _moment(notice.at)}


def _hold(case: queries.Case) -> dict[str, Any] | None:
    if (hold := case.hold) is None:
        return None
    return {
        "model_versions": hold.versions,
        "placed_at": _moment(hold.placed_at),
        "asked_at": _moment(hold.asked_at),
        "released_at": _moment(hold.released_at),
    }


def _suspensions(case: queries.Case) -> list[dict[str, Any]]:
    return [
        {"approval": one.approval_id, "suspended_at": _moment(one.suspended_at), "resumed_at": _moment(one.resumed_at),
         "reason": one.reason, "drill": one.drill}
        for one in queries.suspensions(case)
    ]  # fmt: skip


def _signature(one: Signature) -> dict[str, Any]:
    return {
        "purpose": one.purpose,
        "words": one.get_purpose_display(),
        "printed_name": one.printed_name,
        "said": one.said,
        "entry": one.entry_digest,
        "signed_at": _moment(one.signed_at),
        "statement_digest": one.digest,
        "envelope": one.envelope,
    }


def _pdf(case: queries.Case, said: dict[str, Any], envelope: bytes) -> bytes:
    incident, known = case.incident, case.known
    last = max([known.at, *(one.at for one in case.notices), *(one.signed_at for one in case.signatures)])
    data = {
        "title": incident.title,
        "subject": f"Incident {incident.pk}, {incident.project.organization.name}, {incident.project.name}",
        "answer": said_of(case),
        "verdict": status(case),
        "digest": digest(said),
        "at": last.isoformat(),
        "facts": _facts(case, said),
        "known": [[label, getattr(known, name)] for name, (label, _) in rules.WORDS.items()],
        "flags": [
            [asks, "yes" if getattr(known, name) else "no", where] for name, (asks, where) in rules.FLAGS.items()
        ],
        "duties": [
            [clock.duty.label.removeprefix("the ").capitalize(), _said_at(clock.due_at),
             _said_at(clock.first.told_at) if clock.first else "–", clock.status]
            for clock in case.clocks
        ],
        "notices": [
            {"whom": one.get_duty_display(), "stage": one.get_stage_display(), "who": one.who, "how": one.how,
             "reference": one.reference, "note": one.note, "at": _said_at(one.told_at)}
            for one in case.notices
        ],
        "entries": [
            [f"{one.number}", _said_at(one.at), str(one.by.user), one.reason or "the report", one.digest]
            for one in case.entries
        ],
        "signatures": [
            {"name": one.printed_name, "words": one.get_purpose_display(), "at": _said_at(one.signed_at),
             "said": [[label, one.said[name]] for name, label in SAID.items() if one.said.get(name)],
             "digest": one.digest}
            for one in case.signatures
        ],
        "snapshots": [one.digest for one in case.snapshots],
        "record": [
            [f"{line.seq}", _said_at(line.at), f"{line.by_name} {line.deed}."] for line in queries.history(case)
        ],
    }  # fmt: skip
    attached = documents.Attachment(
        "incident.dsse.json", envelope, "Everything above, signed: a DSSE envelope around an in-toto statement."
    )
    return documents.render("incidents/pack.typ", data, attachments=[attached])


def said_of(case: queries.Case) -> str:
    """What a document says, which does not know what time it is."""
    if case.closing:
        return case.answer
    unmet = [clock for clock in case.clocks if clock.first is None]
    return f"It is open; {len(unmet)} of {len(case.clocks)} duties to tell are still to be met."


def status(case: queries.Case) -> str:
    return "closed" if case.closing else "open"


def _facts(case: queries.Case, said: dict[str, Any]) -> list[list[str]]:
    known, incident = case.known, case.incident
    models = ", ".join(f"{one['name']} v{one['version']}" for one in said["models"])
    return [
        ["Models", models],
        ["Severity", Severity(known.severity).label + (", serious (AI Act, Art. 3(49))" if known.serious else "")],
        ["Happened", _said_at(known.occurred_at)],
        ["Aware", _said_at(known.aware_at)],
        ["Reported", f"{_said_at(incident.reported_at)}, by {incident.reported_by.user}"],
        ["Evidence", _held(case)],
    ]


def _held(case: queries.Case) -> str:
    if case.hold is None:
        return "not held: nothing known of it is serious"
    until = f"released {_said_at(case.hold.released_at)}" if case.hold.released_at else "not released"
    return f"held since {_said_at(case.hold.placed_at)}, {until}"


def _moment(at) -> str | None:
    return at and at.isoformat()


def _said_at(at) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""
