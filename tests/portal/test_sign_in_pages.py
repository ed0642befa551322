"""The pages of signing in and of a second factor, in the house's look."""

import re

import pytest


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/accounts/login/", "Sign in"),
        ("/accounts/password/reset/", "Forgotten your password?"),
        ("/accounts/password/reset/done/", "The link is on its way"),
        ("/accounts/inactive/", "This account is closed"),
        ("/accounts/signup/", "People come by invitation"),
    ],
)
def test_a_stranger_finds_a_way_in_or_the_reason_why_not(client, db, address, words):
    page = client.get(address)
    assert page.status_code == 200
    assert words in page.content.decode()


@pytest.mark.parametrize(
    "address",
    [
        "/accounts/2fa/",
        "/accounts/2fa/totp/activate/",
        "/accounts/password/change/",
        "/accounts/logout/",
        "/accounts/reauthenticate/",
    ],
)
def test_a_member_keeps_the_keys(client, acme, address):
    client.post("/accounts/login/", {"login": acme.builder.user.email, "password": "correct horse battery staple"})
    page = client.get(address, follow=True)
    assert page.status_code == 200
    assert 'class="top"' in page.content.decode()


@pytest.mark.parametrize("address", ["/accounts/login/", "/accounts/password/reset/", "/accounts/password/change/"])
def test_they_speak_in_the_words_of_the_house(client, acme, address):
    if "change" in address:
        client.force_login(acme.builder.user)
    page = client.get(address, follow=True).content.decode()
    assert "placeholder" not in page and "Remember" not in page and "(again)" not in page


def test_a_link_from_a_letter_sets_a_new_password_once(client, acme, mailoutbox):
    person = acme.builder.user
    client.post("/accounts/password/reset/", {"email": person.email})
    link = re.search(r"http://[^/]+(/\S+)", mailoutbox[0].body).group(1)
    page = client.get(link, follow=True)
    assert "Which password is to be yours" in page.content.decode() and "(again)" not in page.content.decode()
    given = {"password1": "a bridge of nine stones", "password2": "a bridge of nine stones"}
    done = client.post(page.request["PATH_INFO"], given, follow=True)
    assert "Your new password is set" in done.content.decode()
    person.refresh_from_db()
    assert person.check_password("a bridge of nine stones")
    assert "This link opens nothing" in client.get(link, follow=True).content.decode()


def test_what_was_typed_is_kept_when_the_password_is_wrong(client, acme):
    page = client.post("/accounts/login/", {"login": acme.builder.user.email, "password": "wrong"}).content.decode()
    assert f'value="{acme.builder.user.email}"' in page
    assert 'role="alert"' in page
