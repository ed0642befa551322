"""Passkeys: what a device must answer, and what no answer gets past."""

import json

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.db import DatabaseError, IntegrityError, connection, transaction
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AuthenticatorData
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from apps.accounts import actions, passkeys, reentry
from apps.accounts.passkeys.answers import COPIED, NOT_YOURS, UNREADABLE, UNTRUE
from apps.accounts.passkeys.questions import ABOUT_ANOTHER, NOT_ASKED
from apps.audits.models import Record
from apps.common.apart import apart
from apps.common.errors import ActionDenied, BadInput
from tests.accounts.device import PRESENT, VERIFIED, Device, enrolled
from tests.make import PASSWORD

ABOUT = {"act": "sign", "approval": 7, "dossier": "ab" * 32, "choice": "validated"}


@pytest.fixture
def person(acme):
    return acme.reviewer.user


@pytest.fixture
def device(person):
    return enrolled(person)


def asked(person, about=ABOUT):
    return passkeys.ask(person, about)


def aged(person, seconds: int) -> None:
    """As if their questions had been asked that much earlier."""
    with apart() as cursor:
        cursor.execute(
            "with gone as (delete from accounts_challenge where user_id = %s returning *)"
            " insert into accounts_challenge select question, nonce, user_id, at - make_interval(secs => %s) from gone",
            [person.pk, seconds],
        )


def newest(tenant) -> Record:
    tenant.enter()
    return Record.objects.order_by("-seq").first()


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


# --- enrolling ------------------------------------------------------------------------------------------------------


def test_enrolling_is_told_in_each_organization_and_makes_recovery_codes_once(acme, person):
    enrolled(person)
    told = newest(acme)
    passkey = passkeys.enrolled(person).get()
    assert (told.event, told.facts["kind"], told.facts["key"]) == (
        "factor.enrolled",
        "passkey",
        passkeys.fingerprint(passkey),
    )
    codes = Authenticator.objects.get(user=person, type="recovery_codes")
    enrolled(person)
    assert Authenticator.objects.get(user=person, type="recovery_codes") == codes


def test_with_the_last_second_factor_the_recovery_codes_go(acme, person):
    enrolled(person)
    enrolled(person)
    for passkey in passkeys.enrolled(person):
        assert Authenticator.objects.filter(user=person, type="recovery_codes").exists()
        actions.remove_passkey(passkey)
        assert newest(acme).event == "factor.removed"
    assert not Authenticator.objects.filter(user=person).exists()


def test_a_passkey_is_one_persons(acme, person, device):
    colleague = acme.second_reviewer.user
    with pytest.raises(BadInput, match="enrolled already"):
        actions.enrol_passkey(colleague, name="Mine", answer=device.make(passkeys.ask_to_enrol(colleague)))
    [theirs] = passkeys.enrolled(person)
    with pytest.raises(IntegrityError), transaction.atomic():
        Authenticator.objects.create(user=colleague, type="webauthn", data=theirs.data)


@pytest.mark.parametrize(
    "bent",
    [{"flags": PRESENT}, {"origin": "https://evil.example"}, {"type": "webauthn.get"}],
)
def test_a_device_that_does_not_make_sure_of_the_person_is_not_enrolled(person, bent):
    device = Device()
    with pytest.raises(BadInput, match=UNTRUE):
        actions.enrol_passkey(person, name="x", answer=device.make(passkeys.ask_to_enrol(person), **bent))
    assert not passkeys.enrolled(person).exists()


def test_a_key_that_an_outsider_could_not_check_is_not_enrolled(person):
    device = Device("p384")
    with pytest.raises(BadInput, match="of a kind"):
        actions.enrol_passkey(person, name="x", answer=device.make(passkeys.ask_to_enrol(person)))


@pytest.mark.parametrize("name", [b"somebody else's", b"x" * 1024])
def test_a_device_calls_its_key_by_its_name_and_no_longer_than_that(person, name):
    device = Device(name=b"its own" if len(name) < 1024 else name)
    said = json.loads(device.make(passkeys.ask_to_enrol(person)))
    with pytest.raises(BadInput, match=UNREADABLE):
        actions.enrol_passkey(person, name="x", answer=json.dumps(said | {"rawId": websafe_encode(name)}))


def test_what_attests_no_key_is_unreadable(person, device):
    options = {**passkeys.ask_to_enrol(person)["publicKey"], "rpId": "localhost"}
    said = json.loads(device.answer({"publicKey": options}, type="webauthn.create"))
    data = websafe_decode(said["response"]["authenticatorData"])
    content = AttestationObject.create("none", AuthenticatorData(data), {})
    said["response"]["attestationObject"] = websafe_encode(bytes(content))
    with pytest.raises(BadInput, match=UNREADABLE):
        actions.enrol_passkey(person, name="x", answer=json.dumps(said))


def test_a_question_to_enrol_is_one_persons_and_is_not_one_to_sign(acme, person):
    colleague, device = acme.second_reviewer.user, Device()
    with pytest.raises(BadInput, match=NOT_ASKED):
        actions.enrol_passkey(colleague, name="x", answer=device.make(passkeys.ask_to_enrol(person)))
    with pytest.raises(BadInput, match=ABOUT_ANOTHER):
        question = passkeys.ask(person, ABOUT)["publicKey"]
        options = {"publicKey": {**question, "rp": {"id": "localhost"}, "user": {"id": "MQ"}}}
        actions.enrol_passkey(person, name="x", answer=device.make(options))


def test_a_person_keeps_a_number_of_passkeys(person, monkeypatch):
    monkeypatch.setattr("apps.accounts.actions.factors.MOST_PASSKEYS", 1)
    enrolled(person)
    with pytest.raises(ActionDenied, match="remove one first"):
        enrolled(person)


# --- where ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://127.0.0.1:8000", "http://localhost:8000"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("https://assay.example", "https://assay.example"),
        ("https://assay.example:443", "https://assay.example"),
        ("https://Assay.example:8443", "https://assay.example:8443"),
        ("http://assay.example", None),
        ("https://192.0.2.7", None),
        ("https://[2001:db8::1]", None),
    ],
)
def test_passkeys_belong_to_a_name(settings, url, origin):
    settings.URL = url
    assert passkeys.origin() == origin
    if origin is None:
        assert "ASSAY_URL" in passkeys.why_not("assay.example")


def test_a_page_reached_by_another_name_says_which_one_is_meant():
    assert "http://localhost:8000" in passkeys.why_not("127.0.0.1:8000")
    assert passkeys.why_not("localhost:8000") is None


# --- what comes in --------------------------------------------------------------------------------------------------

WORDS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
TEXT = st.binary(max_size=120).map(websafe_encode) | WORDS
RESPONSE = st.fixed_dictionaries(
    {},
    optional={
        "clientDataJSON": TEXT | WORDS.map(lambda said: websafe_encode(json.dumps({"challenge": said}).encode())),
        "authenticatorData": TEXT,
        "attestationObject": TEXT,
        "signature": TEXT,
        "userHandle": TEXT,
    },
)


@pytest.mark.django_db
@trying(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=WORDS | st.fixed_dictionaries({}, optional={"rawId": TEXT, "id": TEXT, "type": TEXT, "response": RESPONSE}))
def test_whatever_is_sent_is_refused_in_a_sentence(said):
    for act in (lambda: passkeys.prove(None, json.dumps(said), ABOUT), lambda: passkeys.made(NOBODY, json.dumps(said))):
        with pytest.raises(BadInput):
            act()


class NOBODY:
    pk = 0


def test_a_number_is_not_taken_for_a_size(person):
    """fido2 would set so many bytes aside."""
    client = websafe_encode(json.dumps({"challenge": 2**40}).encode())
    for response in ({"clientDataJSON": 2**40}, {"clientDataJSON": client}):
        parts = {"authenticatorData": "", "signature": "", **response}
        with pytest.raises(BadInput, match=UNREADABLE):
            passkeys.prove(person, json.dumps({"rawId": "", "response": parts}), ABOUT)


@pytest.mark.parametrize("said", ["", "{", "[" * 19_000, "x" * 20_001, "null"])
def test_what_is_no_answer_is_unreadable(person, device, said):
    with pytest.raises(BadInput, match=UNREADABLE):
        passkeys.prove(person, said, ABOUT)


# --- re-entry -------------------------------------------------------------------------------------------------------


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


# --- the database's own walls ---------------------------------------------------------------------------------------


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
