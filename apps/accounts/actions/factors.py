"""Second factors and devices: enrolled, renamed, removed, signed out; each organization of the person remembers it."""

from collections.abc import Iterator

from allauth.mfa.base.internal.flows import delete_dangling_recovery_codes
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.usersessions.models import UserSession
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts import passkeys, queries
from apps.accounts.models import Membership, User
from apps.audits.actions import record
from apps.audits.events import Event
from apps.common.errors import ActionDenied, BadInput
from apps.common.tenancy import become

MOST_PASSKEYS = 20
PASSKEY, APP, CODES = "passkey", "authenticator app", "recovery codes"


@transaction.atomic
def enrol_passkey(person: User, *, name: str, answer: str) -> bool:
    """Keep the passkey that a device made for this person; whether their first recovery codes were made with it."""
    User.objects.select_for_update().get(pk=person.pk)
    if passkeys.enrolled(person).count() >= MOST_PASSKEYS:
        raise ActionDenied(f"You have {MOST_PASSKEYS} passkeys: remove one first.")
    kept = passkeys.made(person, answer)
    try:
        with transaction.atomic():
            passkey = Authenticator.objects.create(
                user=person, type=Authenticator.Type.WEBAUTHN, data={"name": name, **kept}
            )
    except IntegrityError as known:
        raise BadInput({"passkey": "This passkey is enrolled already."}) from known
    new_codes = not Authenticator.objects.filter(user=person, type=Authenticator.Type.RECOVERY_CODES).exists()
    if new_codes:
        RecoveryCodes.activate(person)
    remember(person, Event.FACTOR_ENROLLED, kind=PASSKEY, key=passkeys.fingerprint(passkey))
    return new_codes


@transaction.atomic
def rename_passkey(passkey: Authenticator, *, name: str) -> None:
    passkey = Authenticator.objects.select_for_update().get(pk=passkey.pk)
    passkey.data["name"] = name
    passkey.save(update_fields=["data"])


@transaction.atomic
def remove_passkey(passkey: Authenticator) -> None:
    """It proves nothing from now on; with the last second factor the recovery codes go too."""
    person, key = passkey.user, passkeys.fingerprint(passkey)
    passkey.delete()
    delete_dangling_recovery_codes(person)
    remember(person, Event.FACTOR_REMOVED, kind=PASSKEY, key=key)


@transaction.atomic
def end_session(session: UserSession) -> None:
    """Sign a device out: its next request is a stranger's."""
    person = session.user
    session.end()
    remember(person, Event.SESSION_ENDED)


def seen(*, person: User, session_key: str, ip: str, user_agent: str) -> None:
    """Note that a session is at work, from where and by which browser, in one statement."""
    now = timezone.now()
    longest = UserSession._meta.get_field("user_agent").max_length
    row = UserSession(
        user=person, session_key=session_key, ip=ip, user_agent=user_agent[:longest], created_at=now, last_seen_at=now
    )
    UserSession.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["session_key"],
        update_fields=["user", "ip", "user_agent", "last_seen_at"],
    )


@transaction.atomic
def remember(person: User, event: Event, **facts) -> None:
    """One record in each organization that this person belongs to."""
    for membership in in_each_organization(person):
        record(event, on=membership, by=membership, **facts)


def in_each_organization(person: User) -> Iterator[Membership]:
    """Each membership of a person, with its organization as the tenant of this transaction."""
    become(None, person.pk)
    for membership in list(queries.memberships(person).order_by("organization_id")):  # one order: no deadlock
        become(membership.organization_id, person.pk)
        yield membership
    become(None, person.pk)
