"""A passkey proves who one is, by an answer to what was asked and by no other."""

import json

import pytest
from django.db import transaction
from fido2.utils import websafe_encode

from apps.accounts import passkeys
from apps.accounts.passkeys.answers import COPIED, NOT_YOURS, UNTRUE
from apps.accounts.passkeys.questions import ABOUT_ANOTHER, NOT_ASKED
from apps.common.errors import BadInput
from tests.accounts.device import PRESENT, VERIFIED, Device, enrolled
from tests.accounts.test_passkeys import ABOUT, aged, asked


@pytest.mark.parametrize("kind", ["p256", "ed25519", "rsa"])
def test_a_passkey_proves_who_one_is(person, kind):
    device = enrolled(person, kind)
    for _ in range(2):
        found = passkeys.prove(person, device.answer(asked(person)), ABOUT)
        assert found.passkey.data["sign_count"] == device.number
    assert found.told["about"] == ABOUT
    assert found.passkey.last_used_at


def test_a_passkey_that_does_not_count_serves_again_and_again(person):
    device = enrolled(person, counts=False)
    for _ in range(2):
        assert passkeys.prove(person, device.answer(asked(person)), ABOUT)


ATTACKS = {
    "another origin": ({"origin": "http://localhost:8001"}, UNTRUE),
    "a name that only ends alike": ({"origin": "https://evil-localhost"}, UNTRUE),
    "a deeper name": ({"origin": "http://sub.localhost:8000"}, UNTRUE),
    "another site's frame": ({"cross_origin": True}, UNTRUE),
    "another relying party": ({"party": "evil.example"}, UNTRUE),
    "nobody was verified": ({"flags": PRESENT}, UNTRUE),
    "nobody was there": ({"flags": VERIFIED}, UNTRUE),
    "an enrolment's answer": ({"type": "webauthn.create"}, UNTRUE),
    "a question nobody asked": ({"challenge": websafe_encode(b"x" * 32)}, NOT_ASKED),
    "a counter that stands still": ({"number": 1}, COPIED),
    "a counter that goes back": ({"number": 0}, COPIED),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_answer_is_refused(person, device, attack):
    bent, refusal = ATTACKS[attack]
    with pytest.raises(BadInput, match=refusal):
        passkeys.prove(person, device.answer(asked(person), **bent), ABOUT)
    assert passkeys.prove(person, device.answer(asked(person)), ABOUT)  # for that reason alone


def test_an_answer_serves_once(person):
    device = enrolled(person, counts=False)
    answer = device.answer(asked(person))
    passkeys.prove(person, answer, ABOUT)
    with pytest.raises(BadInput, match=NOT_ASKED):
        passkeys.prove(person, answer, ABOUT)


def test_an_answer_that_was_refused_is_used_up_whatever_is_rolled_back(person, device):
    question = asked(person)
    with pytest.raises(BadInput, match=UNTRUE), transaction.atomic():
        passkeys.prove(person, device.answer(question, flags=PRESENT), ABOUT)
    with pytest.raises(BadInput, match=NOT_ASKED):
        passkeys.prove(person, device.answer(question), ABOUT)


def test_an_answer_comes_within_two_minutes(person, device):
    answer = device.answer(asked(person))
    aged(person, 121)
    with pytest.raises(BadInput, match=NOT_ASKED):
        passkeys.prove(person, answer, ABOUT)


@pytest.mark.parametrize(
    "other", [{"approval": 8}, {"dossier": "cd" * 32}, {"choice": "approved"}, {"act": "sign in"}, {"more": 1}]
)
def test_an_answer_is_about_what_was_asked(person, device, other):
    with pytest.raises(BadInput, match=ABOUT_ANOTHER):
        passkeys.prove(person, device.answer(asked(person)), ABOUT | other)


def test_nobody_answers_for_another(acme, person, device):
    colleague = acme.second_reviewer.user
    theirs = enrolled(colleague)
    with pytest.raises(BadInput, match=NOT_YOURS):
        passkeys.prove(person, theirs.answer(asked(person)), ABOUT)
    with pytest.raises(BadInput, match=NOT_ASKED):
        passkeys.prove(person, device.answer(asked(colleague)), ABOUT)


def test_a_changed_answer_does_not_hold(person, device):
    said = json.loads(device.answer(asked(person)))
    other = json.loads(device.answer(asked(person)))
    said["response"]["signature"] = other["response"]["signature"]
    with pytest.raises(BadInput, match=UNTRUE):
        passkeys.prove(person, json.dumps(said), ABOUT)


def test_another_key_under_the_same_name_does_not_hold(person, device):
    thief = Device(name=device.name, number=50)
    thief.handle = device.handle
    with pytest.raises(BadInput, match=UNTRUE):
        passkeys.prove(person, thief.answer(asked(person)), ABOUT)
