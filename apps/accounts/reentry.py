"""Who you are, said once more: what makes a click a signature.

Two components at least (21 CFR 11.200): the person, known by session or token, and their password; and, where they have
enrolled one, a code of their authenticator or one of their recovery codes. Every try is written in a transaction of its
own before it is judged, so that all processes share the count and no rollback forgets it."""

import json

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP

from apps.accounts.models import Reentry, User
from apps.common.apart import apart
from apps.common.errors import ActionDenied, BadInput

MOST_FAILURES, WITHIN = 5, 300  # wrong tries in a row, seconds
PASSWORD, CODE, RECOVERY = "password", "authenticator code", "recovery code"


def check(user: User, password: str, code: str = "") -> Reentry:
    """What the person proved. Raises BadInput for what is wrong, and ActionDenied when too much was tried."""
    if not user.has_usable_password():
        raise ActionDenied("You have no password here, and a signature asks for one; set one first.")
    number = _begin(user.pk)
    components = [_password(user, password), *_second(user, code)]
    with apart() as cursor:
        cursor.execute("update accounts_reentry set components = %s where id = %s", [json.dumps(components), number])
    return Reentry.objects.get(pk=number)


def asks_for_code(user: User) -> bool:
    """Whether this person has enrolled a second factor, so that a signature asks for it."""
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()


def _begin(user_id: int) -> int:
    with apart() as cursor:
        cursor.execute("select accounts_reentry_begin(%s, %s, %s)", [user_id, MOST_FAILURES, WITHIN])
        (number,) = cursor.fetchone()
    if number is None:
        raise ActionDenied(f"It was wrong {MOST_FAILURES} times; try again in {WITHIN // 60} minutes.")
    return number


def _password(user: User, password: str) -> str:
    if not user.check_password(password):
        raise BadInput({"password": "This is not your password; nothing was signed."})
    return PASSWORD


def _second(user: User, code: str) -> list[str]:
    factors = {factor.type: factor for factor in Authenticator.objects.filter(user=user)}
    totp = factors.get(Authenticator.Type.TOTP)
    if totp is None:
        return []
    if not code:
        raise BadInput({"code": "You have enrolled an authenticator: give its code too, or a recovery code."})
    if TOTP(totp).validate_code(code):
        return [CODE]
    recovery = factors.get(Authenticator.Type.RECOVERY_CODES)
    if recovery is not None and RecoveryCodes(recovery).validate_code(code):
        return [RECOVERY]
    raise BadInput({"code": "This code is wrong or was used already; nothing was signed."})
