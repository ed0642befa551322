"""What reaches a destination: everything, in order, under stable ids, whatever becomes of either side."""

import datetime as dt
import json
import socket
import threading
import time

import pytest
from django.utils import timezone

from apps.accounts import actions as accounts
from apps.audits import recording
from apps.audits.events import Event
from apps.audits.models import Record
from apps.common import outside
from apps.common.tenancy import as_organization
from apps.notifications import actions, deliveries, rules
from apps.notifications.models import Destination
from tests.notifications.make import TOKEN, deliver, destination, happen, hurry, now, with_secret
from tests.notifications.receiver import events, verifies

pytestmark = pytest.mark.django_db


def is_whole(receiver, first: int, last: int) -> bool:
    return receiver.numbers == list(range(first, last + 1))


# --- a receiver that is there ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["jsonl", "json"])
def test_a_siem_gets_every_record_once_and_in_order(acme, receiver, monkeypatch, kind):
    monkeypatch.setattr(deliveries, "MOST", 3)
    row = destination(acme, receiver, kind, after=0)
    happen(acme, 5)
    assert deliver(row) == len(receiver.took)
    last = now(row)
    assert is_whole(receiver, 1, last.cursor) and last.lag == 0 and last.state == "live"
    assert receiver.ids[0] == "msg_acme_1_3" and len(set(receiver.ids)) == len(receiver.ids)
    assert max(len(events(body)) for _, body in receiver.took) == 3
    headers, _ = receiver.took[0]
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["content-type"] == {"jsonl": "application/x-ndjson", "json": "application/json"}[kind]
    assert deliver(row) == 0


def test_a_message_is_bounded_in_bytes(acme, receiver, monkeypatch):
    monkeypatch.setattr(deliveries, "LARGEST", 2500)
    row = destination(acme, receiver, after=0)
    happen(acme, 5)
    deliver(row)
    assert is_whole(receiver, 1, now(row).cursor)
    assert len(receiver.took) > 1 and max(len(body) for _, body in receiver.took) <= 2500


@pytest.mark.parametrize("kind", ["webhook", "webhook-ed25519"])
def test_a_webhook_gets_one_signed_event_a_message(acme, receiver, kind):
    row, key = with_secret(acme, receiver, kind)
    begun = row.cursor
    happen(acme, 3)
    deliver(row)
    assert receiver.ids == [f"msg_acme_{begun + number}" for number in (1, 2, 3, 4)]  # with the one of its making
    assert all(verifies(headers, body, key) for headers, body in receiver.took)
    headers, body = receiver.took[-1]
    assert not verifies(headers, body.replace(b"lending", b"another"), key)
    said = json.loads(body)
    assert said["type"] == "project.changed" and said["data"]["metadata"]["uid"] == f"acme/{begun + 4}"
    assert dt.datetime.fromisoformat(said["timestamp"]).timestamp() * 1000 == said["data"]["time"]
    assert "authorization" not in headers


def test_only_the_events_that_were_chosen_are_sent_and_the_rest_is_passed_over(acme, receiver):
    row = destination(acme, receiver, events=["project.closed"], after=0)
    happen(acme, 2)
    happen(acme, 1, Event.PROJECT_CLOSED)
    happen(acme, 2)
    assert deliver(row) == 1
    assert [event["metadata"]["event_code"] for event in events(receiver.took[0][1])] == ["project.closed"]
    assert now(row).lag == 0
    happen(acme, 1)
    assert deliver(row) == 0 and now(row).lag == 0
    with as_organization(acme.organization.pk):
        actions.change(row, name="SIEM", events=[], by=acme.owner)
    deliver(row)
    assert [event["metadata"]["event_code"] for event in events(receiver.took[1][1])] == ["destination.changed"]


# --- a receiver that is not -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["jsonl", "webhook"])
def test_one_that_is_down_loses_nothing_and_gets_the_same_message_again(acme, receiver, kind):
    row = destination(acme, receiver, kind)
    begun = row.cursor
    happen(acme, 2)
    receiver.answers = [500, 503, 404, 301]
    for attempt in range(1, 5):
        assert deliver(row) == 0
        assert deliver(row) == 0  # too early: nobody is asked
        happen(acme, 1)  # what comes meanwhile waits, and changes nothing of the message under way
        failed = now(row)
        assert (failed.attempts, failed.cursor, failed.state) == (attempt, begun, "failing")
        assert failed.next_at > timezone.now() and failed.lag == 3 + attempt
        hurry(row)
    assert failed.problem == "It answered 301." and failed.status == 301
    assert len({body for _, body in receiver.got}) == 1
    deliver(row)
    assert is_whole(receiver, begun + 1, begun + 7)
    ids = [headers.get("webhook-id") or headers["idempotency-key"] for headers, _ in receiver.got]
    assert len(set(ids[:5])) == 1 and len(set(receiver.ids)) == len(receiver.ids)
    well = now(row)
    assert (well.state, well.attempts, well.problem, well.failing_since) == ("live", 0, "", None)


def test_one_that_is_slow_is_given_up_in_time_and_asked_again(acme, receiver, monkeypatch):
    row = destination(acme, receiver, "webhook")
    begun, receiver.slow = row.cursor, 0.5
    monkeypatch.setattr(outside, "PATIENCE", 0.1)
    deliver(row)
    assert "does not answer" in now(row).problem and now(row).status is None
    receiver.slow = 0
    monkeypatch.setattr(outside, "PATIENCE", 10)
    hurry(row)
    deliver(row)
    assert set(receiver.ids) == {f"msg_acme_{begun + 1}"}  # it may have had it the first time: then it knows the id


def test_one_that_answers_drop_by_drop_is_cut_off(settings, monkeypatch):
    settings.INSIDE_ALLOWED = True
    monkeypatch.setattr(outside, "WHOLE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_drip, args=(server,), daemon=True).start()
        begun = time.monotonic()
        with pytest.raises(outside.Unreachable, match="longer than"):
            outside.post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}")
        assert time.monotonic() - begun < 3


def _drip(server) -> None:
    line, _ = server.accept()
    with line:
        line.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(100):
            try:
                line.sendall(b"x: y\r\n")
            except OSError:
                return
            time.sleep(0.05)


def test_one_that_is_gone_is_paused_and_goes_on_when_it_is_resumed(acme, receiver):
    row = destination(acme, receiver)
    begun = row.cursor
    receiver.answers = [410]
    deliver(row)
    gone = now(row)
    assert gone.state == "paused" and "410" in gone.paused_why
    told = Record.objects.get(event=Event.DESTINATION_PAUSED)
    assert told.by_id is None and told.facts["after"] == begun
    happen(acme, 2)
    hurry(row)
    assert deliver(row) == 0 and len(receiver.got) == 1
    with as_organization(acme.organization.pk):
        actions.resume(row, by=acme.owner)
    deliver(row)
    assert is_whole(receiver, begun + 1, now(row).cursor)
    assert now(row).lag == 0


@pytest.mark.parametrize("kind", ["jsonl", "json"])
def test_one_that_takes_less_gets_smaller_messages_and_misses_nothing(acme, receiver, kind):
    row = destination(acme, receiver, kind, after=0)
    happen(acme, 9)
    receiver.largest = 2500  # two events or three
    deliver(row)
    last = now(row)
    assert is_whole(receiver, 1, last.cursor) and (last.lag, last.state, last.problem) == (0, "live", "")
    assert 1 < len(receiver.took) < last.cursor and max(len(body) for _, body in receiver.took) <= 2500
    assert len(set(receiver.ids)) == len(receiver.ids)
    refused = len(receiver.got) - len(receiver.took)
    happen(acme, 9)
    deliver(row)  # what it takes is remembered
    assert is_whole(receiver, 1, now(row).cursor) and len(receiver.got) - len(receiver.took) == refused > 0


@pytest.mark.parametrize("kind", ["jsonl", "webhook"])
def test_one_that_takes_not_even_one_event_is_paused_with_the_reason_and_goes_on_when_it_takes_more(
    acme, receiver, kind
):
    row = destination(acme, receiver, kind)
    begun = row.cursor
    happen(acme, 2)
    receiver.largest = 100
    deliver(row)
    held = now(row)
    assert (held.state, held.cursor) == ("paused", begun) and receiver.took == []
    assert f"record {begun + 1} alone, " in held.paused_why and "is too large for it" in held.paused_why
    assert events(receiver.got[-1][1])[0]["metadata"]["sequence"] == begun + 1
    told = Record.objects.get(event=Event.DESTINATION_PAUSED)
    assert told.by_id is None and told.facts == {"reason": held.paused_why, "after": begun}
    asked = len(receiver.got)
    hurry(row)
    assert deliver(row) == 0 and len(receiver.got) == asked  # nobody is asked again and again
    receiver.largest = 2**63
    with as_organization(acme.organization.pk):
        actions.resume(row, by=acme.owner)
    deliver(row)
    assert is_whole(receiver, begun + 1, now(row).cursor) and now(row).lag == 0
    if kind == "jsonl":
        assert len(receiver.took) == 2  # the one under way, and then the rest in a message of the usual size


@pytest.mark.parametrize("status", [429, 503])
def test_one_that_asks_to_be_left_alone_is(acme, receiver, status):
    row = destination(acme, receiver)
    receiver.answers, receiver.headers = [status], {"Retry-After": "7200"}
    deliver(row)
    wait = now(row).next_at - timezone.now()
    assert dt.timedelta(seconds=7100) < wait <= dt.timedelta(seconds=7200)
    receiver.headers = {}
    hurry(row)
    assert deliver(row) == 1


@pytest.mark.parametrize(
    ("told", "least", "most"),
    [("120", 119, 121), ("99999999999999", 86_400, 10**9), ("Fri, 01 Jan 2100 00:00:00 GMT", 86_400, 10**10),
     ("Sat, 01 Jan 2000 00:00:00 GMT", 0, 0), ("soon", 0, 0), ("", 0, 0), ("-5", 0, 0), ("²", 0, 0)],
)  # fmt: skip
def test_how_long_a_receiver_asks_for_is_read_from_either_form(told, least, most):
    assert least <= deliveries._asked(told).total_seconds() <= most


def test_the_wait_grows_up_to_hours_and_is_never_the_same_for_all():
    none = dt.timedelta(0)
    middle = [rules.wait(attempt, none, 0.5).total_seconds() for attempt in range(1, 40)]
    assert middle[:4] == [5, 10, 20, 40]
    assert middle[-1] == rules.LONGEST_WAIT.total_seconds() and middle == sorted(middle)
    assert len({rules.wait(9, none) for _ in range(20)}) > 1
    assert rules.wait(1, dt.timedelta(days=400)) == rules.LONGEST_ASKED


def test_the_record_is_told_once_that_one_failed_for_days_and_it_goes_on_when_it_is_back(acme, receiver):
    row = destination(acme, receiver)
    receiver.status = 500
    deliver(row)
    long_ago = timezone.now() - rules.LONG
    Destination.objects.filter(pk=row.pk).update(failing_since=long_ago)
    for _ in range(3):
        hurry(row)
        deliver(row)
    told = Record.objects.get(event=Event.DESTINATION_FAILING)
    assert told.by_id is None and told.facts == {"since": long_ago.isoformat(), "after": row.cursor}
    receiver.status = 200
    hurry(row)
    deliver(row)
    assert is_whole(receiver, row.cursor + 1, told.seq)
    assert (now(row).failing_since, now(row).told_at) == (None, None)


# --- one that dies, and one that is stopped -------------------------------------------------------------------------


def test_one_that_dies_after_sending_is_followed_under_the_same_id(acme, receiver):
    """What kill -9 leaves behind: the message is written down and sent, and nobody says what came of it."""
    row = destination(acme, receiver, "webhook")
    begun = row.cursor
    happen(acme, 2)
    assert deliveries._hold(row.pk, "dead")
    sent, message = deliveries._next(row.pk, "dead")
    assert deliveries.send(sent, message).problem == ""
    assert deliver(row) == 0  # it may still be alive
    Destination.objects.filter(pk=row.pk).update(held_until=timezone.now())
    assert deliver(row) == 3
    assert receiver.ids == [f"msg_acme_{begun + number}" for number in (1, 1, 2, 3)]
    deliveries._settle(sent, message, deliveries.Outcome(500, "It is the dead one that speaks."))
    assert now(row).problem == "" and now(row).cursor == begun + 3


def test_pausing_counts_from_the_next_message(acme, receiver, monkeypatch):
    row = destination(acme, receiver, "webhook")
    happen(acme, 3)
    begun = deliveries.send

    def pausing(destination, message):
        actions.pause(destination, by=acme.owner)
        return begun(destination, message)

    monkeypatch.setattr(deliveries, "send", pausing)
    deliver(row)
    assert receiver.numbers == [row.cursor + 1] == [now(row).cursor]
    assert now(row).state == "paused"


# --- what is said, and what never is --------------------------------------------------------------------------------


def test_who_was_erased_stays_so_in_what_is_sent_afterwards(acme, receiver):
    row = destination(acme, receiver)
    invitation, _ = accounts.invite(email="nora@people.example", role="builder", by=acme.owner)
    nora = accounts.join_as_new(invitation, name="Nora Neu", password="a long sentence to keep")
    acme.enter()
    receiver.status = 500
    deliver(row)
    assert b"Nora Neu" in receiver.got[-1][1]
    accounts.remove(nora, by=acme.owner)
    nora.refresh_from_db()
    accounts.erase(nora, reason="She asked for it.", by=acme.owner)
    receiver.status = 200
    hurry(row)
    deliver(row)
    assert now(row).lag == 0
    sent = b"".join(body for _, body in receiver.took)
    assert b"erased person" in sent and b"Nora" not in sent and b"people.example" not in sent
    assert recording.is_kept(acme.organization.pk, f"person {nora.user_id}") is False


def test_a_test_event_is_sent_even_to_one_that_is_paused_and_is_no_record(acme, receiver):
    row, key = with_secret(acme, receiver, "webhook")
    actions.pause(row, by=acme.owner)
    actions.test(row, by=acme.owner)
    assert now(row).test_asked_at
    deliver(row)
    (headers, body), tested = receiver.took[0], now(row)
    assert verifies(headers, body, key)
    assert json.loads(body)["type"] == "destination.tested" and receiver.numbers == [0]
    assert (tested.test_asked_at, tested.test_answer, tested.cursor) == (None, "It arrived: 200.", row.cursor)
    receiver.status, receiver.said = 400, b"<b>no\x00thing\r\nfor you</b>" + b"x" * 1000
    actions.test(row, by=acme.owner)
    deliver(row)
    assert now(row).test_answer.startswith("It answered 400: <b>no thing for you</b>")
    assert len(now(row).test_answer) < 250 and now(row).failing_since is None


@pytest.mark.parametrize("written", [TOKEN, json.dumps(TOKEN), "a%2Ftoken%2Bof%22the%27SIEM"])
def test_a_receiver_that_says_the_token_back_does_not_get_it_kept(acme, receiver, written):
    row = destination(acme, receiver)
    receiver.status, receiver.said = 401, f"I do not know Bearer {written} here".encode()
    deliver(row)
    assert "I do not know Bearer" in now(row).problem and "the" not in now(row).problem.partition("Bearer")[2]


def test_a_name_that_answers_with_an_inside_address_later_is_sent_nothing(acme, receiver, settings, monkeypatch):
    settings.INSIDE_ALLOWED = False
    answers = [[(2, 1, 6, "", ("203.0.113.7", 443))], [(2, 1, 6, "", ("127.0.0.1", receiver.server_port))]]
    answers[0][0] = (2, 1, 6, "", ("93.184.215.14", 443))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers[0])
    row, _ = actions.make(
        kind="webhook", name="", address=f"https://desk.elsewhere.example:{receiver.server_port}/", by=acme.owner
    )
    answers.pop(0)
    deliver(row)
    assert "of its own" in now(row).problem and receiver.got == []
    assert now(row).cursor == row.cursor
