"""Ed25519 signatures in forms that others can check: DSSE envelopes around in-toto statements, and signed notes.

DSSE 1.0: what is signed is PAE(type, payload) = "DSSEv1 " len(type) " " type " " len(payload) " " payload.
In-toto Statement v1: {"_type", "subject": [{"name", "digest"}], "predicateType", "predicate"}.
A secret key is 32 bytes (RFC 8032); outside of memory it exists only sealed (AES-256-GCM), under a key derived from a
secret that is not in the database."""

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from apps.common.canonical import canonical

IN_TOTO = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
NONCE = 12  # bytes, before a sealed secret


class BadSignature(ValueError):
    """What was given was not signed by the key it names, or not by any key that is trusted; the text says which."""


class KeyUnusable(RuntimeError):
    """A sealed key cannot be opened: the secret it was sealed with is not the one in use."""


@dataclass(frozen=True)
class Key:
    """A pair that signs. `secret`: 32 bytes."""

    secret: bytes

    @classmethod
    def new(cls) -> "Key":
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def public(self) -> bytes:
        """32 bytes."""
        return self._private.public_key().public_bytes_raw()

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.secret)

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self._private.sign(message)

    def __repr__(self) -> str:
        return f"Key({key_id(self.public)[:12]})"  # never the secret


def key_id(public: bytes) -> str:
    """How an envelope names a key: SHA-256 of its 32 bytes, in hexadecimal."""
    return hashlib.sha256(public).hexdigest()


def pem(public: bytes) -> str:
    """The public key as everybody's tools read it (SubjectPublicKeyInfo)."""
    key = Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


# A secret at rest.


def seal(secret: bytes, about: str) -> bytes:
    """`secret` encrypted; `about` (whose it is) is bound to it, so that it opens in its own place only."""
    nonce = os.urandom(NONCE)
    return nonce + AESGCM(_sealing_key()).encrypt(nonce, secret, about.encode())


def unseal(sealed: bytes, about: str) -> bytes:
    """Raises KeyUnusable where the secret of this portal is another than it was sealed with."""
    try:
        return AESGCM(_sealing_key()).decrypt(sealed[:NONCE], sealed[NONCE:], about.encode())
    except (InvalidTag, ValueError) as error:
        raise KeyUnusable(
            f"The key of {about} cannot be opened: ASSAY_KEY_SECRET is not the one it was sealed with."
        ) from error


def _sealing_key() -> bytes:
    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"assay: keys at rest")
    return derive.derive(settings.KEY_SECRET.encode())


# DSSE and in-toto.


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: the bytes that are signed."""
    return b"DSSEv1 %d %s %d %s" % (len(payload_type.encode()), payload_type.encode(), len(payload), payload)


def envelope(payload: bytes, payload_type: str, *keys: Key) -> dict[str, Any]:
    """A DSSE envelope, signed by each key."""
    message = pae(payload_type, payload)
    return {
        "payloadType": payload_type,
        "payload": _text(payload),
        "signatures": [{"keyid": key_id(key.public), "sig": _text(key.sign(message))} for key in keys],
    }


def opened(envelope: Mapping[str, Any], trusted: Mapping[str, bytes], payload_type: str = IN_TOTO) -> bytes:
    """The payload of a DSSE envelope that at least one of the `trusted` keys (key id -> public) has signed.

    Raises BadSignature for anything else, malformed envelopes included."""
    try:
        given_type, payload = envelope["payloadType"], _bytes(envelope["payload"])
        signatures = [(entry.get("keyid", ""), _bytes(entry["sig"])) for entry in envelope["signatures"]]
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as error:
        raise BadSignature("This is not a DSSE envelope.") from error
    if given_type != payload_type:
        raise BadSignature(f"The envelope carries {given_type!r}, not {payload_type!r}.")
    message = pae(payload_type, payload)
    for keyid, signature in signatures:
        if keyid in trusted and verifies(trusted[keyid], message, signature):
            return payload
    raise BadSignature("No key that is trusted signed these bytes.")


def statement(predicate_type: str, predicate: Any, subjects: Mapping[str, str]) -> bytes:
    """The canonical bytes of an in-toto statement about `subjects`: name -> SHA-256 in hexadecimal."""
    return canonical(
        {
            "_type": STATEMENT,
            "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(subjects.items())],
            "predicateType": predicate_type,
            "predicate": predicate,
        }
    )


def stated(payload: bytes, predicate_type: str) -> dict[str, Any]:
    """The statement in a payload that was opened. Raises BadSignature if it states something else."""
    try:
        said = json.loads(payload)
        right = said["_type"] == STATEMENT and said["predicateType"] == predicate_type
    except (ValueError, KeyError, TypeError) as error:
        raise BadSignature("The envelope holds no in-toto statement.") from error
    if not right:
        raise BadSignature(f"The envelope holds no statement of type {predicate_type}.")
    return said


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
