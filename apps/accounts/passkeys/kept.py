"""Passkeys as they are kept: allauth's rows, whose data hold what the device attested, a name and the last count."""

import base64

from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fido2.cose import ES256, RS256, CoseKey
from fido2.utils import websafe_decode
from fido2.webauthn import AttestationObject, AttestedCredentialData

from apps.accounts.models import User
from apps.accounts.passkeys.place import ALGORITHMS
from apps.common.canonical import digest


def enrolled(user: User):
    """The passkeys of a person, the oldest first."""
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN).order_by("pk")


def credential(passkey: Authenticator) -> AttestedCredentialData:
    attested = AttestationObject(websafe_decode(passkey.data["credential"]["response"]["attestationObject"]))
    assert attested.auth_data.credential_data is not None, "it was enrolled with one"
    return attested.auth_data.credential_data


def public_key(passkey: Authenticator) -> str:
    """The key by which its answers are checked, as base64 of its SubjectPublicKeyInfo."""
    return b64(opened(credential(passkey).public_key).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def fingerprint(passkey: Authenticator) -> str:
    return digest(base64.b64decode(public_key(passkey)))


def opened(key: CoseKey):
    """The same key to the cryptography package (RFC 9053: 3 algorithm, -1 curve or n, -2 x or e, -3 y)."""
    if key[3] not in ALGORITHMS:
        raise ValueError(f"algorithm {key[3]}")
    if key[3] == ES256.ALGORITHM:
        x, y = (int.from_bytes(key[place], "big") for place in (-2, -3))
        return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
    if key[3] == RS256.ALGORITHM:
        n, e = (int.from_bytes(key[place], "big") for place in (-1, -2))
        return RSAPublicNumbers(e, n).public_key()
    return Ed25519PublicKey.from_public_bytes(key[-2])


def b64(content: bytes) -> str:
    return base64.b64encode(bytes(content)).decode()
