"""Permits: short-lived signed tokens that let exactly these bytes run, for one organization, environment, deployment.

A permit is a JWS in compact form (RFC 7515) under Ed25519 (RFC 8037: alg EdDSA), typ `assay-permit+jwt`: any JWT
library reads it. Claims: iss the organization's slug, aud the environment, sub `sha256:` and the model's digest, jti
the permit's id, iat, nbf, exp (seconds), deployment, approval, dossier (its digest), limits. The list of those revoked
is another token, typ `assay-revoked+jwt`. Keys: a JWK set (RFC 8037) or PEM; a key's id is the SHA-256 of its 32 bytes.

This file needs `cryptography` alone, neither settings nor a database: a CI job and the serving process ask the same
functions. Everything that is not exactly right is Refused, with a sentence."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PERMIT, REVOKED = "assay-permit+jwt", "assay-revoked+jwt"
LEEWAY = 5  # seconds that two clocks may differ, either way
LONGEST = 1_000_000  # characters of a token
SIGNATURE_FILE = "model.sig"  # lies beside the files it signs, and is none of them
HEX = frozenset("0123456789abcdef")


class Refused(Exception):
    """This token lets nothing run; the sentence says why."""


@dataclass(frozen=True)
class Permit:
    """A permit whose signature and form are right. Times in seconds since 1970."""

    id: str
    organization: str
    environment: str
    model: str  # SHA-256, hex
    deployment: int
    approval: int
    dossier: str
    not_before: int
    expires: int
    limits: dict[str, int] = field(default_factory=dict)


# Writing. `sign` is the key's own function: the secret never comes here.


def write(kind: str, claims: Mapping[str, Any], *, key_id: str, sign: Callable[[bytes], bytes]) -> str:
    header = {"alg": "EdDSA", "kid": key_id, "typ": kind}
    signed = f"{_encoded(_json(header))}.{_encoded(_json(claims))}"
    return f"{signed}.{_encoded(sign(signed.encode()))}"


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


# Reading.


def check(
    token: str,
    *,
    keys: Mapping[str, bytes],
    organization: str,
    environment: str,
    model: str,
    now: float,
    deployment: int | None = None,
) -> Permit:
    """The permit in a token, if it lets the bytes of digest `model` run here and now. Raises Refused."""
    permit = _permit(read(token, PERMIT, keys))
    if permit.organization != organization:
        raise Refused(f"The permit is for the organization {permit.organization!r}, not {organization!r}.")
    if permit.environment != environment:
        raise Refused(f"The permit is for the environment {permit.environment!r}, not {environment!r}.")
    if permit.model != model:
        raise Refused(f"The permit is for the model {permit.model[:12]}, and these bytes are {model[:12]}.")
    if deployment is not None and permit.deployment != deployment:
        raise Refused(f"The permit is for deployment {permit.deployment}, not {deployment}.")
    if now < permit.not_before - LEEWAY:
        raise Refused("The permit is not valid yet: its time begins later than this clock says.")
    if now >= permit.expires + LEEWAY:
        raise Refused("The permit has expired.")
    return permit


def revocations(
    token: str,
    *,
    keys: Mapping[str, bytes],
    organization: str,
    environment: str,
    now: float,
    max_age: float | None = None,
) -> frozenset[str]:
    """Ids of the permits that a signed list takes back. Raises Refused where the list is stale or another's.

    `max_age`: seconds after which a list counts as stale, in place of the end it names itself."""
    said = read(token, REVOKED, keys)
    try:
        issuer, audience = _text(said["iss"]), _text(said["aud"])
        issued, expires = _whole(said["iat"]), _whole(said["exp"])
        ids = frozenset(_text(entry["jti"]) for entry in _listed(said["revoked"]))
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(f"The list of revoked permits is malformed: {error}.") from error
    if (issuer, audience) != (organization, environment):
        raise Refused(f"The list of revoked permits is for {issuer} in {audience}.")
    if now < issued - LEEWAY:
        raise Refused("The list of revoked permits was made later than this clock says.")
    end = expires if max_age is None else issued + max_age
    if now >= end + LEEWAY:
        raise Refused("The list of revoked permits is stale: fetch it again.")
    return ids


def read(token: str, kind: str, keys: Mapping[str, bytes]) -> dict[str, Any]:
    """The claims of a token of this kind that one of the keys (key id -> 32 bytes) signed. Raises Refused."""
    try:
        if len(token) > LONGEST:
            raise ValueError("it is too long")
        if token.lstrip().startswith("{"):
            raise ValueError("it is a JSON object; the permit is the `token` in what the portal answered")
        head, body, mark = token.strip().split(".")
        header, claims, signature = _object(_decoded(head)), _object(_decoded(body)), _decoded(mark)
    except (ValueError, RecursionError, binascii.Error) as error:
        raise Refused(f"This is no permit of a form we know: {error}.") from error
    if header.get("alg") != "EdDSA":
        raise Refused(f"The token is signed by {header.get('alg')!r}; only EdDSA counts.")
    if header.get("typ") != kind or set(header) != {"alg", "kid", "typ"}:
        raise Refused(f"The token is of another kind than {kind}.")
    public = keys.get(header["kid"]) if isinstance(header["kid"], str) else None
    if public is None:
        raise Refused("The token names a key that is not trusted here.")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, f"{head}.{body}".encode())
    except (InvalidSignature, ValueError) as error:
        raise Refused("The signature does not fit: the token was changed, or another key signed it.") from error
    return claims


def _permit(said: dict[str, Any]) -> Permit:
    try:
        algorithm, _, model = _text(said["sub"]).partition(":")
        if algorithm != "sha256" or not is_digest(model):
            raise ValueError("it names no SHA-256 of a model")
        return Permit(
            id=_text(said["jti"]),
            organization=_text(said["iss"]),
            environment=_text(said["aud"]),
            model=model,
            deployment=_whole(said["deployment"]),
            approval=_whole(said["approval"]),
            dossier=_text(said["dossier"]),
            not_before=_whole(said["nbf"]),
            expires=_whole(said["exp"]),
            limits={_text(name): _whole(limit) for name, limit in said["limits"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused(f"The permit is malformed: {error}.") from error


# Keys, in the two forms that others read.


def key_set(keys: Mapping[str, bytes]) -> dict[str, Any]:
    """Public keys as a JWK set."""
    common = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig"}
    return {"keys": [common | {"kid": key_id, "x": _encoded(public)} for key_id, public in sorted(keys.items())]}


def keys_from(text: str) -> dict[str, bytes]:
    """Key id -> public key, of a JWK set, one JWK, or PEM blocks. Raises Refused."""
    try:
        if text.lstrip().startswith("{"):
            said = _object(text.encode())
            found = [_public(jwk) for jwk in said.get("keys", [said])]
        else:
            found = [_from_pem(block) for block in text.split("-----END PUBLIC KEY-----")[:-1]]
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise Refused(f"The keys cannot be read: {error}.") from error
    if not found:
        raise Refused("There is no Ed25519 key among the keys given.")
    return {hashlib.sha256(public).hexdigest(): public for public in found}


def _public(jwk: dict[str, Any]) -> bytes:
    if (jwk["kty"], jwk["crv"]) != ("OKP", "Ed25519"):
        raise ValueError("a key is no Ed25519 key")
    return Ed25519PublicKey.from_public_bytes(_decoded(jwk["x"])).public_bytes_raw()


def _from_pem(block: str) -> bytes:
    key = serialization.load_pem_public_key((block.strip() + "\n-----END PUBLIC KEY-----\n").encode())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("a key is no Ed25519 key")
    return key.public_bytes_raw()


# Bytes of a model.


def model_digest(folder: Path) -> str:
    """SHA-256 of the canonical JSON {name: SHA-256 of its bytes} of the files in a folder. Raises Refused."""
    names = {}
    for path in sorted(folder.iterdir()):
        if path.name == SIGNATURE_FILE:
            continue
        if path.is_symlink() or not path.is_file():
            raise Refused(f"{path.name} is no plain file; a model is a folder of plain files.")
        with path.open("rb") as file:
            names[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    if not names:
        raise Refused(f"There are no files in {folder}.")
    return hashlib.sha256(_json(names)).hexdigest()


def is_digest(text: str) -> bool:
    return len(text) == 64 and set(text) <= HEX


# Forms: base64url without padding, each value in the one spelling it has; JSON objects that name nothing twice.


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _encoded(content) != text:
        raise ValueError("it is not in base64url as it should be")
    return content


def _json(said: Any) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _object(content: bytes) -> dict[str, Any]:
    said = json.loads(content.decode(), object_pairs_hook=_once)
    if not isinstance(said, dict):
        raise ValueError("it holds no object")
    return said


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) != len(pairs):
        raise ValueError("it says something twice")
    return said


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a word is missing")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise ValueError("a number is no whole number")
    return value


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("a list is missing")
    return value
