"""A passkey beside the password; and the walls of the database."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.db import DatabaseError, connection, transaction

from apps.accounts import reentry
from apps.common.apart import apart
from apps.common.errors import ActionDenied, BadInput
from tests.accounts.device import PRESENT
from tests.accounts.test_passkeys import ABOUT, aged, asked
from tests.make import PASSWORD


def test_a_passkey_stands_beside_the_password(person, device):
    proof = reentry.check(person, PASSWORD, passkey=device.answer(asked(person)), about=ABOUT)
    assert proof.components == ["password", "passkey"]
    assert proof.assertion["about"] == ABOUT


def test_a_passkey_without_the_password_proves_nothing(person, device):
    with pytest.raises(BadInput, match="not your password"):
        reentry.check(person, "wrong", passkey=device.answer(asked(person)), about=ABOUT)


def test_who_has_only_a_passkey_is_told_what_else_serves(person, device):
    with pytest.raises(BadInput, match="never to a program") as refusal:
        reentry.check(person, PASSWORD, about=ABOUT)
    assert set(refusal.value.problems) == {"code"}
    code = RecoveryCodes(Authenticator.objects.get(user=person, type="recovery_codes")).get_unused_codes()[0]
    assert reentry.check(person, PASSWORD, code, about=ABOUT).components == ["password", "recovery code"]


def test_wrong_answers_count_as_wrong_tries(person, device):
    for _ in range(reentry.MOST_FAILURES):
        with pytest.raises(BadInput):
            reentry.check(person, PASSWORD, passkey=device.answer(asked(person), flags=PRESENT), about=ABOUT)
    with pytest.raises(ActionDenied, match="try again in 5 minutes"):
        reentry.check(person, PASSWORD, passkey=device.answer(asked(person)), about=ABOUT)


def test_a_question_is_not_made_younger(person):
    asked(person)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("update accounts_challenge set at = now()")


def test_old_questions_are_swept_away(person):
    asked(person)
    aged(person, 600)
    asked(person)
    with apart() as cursor:
        cursor.execute("select count(*) from accounts_challenge where user_id = %s", [person.pk])
        assert cursor.fetchone() == (1,)
