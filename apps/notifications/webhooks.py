"""Standard Webhooks 1.0.0: what a message is signed with, and how its receiver knows the signer.

What is signed is "id.timestamp.payload". A shared secret is 24 to 64 random bytes, told as `whsec_` and base64, and
signs by HMAC-SHA256 (`v1`); a pair is Ed25519, its public half told as `whpk_` and base64 (`v1a`)."""

import base64
import hashlib
import hmac

from apps.common.signing import Key

SHARED, PAIR = "v1", "v1a"


def told(secret: bytes) -> str:
    """A shared secret as its receiver writes it down."""
    return f"whsec_{_text(secret)}"


def verifier(secret: bytes) -> str:
    """The public half of a pair, as its receiver writes it down. `secret`: 32 bytes."""
    return f"whpk_{_text(Key(secret).public)}"


def headers(message_id: str, at: int, payload: bytes, *, scheme: str, secrets: list[bytes]) -> dict[str, str]:
    """The headers of one try at `at` (seconds since 1970), signed with each of `secrets`: a receiver needs one."""
    signed = f"{message_id}.{at}.".encode() + payload
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"{scheme},{_text(_signature(scheme, secret, signed))}" for secret in secrets),
    }


def _signature(scheme: str, secret: bytes, signed: bytes) -> bytes:
    return Key(secret).sign(signed) if scheme == PAIR else hmac.new(secret, signed, hashlib.sha256).digest()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
