"""A device with passkeys, in software: it makes real keys, attests and answers as WebAuthn says, and can be bent."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256, ES384, RS256, EdDSA
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

ORIGIN = "http://localhost:8000"
KINDS = {"p256": ES256, "p384": ES384, "rsa": RS256, "ed25519": EdDSA}
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def key_of(kind: str):
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key({"p256": ec.SECP256R1, "p384": ec.SECP384R1}[kind]())


@dataclass
class Device:
    kind: str = "p256"
    counts: bool = True
    number: int = 0
    name: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def __post_init__(self):
        self.key = key_of(self.kind)

    def make(self, options: dict, *, flags=PRESENT | VERIFIED, origin=ORIGIN, type="webauthn.create") -> str:
        """The answer to what `ask_to_enrol` asked."""
        asked = options["publicKey"]
        self.handle = asked["user"]["id"]
        known = KINDS[self.kind].from_cryptography_key(self.key.public_key())
        attested = AttestedCredentialData.create(b"\0" * 16, self.name, known)
        party = hashlib.sha256(asked["rp"]["id"].encode()).digest()
        data = AuthenticatorData.create(party, flags | ATTESTED, self._next(), attested)
        client = self._client(type, asked["challenge"], origin)
        content = AttestationObject.create("none", data, {})
        return self._said(clientDataJSON=client, attestationObject=bytes(content))

    def answer(self, options: dict, *, flags=PRESENT | VERIFIED, origin=ORIGIN, type="webauthn.get", **bent) -> str:
        """The answer to what `ask` asked. `bent`: another challenge, party, number, cross_origin or handle."""
        asked = options["publicKey"]
        party = hashlib.sha256(bent.get("party", asked["rpId"]).encode()).digest()
        number = bent["number"] if "number" in bent else self._next()
        data = bytes(AuthenticatorData.create(party, flags, number))
        client = self._client(type, bent.get("challenge", asked["challenge"]), origin, bent.get("cross_origin", False))
        signature = self._signed(data + hashlib.sha256(client).digest())
        handle = websafe_decode(bent.get("handle", self.handle))
        return self._said(clientDataJSON=client, authenticatorData=data, signature=signature, userHandle=handle)

    def _next(self) -> int:
        self.number += self.counts
        return self.number

    def _client(self, type, challenge, origin, cross_origin=False) -> bytes:
        said = {"type": type, "challenge": challenge, "origin": origin, "crossOrigin": cross_origin}
        return json.dumps(said).encode()

    def _signed(self, message: bytes) -> bytes:
        if self.kind == "ed25519":
            return self.key.sign(message)
        if self.kind == "rsa":
            return self.key.sign(message, padding.PKCS1v15(), SHA256())
        return self.key.sign(message, ec.ECDSA(SHA256()))

    def _said(self, **parts: bytes) -> str:
        response = {name: websafe_encode(part) for name, part in parts.items()}
        return json.dumps({"rawId": websafe_encode(self.name), "type": "public-key", "response": response})


def enrolled(person, kind: str = "p256", **more) -> Device:
    """A device that is one of this person's passkeys."""
    from apps.accounts import actions, passkeys

    device = Device(kind, **more)
    actions.enrol_passkey(person, name="Telephone", answer=device.make(passkeys.ask_to_enrol(person)))
    return device
