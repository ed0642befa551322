"""A sign-off as something to keep: the dossier's own bytes, or a document that carries them."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from apps.approvals import envelopes, rules
from apps.approvals.gates.kinds import PROVENANCE_WORDS, RECOMPUTED
from apps.audits.events import Event
from apps.common import documents, numbers
from apps.common.canonical import canonical
from apps.common.signing import pem


def written(case: rules.Case, form: str, history: Iterable[tuple[Any, str]]) -> tuple[bytes, str]:
    """(content, media type) of a sign-off as `json` or `pdf`; `history` as `queries.history` tells it."""
    if form == "json":
        return case.approval.dossier.encode(), "application/json"
    return _pdf(_as_decided(case), history), "application/pdf"


def _as_decided(case: rules.Case) -> rules.Case:
    """The case at the moment of its decision: a document says what was signed, not what has moved since."""
    return replace(case, changes=(), breaches=(), now=case.approval.decided_at or case.approval.requested_at)


def manifest(case: rules.Case) -> dict[str, Any]:
    """Every name under the dossier, as plain values, with its envelope and the keys: what an outsider needs beside it.

    While it is in review verdicts are sealed, and only their number is told."""
    approval = case.approval
    return {
        "assay": "signatures 2",
        "approval": approval.pk,
        "dossier_digest": approval.dossier_digest,
        "state": approval.state,
        "decided_at": _moment(approval.decided_at),
        "valid_until": _moment(approval.valid_until),
        "verdicts_given": len(case.signatures),
        "keys": {key: pem(public) for key, public in envelopes.trusted(approval).items()},
        "signatures": [
            {
                "id": signature.pk,
                "printed_name": signature.printed_name,
                "role": signature.role,
                "decision": signature.decision,
                "meaning": signature.meaning,
                "reason": signature.reason,
                "dossier_digest": signature.dossier_digest,
                "signed_at": _moment(signature.signed_at),
                "words": signature.words,
                "conditions": signature.conditions,
                "key_id": signature.key_id,
                "statement_digest": signature.digest,
                "envelope": signature.envelope,
            }
            for signature in case.seen_by(None)
        ],
    }


def _pdf(case: rules.Case, history: Iterable[tuple[Any, str]]) -> bytes:
    approval, dossier = case.approval, case.dossier
    data = {
        "title": f"May {dossier['model']['name']} version {dossier['model']['version']} go live?",
        "subject": f"Sign-off {approval.pk}, {approval.project.organization.name}, {approval.project.name}",
        "answer": rules.answer(case),
        "verdict": case.status,
        "digest": approval.dossier_digest,
        "at": (approval.decided_at or approval.requested_at).isoformat(),
        "facts": _facts(case),
        "note": dossier["asked"]["note"],
        "rules": [_rule(outcome) for outcome in case.outcomes],
        "signatures": [_signature(signature, case.conditions) for signature in case.seen_by(None)],
        "open": [place.words for place in case.places for _ in place.free],
        "sealed": len(case.signatures) if case.sealed else 0,
        "covered": covered(dossier),
        "hands": [[hand["name"], hand["deed"]] for hand in dossier["hands"]],
        "history": [
            [_moment(entry.at), f"{entry.by_name} {said}.", entry.facts.get("reason", "")]
            for entry, said in history
            if entry.event != Event.APPROVAL_DOWNLOADED  # taking it away does not change it
        ],
    }
    attachments = (
        documents.Attachment("dossier.json", approval.dossier.encode(), "What was signed, RFC 8785"),
        documents.Attachment("signatures.json", canonical(manifest(case)), "Who signed it"),
    )
    return documents.render("approvals/sign_off.typ", data, attachments=attachments)


def _facts(case: rules.Case) -> list[list[str]]:
    approval, dossier = case.approval, case.dossier
    facts = [
        ["Purpose", dossier["project"]["purpose"]],
        ["Risk class", dossier["project"]["risk_class"]],
        ["Policy", f"{dossier['policy']['name']} version {dossier['policy']['version']}"],
        ["Asked by", f"{dossier['asked']['by']}, {_moment(approval.requested_at)}"],
    ]
    if told := dossier.get("operation"):
        facts.append(["In operation", f"{numbers.number(len(told))} reports before it was asked for, in the dossier"])
    if approval.valid_until:
        facts.append(["Valid until", _moment(approval.valid_until)])
    return facts


def _rule(outcome: dict[str, Any]) -> dict[str, str]:
    low, high = outcome["low"], outcome["high"]
    size = outcome["smallest_group"] if outcome["smallest_group"] is not None else outcome["n"]
    came = outcome.get("provenance") if outcome.get("report") else None  # older dossiers do not say
    said = f"figures {PROVENANCE_WORDS[came]}" if came and came != RECOMPUTED else ""
    return {
        "rule": outcome["rule"],
        "fine_print": ", ".join(part for part in (outcome["fine_print"], said) if part),
        "value": "" if outcome["value"] is None else numbers.rounded(outcome["value"], low, high),
        "interval": numbers.interval(low, high),
        "n": "" if size is None else numbers.number(size),
        "verdict": outcome["verdict"],
        "why": "" if outcome["verdict"] == "pass" else outcome["why"],
    }


def _signature(signature, conditions) -> dict[str, Any]:
    return {
        "name": signature.printed_name,
        "role": signature.role,
        "meaning": signature.words,
        "decision": {"sign": "signed", "return": "returned", "reject": "rejected"}[signature.decision],
        "reason": signature.reason,
        "at": _moment(signature.signed_at),
        "conditions": [_condition(one) for one in conditions if one.signature.pk == signature.pk],
        "key": signature.key_id,
        "digest": signature.digest,
    }


def _condition(condition) -> dict[str, str]:
    by_whom = condition.asks or f"{condition.owner_name} answers for it"
    said = f"{by_whom}, by {_moment(condition.due_at)}; otherwise {condition.words}."
    return {"text": condition.text, "said": said}


def covered(dossier: dict[str, Any]) -> list[list[str]]:
    """(what, its SHA-256) of everything bound."""
    model, policy = dossier["model"], dossier["policy"]
    return [
        [f"Model {model['name']} version {model['version']}", model["artifact_digest"]],
        *([f"Its file {name}", digest] for name, digest in sorted(model["files"].items())),
        ["Its recipe", model["recipe_digest"]],
        *([f"{part['use'].capitalize()} data {part['dataset']} version {part['version']}", part["digest"]]
          for part in dossier["data"]),
        *([f"What {part['dataset']} version {part['version']} declares", part["declaration_digest"]]
          for part in dossier["data"]),
        *([f"{report['kind'].capitalize()} report", report["digest"]] for report in dossier["reports"]),
        *([f"{paper['kind'].replace('_', ' ').capitalize()}, {paper['is']}", paper["digest"]]
          for paper in dossier.get("documents") or []),
        [f"Policy {policy['name']} version {policy['version']}", policy["digest"]],
    ]  # fmt: skip


def _moment(at) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else ""
