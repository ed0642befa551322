"""Signing in and out, and what stops whoever tries passwords."""

import pytest
from django.core.cache import cache

from tests import make as people

pytestmark = pytest.mark.django_db
ADDRESS = "/accounts/login/"


@pytest.fixture(autouse=True)
def _no_attempts_yet(db):
    cache.clear()


def sign_in(client, email: str, password: str = people.PASSWORD, **more):
    return client.post(ADDRESS, {"login": email, "password": password, **more})


def test_a_person_signs_in_and_goes_where_they_were_going(acme, client):
    wanted = client.get("/acme/members/?role=owner")
    assert wanted.headers["Location"] == f"{ADDRESS}?next=/acme/members/%3Frole%3Downer"
    answer = sign_in(client, "OWNER@acme.example", next="/acme/members/?role=owner")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/acme/members/?role=owner")
    assert client.get("/acme/members/").status_code == 200


def test_nobody_is_sent_elsewhere_after_signing_in(acme, client):
    answer = sign_in(client, "owner@acme.example", next="https://evil.example/")
    assert answer.headers["Location"] == "/"


def test_a_person_signs_out_by_a_button(acme, client):
    client.force_login(acme.owner.user)
    assert client.get("/accounts/logout/").status_code == 200  # asks first: a link must not sign out
    assert client.get("/acme/").status_code == 200
    assert client.post("/accounts/logout/").status_code == 302
    assert client.get("/acme/").status_code == 302


def test_a_wrong_password_and_an_unknown_address_are_told_alike(acme, client):
    pages = []
    for email in ("owner@acme.example", "nobod@acme.example"):
        answer = sign_in(client, email, "not the password")
        assert answer.status_code == 200
        pages.append(answer.content.decode().replace(email, ""))
    csrf = [page.split('name="csrfmiddlewaretoken" value="')[1][:64] for page in pages]
    assert pages[0].replace(csrf[0], "") == pages[1].replace(csrf[1], "")


def test_an_inactive_person_is_shut_out(acme, client):
    acme.builder.user.is_active = False
    acme.builder.user.save()
    sign_in(client, "builder@acme.example")
    assert client.get("/acme/").status_code == 302
    client.force_login(acme.owner.user)
    acme.owner.user.is_active = False
    acme.owner.user.save()
    assert client.get("/acme/").status_code == 302  # a session that was open ends too


def test_who_tries_passwords_is_shut_out_for_a_while(acme, client):
    for number in range(7):
        sign_in(client, "owner@acme.example", f"guess number {number}")
    shut = sign_in(client, "owner@acme.example")  # the right one, too late
    assert "_auth_user_id" not in client.session
    assert "Too many failed" in shut.content.decode()
    other = sign_in(client, "builder@acme.example")  # and nobody else is
    assert other.status_code == 302


def test_nobody_signs_up_from_the_street(db, client):
    answer = client.get("/accounts/signup/")
    assert "<form" not in answer.content.decode().split("<main")[-1]
    client.post("/accounts/signup/", {"email": "me@street.example", "password1": people.PASSWORD})
    assert not people.User.objects.filter(email="me@street.example").exists()


def test_nobody_gives_themselves_another_address(acme, client):
    """The address is what an invitation proved, and colleagues know a person by it."""
    sign_in(client, "builder@acme.example")
    for act in ("action_add", "action_primary"):
        client.post("/accounts/email/", {"email": "chair@acme.example", act: ""})
    acme.builder.user.refresh_from_db()
    assert acme.builder.user.email == "builder@acme.example"
    client.post("/accounts/logout/")
    sign_in(client, "chair@acme.example")
    assert "_auth_user_id" not in client.session


def test_a_changed_password_works_and_the_old_does_not(acme, client):
    sign_in(client, "owner@acme.example")
    new = "another horse, another staple"
    body = {"oldpassword": people.PASSWORD, "password1": new, "password2": new}
    assert client.post("/accounts/password/change/", body).status_code == 302
    client.post("/accounts/logout/")
    sign_in(client, "owner@acme.example")
    assert "_auth_user_id" not in client.session
    assert sign_in(client, "owner@acme.example", new).status_code == 302


def test_a_session_says_nothing_of_itself_to_scripts_and_other_sites(acme, client):
    sign_in(client, "owner@acme.example")
    cookie = client.cookies["sessionid"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"
    page = client.get("/acme/members/")
    assert page.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]
