"""The trial of the walls: it finds no hole where none is, names each that is planted, and leaves nothing behind."""

import json
import logging
from contextlib import contextmanager

import pytest
from celery import current_app
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection, connections, transaction

from apps.accounts.models import Reentry, User
from apps.audits import attestations, queries
from apps.common import storage, work
from apps.common.canonical import canonical
from apps.common.tenancy import organization_ids
from portal.isolation import attempts, elsewhere, runs, trial
from portal.isolation.tally import Tally

UNGUARDED = "training_logline"  # without its wall from before the trial on


@contextmanager
def without_its_wall(table: str):
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        cursor.execute(f"alter table {table} disable row level security")
    try:
        yield
    finally:
        with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
            cursor.execute(f"alter table {table} enable row level security")
        connections["owner"].close()


@contextmanager
def put_in_place_of(thing, name: str, other):
    before = getattr(thing, name)
    setattr(thing, name, other)
    try:
        yield before
    finally:
        setattr(thing, name, before)


@pytest.mark.django_db
def test_a_request_is_called_anew_each_time_and_that_is_no_difference(acme, client):
    client.force_login(acme.builder.user)
    asked = "/api/v1/acme/reports/submissions/?approval="
    refused, again = client.get(f"{asked}1"), client.get(f"{asked}2")
    assert refused.status_code == again.status_code == 405 and refused.content != again.content
    assert attempts._same(refused, again)
    assert not attempts._same(client.get("/api/v1/acme/members/"), client.get("/api/v1/acme/tokens/"))


def there_is() -> tuple:
    """What a trial may not change."""
    files = default_storage.listdir("")[0] if default_storage.exists("") else []
    return organization_ids(), User.objects.count(), Reentry.objects.count(), sorted(files), current_app.main


@pytest.fixture(scope="module")
def told(django_db_setup, django_db_blocker, tmp_path_factory) -> dict:
    """One trial, told by name: as the house is, and then with each of several holes."""
    from django.test import override_settings

    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    folder = {"location": tmp_path_factory.mktemp("files")}
    stores = {"default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": folder}}
    quick = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with (
        override_settings(STORAGES=stores | {"staticfiles": static}, PASSWORD_HASHERS=quick),
        django_db_blocker.unblock(),
        without_its_wall(UNGUARDED),
    ):
        before = there_is()
        with trial.prepared(only=("witness", "project-risk")) as tried:
            trial.everything(tried)
            found = {"trial": tried, "as it is": tried.tally}
            for name, (planted, stage) in holes(tried).items():
                tried.tally = found[name] = Tally()
                with planted:
                    stage(tried)
            tried.tally = found["as it is"]
        found |= {"before": before, "after": there_is()}
        connection.close()
    return found


def holes(tried) -> dict:
    """{name: (a hole, the stage that should find it)}."""
    theirs = tried.theirs.organization.pk
    claimed, witnesses = work.claim, queries.witnesses

    def everybodys(*, viewer):
        return witnesses(viewer=tried.theirs.enter())

    def claimed_by_anybody(model, organization_id, work_id):
        return claimed(model, theirs, work_id)

    def one_folder(organization_id, digest):
        return name_of(theirs, digest)

    name_of = storage._name
    return {
        "door": (put_in_place_of(queries, "witnesses", everybodys), attempts.all_of),
        "task": (put_in_place_of(work, "claim", claimed_by_anybody), elsewhere.tasks),
        "file": (put_in_place_of(storage, "_name", one_folder), elsewhere.files),
        "log": (_logged(tried), elsewhere.silence),
    }


@contextmanager
def _logged(tried):
    logging.getLogger("assay").error("It failed for %s.", tried.theirs.word("cell"))
    yield
    tried.lines.clear()


def test_the_only_hole_it_finds_in_the_house_is_the_one_that_was_planted(told):
    found = told["as it is"].told()
    assert {one["where"] for one in found["findings"]} == {f"table {UNGUARDED}"}
    assert found["verdict"] == "fail" and found["counts"]["leaked"] == len(found["findings"])
    says = " ".join(one["says"] for one in found["findings"])
    assert "has no row-level security" in says and "select reached" in says and "insert reached" in says


def test_it_asked_everybody_by_every_verb_at_every_address_it_was_given(told):
    addresses = {str(address) for address in told["trial"].addresses}
    for thing in ("address", "own"):
        asked = {key[0] for key in told["as it is"].doors if key[2] == thing and "<str:secret>" not in key[0]}
        assert asked == addresses
    for (_, _, thing), answers in told["as it is"].doors.items():
        if thing == "address":
            assert set(answers) == {*attempts.ROLES, attempts.OUTSIDER, attempts.NOBODY}


def test_it_tries_every_table_every_task_and_the_store_and_leaves_nothing_out(told):
    tally = told["as it is"]
    assert not tally.untried
    tables = {one["where"].removeprefix("table ") for one in tally.others if one["where"].startswith("table ")}
    assert tables == {model._meta.db_table for model in elsewhere.tenant_models()}
    tasks = {one["where"] for one in tally.others if one["where"].startswith("task ")}
    assert tasks == {f"task {model.task}" for model in work.Work.__subclasses__()}
    assert {"digest", "name", "content"} <= {one["what"] for one in tally.others if one["where"].startswith("file ")}


def test_a_door_that_answers_with_anothers_thing_is_named(told):
    found = told["door"].told()
    assert found["verdict"] == "fail"
    wheres = {(one["where"], one["object"]) for one in found["findings"]}
    assert ("/api/v1/<organization:organization>/witnesses/", "own") in wheres
    assert ("/api/v1/<organization:organization>/witnesses/<int:pk>/", "id") in wheres
    assert any("witness" in one["says"] for one in found["findings"])


@pytest.mark.parametrize(
    ("hole", "where", "says"),
    [("task", "task ", "took up or changed"), ("file", "file ", "its bytes were read"), ("log", "the log", "cell")],
)
def test_a_hole_where_no_address_leads_is_named(told, hole, where, says):
    found = told[hole].told()
    assert any(one["where"].startswith(where) and says in one["says"] for one in found["findings"])


def test_its_messages_carry_ids_and_no_words(told):
    assert told["trial"].messages
    assert not any(told["trial"].theirs.mark in message for message in told["trial"].messages)


def test_nothing_of_it_stays(told):
    assert told["after"] == told["before"]


def test_a_word_that_its_own_people_never_saw_proves_nothing(told):
    """Only few addresses were read here, so most words were not seen: that is said, and is no pass."""
    tried = told["trial"]
    tried.tally = Tally()
    elsewhere.shown_to_their_own(tried)
    found = tried.tally.told()
    assert found["verdict"] == "fail" and found["counts"]["leaked"] == 0
    assert "It was not proved" in attestations.answer(found)
    assert {one["what"] for one in found["findings"]} == {"control"}


@pytest.fixture
def at_once(told, monkeypatch):
    """The trial of this module in place of a new one."""

    def give(tally) -> None:
        told["trial"].tally = tally
        monkeypatch.setattr(trial, "run", lambda heard, only, founded: told["trial"])

    return give


@pytest.mark.django_db
@pytest.mark.parametrize(("hole", "status"), [("log", 1), ("none", 0)])
def test_the_command_says_by_its_exit_status_whether_they_hold(told, at_once, capsys, hole, status):
    at_once(told.get(hole) or Tally())
    with pytest.raises(SystemExit) as ended:
        call_command("isolation")
    said = capsys.readouterr().out
    assert ended.value.code == status
    assert said.strip().endswith("PASS" if status == 0 else "FAIL")
    assert ("HOLE words the log" in said) == (hole == "log")


@pytest.mark.django_db
def test_a_result_is_plain_and_says_what_it_was_made_by(told, at_once):
    at_once(Tally())
    result = runs.tried(lambda **facts: None)
    assert json.loads(canonical(result))["database"]["role"] == "assay_web"
    assert len(result["portal"]["source"]) == 64
    assert {one["where"] for one in result["untried"]} == {where for where, _, _ in runs.NOT_COVERED}
