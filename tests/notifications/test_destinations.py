"""Destinations: who names them, what is refused, and what the database holds on to."""

import json

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from apps.audits.events import Event
from apps.audits.models import Record
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from apps.common.signing import KeyUnusable, unseal
from apps.notifications import actions, rules
from apps.notifications.models import Destination
from tests.notifications.make import OUTSIDE, TOKEN, deliver, destination, happen, hurry, now, with_secret
from tests.notifications.receiver import verifies

pytestmark = pytest.mark.django_db
HOOK = {"kind": "webhook", "name": "Desk", "address": f"{OUTSIDE}/in"}
SIEM = {"kind": "jsonl", "name": "SIEM", "address": f"{OUTSIDE}/x?key=hidden", "token": TOKEN}


def refused(by, **given) -> dict:
    with pytest.raises(BadInput) as bad, transaction.atomic():
        actions.make(**given, by=by)
    return bad.value.problems


# --- making one -----------------------------------------------------------------------------------------------------


def test_the_owner_alone_names_changes_and_removes(acme):
    for member in (acme.builder, acme.reviewer, acme.auditor):
        with pytest.raises(NotPermitted):
            actions.make(**HOOK, by=member)
    row, _ = actions.make(**HOOK, by=acme.owner)
    for act in (actions.pause, actions.test, actions.remove, actions.rotate):
        with pytest.raises(NotPermitted):
            act(row, by=acme.auditor)
    actions.change(row, name="Service desk", events=["run.failed"], by=acme.owner)
    actions.pause(row, by=acme.owner)
    with pytest.raises(ActionDenied, match="paused already"):
        actions.pause(row, by=acme.owner)
    actions.resume(row, by=acme.owner)
    with pytest.raises(ActionDenied, match="neither"):
        actions.resume(row, by=acme.owner)
    actions.rotate(row, by=acme.owner)
    actions.remove(row, by=acme.owner)
    for act in (actions.pause, actions.test, actions.remove, actions.rotate):
        with pytest.raises(ActionDenied, match="was removed"):
            act(row, by=acme.owner)
    told = Record.objects.filter(event__startswith="destination.").order_by("seq")
    assert [one.event.split(".")[1] for one in told] == ["made", "changed", "paused", "resumed", "rotated", "removed"]
    assert told[1].facts == {"name": ["Desk", "Service desk"], "events": [[], ["run.failed"]]}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"address": "http://desk.elsewhere.example/"}, "address"),
        ({"address": "https://127.0.0.1/"}, "address"),
        ({"address": "https://localhost/"}, "address"),
        ({"address": "https://10.1.2.3/"}, "address"),
        ({"address": "https://169.254.169.254/latest/"}, "address"),
        ({"address": "https://[::ffff:10.0.0.1]/"}, "address"),
        ({"address": "https://me:password@desk.elsewhere.example/"}, "address"),
        ({"address": "https://desk.elsewhere.example/ein gang"}, "address"),
        ({"address": "https://desk.elsewhere.example/straße"}, "address"),
        ({"token": "a-token-of-mine"}, "token"),
        ({"kind": "jsonl"}, "token"),
        ({"kind": "json", "token": "two words\nX-Evil: 1"}, "token"),
        ({"events": ["nobody.knows"]}, "events"),
        ({"after": 10**9}, "after"),
    ],
)
def test_what_cannot_be_is_refused_by_field_and_nothing_is_kept(acme, given, field):
    before = Record.objects.count()
    assert list(refused(acme.owner, **(HOOK | given))) == [field]
    assert (Record.objects.count(), Destination.objects.count()) == (before, 0)


def test_a_name_that_is_inside_is_refused_when_it_is_given(acme, monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("192.168.0.9", 443))])
    named = HOOK | {"address": "https://desk.elsewhere.example/in"}
    assert "of its own" in refused(acme.owner, **named)["address"]


def test_an_organization_has_so_many_and_no_more(acme, monkeypatch):
    monkeypatch.setattr(rules, "MOST", 2)
    first, _ = actions.make(**HOOK, by=acme.owner)
    actions.make(**SIEM, by=acme.owner)
    with pytest.raises(ActionDenied, match="2 destinations already"):
        actions.make(**HOOK, by=acme.owner)
    actions.remove(first, by=acme.owner)
    actions.make(**HOOK, by=acme.owner)


# --- secrets --------------------------------------------------------------------------------------------------------


def test_a_secret_is_nowhere_in_the_database_and_opens_for_its_address_alone(acme):
    siem, _ = actions.make(**SIEM, by=acme.owner)
    hook, told = actions.make(**HOOK, by=acme.owner)
    secret = unseal(bytes(hook.secret), hook.sealed_about)
    with connection.cursor() as cursor:
        cursor.execute("select row_to_json(d)::text from notifications_destination d")
        kept = " ".join(text for (text,) in cursor.fetchall())
        cursor.execute("select facts::text || thing from audits_record")
        kept += " ".join(text for (text,) in cursor.fetchall())
    for word in (TOKEN, TOKEN.encode().hex(), told, told.removeprefix("whsec_"), secret.hex()):
        assert word not in kept
    assert "key=hidden" not in json.dumps(list(Record.objects.values_list("facts", flat=True)))
    siem.address = "https://elsewhere.example/"
    with pytest.raises(KeyUnusable):
        unseal(bytes(siem.secret), siem.sealed_about)


@pytest.mark.parametrize("kind", ["webhook", "webhook-ed25519"])
def test_an_old_secret_signs_beside_the_new_one_for_a_day(acme, receiver, kind):
    row, old = with_secret(acme, receiver, kind)
    row, new = actions.rotate(row, by=acme.owner)
    new = new or row.verifier
    deliver(row)
    assert new != old
    assert all(verifies(headers, body, key) for headers, body in receiver.took for key in (old, new))
    Destination.objects.filter(pk=row.pk).update(before_until=timezone.now())
    happen(acme)
    deliver(row)
    headers, body = receiver.took[-1]
    assert verifies(headers, body, new) and not verifies(headers, body, old)


def test_a_siems_token_is_replaced_at_once_and_tried_at_once(acme, receiver):
    row = destination(acme, receiver)
    receiver.answers = [401]
    deliver(row)
    with pytest.raises(BadInput):
        actions.rotate(row, by=acme.owner)
    actions.rotate(row, token="the-new-token", by=acme.owner)
    assert deliver(row) == 2  # the message under way, and that of the change
    assert receiver.took[0][0]["authorization"] == "Bearer the-new-token"


def test_another_secret_of_the_portal_is_said_and_loses_nothing(acme, receiver, settings):
    row = destination(acme, receiver)
    right, settings.KEY_SECRET = settings.KEY_SECRET, "another secret of the portal"
    deliver(row)
    assert "ASSAY_KEY_SECRET" in now(row).problem and receiver.got == []
    settings.KEY_SECRET = right
    hurry(row)
    assert deliver(row) == 1


# --- attacks in SQL -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        ("set cursor = cursor - 1", "cannot be set back"),
        ("set cursor = cursor + 1000000", "stays within the record"),
        ("set address = 'https://thief.example/'", "cannot be changed"),
        ("set kind = 'jsonl'", "cannot be changed"),
        ("set secret = ''", "secret_until_removed"),
        ("set removed_at = now()", "secret_until_removed"),
        ("set sending_to = cursor", "sends_on"),
        ("set secret_before = secret", "before_until"),
    ],
)
def test_the_database_holds_on_to_what_a_destination_is(acme, attack, said):
    row, _ = actions.make(**HOOK, by=acme.owner)
    with pytest.raises(IntegrityError, match=said), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"update notifications_destination {attack} where id = %s", [row.pk])


def test_what_was_removed_stays_so_and_is_not_deleted(acme):
    row, _ = actions.make(**HOOK, by=acme.owner)
    actions.remove(row, by=acme.owner)
    row.refresh_from_db()
    assert bytes(row.secret) == b""
    with pytest.raises(IntegrityError, match="stays so"), transaction.atomic():
        Destination.objects.filter(pk=row.pk).update(name="Again")
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        Destination.objects.filter(pk=row.pk)._raw_delete("default")


def test_a_rival_neither_sees_nor_holds_nor_is_sent_anything(acme, rival, receiver):
    row = destination(acme, receiver)
    rival.enter()
    assert Destination.objects.count() == 0
    assert Destination.objects.filter(pk=row.pk).update(held_by="x") == 0
    happen(rival, 3)
    acme.enter()
    deliver(row)
    sent = b"".join(body for _, body in receiver.took)
    assert sent and b"rival" not in sent.lower()


# --- the doors ------------------------------------------------------------------------------------------------------


def test_over_rest_a_secret_is_told_once(acme, api_client):
    api_client.force_login(acme.owner.user)
    key = {"headers": {"Idempotency-Key": "make-it-once"}}
    made = api_client.post("/api/v1/acme/destinations/", HOOK, format="json", **key).json()
    assert made["secret"].startswith("whsec_") and made["lag"] == 1 and made["state"] == "live"
    again = api_client.post("/api/v1/acme/destinations/", HOOK, format="json", **key).json()
    assert (again["id"], again["secret"]) == (made["id"], "")
    where = f"/api/v1/acme/destinations/{made['id']}/"
    read = api_client.get(where).json()
    assert "secret" not in read and read["address"] == HOOK["address"]
    assert api_client.patch(where, {"events": ["run.failed"]}, format="json").json()["events"] == ["run.failed"]
    assert api_client.post(f"{where}secret/", {}, format="json").json()["secret"] not in ("", made["secret"])
    assert api_client.post(f"{where}pause/").json()["state"] == "paused"
    assert api_client.delete(f"{where}pause/").json()["state"] == "live"
    assert api_client.post(f"{where}test/").status_code == 200
    assert api_client.delete(where).status_code == 204
    assert api_client.delete(where).status_code == 409
    siem = api_client.post("/api/v1/acme/destinations/", SIEM, format="json").json()
    assert siem["address"] == f"{OUTSIDE}/x?…" and siem["secret"] == ""
    bad = api_client.post("/api/v1/acme/destinations/", HOOK | {"events": ["x.y"]}, format="json")
    assert bad.status_code == 400 and bad.json()["errors"].keys() == {"events.0"}


def test_the_pages_show_a_secret_once_and_how_it_fares(acme, client, receiver):
    client.force_login(acme.owner.user)
    page = client.post("/acme/destinations/new/", HOOK | {"address": receiver.address})
    row = Destination.objects.get()
    assert b"whsec_" in page.content and "no-store" in page["Cache-Control"]
    receiver.status, receiver.said = 500, b"<script>alert(1)</script>"
    deliver(row)
    for member in (acme.owner, acme.auditor):
        client.force_login(member.user)
        page = client.get(f"/acme/destinations/{row.pk}/").content.decode()
        assert "whsec_" not in page and "failing" in page
        assert "It answered 500: &lt;script&gt;" in page
        assert "<button disabled" in page if member is acme.auditor else "<button disabled" not in page
        assert receiver.address in client.get("/acme/destinations/").content.decode()
    client.force_login(acme.owner.user)
    for verb in ("test", "pause", "resume", "secret", "remove"):
        answer = client.post(f"/acme/destinations/{row.pk}/{verb}/")
        assert answer.status_code == (200 if verb == "secret" else 303), verb
    assert "its secret is forgotten" in client.get(f"/acme/destinations/{row.pk}/").content.decode()
    page = client.post("/acme/destinations/new/", SIEM | {"address": "ftp://siem.example/"}).content.decode()
    assert "begins with https://." in page and TOKEN not in page


def test_a_list_asks_as_often_however_many_there_are(acme, client, django_assert_num_queries):
    from django.test.utils import CaptureQueriesContext

    client.force_login(acme.owner.user)
    actions.make(**HOOK, by=acme.owner)
    client.get("/acme/destinations/")
    with CaptureQueriesContext(connection) as one:
        client.get("/acme/destinations/")
    for _ in range(4):
        actions.make(**HOOK, by=acme.owner)
    with django_assert_num_queries(len(one)):
        client.get("/acme/destinations/")


def test_the_event_of_its_making_is_the_first_that_is_sent(acme, receiver):
    row = destination(acme, receiver)
    deliver(row)
    assert Record.objects.get(seq=receiver.numbers[0]).event == Event.DESTINATION_MADE
