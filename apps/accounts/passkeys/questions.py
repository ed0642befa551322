"""What passkeys are asked, kept on the server until it is answered."""

import hashlib
import secrets

from fido2.webauthn import PublicKeyCredentialUserEntity, ResidentKeyRequirement, UserVerificationRequirement

from apps.accounts.models import User
from apps.accounts.passkeys.kept import credential, enrolled
from apps.accounts.passkeys.place import LASTS, server
from apps.common.apart import apart
from apps.common.canonical import canonical, digest
from apps.common.errors import BadInput

NOT_ASKED = "The question this passkey answered was not asked, was answered before, or is two minutes old: try again."
ABOUT_ANOTHER = "This passkey was asked about something else: ask it about what you do now."


def ask(user: User | None, about: dict) -> dict:
    """What a browser is to ask a passkey of this person (of nobody in particular: any it has for this portal)."""
    known = [credential(one) for one in enrolled(user)] if user else []
    question = _asked(user, about)
    options, _ = server().authenticate_begin(known, UserVerificationRequirement.REQUIRED, question)
    return dict(options)


def ask_to_enrol(user: User) -> dict:
    """What a browser is to ask a device that shall become a passkey of this person."""
    options, _ = server().register_begin(
        PublicKeyCredentialUserEntity(id=handle(user), name=user.email, display_name=str(user)),
        credentials=[credential(one) for one in enrolled(user)],
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=UserVerificationRequirement.REQUIRED,
        challenge=_asked(user, enrolling(user)),
        extensions={"credProps": True},
    )
    return dict(options)


def _asked(user: User | None, about: dict) -> bytes:
    nonce = secrets.token_bytes(32)
    question = _question(nonce, about)
    with apart() as cursor:
        cursor.execute("delete from accounts_challenge where at < now() - make_interval(secs => %s)", [LASTS])
        cursor.execute(
            "insert into accounts_challenge (question, nonce, user_id, at) values (%s, %s, %s, clock_timestamp())",
            [question.hex(), nonce.hex(), user.pk if user else None],
        )
    return question


def taken(question: bytes, user: User | None, about: dict) -> bytes:
    """The number behind a question, which nobody answers again, whatever comes of this answer."""
    with apart() as cursor:
        cursor.execute(
            "delete from accounts_challenge where question = %s"
            " returning nonce, user_id, at > clock_timestamp() - make_interval(secs => %s)",
            [question.hex(), LASTS],
        )
        row = cursor.fetchone()
    if row is None or not row[2] or row[1] != (user.pk if user else None):
        raise BadInput({"passkey": NOT_ASKED})
    nonce = bytes.fromhex(row[0])
    if _question(nonce, about) != question:
        raise BadInput({"passkey": ABOUT_ANOTHER})
    return nonce


def _question(nonce: bytes, about: dict) -> bytes:
    return hashlib.sha256(nonce + canonical(about)).digest()


def signing_in(session_key: str) -> dict:
    """What a passkey is asked about by who wants to sign in: this browser's own session."""
    return {"act": "sign in", "session": digest(session_key.encode())}


def enrolling(user: User) -> dict:
    return {"act": "enrol", "person": user.pk}


def handle(user: User) -> bytes:
    return str(user.pk).encode()
