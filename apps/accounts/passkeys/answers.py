"""What passkeys answer: read strictly, and checked by fido2 against the question that was asked."""

import json
import struct
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils import timezone
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AuthenticationResponse,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    AuthenticatorData,
    CollectedClientData,
    RegistrationResponse,
    UserVerificationRequirement,
)

from apps.accounts.models import User
from apps.accounts.passkeys.kept import b64, credential, opened, public_key
from apps.accounts.passkeys.place import relying_party, server
from apps.accounts.passkeys.questions import enrolling, handle, taken
from apps.common.errors import BadInput, NotProved

LONGEST, LONGEST_NAME = 20_000, 1023  # characters of an answer, bytes of a passkey's own name (WebAuthn 7.1)
BROKEN = (TypeError, ValueError, KeyError, AttributeError, IndexError, RecursionError, struct.error)
UNREADABLE = "This is not the answer of a passkey."
UNTRUE = "This passkey's answer does not hold here."
NOT_YOURS = "This is none of your passkeys."
STRANGE_KEY = "This device makes keys of a kind that nobody can check here: use another."
COPIED = "This passkey counts backwards: there may be a copy of it. Remove it, and enrol another."


@dataclass(frozen=True)
class Assertion:
    """A passkey's answer that holds, and what an outsider needs to check it again."""

    passkey: Authenticator
    told: dict[str, Any]


def prove(user: User | None, answer: str, about: dict) -> Assertion:
    """Check an answer to what `ask` asked of the same person about the same. Raises BadInput."""
    given = _read(answer, "clientDataJSON", "authenticatorData", "signature")
    response = _understood(_assertion, given)
    client = response.response.client_data
    nonce = taken(client.challenge, user, about)
    with transaction.atomic():
        passkey = _named(response.id, user, given)
        try:
            _complete(
                client, lambda portal, state: portal.authenticate_complete(state, [credential(passkey)], response)
            )
            _count(passkey, response.response.authenticator_data.counter)
        except NotProved as refused:
            refused.whose = passkey.user
            raise
    told = {
        "relying_party": relying_party(),
        "public_key": public_key(passkey),
        "nonce": nonce.hex(),
        "about": about,
        "client_data": b64(client),
        "authenticator_data": b64(response.response.authenticator_data),
        "signature": b64(response.response.signature),
    }
    return Assertion(passkey, told)


def made(user: User, answer: str) -> dict:
    """The new passkey that a device answered `ask_to_enrol` with, as it is kept. Raises BadInput."""
    response = _understood(_attestation, _read(answer, "clientDataJSON", "attestationObject"))
    client = response.response.client_data
    attested = response.response.attestation_object.auth_data.credential_data
    if attested is None or attested.credential_id != response.raw_id or len(response.raw_id) > LONGEST_NAME:
        raise BadInput({"passkey": UNREADABLE})
    taken(client.challenge, user, enrolling(user))
    data = _complete(client, lambda portal, state: portal.register_complete(state, response))
    try:
        opened(attested.public_key)
    except BROKEN as unknown:
        raise BadInput({"passkey": STRANGE_KEY}) from unknown
    return {"credential": dict(response), "sign_count": data.counter, "synced": data.is_backup_eligible()}


def _complete(client: CollectedClientData, check):
    """fido2's own check against the question that was asked here."""
    state = {"challenge": websafe_encode(client.challenge), "user_verification": UserVerificationRequirement.REQUIRED}
    try:
        if client.cross_origin:
            raise ValueError("answered inside another site's page")
        return check(server(), state)
    except BROKEN as untrue:
        raise NotProved({"passkey": UNTRUE}) from untrue


def _count(passkey: Authenticator, now: int) -> None:
    """A key that counts never says the same number twice; one that does not count says 0 for ever."""
    before = passkey.data.get("sign_count", 0)
    if (before or now) and now <= before:
        raise NotProved({"passkey": COPIED})
    passkey.data["sign_count"] = now
    passkey.last_used_at = timezone.now()
    passkey.save(update_fields=["data", "last_used_at"])


def _named(name: str, user: User | None, given: dict) -> Authenticator:
    """The passkey of that name, held; of a person who has not said who they are, by the handle it carries too."""
    kept = Authenticator.objects.select_for_update(of=("self",)).select_related("user")
    passkey = kept.filter(type=Authenticator.Type.WEBAUTHN, data__credential__id=name).first()
    if passkey is None or (user and passkey.user_id != user.pk):
        raise NotProved({"passkey": NOT_YOURS})
    if user is None and given.get("userHandle") != websafe_encode(handle(passkey.user)):
        raise NotProved({"passkey": NOT_YOURS})
    return passkey


def _read(answer: str, *names: str) -> dict[str, str]:
    """The parts of an answer, each as text. Nothing else reaches fido2, which takes numbers for sizes."""
    if len(answer) > LONGEST:
        raise BadInput({"passkey": UNREADABLE})
    try:
        said = json.loads(answer)
        response = said["response"]
        parts = {"rawId": said["rawId"], **{name: response[name] for name in names}}
        if handle := response.get("userHandle"):
            parts["userHandle"] = handle
        _all_text(*parts.values())
        _all_text(json.loads(websafe_decode(parts["clientDataJSON"]))["challenge"])
    except BROKEN as unreadable:
        raise BadInput({"passkey": UNREADABLE}) from unreadable
    return parts


def _all_text(*parts) -> None:
    if not all(isinstance(part, str) for part in parts):
        raise TypeError("not text")


def _understood(parse, given: dict):
    try:
        return parse(given)
    except BROKEN as unreadable:
        raise BadInput({"passkey": UNREADABLE}) from unreadable


def _assertion(given: dict) -> AuthenticationResponse:
    return AuthenticationResponse(
        raw_id=websafe_decode(given["rawId"]),
        response=AuthenticatorAssertionResponse(
            client_data=CollectedClientData(websafe_decode(given["clientDataJSON"])),
            authenticator_data=AuthenticatorData(websafe_decode(given["authenticatorData"])),
            signature=websafe_decode(given["signature"]),
        ),
    )


def _attestation(given: dict) -> RegistrationResponse:
    return RegistrationResponse(
        raw_id=websafe_decode(given["rawId"]),
        response=AuthenticatorAttestationResponse(
            client_data=CollectedClientData(websafe_decode(given["clientDataJSON"])),
            attestation_object=AttestationObject(websafe_decode(given["attestationObject"])),
        ),
    )
