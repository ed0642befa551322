"""Passkeys: what a device must answer, and what no answer gets past."""

from apps.accounts import passkeys
from apps.audits.models import Record
from apps.common.apart import apart

ABOUT = {"act": "sign", "approval": 7, "dossier": "ab" * 32, "choice": "validated"}


def asked(person, about=ABOUT):
    return passkeys.ask(person, about)


def aged(person, seconds: int) -> None:
    """As if their questions had been asked that much earlier."""
    with apart() as cursor:
        cursor.execute(
            "with gone as (delete from accounts_challenge where user_id = %s returning *)"
            " insert into accounts_challenge select question, nonce, user_id, at - make_interval(secs => %s) from gone",
            [person.pk, seconds],
        )


def newest(tenant) -> Record:
    tenant.enter()
    return Record.objects.order_by("-seq").first()
