"""Signing with a passkey: asked about exactly this verdict, kept in the signature, checked again by an outsider."""

import base64
import copy
import json
from datetime import date, timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

from apps.accounts import reentry
from apps.accounts.models import Reentry
from apps.approvals import rules
from apps.approvals.models import Delegation, Signature
from tests.accounts.device import PRESENT, enrolled
from tests.accounts.make import bearer, token
from tests.approvals import make
from tests.approvals.database.test_signatures import forge
from tests.approvals.test_pages import signing, text
from tests.bundles import make as bundles
from tests.make import PASSWORD

HOST = {"HTTP_HOST": "localhost:8000"}


@pytest.fixture
def device(acme):
    return enrolled(acme.reviewer.user)


@pytest.fixture
def approval(acme, device):
    found = make.asked(acme)
    acme.enter(acme.reviewer)
    make.read(found, acme.reviewer)
    return found


@pytest.fixture
def rita(client, acme, device):
    client.force_login(acme.reviewer.user)
    return client


def address(approval) -> str:
    return f"/acme/{approval.project.slug}/approvals/{approval.pk}/"


def question(client, approval, **given) -> dict:
    asked = {"choice": "validated", "dossier_digest": approval.dossier_digest} | given
    return client.post(address(approval) + "question/", asked, **HOST).json()


def sign(client, approval, answer, **given):
    return client.post(address(approval), signing(approval, passkey=answer, **given), **HOST)


def test_a_reviewer_signs_with_password_and_passkey(acme, rita, device, approval):
    page = rita.get(address(approval), **HOST).content.decode()
    assert f'data-passkey="{address(approval)}question/"' in page and "passkeys.js" in page
    assert sign(rita, approval, device.answer(question(rita, approval))).status_code == 303
    acme.enter()
    said = json.loads(base64.b64decode(Signature.objects.get().envelope["payload"]))["predicate"]["authentication"]
    assert said["components"] == ["password", "passkey"]
    about = {"act": "sign", "approval": approval.pk, "dossier": approval.dossier_digest, "choice": "validated"}
    assert said["passkey"]["about"] == about


def test_a_refusal_is_signed_with_a_passkey_too(acme, rita, device, approval):
    answer = device.answer(question(rita, approval, choice="return"))
    assert sign(rita, approval, answer, choice="return").status_code == 303
    acme.enter()
    assert Signature.objects.get().decision == "return"


def test_an_answer_signs_nothing_but_what_it_was_asked_about(acme, rita, device, approval):
    other = make.asked(acme, number=2)
    acme.enter(acme.reviewer)
    make.read(other, acme.reviewer)
    asked = {
        "another verdict": question(rita, approval, choice="reject"),
        "another dossier": question(rita, approval, dossier_digest="ab" * 32),
        "another sign-off": question(rita, other),
    }
    for which, about in asked.items():
        page = sign(rita, approval, device.answer(about))
        assert "This passkey was asked about something else" in text(page), which
    acme.enter()
    assert not Signature.objects.exists()


def test_an_answer_is_not_said_again_by_the_page(rita, device, approval):
    answer = device.answer(question(rita, approval), flags=PRESENT)
    page = sign(rita, approval, answer).content.decode()
    assert "does not hold here" in page
    assert json.loads(answer)["response"]["signature"] not in page


def test_wrong_answers_shut_signing_for_a_while(acme, rita, device, approval):
    for _ in range(reentry.MOST_FAILURES):
        sign(rita, approval, device.answer(question(rita, approval), flags=PRESENT))
    page = sign(rita, approval, device.answer(question(rita, approval)))
    assert "try again in 5 minutes" in text(page)
    acme.enter()
    assert not Signature.objects.exists()


def test_without_a_script_a_recovery_code_signs(acme, rita, approval):
    page = text(sign(rita, approval, ""))
    assert "give a recovery code here" in page
    assert "Your passkey answers only where JavaScript runs" in page
    code = RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).get_unused_codes()[0]
    assert sign(rita, approval, "", code=code).status_code == 303


def test_an_address_in_numbers_says_what_else_serves(rita, approval):
    page = rita.get(address(approval), HTTP_HOST="127.0.0.1:8000").content.decode()
    assert "open this portal at http://localhost:8000 instead" in page
    assert "data-passkey=" not in page


def test_a_program_is_told_that_no_passkey_answers_it(acme, device, approval, api_client):
    _, secret = token(acme.reviewer, "read", "approval.sign")
    given = {"decision": "sign", "meaning": "validated", "reason": "Read.", "password": PASSWORD,
             "dossier_digest": approval.dossier_digest}  # fmt: skip
    where = f"/api/v1/acme/approvals/{approval.pk}/signatures/"
    refused = api_client.post(where, given, format="json", **bearer(secret))
    assert refused.status_code == 400
    assert "never to a program" in refused.json()["errors"]["code"]


def test_the_database_asks_for_the_second_factor_itself(acme, device):
    approval = make.asked(acme)
    acme.enter(acme.reviewer)
    assert "without proving again" in forge(approval, acme.reviewer)
    both = Reentry.objects.create(user_id=acme.reviewer.user_id, components=["password", "passkey"])
    assert "does not say what the signature says" in forge(approval, acme.reviewer, proof=both.pk)


def test_a_place_is_handed_on_with_a_passkey(acme, rita, device):
    acme.enter()
    today = date.today()
    given = {"delegate": acme.second_reviewer.pk, "starts_on": today, "ends_on": today + timedelta(days=3),
             "reason": "Away.", "password": PASSWORD}  # fmt: skip
    where = "/acme/delegations/"
    asked = rita.post(where + "question/", given, **HOST).json()
    later = given | {"ends_on": today + timedelta(days=30)}
    refused = rita.post(where, later | {"passkey": device.answer(asked)}, **HOST)
    assert "asked about something else" in text(refused)
    asked = rita.post(where + "question/", given, **HOST).json()
    assert rita.post(where, given | {"passkey": device.answer(asked)}, **HOST).status_code == 303
    acme.enter()
    said = json.loads(base64.b64decode(Delegation.objects.get().envelope["payload"]))["predicate"]["authentication"]
    assert said["components"] == ["password", "passkey"]


def test_a_question_about_nothing_is_a_bad_request(acme, rita):
    acme.enter()
    assert rita.post("/acme/delegations/question/", {}, **HOST).status_code == 400


# --- an outsider checks it again -------------------------------------------------------------------------------------


def test_an_outsider_checks_the_passkeys_answer(acme, rita, device, approval, tmp_path):
    sign(rita, approval, device.answer(question(rita, approval)))
    acme.enter(acme.second_reviewer)
    make.sign(approval, acme.second_reviewer, "approved")
    content = bundles.bundle(acme, bundles.fetched(acme, approval.pk))
    told = bundles.right(content, tmp_path)["checks"]
    assert ("ok", "reading") in {(one["mark"], one["check"]) for one in told}


def test_a_portal_that_lies_about_a_passkey_is_found_out(acme, rita, device, approval, tmp_path, monkeypatch):
    """As if it had kept an answer that the reviewer gave about something else."""
    kept = rules.verdict
    monkeypatch.setattr(rules, "verdict", lambda *given: kept(*given) | {"approval": 0})
    sign(rita, approval, device.answer(question(rita, approval)))
    acme.enter(acme.second_reviewer)
    make.sign(approval, acme.second_reviewer, "approved")
    content = bundles.bundle(acme, bundles.fetched(acme, approval.pk))
    found = bundles.wrong(content, tmp_path, by=bundles.decider)
    assert "Reviewer signed with a passkey that did not answer for this verdict" in found


@pytest.mark.parametrize("kind", ["p256", "ed25519", "rsa"])
def test_the_outsiders_check_knows_every_kind_of_key(acme, kind):
    from apps.accounts import passkeys

    person = acme.reviewer.user
    device, about = enrolled(person, kind), {"act": "sign", "approval": 1, "dossier": "ab", "choice": "return"}
    told = passkeys.prove(person, device.answer(passkeys.ask(person, about)), about).told
    answered = bundles.decider().answered
    assert answered(told, about)
    assert not answered(told, about | {"choice": "validated"})
    for bent in _bent(told):
        assert not answered(bent, about), bent


def _bent(told):
    """The same, with one thing other than it was."""
    client = json.loads(base64.b64decode(told["client_data"]))
    data = bytearray(base64.b64decode(told["authenticator_data"]))
    for change in ({"type": "webauthn.create"}, {"origin": "https://evil.example"}, {"challenge": "AAAA"}):
        yield told | {"client_data": base64.b64encode(json.dumps(client | change).encode()).decode()}
    for place, value in ((0, data[0] ^ 1), (32, 0x01), (32, 0x04), (36, data[36] ^ 1)):
        bent = copy.copy(data)
        bent[place] = value
        yield told | {"authenticator_data": base64.b64encode(bent).decode()}
    yield told | {"nonce": "00" * 32}
    yield told | {"relying_party": "evil.example"}
    yield told | {"about": {}}
    signature = bytearray(base64.b64decode(told["signature"]))
    signature[-1] ^= 1
    yield told | {"signature": base64.b64encode(signature).decode()}
