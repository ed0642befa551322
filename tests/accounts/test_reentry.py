"""Who you are, said once more: components, the shared count, and what no rollback forgets."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.db import DatabaseError, connection, transaction

from apps.accounts import reentry
from apps.accounts.models import Reentry
from apps.common.apart import apart
from apps.common.errors import ActionDenied, BadInput
from tests.make import PASSWORD

ABOUT = {"act": "sign"}


@pytest.fixture
def person(acme):
    return acme.reviewer.user


@pytest.fixture
def secret(person):
    secret = generate_totp_secret()
    TOTP.activate(person, secret)
    return secret


def code(secret, away=0):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + away))


def test_a_password_proves_it_where_nothing_else_is_enrolled(person):
    proof = reentry.check(person, PASSWORD, about=ABOUT)
    assert (proof.user_id, proof.components) == (person.pk, ["password"])
    assert not reentry.second(person)


def test_who_enrolled_an_authenticator_gives_its_code_too(person, secret):
    assert reentry.second(person).app
    with pytest.raises(BadInput, match="You have enrolled an authenticator") as refusal:
        reentry.check(person, PASSWORD, about=ABOUT)
    assert set(refusal.value.problems) == {"code"}
    with pytest.raises(BadInput, match="wrong or was used"):
        reentry.check(person, PASSWORD, code(secret, away=5), about=ABOUT)
    given = code(secret)
    assert reentry.check(person, PASSWORD, given, about=ABOUT).components == ["password", "authenticator code"]
    with pytest.raises(BadInput, match="was used already"):
        reentry.check(person, PASSWORD, given, about=ABOUT)


def test_a_recovery_code_serves_once_instead(person, secret):
    kept = RecoveryCodes.activate(person)
    first = kept.get_unused_codes()[0]
    assert reentry.check(person, PASSWORD, first, about=ABOUT).components == ["password", "recovery code"]
    with pytest.raises(BadInput, match="was used already"):
        reentry.check(person, PASSWORD, first, about=ABOUT)
    assert Authenticator.objects.filter(user=person).count() == 2


def test_a_code_without_the_password_proves_nothing(person, secret):
    with pytest.raises(BadInput, match="not your password"):
        reentry.check(person, "wrong", code(secret), about=ABOUT)


def test_wrong_tries_outlive_the_rollback_and_stop_the_right_one(person):
    for _ in range(reentry.MOST_FAILURES):
        with pytest.raises(BadInput), transaction.atomic():
            reentry.check(person, "wrong", about=ABOUT)
    with pytest.raises(ActionDenied, match="try again in 5 minutes"):
        reentry.check(person, PASSWORD, about=ABOUT)
    with apart() as cursor:  # what another process sees
        cursor.execute("select count(*) from accounts_reentry where user_id = %s", [person.pk])
        assert cursor.fetchone() == (reentry.MOST_FAILURES,)


def test_wrong_tries_are_forgotten_after_a_right_one_and_after_their_time(person):
    for _ in range(2):
        for _ in range(reentry.MOST_FAILURES - 1):
            with pytest.raises(BadInput):
                reentry.check(person, "wrong", about=ABOUT)
        reentry.check(person, PASSWORD, about=ABOUT)
    with apart() as cursor:
        cursor.execute(
            "insert into accounts_reentry (user_id, at, components) select %s, now() - interval '301 seconds', '[]'"
            " from generate_series(1, 9)",
            [person.pk],
        )
    assert reentry.check(person, PASSWORD, about=ABOUT)


@pytest.mark.parametrize(
    "sql",
    [
        "delete from accounts_reentry",
        "truncate accounts_reentry",
        "update accounts_reentry set at = at - interval '1 day'",
        'update accounts_reentry set components = \'["password", "recovery code"]\'',
    ],
)
def test_what_was_tried_is_not_rewritten(person, sql):
    reentry.check(person, PASSWORD, about=ABOUT)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert Reentry.objects.filter(user_id=person.pk).count() == 1
