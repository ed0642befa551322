"""A person's own pages: second factors, signing in by a passkey, devices."""

import json
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.test import Client

from apps.accounts import actions, passkeys, rules
from apps.audits.models import Record
from tests import make
from tests.accounts.device import PRESENT, Device, enrolled

pytestmark = pytest.mark.django_db
HOME = "/accounts/2fa/"
NEW, QUESTION = HOME + "passkeys/new/", HOME + "passkeys/question/"
SIGN_IN, SIGN_IN_QUESTION = HOME + "passkeys/sign-in/", HOME + "passkeys/sign-in/question/"
BESIDES = HOME + "authenticate/"


@pytest.fixture(autouse=True)
def _no_attempts_yet(db):
    cache.clear()


@pytest.fixture
def person(acme):
    return acme.reviewer.user


@pytest.fixture
def browser():
    return browsing()


def browsing(**more) -> Client:
    return Client(HTTP_HOST="localhost:8000", **more)


def sign_in(client, person, **more):
    return client.post("/accounts/login/", {"login": person.email, "password": make.PASSWORD, **more})


def at_hand(client, person) -> None:
    """Signed in, and the password given again a moment ago."""
    sign_in(client, person)
    assert client.post("/accounts/reauthenticate/", {"password": make.PASSWORD}).status_code == 302


def is_in(client) -> bool:
    return "_auth_user_id" in client.session


def told(tenant) -> list[tuple]:
    tenant.enter()
    rows = Record.objects.filter(event__in=("factor.enrolled", "factor.removed", "session.ended")).order_by("seq")
    return [(row.event, row.facts.get("kind")) for row in rows]


# --- enrolling, naming, removing ------------------------------------------------------------------------------------


def test_a_passkey_is_added_named_and_removed(acme, person, browser):
    at_hand(browser, person)
    device = Device()
    answer = device.make(browser.post(QUESTION).json())
    added = browser.post(NEW, {"name": "Telephone", "passkey": answer})
    assert (added.status_code, added.headers["Location"]) == (303, HOME + "recovery-codes/")
    assert browser.get(added.headers["Location"]).status_code == 200
    [passkey] = passkeys.enrolled(person)
    assert "Telephone" in browser.get(HOME).content.decode()
    address = f"{HOME}passkeys/{passkey.pk}/"
    assert browser.get(address).status_code == 200
    assert browser.post(address, {"name": "Old telephone"}).status_code == 303
    assert "Old telephone" in browser.get(HOME).content.decode()
    assert browser.post(address + "remove/").status_code == 303
    assert not passkeys.enrolled(person).exists()
    assert told(acme) == [("factor.enrolled", "passkey"), ("factor.removed", "passkey")]


def test_each_change_asks_for_the_password_again(person, browser):
    enrolled(person)
    sign_in(browser, person)  # and waits for the second factor
    [passkey] = passkeys.enrolled(person)
    browser.force_login(person)
    own = f"passkeys/{passkey.pk}/"
    for change in ("passkeys/new/", own, own + "remove/", "totp/activate/", "recovery-codes/generate/"):
        answer = browser.post(HOME + change, {"name": "Mine now"})
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (302, "/accounts/reauthenticate/")
    assert [one.data["name"] for one in passkeys.enrolled(person)] == ["Telephone"]


def test_anothers_passkey_is_nothing(acme, person, browser):
    enrolled(acme.second_reviewer.user)
    [theirs] = passkeys.enrolled(acme.second_reviewer.user)
    at_hand(browser, person)
    for address in (f"{HOME}passkeys/{theirs.pk}/", f"{HOME}passkeys/{theirs.pk}/remove/"):
        assert browser.post(address, {"name": "Mine now"}).status_code == 404
    assert passkeys.enrolled(acme.second_reviewer.user).get().data["name"] == "Telephone"


def test_an_app_and_new_codes_are_told_too(acme, person, browser):
    at_hand(browser, person)
    browser.get(HOME + "totp/activate/")
    code = format_hotp_value(hotp_value(browser.session["mfa.totp.secret"], int(time.time()) // 30))
    assert browser.post(HOME + "totp/activate/", {"code": code}).status_code == 302
    assert browser.post(HOME + "recovery-codes/generate/").status_code == 302
    assert browser.post(HOME + "totp/deactivate/").status_code == 302
    assert told(acme) == [
        ("factor.enrolled", "authenticator app"),
        ("factor.enrolled", "recovery codes"),
        ("factor.removed", "authenticator app"),
    ]
    assert not Authenticator.objects.filter(user=person).exists()


def test_an_address_in_numbers_says_which_name_is_meant(person):
    elsewhere = Client(HTTP_HOST="127.0.0.1:8000")
    at_hand(elsewhere, person)
    for address in (HOME, NEW):
        page = elsewhere.get(address).content.decode()
        assert "open this portal at http://localhost:8000 instead" in page
        assert "disabled" in page


def test_what_is_no_passkey_is_refused_in_a_sentence(person, browser):
    at_hand(browser, person)
    page = browser.post(NEW, {"name": "Telephone", "passkey": '{"rawId": 7}'}).content.decode()
    assert "This is not the answer of a passkey." in page
    page = browser.post(NEW, {"name": "Telephone"}).content.decode()
    assert "No passkey was made: that needs a browser that runs JavaScript." in page


# --- signing in -----------------------------------------------------------------------------------------------------


def test_a_passkey_follows_the_password(person, browser):
    device = enrolled(person)
    assert sign_in(browser, person).headers["Location"] == BESIDES
    assert "Use a passkey" in browser.get(BESIDES).content.decode()
    question = browser.post(SIGN_IN_QUESTION).json()
    assert len(question["publicKey"]["allowCredentials"]) == 1
    assert not is_in(browser)
    assert browser.post(BESIDES, {"credential": device.answer(question)}).status_code == 302
    assert is_in(browser)


def test_a_code_follows_the_password_as_well(person, browser):
    enrolled(person)
    code = RecoveryCodes(Authenticator.objects.get(user=person, type="recovery_codes")).get_unused_codes()[0]
    sign_in(browser, person)
    assert browser.post(BESIDES, {"code": code}).status_code == 302
    assert is_in(browser)


def test_a_passkey_alone_opens_where_one_was_going(person, browser):
    device = enrolled(person)
    answer = device.answer(browser.post(SIGN_IN_QUESTION).json())
    went = browser.post(SIGN_IN, {"credential": answer, "next": "/acme/members/"})
    assert (went.status_code, went.headers["Location"]) == (302, "/acme/members/")
    assert browser.get("/acme/members/").status_code == 200


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("attack", ["another browser's question", "again", "unverified", "another's", "nonsense"])
def test_no_other_answer_opens(acme, person, browser, attack, alone):
    device, theirs = enrolled(person, counts=False), enrolled(acme.second_reviewer.user)
    other = browsing()
    for client in (browser, other):
        if not alone:
            sign_in(client, person)
    question = browser.post(SIGN_IN_QUESTION).json()
    answer = {
        "another browser's question": lambda: device.answer(other.post(SIGN_IN_QUESTION).json()),
        "again": lambda: used(browsing(), person, device, alone),
        "unverified": lambda: device.answer(question, flags=PRESENT),
        "another's": lambda: theirs.answer(question, **({"handle": device.handle} if alone else {})),
        "nonsense": lambda: json.dumps([1]),
    }[attack]()
    browser.post(SIGN_IN if alone else BESIDES, {"credential": answer})
    assert not is_in(browser)
    browser.post(SIGN_IN if alone else BESIDES, {"credential": device.answer(browser.post(SIGN_IN_QUESTION).json())})
    assert is_in(browser)


def used(client, person, device, alone) -> str:
    """An answer that opened once already, in another browser."""
    if not alone:
        sign_in(client, person)
    answer = device.answer(client.post(SIGN_IN_QUESTION).json())
    client.post(SIGN_IN if alone else BESIDES, {"credential": answer})
    assert is_in(client)
    return answer


def test_a_passkey_opens_no_closed_account(person, browser):
    device = enrolled(person)
    person.is_active = False
    person.save()
    browser.post(SIGN_IN, {"credential": device.answer(browser.post(SIGN_IN_QUESTION).json())})
    assert not is_in(browser)


def test_who_tries_passkeys_after_a_password_is_shut_out_for_a_while(person, browser):
    device = enrolled(person)
    sign_in(browser, person)
    for _ in range(7):
        question = browser.post(SIGN_IN_QUESTION).json()
        browser.post(BESIDES, {"credential": device.answer(question, flags=PRESENT)})
    browser.post(BESIDES, {"credential": device.answer(browser.post(SIGN_IN_QUESTION).json())})
    assert not is_in(browser)


def test_questions_are_asked_at_the_portals_own_name_alone(person):
    elsewhere = Client(HTTP_HOST="127.0.0.1:8000")
    refused = elsewhere.post(SIGN_IN_QUESTION)
    assert refused.status_code == 400
    assert "http://localhost:8000" in refused.json()["detail"]


def test_an_app_still_follows_the_password(person, browser):
    secret = generate_totp_secret()
    TOTP.activate(person, secret)
    sign_in(browser, person)
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    browser.post(BESIDES, {"code": code})
    assert is_in(browser)


# --- devices --------------------------------------------------------------------------------------------------------

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


def test_each_device_is_listed_and_another_is_signed_out(acme, person):
    here, there = (
        browsing(HTTP_USER_AGENT=FIREFOX, REMOTE_ADDR="192.0.2.1"),
        browsing(HTTP_USER_AGENT=CHROME, REMOTE_ADDR="192.0.2.2"),
    )
    sign_in(here, person)
    sign_in(there, person)
    page = here.get("/accounts/devices/").content.decode()
    for words in ("Firefox on Linux", "Chrome on Windows", "192.0.2.1", "192.0.2.2", "this one"):
        assert words in page
    other = UserSession.objects.get(user=person, ip="192.0.2.2")
    assert here.post(f"/accounts/devices/{other.pk}/sign-out/").status_code == 303
    assert there.get("/acme/").status_code == 302  # to the sign-in
    assert here.get("/acme/").status_code == 200
    assert "192.0.2.2" not in here.get("/accounts/devices/").content.decode()
    assert told(acme) == [("session.ended", None)]


def test_nobody_signs_anothers_device_out_nor_their_own_by_mistake(acme, person, browser):
    colleague = browsing()
    sign_in(browser, person)
    sign_in(colleague, acme.second_reviewer.user)
    theirs = UserSession.objects.get(user=acme.second_reviewer.user)
    assert browser.post(f"/accounts/devices/{theirs.pk}/sign-out/").status_code == 404
    mine = UserSession.objects.get(user=person)
    browser.post(f"/accounts/devices/{mine.pk}/sign-out/")
    assert browser.get("/acme/").status_code == colleague.get("/acme/").status_code == 200


def test_a_device_that_signed_out_or_whose_password_changed_is_not_listed(person, browser):
    gone, old = browsing(REMOTE_ADDR="192.0.2.3"), browsing(REMOTE_ADDR="192.0.2.4")
    for client in (browser, gone, old):
        sign_in(client, person)
    gone.post("/accounts/logout/")
    new = "another horse, another staple"
    body = {"oldpassword": make.PASSWORD, "password1": new, "password2": new}
    assert browser.post("/accounts/password/change/", body).status_code == 302
    page = browser.get("/accounts/devices/").content.decode()
    assert "192.0.2.3" not in page and "192.0.2.4" not in page and "this one" in page


def test_where_a_session_is_at_work_is_noted_now_and_then(person, settings):
    settings.SEEN_EVERY = 300
    browser = browsing(HTTP_USER_AGENT=FIREFOX, REMOTE_ADDR="192.0.2.5")
    browser.force_login(person)  # as a new member is, without the sign-in's own note
    browser.get("/acme/")
    first = UserSession.objects.get(user=person)
    assert (first.ip, first.user_agent) == ("192.0.2.5", FIREFOX)
    UserSession.objects.update(ip="192.0.2.6")
    browser.get("/acme/")
    assert UserSession.objects.get(user=person).ip == "192.0.2.6"  # not noted again so soon


@pytest.mark.parametrize(
    ("said", "called"),
    [
        (FIREFOX, "Firefox on Linux"),
        (CHROME, "Chrome on Windows"),
        (CHROME + " Edg/140.0", "Edge on Windows"),
        ("curl/8.7", "curl"),
        ("", "A browser without a name"),
    ],
)
def test_a_browser_is_called_what_people_call_it(said, called):
    assert rules.browser(said) == called


def test_who_is_erased_leaves_no_factor_and_no_device(acme, person):
    enrolled(person)
    browser = browsing(REMOTE_ADDR="192.0.2.7")
    browser.force_login(person)
    actions.seen(person=person, session_key=browser.session.session_key, ip="192.0.2.7", user_agent=FIREFOX)
    acme.enter(acme.owner)
    actions.remove(acme.reviewer, by=acme.owner)
    actions.erase(acme.reviewer, reason="They asked.", by=acme.owner)
    assert not Authenticator.objects.filter(user=person).exists()
    assert not UserSession.objects.filter(user=person).exists()
