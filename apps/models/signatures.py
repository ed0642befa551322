"""The signature of an artifact, after OpenSSF Model Signing 1.0: one in-toto statement over the digests of its files.

The subject is the model as a whole: SHA-256 over its files' digests (32 bytes each), in the order of their names. The
statement lies in a DSSE envelope under the organization's key, and leaves the house as a Sigstore bundle."""

import hashlib
from typing import Any

from apps.audits import keys
from apps.common.signing import BadSignature
from apps.models.models import ModelVersion

PREDICATE = "https://model_signing/signature/v1.0"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


def envelope(version: ModelVersion) -> dict[str, Any]:
    """A new signature under the key in use. Raises KeyUnusable."""
    return keys.attest(version.organization_id, PREDICATE, predicate(version), {named(version): root(version)})


def predicate(version: ModelVersion) -> dict[str, Any]:
    resources = [
        {"name": name, "algorithm": "sha256", "digest": file["digest"]} for name, file in sorted(version.files.items())
    ]
    serialization = {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": []}
    return {"serialization": serialization, "resources": resources}


def root(version: ModelVersion) -> str:
    whole = b"".join(bytes.fromhex(file["digest"]) for _, file in sorted(version.files.items()))
    return hashlib.sha256(whole).hexdigest()


def named(version: ModelVersion) -> str:
    return f"{version.model.name}-v{version.number}"


def bundle(signed: dict[str, Any]) -> dict[str, Any]:
    """The envelope as the file that lies beside a model."""
    material = {"publicKey": {"hint": signed["signatures"][0]["keyid"]}, "tlogEntries": []}
    return {"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": signed}


def check(version: ModelVersion, signed: dict[str, Any] | None) -> None:
    """Raises BadSignature unless the organization signed exactly these files of this version."""
    if signed is None:
        raise BadSignature("Nobody signed these files.")
    said = keys.attested(version.organization_id, signed, PREDICATE)
    subject = [{"name": named(version), "digest": {"sha256": root(version)}}]
    if said["predicate"] != predicate(version) or said["subject"] != subject:
        raise BadSignature("The signature is over other files.")
