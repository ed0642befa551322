"""Sending the record to its destinations: in order, each event at least once, however long one is slow or away.

A delivery holds a destination for a while that it renews with each message; nobody else delivers there meanwhile, and
one that dies is followed by another when that time is over. What a message holds is written down before it is sent, so
that it goes out again under the same id; the cursor moves when it has arrived. Nothing is sent inside a transaction.

What answers 413 to several events gets messages of half the bytes, down to one event. What refuses even one is paused,
with the record's number and size as the reason: to pass over it would be a gap that the receiver never hears of."""

import json
import logging
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from apps.audits import proofs
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.models import Record
from apps.common import outside
from apps.common.signing import KeyUnusable, unseal
from apps.common.tenancy import as_organization, organization_ids
from apps.notifications import ocsf, outgoing, rules, webhooks
from apps.notifications.models import Destination, Kind

HOLD = timedelta(minutes=3)  # longer than a message may take, its name's look-up included
TURN = 20.0  # seconds; then another destination has its turn
MOST, LARGEST = 200, 256 * 1024  # events and bytes of one message
AT_ONCE, OF_ONE = 16, 4  # deliveries of one worker, and of one organization among them
EXCERPT = 200  # characters of an answer that are kept
GONE, TOO_LARGE = 410, 413
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Message:
    id: str
    body: bytes
    content_type: str
    to: int | None  # the last record it holds; None for a test
    events: int = 1


@dataclass(frozen=True)
class Outcome:
    """What came of one try. `status`: None where nobody answered; `problem`: empty where it arrived."""

    status: int | None
    problem: str
    asked: timedelta = timedelta(0)


class Rounds:
    """The deliveries of one worker, a thread each: one that is slow holds nobody but itself."""

    def __init__(self):
        self._lock, self._at_work = threading.Lock(), {}  # destination -> organization

    def round(self) -> None:
        """Begin what is due, the longest waiting first."""
        found = sorted(one for organization_id in organization_ids() for one in due(organization_id))
        for _, organization_id, destination_id in found:
            if self._begins(organization_id, destination_id):
                work = threading.Thread(target=self._work, args=(organization_id, destination_id), daemon=True)
                work.start()

    def _begins(self, organization_id: int, destination_id: int) -> bool:
        with self._lock:
            of_one = sum(1 for each in self._at_work.values() if each == organization_id)
            if destination_id in self._at_work or len(self._at_work) >= AT_ONCE or of_one >= OF_ONE:
                return False
            self._at_work[destination_id] = organization_id
            return True

    def _work(self, organization_id: int, destination_id: int) -> None:
        try:
            deliver(organization_id, destination_id)
        except Exception:  # the database is away for a moment: what was held is free again when its time is over
            log.exception("A destination could not be served; trying again.")
        finally:
            connection.close()
            with self._lock:
                del self._at_work[destination_id]


def due(organization_id: int) -> list[tuple[datetime, int, int]]:
    """(since when, organization, destination) of those whose time has come and whom nobody delivers to."""
    now = timezone.now()
    with as_organization(organization_id):
        behind = Q(paused_at=None, next_at__lte=now, cursor__lt=proofs.size(organization_id))
        found = Destination.objects.filter(organization_id=organization_id, removed_at=None)
        found = found.filter(Q(held_until=None) | Q(held_until__lte=now)).filter(behind | ~Q(test_asked_at=None))
        return [(since, organization_id, pk) for since, pk in found.values_list("next_at", "pk")]


def deliver(organization_id: int, destination_id: int) -> int:
    """Send what waits, unless somebody else is at it, until nothing does or the turn is over; how many arrived."""
    holder, until, arrived = uuid.uuid4().hex, time.monotonic() + TURN, 0
    with as_organization(organization_id):
        if not _hold(destination_id, holder):
            return 0
    try:
        while time.monotonic() < until:
            with as_organization(organization_id):
                destination, message = _next(destination_id, holder)
            if message is None:
                break
            outcome = send(destination, message)
            with as_organization(organization_id):
                _settle(destination, message, outcome)
            if outcome.problem and not _is_split(message, outcome):
                break
            arrived += not outcome.problem
    finally:
        with as_organization(organization_id):
            _held(destination_id, holder).update(held_by="", held_until=None)
    return arrived


def _hold(destination_id: int, holder: str) -> bool:
    free = Q(held_until=None) | Q(held_until__lte=timezone.now())
    found = Destination.objects.select_for_update(skip_locked=True).filter(free, pk=destination_id, removed_at=None)
    if found.first() is None:
        return False
    return bool(Destination.objects.filter(pk=destination_id).update(held_by=holder, held_until=timezone.now() + HOLD))


def _held(destination_id: int, holder: str):
    return Destination.objects.filter(pk=destination_id, held_by=holder, removed_at=None)


def _next(destination_id: int, holder: str) -> tuple[Destination | None, Message | None]:
    """The message that is to go out now, written down as under way; None where nothing is or may be."""
    now, found = timezone.now(), _held(destination_id, holder)
    row = found.select_for_update(of=("self",)).select_related("organization").first()
    if row is None:
        return None, None
    if row.test_asked_at:
        found.update(held_until=now + HOLD)
        return row, _test(row)
    if row.paused_at or row.next_at > now:
        return row, None
    to = row.sending_to or proofs.size(row.organization_id)
    message = _message(row, to)
    if message is None:  # nothing up to there is wanted
        found.update(cursor=to, sending_to=None, attempts=0, failing_since=None, told_at=None, problem="")
        return row, None
    found.update(sending_to=message.to, attempts=row.attempts + 1, tried_at=now, held_until=now + HOLD)
    row.attempts += 1
    return row, message


def _message(row: Destination, to: int) -> Message | None:
    """The wanted records up to `to`, as many as one message takes; all of them if it was under way before."""
    most = 1 if row.scheme else MOST
    found = outgoing.after(row.organization, row.cursor, to=to, wanted=row.events, most=most)
    if not found:
        return None
    lines, size = [], 1  # a bracket more than there are separators
    for _, event in found:
        lines.append(_json(event))
        size += len(lines[-1]) + 1
        if size > (row.largest or LARGEST) and len(lines) > 1 and not row.sending_to:
            lines.pop()
            break
    (first, event), last = found[0], found[len(lines) - 1][0]
    span = first if row.scheme else f"{first}_{last}"
    body = _webhook(event) if row.scheme else _joined(row.kind, lines)
    return Message(f"msg_{row.organization.slug}_{span}", body, _content_type(row.kind), last, len(lines))


def _test(row: Destination) -> Message:
    """An event that is no record: its number is 0."""
    made = Record(seq=0, event=Event.DESTINATION_TESTED, at=row.test_asked_at, on_type="destination", on_id=row.pk,
                  thing=row.name, digest=b"")  # fmt: skip
    event = ocsf.event(made, organization=row.organization)
    body = _webhook(event) if row.scheme else _joined(row.kind, [_json(event)])
    at = int(row.test_asked_at.timestamp() * 1000)
    return Message(f"msg_{row.organization.slug}_test_{row.pk}_{at}", body, _content_type(row.kind), None)


def _webhook(event: dict[str, Any]) -> bytes:
    at = datetime.fromtimestamp(event["time"] / 1000, UTC)
    told = {"type": event["metadata"]["event_code"], "timestamp": at.isoformat(timespec="milliseconds"), "data": event}
    return _json(told)


def _joined(kind: str, lines: list[bytes]) -> bytes:
    return b"[" + b",".join(lines) + b"]" if kind == Kind.JSON_ARRAY else b"".join(line + b"\n" for line in lines)


def _content_type(kind: str) -> str:
    return "application/x-ndjson" if kind == Kind.JSON_LINES else "application/json"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def send(destination: Destination, message: Message) -> Outcome:
    """One try."""
    try:
        secrets = _secrets(destination)
        headers = _headers(destination, message, secrets)
        answer = outside.post(destination.address, message.body, message.content_type, headers)
    except KeyUnusable:
        return Outcome(None, "Its secret cannot be opened: ASSAY_KEY_SECRET is not the one that it was sealed with.")
    except (outside.Refused, outside.Unreachable) as failure:
        return Outcome(None, str(failure)[:EXCERPT])
    if 200 <= answer.status < 300:
        return Outcome(answer.status, "")
    said = _excerpt(answer.body.decode("utf-8", "replace"), "" if destination.scheme else secrets[0].decode())
    problem = f"It answered {answer.status}{f': {said}' if said else '.'}"
    return Outcome(answer.status, problem, _asked(answer.retry_after))


def _secrets(destination: Destination) -> list[bytes]:
    """The one in use, and the one before while it signs too."""
    sealed = [destination.secret]
    if destination.before_until and destination.before_until > timezone.now():
        sealed.append(destination.secret_before)
    return [unseal(bytes(each), destination.sealed_about) for each in sealed]


def _headers(destination: Destination, message: Message, secrets: list[bytes]) -> dict[str, str]:
    if not destination.scheme:
        return {"Authorization": f"Bearer {secrets[0].decode()}", "Idempotency-Key": message.id}
    at = int(time.time())
    return webhooks.headers(message.id, at, message.body, scheme=destination.scheme, secrets=secrets)


def _excerpt(said: str, token: str) -> str:
    """The beginning of what was answered, on one line, without the token that was sent, however it is written."""
    for each in {token, json.dumps(token)[1:-1], quote(token), quote(token, safe="")} - {""}:
        said = said.replace(each, "…")
    return " ".join("".join(sign if sign.isprintable() else " " for sign in said).split())[:EXCERPT]


def _asked(retry_after: str) -> timedelta:
    """How long the receiver wants to be left alone: seconds, or a day and time of HTTP."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 10**8))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return timedelta(0)
    return max(timedelta(0), at.replace(tzinfo=at.tzinfo or UTC) - timezone.now())


def _settle(sent: Destination, message: Message, outcome: Outcome) -> None:
    """What came of it; nothing where another delivery holds the destination by now, or it was removed."""
    row = _held(sent.pk, sent.held_by).select_for_update().first()
    if row is None:
        return
    now = timezone.now()
    if message.to is None:
        row.test_asked_at, row.tested_at = None, now
        row.test_answer = outcome.problem or f"It arrived: {outcome.status}."
        row.save(update_fields=["test_asked_at", "tested_at", "test_answer"])
        return
    row.status, row.problem = outcome.status, outcome.problem
    if _is_split(message, outcome):
        row.largest, row.sending_to, row.attempts = len(message.body) // 2, None, 0
    elif outcome.problem:
        _put_off(row, message, outcome, now)
    else:
        row.cursor, row.sending_to, row.attempts, row.next_at, row.arrived_at = message.to, None, 0, now, now
        row.failing_since = row.told_at = None
    row.save()


def _is_split(message: Message, outcome: Outcome) -> bool:
    """Whether the same events go out again at once, in smaller messages under ids of their own."""
    return outcome.status == TOO_LARGE and message.events > 1


def _put_off(row: Destination, message: Message, outcome: Outcome, now: datetime) -> None:
    row.failing_since = row.failing_since or now
    row.next_at = now + rules.wait(row.attempts, outcome.asked)
    if outcome.status in (GONE, TOO_LARGE) and not row.paused_at:
        row.paused_at, row.paused_why = now, _why_paused(message, outcome)
        record(Event.DESTINATION_PAUSED, on=row, by=None, reason=row.paused_why, after=row.cursor)
    elif row.told_at is None and now - row.failing_since >= rules.LONG:
        row.told_at = now
        record(Event.DESTINATION_FAILING, on=row, by=None, since=row.failing_since.isoformat(), after=row.cursor)


def _why_paused(message: Message, outcome: Outcome) -> str:
    if outcome.status == GONE:
        return "It answered 410 Gone: it wants nothing more."
    return (
        f"It answered 413: record {message.to} alone, {len(message.body):,} bytes, is too large for it. "
        "Let it take more, then resume."
    )
