"""The record as OCSF events in a file: whole, in order, each once, whatever was cut off."""

import json

import pytest
from django.core.management import CommandError, call_command

from apps.accounts import actions as accounts
from apps.audits.models import Record
from apps.notifications import actions, ocsf

pytestmark = pytest.mark.django_db


def lines(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def numbers(path) -> list[int]:
    return [line["metadata"]["sequence"] for line in lines(path)]


@pytest.fixture
def told(acme, tmp_path):
    for number in range(5):
        accounts.create_token(name=f"token {number}", scopes=["read"], by=acme.owner)
    return tmp_path / "assay.jsonl"


def test_every_record_is_told_once_and_in_order(acme, told, monkeypatch):
    monkeypatch.setattr(actions, "BATCH", 2)
    call_command("forward", "acme", str(told))
    whole = Record.objects.filter(organization_id=acme.organization.pk).count()
    assert numbers(told) == list(range(1, whole + 1))
    assert actions.forward(acme.organization, told) == 0
    acme.enter()
    accounts.create_token(name="one more", scopes=["read"], by=acme.owner)
    assert actions.forward(acme.organization, told) == 1
    assert numbers(told) == list(range(1, whole + 2))


@pytest.mark.parametrize("cut", [1, 40, 700])
def test_a_line_that_was_cut_off_is_told_again(acme, told, cut):
    actions.forward(acme.organization, told)
    before = told.read_bytes()
    told.write_bytes(before[:-cut])
    actions.forward(acme.organization, told)
    assert told.read_bytes() == before


def test_the_file_of_another_organization_is_refused(acme, rival, told):
    actions.forward(acme.organization, told)
    before = told.read_bytes()
    with pytest.raises(CommandError, match="acme"):
        call_command("forward", "rival", str(told))
    told.write_text("not ours\n")
    with pytest.raises(CommandError, match="something else"):
        call_command("forward", "acme", str(told))
    assert b"rival" not in before


def test_an_event_says_what_the_schema_asks_and_keeps_the_rest(acme, told):
    actions.forward(acme.organization, told)
    event = lines(told)[-1]
    assert (event["class_uid"], event["activity_id"], event["type_uid"]) == (ocsf.ENTITY, 1, 300401)
    assert event["metadata"]["version"] == "1.3.0" and event["metadata"]["product"]["name"] == "Assay"
    assert event["actor"]["user"]["uid"] == str(acme.owner.user_id)
    assert event["unmapped"]["facts"]["scopes"] == ["read"]
    assert {"time", "severity_id", "category_uid", "status_id"} <= set(event)
