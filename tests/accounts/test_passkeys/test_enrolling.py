"""A device becomes a passkey."""

import json

import pytest
from allauth.mfa.models import Authenticator
from django.db import IntegrityError, transaction
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AuthenticatorData

from apps.accounts import actions, passkeys
from apps.accounts.passkeys.answers import UNREADABLE, UNTRUE
from apps.accounts.passkeys.questions import ABOUT_ANOTHER, NOT_ASKED
from apps.common.errors import ActionDenied, BadInput
from tests.accounts.device import PRESENT, Device, enrolled
from tests.accounts.test_passkeys import ABOUT, newest


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
