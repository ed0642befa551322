"""The pages of signing in and of a second factor, in the house's look."""

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


def test_what_was_typed_is_kept_when_the_password_is_wrong(client, acme):
    page = client.post("/accounts/login/", {"login": acme.builder.user.email, "password": "wrong"}).content.decode()
    assert f'value="{acme.builder.user.email}"' in page
    assert 'role="alert"' in page
