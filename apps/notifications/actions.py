"""Tell the record to others: to servers that an organization names, and as lines of a file that the operator names."""

import json
import os
import secrets
from pathlib import Path

from django.utils import timezone

from apps.audits import proofs
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.refusals import action
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from apps.common.signing import seal
from apps.common.tenancy import as_organization
from apps.notifications import outgoing, rules, webhooks
from apps.notifications.models import Destination

BATCH = 500  # records

# --- destinations ---------------------------------------------------------------------------------------------------


@action
def make(
    *, kind: str, name: str, address: str, token: str = "", events: list[str] | None = None,
    after: int | None = None, by,
) -> tuple[Destination, str]:  # fmt: skip
    """A destination, and the secret its owner must give to the receiver: of a webhook that shares one, or "".

    `token`: by which a SIEM knows the sender; `events`: which, or all; `after`: the record after which it begins, 0
    for the whole record, None for what happens from now on. Raises BadInput."""
    _require(by)
    if Destination.objects.filter(organization_id=by.organization_id, removed_at=None).count() >= rules.MOST:
        raise ActionDenied(f"There are {rules.MOST} destinations already: remove one that is no longer wanted.")
    size = proofs.size(by.organization_id)
    _check(
        address=rules.why_not_address(address),
        token=rules.why_not_token(kind, token),
        events=rules.why_not_events(events or []),
        after=f"The record has {size:,} lines so far." if after is not None and after > size else None,
    )
    row = Destination(organization_id=by.organization_id, kind=kind, name=name.strip() or "Events", address=address)
    row.events, row.cursor = sorted(set(events or [])), size if after is None else after
    told = _put_secret(row, token)
    row.save(force_insert=True)
    facts = {"kind": row.kind, "address": row.where, "events": row.events, "after": row.cursor}
    record(Event.DESTINATION_MADE, on=row, by=by, **facts)
    return row, told


@action
def change(destination: Destination, *, name: str, events: list[str], by) -> Destination:
    """Its name, and which events it is sent from now on."""
    row = _locked(destination, by)
    _check(events=rules.why_not_events(events))
    before = {"name": row.name, "events": row.events}
    row.name, row.events, row.sending_to = name.strip() or row.name, sorted(set(events)), None
    row.save(update_fields=["name", "events", "sending_to"])
    now = {"name": row.name, "events": row.events}
    record(Event.DESTINATION_CHANGED, on=row, by=by, **{word: [before[word], now[word]] for word in now})
    return row


@action
def rotate(destination: Destination, *, token: str = "", by) -> tuple[Destination, str]:
    """A new secret. A webhook's old one signs beside it for a day, a SIEM's token is replaced at once; see `make`."""
    row = _locked(destination, by)
    _check(token=rules.why_not_token(row.kind, token))
    if row.scheme:
        row.secret_before, row.before_until = row.secret, timezone.now() + rules.OVERLAP
    told = _put_secret(row, token)
    row.next_at = timezone.now()  # a token that was refused may be the reason why it waits
    row.save(update_fields=["secret", "verifier", "secret_before", "before_until", "next_at"])
    record(Event.DESTINATION_ROTATED, on=row, by=by)
    return row, told


@action
def pause(destination: Destination, *, by) -> Destination:
    """Nothing is sent until it is resumed; then it goes on where it stopped."""
    row = _locked(destination, by)
    if row.paused_at:
        raise ActionDenied(f"{row} is paused already.")
    row.paused_at, row.paused_why = timezone.now(), ""
    row.save(update_fields=["paused_at", "paused_why"])
    record(Event.DESTINATION_PAUSED, on=row, by=by, after=row.cursor)
    return row


@action
def resume(destination: Destination, *, by) -> Destination:
    """It is tried again at once, and sent what it has not got."""
    row = _locked(destination, by)
    if not row.paused_at and not row.failing_since:
        raise ActionDenied(f"{row} is neither paused nor failing.")
    row.paused_at, row.paused_why, row.next_at, row.attempts = None, "", timezone.now(), 0
    row.failing_since = row.told_at = row.largest = None
    row.save(update_fields=["paused_at", "paused_why", "next_at", "attempts", "failing_since", "told_at", "largest"])
    record(Event.DESTINATION_RESUMED, on=row, by=by, after=row.cursor)
    return row


@action
def test(destination: Destination, *, by) -> Destination:
    """A worker sends it one event that is no record, within seconds, even where it is paused."""
    row = _locked(destination, by)
    row.test_asked_at = timezone.now()
    row.save(update_fields=["test_asked_at"])
    record(Event.DESTINATION_TESTED, on=row, by=by)
    return row


@action
def remove(destination: Destination, *, by) -> None:
    """It is sent nothing more, and its secret is forgotten. That it was there stays in the record."""
    row = _locked(destination, by)
    row.removed_at, row.secret, row.secret_before, row.before_until = timezone.now(), b"", None, None
    row.save(update_fields=["removed_at", "secret", "secret_before", "before_until"])
    record(Event.DESTINATION_REMOVED, on=row, by=by, address=row.where, after=row.cursor)


def _require(by) -> None:
    if reason := rules.why_not_change(by=by):
        raise NotPermitted(reason)


def _locked(destination: Destination, by) -> Destination:
    _require(by)
    row = Destination.objects.select_for_update(of=("self",)).select_related("organization").get(pk=destination.pk)
    if reason := rules.why_not_live(row):
        raise ActionDenied(reason)
    return row


def _check(**objections: str | None) -> None:
    if problems := {name: said for name, said in objections.items() if said}:
        raise BadInput(problems)


def _put_secret(row: Destination, token: str) -> str:
    """Seal a new secret into the row: the token, or one that is drawn; what of it is to be told to the receiver."""
    secret = token.encode() if not row.scheme else secrets.token_bytes(32)
    row.secret = seal(secret, row.sealed_about)
    row.verifier = webhooks.verifier(secret) if row.scheme == webhooks.PAIR else ""
    return webhooks.told(secret) if row.scheme == webhooks.SHARED else ""


# --- a file -----------------------------------------------------------------------------------------------------------


def forward(organization, path: Path) -> int:
    """Append what the file does not hold yet, oldest first, one OCSF event a line; how many.

    The file is the cursor: it goes on after its last whole line, and a line that was cut off is written anew. So a
    process that dies loses nothing and repeats nothing. Raises ValueError where the file holds something else."""
    with path.open("a+b") as file:
        after, end = _last(file, organization.slug)
        file.truncate(end)
        written = 0
        while lines := _lines(organization, after):
            file.write(b"".join(line for _, line in lines))
            file.flush()
            os.fsync(file.fileno())
            after, written = lines[-1][0], written + len(lines)
    return written


def _lines(organization, after: int) -> list[tuple[int, bytes]]:
    with as_organization(organization.pk):
        found = outgoing.after(organization, after, most=BATCH)
        return [(seq, json.dumps(event, ensure_ascii=False).encode() + b"\n") for seq, event in found]


def _last(file, slug: str) -> tuple[int, int]:
    """The number on the last whole line, and where that line ends; the file is read from its end."""
    end, tail = file.seek(0, os.SEEK_END), b""
    begin = end
    while begin and tail.count(b"\n") < 2:
        begin = max(0, begin - 2**16)
        file.seek(begin)
        tail = file.read(end - begin)
    whole = tail[: tail.rfind(b"\n") + 1]
    if not whole:
        return 0, 0
    try:
        metadata = json.loads(whole.splitlines()[-1])["metadata"]
    except (ValueError, KeyError, TypeError) as other:
        raise ValueError("This file holds something else than forwarded records.") from other
    if metadata.get("tenant_uid") != slug:
        raise ValueError(f"This file holds the record of {metadata.get('tenant_uid')}.")
    return metadata["sequence"], begin + len(whole)
