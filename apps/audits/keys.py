"""The keys an organization's portal signs with: for signatures, checkpoints, permits and reports.

One is in use; those before it stay, retired, because what they signed is still to be checked. A secret is in the
database only sealed. Where an organization has none yet, the first signature makes it."""

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from apps.audits.events import Event
from apps.audits.models import SigningKey
from apps.audits.recording import record
from apps.common.signing import IN_TOTO, Key, envelope, key_id, opened, seal, stated, statement, unseal


@dataclass(frozen=True)
class InUse:
    """The organization's key that signs now, opened. Never stored, never shown."""

    row: SigningKey
    key: Key


def in_use(organization_id: int) -> InUse:
    """Raises KeyUnusable where the portal's secret does not open it."""
    row = _current(organization_id) or _first(organization_id)
    return InUse(row, Key(unseal(bytes(row.sealed), _about(organization_id))))


def trusted(organization_id: int) -> dict[str, bytes]:
    """Key id -> public key (32 bytes), of every key the organization ever signed with."""
    rows = SigningKey.objects.filter(organization_id=organization_id)
    return {row.key_id: bytes(row.public) for row in rows}


def attest(organization_id: int, predicate_type: str, predicate: Any, subjects: dict[str, str]) -> dict[str, Any]:
    """A DSSE envelope around an in-toto statement about `subjects` (name -> SHA-256), under the key in use."""
    return envelope(statement(predicate_type, predicate, subjects), IN_TOTO, in_use(organization_id).key)


def attested(organization_id: int, signed: dict[str, Any], predicate_type: str) -> dict[str, Any]:
    """The statement in an envelope that this organization signed. Raises BadSignature."""
    return stated(opened(signed, trusted(organization_id)), predicate_type)


@transaction.atomic
def rotate(organization_id: int, *, by=None) -> SigningKey:
    """A new key in use from now on; the one before it is retired."""
    _lock(organization_id)
    row = _current(organization_id)
    if row is None:
        return _made(organization_id, 1, by)
    SigningKey.objects.filter(pk=row.pk).update(retired_at=timezone.now())
    return _made(organization_id, row.number + 1, by, Event.KEY_ROTATED, retired=row.key_id)


def _current(organization_id: int) -> SigningKey | None:
    return SigningKey.objects.filter(organization_id=organization_id, retired_at=None).first()


@transaction.atomic
def _first(organization_id: int) -> SigningKey:
    _lock(organization_id)
    return _current(organization_id) or _made(organization_id, 1)  # unless another transaction was quicker


def _made(organization_id: int, number: int, by=None, event: Event = Event.KEY_CREATED, **facts) -> SigningKey:
    key = Key.new()
    row = SigningKey.objects.create(
        organization_id=organization_id,
        number=number,
        key_id=key_id(key.public),
        public=key.public,
        sealed=seal(key.secret, _about(organization_id)),
    )
    record(event, on=row, by=by, public=key.public.hex(), **facts)
    return row


def _lock(organization_id: int) -> None:
    """Until this transaction ends, nobody else makes a key of this organization."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(7265637, %s)", [organization_id])


def _about(organization_id: int) -> str:
    return f"organization {organization_id}"
