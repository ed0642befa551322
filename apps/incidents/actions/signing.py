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
def ask_release(incident: Incident, *, reason: str, entry_digest: str, by, **proof: str) -> Signature:
    """Ask, as the first of two, that the evidence need not be kept unaltered any more.

    `entry_digest`: of the newest entry, as it was read; `proof`: what `reentry.check` takes."""
    require(by, Permission.INCIDENT_RELEASE)
    case = queries.case(incident)
    refuse(rules.why_not_ask_release(case.hold, by=by) or rules.why_not_on(case.known, entry_digest))
    return _release(incident, Purpose.ASK, reason=reason, entry_digest=entry_digest, proof=proof, by=by)


@refusable
def release(incident: Incident, *, reason: str, entry_digest: str, by, **proof: str) -> Signature:
    """Grant it, as the second: from now on what was held may be altered and disposed of as usual."""
    require(by, Permission.INCIDENT_RELEASE)
    case = queries.case(incident)
    shut = rules.why_not_release(case.hold, case.clock("authority"), by=by)
    refuse(shut or rules.why_not_on(case.known, entry_digest))
    return _release(incident, Purpose.RELEASE, reason=reason, entry_digest=entry_digest, proof=proof, by=by)


def _release(
    incident: Incident, purpose: Purpose, *, reason: str, entry_digest: str, proof: dict[str, str], by
) -> Signature:
    if not reason.strip():
        raise BadInput({"reason": "Say why: it stands under your name."})
    proved = reentry.check(by.user, **proof, about=rules.signing(incident, purpose, entry_digest))
    with transaction.atomic():
        signature = _signed(
            incident, purpose, {"reason": reason.strip()}, entry_digest=entry_digest, proof=proved, by=by
        )
        with database_refusals():
            holds.release_evidence(incident, reason=reason, by=by)
    return signature


@refusable
def close(
    incident: Incident, *, entry_digest: str, password: str, code: str = "", passkey: str = "", by, **said: str
) -> Signature:
    """Sign that its cause is known, that it was corrected, that this was verified, and which hazards it opened again.

    `said` holds what rules.CLOSING names. Nothing is added to it afterwards. Raises BadInput."""
    require(by, Permission.INCIDENT_CLOSE)
    case, assessment = queries.case(incident), queries.assessment(incident)
    reporter = incident.reported_by.user_id
    shut = rules.why_not_close(reporter, case.hold, case.clocks, case.closing, by=by)
    refuse(shut or rules.why_not_on(case.known, entry_digest))
    if found := rules.closing_problems(said, assessment, incident.reported_at, serious=case.hold is not None):
        raise BadInput(found)
    told: dict[str, Any] = {name: said[name].strip() for name in rules.CLOSING}
    told["assessment"] = assessment.digest if assessment else None
    about = rules.signing(incident, Purpose.CLOSE, entry_digest)
    proved = reentry.check(by.user, password, code, passkey, about=about)
    with transaction.atomic():
        signature = _signed(incident, Purpose.CLOSE, told, entry_digest=entry_digest, proof=proved, by=by)
        facts = {"statement": signature.digest, "assessment": told["assessment"], "entry": signature.entry_digest}
        record(Event.INCIDENT_CLOSED, on=incident, by=by, **facts)
    return signature


def _signed(incident: Incident, purpose: Purpose, said: dict[str, Any], *, entry_digest: str, proof, by) -> Signature:
    now, entry = timezone.now(), queries.case(incident).known
    refuse(rules.why_not_on(entry, entry_digest))  # while they proved themselves, something was added
    stated = {
        "incident": incident.pk,
        "title": incident.title,
        "purpose": purpose.value,
        "words": purpose.label,
        "said": said,
        "entry": entry.digest,
        "signer": {"id": by.user_id, "printed_name": by.user.name, "role": by.role},
        "authentication": {"id": proof.pk, "components": proof.components}
        | ({"passkey": proof.assertion} if proof.assertion else {}),
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
