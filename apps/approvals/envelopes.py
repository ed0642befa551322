"""A signature as an outsider keeps it: a DSSE envelope around an in-toto statement, under the organization's key.

The statement's subjects are the dossier and the model, by their SHA-256; its predicate says who signed, what it means,
what they were shown and opened, how they proved who they are, and which signature came before (WF-SIG-1). Whoever holds
the public key verifies it without the portal."""

import base64
import hashlib
import json
from datetime import datetime
from typing import Any

from apps.approvals.models import SIGNED_WORDS, Approval, Signature
from apps.audits import keys
from apps.common.signing import IN_TOTO, BadSignature, opened, stated

TYPE = "https://assay.dev/signature/v1"
ATTESTATION = "signatures 2"  # the version of the words in SIGNED_WORDS and of the page they are shown on
ALGORITHM = "Ed25519"


def predicate(signature: Signature, *, signer_id: int, shown: dict[str, Any]) -> dict[str, Any]:
    """What a signature states. `shown`: what the portal adds about the moment (policy, evidence, opened, …)."""
    return {
        "assay": ATTESTATION,
        "signature": signature.pk,
        "approval": signature.approval_id,
        "dossier_digest": signature.dossier_digest,
        "signer": {"id": signer_id, "printed_name": signature.printed_name, "role": signature.role},
        "place": signature.place,
        "delegation": signature.delegation_id,
        "decision": signature.decision,
        "meaning": signature.meaning,
        "words": SIGNED_WORDS.get(signature.meaning, ""),
        "conditions": signature.conditions,
        "reason": signature.reason,
        "signed_at": signature.signed_at.isoformat(),
        "algorithm": ALGORITHM,
        "key_id": signature.key_id,
        **shown,
    }


def subjects(approval: Approval, artifact_digest: str) -> dict[str, str]:
    return {
        f"dossier of sign-off {approval.pk}": approval.dossier_digest,
        f"model of sign-off {approval.pk}": artifact_digest,
    }


def payload(envelope: dict[str, Any]) -> bytes:
    """The statement's bytes, unverified."""
    return base64.b64decode(envelope["payload"])


def payload_digest(envelope: dict[str, Any]) -> str:
    """SHA-256 of the statement's bytes: what the record and the next signature name it by."""
    return hashlib.sha256(payload(envelope)).hexdigest()


def why_not_valid(signature: Signature, approval: Approval, trusted: dict[str, bytes]) -> str | None:
    """The objection to a signature found under a sign-off, or None. `trusted`: key id -> public key."""
    if signature.envelope is None:
        return "It was given before signatures were kept in envelopes; the record alone tells of it."
    try:
        said = stated(opened(signature.envelope, trusted, IN_TOTO), TYPE)
    except BadSignature as problem:
        return str(problem)
    if {entry["digest"]["sha256"] for entry in said["subject"]} != set(_subjects(approval).values()):
        return "It was given under another dossier or model."
    given = said["predicate"]
    if (given["approval"], given["dossier_digest"]) != (approval.pk, approval.dossier_digest):
        return "It was given to another sign-off."
    kept = predicate(signature, signer_id=signature.signer.user_id, shown={})
    if moved := [name for name, value in kept.items() if _plain(given.get(name)) != _plain(value)]:
        return f"What is kept beside it is not what was signed: {', '.join(sorted(moved))}."
    return None


def trusted(approval: Approval) -> dict[str, bytes]:
    return keys.trusted(approval.organization_id)


def _subjects(approval: Approval) -> dict[str, str]:
    return subjects(approval, json.loads(approval.dossier)["model"]["artifact_digest"])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: inner for name, inner in value.items() if name != "for"}
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else value
    except ValueError:
        return value
