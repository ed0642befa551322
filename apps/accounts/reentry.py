"""Who you are, said once more: what makes a click a signature.

Two components at least (21 CFR 11.200): the person, known by session or token, and their password; and, where they have
enrolled a second factor, one of these: a code of their authenticator, one of their recovery codes, or the answer of a
passkey to a question about exactly what is signed. All of them every time, whatever the risk class. Every try is
written in a transaction of its own before it is judged, so that all processes share the count and no rollback forgets
it."""

import json
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP

from apps.accounts import passkeys
from apps.accounts.models import Reentry, User
from apps.common.apart import apart
from apps.common.errors import ActionDenied, BadInput, NotProved

MOST_FAILURES, WITHIN = 5, 300  # wrong tries in a row, seconds
PASSWORD = "password"  # noqa: S105  the word for one
CODE, RECOVERY, PASSKEY = SECOND = "authenticator code", "recovery code", "passkey"


@dataclass(frozen=True)
class Second:
    """What a person has enrolled, so that a signature asks for one of them."""

    app: bool
    passkey: bool

    def __bool__(self):
        return self.app or self.passkey


def second(user: User) -> Second:
    kinds = {factor.type for factor in Authenticator.objects.filter(user=user).only("type")}
    return Second(app=Authenticator.Type.TOTP in kinds, passkey=Authenticator.Type.WEBAUTHN in kinds)


def check(user: User, password: str, code: str = "", passkey: str = "", *, about: dict) -> Reentry:
    """What the person proved; a passkey was asked about `about` (see `passkeys.ask`), and nothing else.

    Raises BadInput for what is wrong, and ActionDenied when too much was tried."""
    if not user.has_usable_password():
        raise ActionDenied("You have no password here, and a signature asks for one; set one first.")
    number = _begin(user.pk)
    components = [_password(user, password)]
    assertion = passkeys.prove(user, passkey, about) if passkey else None
    components += [PASSKEY] if assertion else _code(user, code)
    with apart() as cursor:
        cursor.execute("update accounts_reentry set components = %s where id = %s", [json.dumps(components), number])
    proof = Reentry.objects.get(pk=number)
    proof.assertion = assertion.told if assertion else None
    return proof


def _begin(user_id: int) -> int:
    with apart() as cursor:
        cursor.execute("select accounts_reentry_begin(%s, %s, %s)", [user_id, MOST_FAILURES, WITHIN])
        (number,) = cursor.fetchone()
    if number is None:
        raise ActionDenied(f"It was wrong {MOST_FAILURES} times; try again in {WITHIN // 60} minutes.")
    return number


def _password(user: User, password: str) -> str:
    if not user.check_password(password):
        raise NotProved({"password": "This is not your password; nothing was signed."})
    return PASSWORD


def _code(user: User, code: str) -> list[str]:
    factors = {factor.type: factor for factor in Authenticator.objects.filter(user=user)}
    totp, recovery = factors.get(Authenticator.Type.TOTP), factors.get(Authenticator.Type.RECOVERY_CODES)
    passkey = factors.get(Authenticator.Type.WEBAUTHN)
    if totp is None and passkey is None:
        return []
    if not code:
        raise BadInput({"code": _ASKED[totp is not None, passkey is not None]})
    if totp is not None and TOTP(totp).validate_code(code):
        return [CODE]
    if recovery is not None and RecoveryCodes(recovery).validate_code(code):
        return [RECOVERY]
    raise NotProved({"code": "This code is wrong or was used already; nothing was signed."})


_ASKED = {  # (an authenticator is enrolled, a passkey is)
    (True, False): "You have enrolled an authenticator: give its code too, or a recovery code.",
    (False, True): (
        "You have enrolled a passkey, which answers on a page that runs JavaScript and never to a program: "
        "sign there, or give a recovery code here."
    ),
    (True, True): (
        "You have enrolled an authenticator and a passkey: give a code of the first or a recovery code. "
        "The passkey answers on a page that runs JavaScript, and never to a program."
    ),
}
