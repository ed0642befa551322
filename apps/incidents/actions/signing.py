"""What is signed about an incident: the release of its evidence, by two people, and its closing, by somebody who did
not report it. Each proves again who they are."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts import reentry
from apps.accounts.permissions import Permission, require
from apps.approvals.envelopes import payload_digest
from apps.audits import holds, keys
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.refusals import refusable
from apps.common.errors import ActionDenied, BadInput, database_refusals, refuse
from apps.common.signing import KeyUnusable
from apps.incidents import queries, rules
from apps.incidents.models import Incident, Purpose, Signature

TYPE = "https://assay.dev/incident-signature/v1"
TWICE = "Somebody else signed this at this moment."


@refusable
def ask_release(incident: Incident, *, reason: str, password: str, code: str = "", by) -> Signature:
    """Ask, as the first of two, that the evidence need not be kept unaltered any more."""
    require(by, Permission.INCIDENT_RELEASE)
    refuse(rules.why_not_ask_release(queries.case(incident).hold, by=by))
    return _release(incident, Purpose.ASK, reason, (password, code), by)


@refusable
def release(incident: Incident, *, reason: str, password: str, code: str = "", by) -> Signature:
    """Grant it, as the second: from now on what was held may be altered and disposed of as usual."""
    require(by, Permission.INCIDENT_RELEASE)
    case = queries.case(incident)
    refuse(rules.why_not_release(case.hold, case.clock("authority"), by=by))
    return _release(incident, Purpose.RELEASE, reason, (password, code), by)


def _release(incident: Incident, purpose: Purpose, reason: str, proven: tuple[str, str], by) -> Signature:
    if not reason.strip():
        raise BadInput({"reason": "Say why: it stands under your name."})
    proof = reentry.check(by.user, *proven, about=_about(incident, purpose))
    with transaction.atomic():
        signature = _signed(incident, purpose, {"reason": reason.strip()}, proof, by)
        with database_refusals():
            holds.release_evidence(incident, reason=reason, by=by)
    return signature


@refusable
def close(incident: Incident, *, password: str, code: str = "", by, **said: str) -> Signature:
    """Sign that its cause is known, that it was corrected, that this was verified, and which hazards it opened again.

    `said` holds what rules.CLOSING names. Nothing is added to it afterwards. Raises BadInput."""
    require(by, Permission.INCIDENT_CLOSE)
    case, assessment = queries.case(incident), queries.assessment(incident)
    reporter = incident.reported_by.user_id
    refuse(rules.why_not_close(reporter, case.hold, case.clocks, case.closing, by=by))
    if found := rules.closing_problems(said, assessment, incident.reported_at, serious=case.hold is not None):
        raise BadInput(found)
    told: dict[str, Any] = {name: said[name].strip() for name in rules.CLOSING}
    told["assessment"] = assessment.digest if assessment else None
    proof = reentry.check(by.user, password, code, about=_about(incident, Purpose.CLOSE))
    with transaction.atomic():
        signature = _signed(incident, Purpose.CLOSE, told, proof, by)
        facts = {"statement": signature.digest, "assessment": told["assessment"], "entry": signature.entry_digest}
        record(Event.INCIDENT_CLOSED, on=incident, by=by, **facts)
    return signature


def _about(incident: Incident, purpose: Purpose) -> dict[str, Any]:
    return {"act": purpose.value, "incident": incident.pk}


def _signed(incident: Incident, purpose: Purpose, said: dict[str, Any], proof, by) -> Signature:
    now, entry = timezone.now(), queries.case(incident).known
    stated = {
        "incident": incident.pk,
        "title": incident.title,
        "purpose": purpose.value,
        "words": purpose.label,
        "said": said,
        "entry": entry.digest,
        "signer": {"id": by.user_id, "printed_name": by.user.name, "role": by.role},
        "authentication": {"id": proof.pk, "components": proof.components},
        "signed_at": now.isoformat(),
    }
    try:
        subject = {f"entry {entry.number} of {incident}": entry.digest}
        envelope = keys.attest(incident.organization_id, TYPE, stated, subject)
    except KeyUnusable as error:
        raise ActionDenied(str(error)) from error
    with database_refusals(TWICE):
        return Signature.objects.create(
            organization_id=incident.organization_id,
            incident=incident,
            purpose=purpose,
            signer=by,
            printed_name=by.user.name,
            said=said,
            entry_digest=entry.digest,
            authentication_id=proof.pk,
            envelope=envelope,
            digest=payload_digest(envelope),
            signed_at=now,
        )
