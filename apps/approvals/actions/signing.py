"""A signature as it is given: the row, and the envelope that says the same to outsiders."""

from typing import Any

from django.db import connection

from apps.accounts.models import Reentry
from apps.approvals import envelopes, rules
from apps.approvals.models import Decision, Signature
from apps.audits import keys


def signed(
    case: rules.Case, decision: Decision, meaning: str, reason: str, *, proof: Reentry, by, conditions=()
) -> Signature:
    """A verdict, sealed under the organization's key, not yet kept. The database checks that both say the same."""
    approval = case.approval
    number, now = _number_and_moment()
    key = keys.in_use(approval.organization_id)
    signature = Signature(
        pk=number,
        organization_id=approval.organization_id,
        approval=approval,
        signer=by,
        printed_name=by.user.name,
        role=case.delegation.delegator.role if case.delegation else by.role,
        delegation=case.delegation,
        conditions=list(conditions),
        decision=decision,
        meaning=meaning,
        reason=reason,
        dossier_digest=approval.dossier_digest,
        signed_at=now,
        place=rules.place_for(case, meaning),
        authentication_id=proof.pk,
        key_id=key.row.key_id,
    )
    stated = envelopes.predicate(signature, signer_id=by.user_id, shown=_shown(case, proof, by))
    subjects = envelopes.subjects(approval, case.dossier["model"]["artifact_digest"])
    signature.envelope = keys.attest(approval.organization_id, envelopes.TYPE, stated, subjects)
    signature.digest = envelopes.payload_digest(signature.envelope)
    return signature


def _shown(case: rules.Case, proof: Reentry, by) -> dict[str, Any]:
    """What was so at that moment: policy, evidence, what was opened, how the signer proved themselves."""
    latest = case.signatures[-1].digest if case.signatures else ""
    return {
        "record": {"type": "approval", "id": case.approval.pk, "project": case.dossier["project"]["slug"]},
        "policy": case.dossier["policy"],
        "evidence": case.dossier["evidence"],
        "opened": [
            {"kind": evidence.kind, "digest": evidence.digest, "at": evidence.opened_at.isoformat()}
            for evidence in case.reading
            if evidence.opened_at
        ],
        "authentication": {
            "id": proof.pk,
            "at": proof.at.isoformat(),
            "components": proof.components,
            "through": f"token {by.token.pk}" if by.token else "session",
            **({"passkey": proof.assertion} if proof.assertion else {}),
        },
        "previous": latest,
        **({"in_place_of": case.delegation.delegator.user.name} if case.delegation else {}),
    }


def _number_and_moment():
    """The row's number and moment, as the database will set them: they are part of what is signed."""
    with connection.cursor() as cursor:
        cursor.execute("select nextval(pg_get_serial_sequence('approvals_signature', 'id')), now()")
        return cursor.fetchone()
