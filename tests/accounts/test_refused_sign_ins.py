"""Who does not prove to be the person they say: in the log at once, in the record once a round, and answered alike."""

import pytest
from django.core.cache import cache
from django.test import Client

from apps.accounts import actions, passkeys
from apps.accounts.models import Membership, RefusedSignIn, Role
from apps.audits.models import Record
from tests import make
from tests.accounts.device import PRESENT, enrolled

pytestmark = pytest.mark.django_db
BESIDES, ALONE = "/accounts/2fa/authenticate/", "/accounts/2fa/passkeys/sign-in/"
QUESTION = ALONE + "question/"
LOGIN, SECRET = "/accounts/login/", "battery horse staple"
HERE = "192.0.2.44"


@pytest.fixture(autouse=True)
def _no_attempts_yet(db):
    cache.clear()


@pytest.fixture
def person(acme):
    return acme.reviewer.user


@pytest.fixture
def stranger():
    return Client(HTTP_HOST="localhost:8000", REMOTE_ADDR=HERE)


def wrongly(client, login, **more):
    return client.post(LOGIN, {"login": login, "password": SECRET}, **more)


def kept(tenant) -> list[Record]:
    tenant.enter()
    return list(Record.objects.filter(event="sign-in.refused").order_by("seq"))


def told(tenant) -> list[Record]:
    actions.tell_refused_sign_ins()
    return kept(tenant)


def test_a_wrong_password_is_in_the_log_at_once_without_what_was_typed(person, stranger, caplog):
    answer = wrongly(stranger, person.email)
    assert answer.status_code == 200
    assert f"wrong password of person {person.pk}, from {HERE}" in caplog.text
    assert SECRET not in caplog.text and person.email not in caplog.text


def test_a_worker_tells_each_organization_of_the_person_once(acme, rival, person, stranger):
    rival.enter()
    Membership.objects.create(organization=rival.organization, user=person, role=Role.AUDITOR)
    first = wrongly(stranger, person.email)
    wrongly(stranger, person.email, REMOTE_ADDR="192.0.2.45")
    assert kept(acme) == []
    for tenant in (acme, rival):
        (record,) = told(tenant)
        assert (record.by_id, record.on_type, record.on_name.partition(" (")[0]) == (None, "membership", str(person))
        assert record.outcome == "refused" and record.facts["proofs"] == {"password": 2}
        assert record.deed == "refused somebody who did not prove to be this member, 2 times"
        assert record.told["addresses"] == f"{HERE}, 192.0.2.45"
        assert record.origin == {"door": "page", "request": first.headers["X-Request-ID"]}
    assert not RefusedSignIn.objects.exists()
    assert len(told(acme)) == 1


def test_the_addresses_go_with_the_person_who_is_erased(acme, person, stranger):
    wrongly(stranger, person.email)
    assert told(acme)[0].told["addresses"] == HERE
    acme.enter(acme.owner)
    actions.remove(acme.reviewer, by=acme.owner)
    actions.erase(acme.reviewer, reason="They asked.", by=acme.owner)
    assert HERE not in str(kept(acme)[0].told)


def test_nobody_is_answered_and_kept_as_somebody_is(acme, person, stranger, caplog):
    known, unknown = (wrongly(stranger, login) for login in (person.email, "battery-phrase@elsewhere.example"))
    assert known.status_code == unknown.status_code
    assert [row.user_id for row in RefusedSignIn.objects.order_by("pk")] == [person.pk, None]
    assert "wrong password of nobody here" in caplog.text and "phrase" not in caplog.text
    assert [record.facts["proofs"] for record in told(acme)] == [{"password": 1}]
    assert not RefusedSignIn.objects.exists()


def test_a_wrong_code_and_a_wrong_passkey_are_kept_as_what_they_are(acme, person, stranger):
    device = enrolled(person)
    stranger.post(LOGIN, {"login": person.email, "password": make.PASSWORD})
    stranger.post(BESIDES, {"code": "123456"})
    stranger.post(BESIDES, {"credential": device.answer(stranger.post(QUESTION).json(), flags=PRESENT)})
    alone = Client(HTTP_HOST="localhost:8000", REMOTE_ADDR=HERE)
    alone.post(ALONE, {"credential": device.answer(alone.post(QUESTION).json(), flags=PRESENT)})
    (record,) = told(acme)
    assert record.facts["proofs"] == {"code": 1, "passkey": 2}


def test_a_passkey_that_is_none_of_anybodys_is_nobodys(acme, person, stranger, caplog):
    gone = enrolled(person)
    passkeys.enrolled(person).delete()
    stranger.post(ALONE, {"credential": '{"rawId": 7}'})  # no proof at all
    assert not RefusedSignIn.objects.exists()
    stranger.post(ALONE, {"credential": gone.answer(stranger.post(QUESTION).json())})
    assert "wrong passkey of nobody here" in caplog.text
    assert told(acme) == []


def test_a_password_asked_for_again_is_kept_too(acme, person, stranger):
    stranger.force_login(person)
    stranger.post("/accounts/reauthenticate/", {"password": SECRET})
    assert [record.facts["proofs"] for record in told(acme)] == [{"password": 1}]


def test_who_tries_too_often_is_in_the_log_and_floods_no_record(acme, person, stranger, caplog):
    for _ in range(8):
        wrongly(stranger, person.email)
    assert caplog.text.count("was refused") == 5 and caplog.text.count("was not tried") == 3
    (record,) = told(acme)
    assert record.facts["proofs"] == {"password": 5}


def test_the_right_password_leaves_nothing(acme, person, stranger, caplog):
    stranger.post(LOGIN, {"login": person.email, "password": make.PASSWORD})
    assert "_auth_user_id" in stranger.session
    assert told(acme) == [] and caplog.text == ""


# --- what the log alone tells ----------------------------------------------------------------------------------------


def test_a_form_of_another_session_is_in_the_log_with_its_request_and_person(acme, person, caplog):
    client = Client(enforce_csrf_checks=True, REMOTE_ADDR=HERE)
    client.force_login(person)
    answer = client.post("/acme/lending/close/", {"reason": "Enough."})
    assert answer.status_code == 403 and "This form had grown old" in answer.content.decode()
    (line,) = [one for one in caplog.messages if one.startswith("A form was refused")]
    assert f"person {person.pk}, from {HERE}, at /<organization:organization>/<project:project>/close/" in line
    assert kept(acme) == []  # it is not their deed


def test_a_program_in_a_session_without_its_csrf_token_is_in_the_log(acme, person, caplog):
    client = Client(enforce_csrf_checks=True, REMOTE_ADDR=HERE)
    client.force_login(person)
    assert client.post("/api/v1/acme/projects/", "{}", content_type="application/json").status_code == 403
    said = f"In the session of person {person.pk}, from {HERE}, at /api/v1/<organization:organization>/projects/."
    assert said in caplog.text


def test_a_token_that_opens_nothing_is_in_the_log_without_its_secret(acme, caplog):
    answer = Client(REMOTE_ADDR=HERE).get("/api/v1/acme/me/", headers={"Authorization": "Bearer assay_leaked"})
    assert answer.status_code == 404
    assert f"A token opened nothing here: from {HERE}" in caplog.text
    assert "leaked" not in caplog.text and "acme" not in caplog.text


# --- behind a proxy --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behind", "said", "seen"),
    [
        (True, "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (True, "2001:db8::7", "2001:db8::7"),
        (True, "203.0.113.9, unknown", HERE),
        (False, "203.0.113.9, 198.51.100.7", HERE),
    ],
)
def test_only_behind_a_proxy_its_word_for_the_address_counts(person, stranger, settings, behind, said, seen):
    settings.BEHIND_PROXY = behind
    wrongly(stranger, person.email, headers={"X-Forwarded-For": said})
    assert RefusedSignIn.objects.get().address == seen


def test_behind_a_proxy_one_visitor_shuts_no_other_out(acme, stranger, settings):
    settings.BEHIND_PROXY = True
    for number in range(12):
        wrongly(stranger, f"nobody-{number}@elsewhere.example", headers={"X-Forwarded-For": "203.0.113.9"})
    body = {"login": acme.builder.user.email, "password": make.PASSWORD}
    stranger.post(LOGIN, body, headers={"X-Forwarded-For": "203.0.113.9"})
    assert "_auth_user_id" not in stranger.session
    stranger.post(LOGIN, body, headers={"X-Forwarded-For": "198.51.100.7"})
    assert "_auth_user_id" in stranger.session
