"""The record over REST."""

import hashlib
import json

import pytest

from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.models import Record

pytestmark = pytest.mark.django_db


@pytest.fixture
def door(acme, api_client):
    record(Event.PROJECT_OPENED, on=acme.project, by=acme.builder, purpose="to lend")
    api_client.force_login(acme.auditor.user)
    return api_client


def test_it_lists_newest_first_and_goes_on_by_cursor(door):
    page = door.get("/api/v1/acme/records/?limit=1").json()
    assert [one["seq"] for one in page["results"]] == [2]
    assert page["results"][0]["by"]["name"] == "Builder"
    assert page["results"][0]["on"]["kind"] == "project"
    page = door.get(page["next"]).json()
    assert [one["seq"] for one in page["results"]] == [1]
    assert page["next"] is None


def test_it_filters(door, acme):
    for asked, expected in [("verb=project.opened", [2]), (f"on=project:{acme.project.pk}", [2]), ("person=0", [])]:
        assert [one["seq"] for one in door.get(f"/api/v1/acme/records/?{asked}").json()["results"]] == expected


@pytest.mark.parametrize("asked", ["verb=x", "person=-1", "since=never", "on=7", "project=a b", f"person={10**30}"])
def test_it_names_a_wrong_filter(door, asked):
    response = door.get(f"/api/v1/acme/records/?{asked}")
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert list(response.json()["errors"]) == [asked.split("=")[0]]


def test_one_record_has_its_leaf(door):
    one = door.get("/api/v1/acme/records/2/").json()
    assert json.loads(one["leaf"])["facts"] == one["facts"] == {"purpose": "to lend"}
    assert door.get("/api/v1/acme/records/3/").status_code == 404


def test_it_verifies(door):
    answer = door.post("/api/v1/acme/records/verification/").json()
    assert (answer["intact"], answer["records"], answer["wrong"], answer["problem"]) == (True, 2, None, "")
    note = door.post("/api/v1/acme/checkpoints/").json()["note"]
    kept = {"checkpoint": note, "new": True}
    answer = door.post("/api/v1/acme/records/verification/", kept, format="json").json()
    assert (answer["intact"], answer["since"], answer["checkpoints"]) == (True, 4, 2)


@pytest.mark.parametrize("body", [{"checkpoint": 1}, {"checkpoint": "x"}, {"new": "perhaps"}, [1]])
def test_it_refuses_a_checkpoint_that_is_none(door, body):
    assert door.post("/api/v1/acme/records/verification/", body, format="json").status_code == 400


def test_it_proves_that_a_record_is_in_a_checkpoint(door):
    assert door.get("/api/v1/acme/records/1/proof/").json()["checkpoint"] is None
    made = door.post("/api/v1/acme/checkpoints/").json()
    answer = door.get("/api/v1/acme/records/2/proof/").json()
    assert (answer["size"], answer["root"]) == (made["size"], made["root"])
    assert answer["checkpoint"]["note"] == made["note"]
    hash = bytes.fromhex(answer["leaf_hash"])
    first, second = (bytes.fromhex(one) for one in answer["path"])  # of three records: the first, then the third
    hash = hashlib.sha256(b"\1" + first + hash).digest()
    assert hashlib.sha256(b"\1" + hash + second).hexdigest() == answer["root"]
    assert door.get("/api/v1/acme/records/2/proof/?size=2").json()["path"] == [first.hex()]
    assert door.get("/api/v1/acme/records/2/proof/?size=1").status_code == 400
    assert door.get("/api/v1/acme/records/2/proof/?size=99").status_code == 400
    assert door.get("/api/v1/acme/records/9/proof/").status_code == 404


def test_it_proves_that_the_record_only_grew(door):
    door.post("/api/v1/acme/checkpoints/")
    answer = door.get("/api/v1/acme/records/consistency/?old=2&new=3").json()
    assert (len(answer["path"]), len(answer["old_root"]), len(answer["new_root"])) == (1, 64, 64)
    for asked in ("old=x", "old=3&new=2", "old=1&new=99", "old=-1&new=1"):
        assert door.get(f"/api/v1/acme/records/consistency/?{asked}").status_code == 400


def test_it_shows_the_keys_and_rotates_them(door, acme):
    door.post("/api/v1/acme/checkpoints/")
    (key,) = door.get("/api/v1/acme/keys/").json()["results"]
    assert key["pem"].startswith("-----BEGIN PUBLIC KEY-----")
    assert door.post("/api/v1/acme/keys/").status_code == 403
    door.force_login(acme.owner.user)
    assert door.post("/api/v1/acme/keys/").json()["number"] == 2
    new, old = door.get("/api/v1/acme/keys/").json()["results"]
    assert (new["number"], old["number"], new["retired_at"], old["key_id"]) == (2, 1, None, key["key_id"])
    acme.enter()
    last = Record.objects.order_by("-seq").first()
    assert (last.event, last.by_name, last.facts["retired"]) == ("key.rotated", "Owner", key["key_id"])


@pytest.mark.parametrize(
    ("form", "kind"), [("csv", "text/csv"), ("jsonl", "application/jsonl"), ("pdf", "application/pdf")]
)
@pytest.mark.parametrize("accept", ["*/*", "text/csv", "application/json"])
def test_it_exports_whatever_the_caller_accepts(door, form, kind, accept):
    response = door.get(f"/api/v1/acme/records/export/?format={form}", headers={"Accept": accept})
    assert response.status_code == 200
    assert response["Content-Type"].startswith(kind)
    assert b"".join(response.streaming_content)


def test_it_refuses_an_unknown_form(door, acme):
    response = door.get("/api/v1/acme/records/export/?format=xls")
    assert response.status_code == 400
    assert "format" in response.json()["errors"]
    acme.enter()
    assert Record.objects.count() == 2


def test_a_builder_may_not_export(door, acme):
    door.force_login(acme.builder.user)
    response = door.get("/api/v1/acme/records/export/?format=csv")
    assert response.status_code == 403
    assert "As builder you may not export the record" in response.json()["detail"]
