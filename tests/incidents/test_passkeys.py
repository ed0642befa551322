"""Signing for an incident with a passkey: asked about exactly this act and this entry, kept in the signature."""

import base64
import json

import pytest

from apps.incidents.models import Signature
from tests.accounts.device import enrolled
from tests.accounts.make import bearer, token
from tests.incidents import make

pytestmark = pytest.mark.django_db
HOST = {"HTTP_HOST": "localhost:8000"}


@pytest.fixture
def device(acme):
    return enrolled(acme.reviewer.user)


@pytest.fixture
def incident(acme):
    return make.done(acme, make.reported(acme, **make.SERIOUS))


@pytest.fixture
def rita(client, acme, incident, device):
    acme.enter()
    client.force_login(acme.reviewer.user)
    return client


def question(client, incident, step="close", **given) -> dict:
    where = f"{incident.get_absolute_url()}question/?step={step}"
    return client.post(where, make.proved(incident) | given, **HOST).json()


def close(client, incident, **given):
    return client.post(incident.get_absolute_url() + "close/", make.proved(incident) | make.CLOSING | given, **HOST)


def test_an_incident_is_closed_with_password_and_passkey(acme, rita, device, incident):
    page = rita.get(incident.get_absolute_url(), **HOST).content.decode()
    assert f'data-passkey="{incident.get_absolute_url()}question/?step=close"' in page and "passkeys.js" in page
    assert close(rita, incident, passkey=device.answer(question(rita, incident))).status_code == 303
    acme.enter()
    given = Signature.objects.get(purpose="close")
    said = json.loads(base64.b64decode(given.envelope["payload"]))["predicate"]["authentication"]
    assert said["components"] == ["password", "passkey"]
    about = {"act": "close of an incident", "incident": incident.pk, "entry": given.entry_digest}
    assert said["passkey"]["about"] == about


@pytest.mark.parametrize(
    ("step", "other"), [("release", {}), ("close", {"entry_digest": "0" * 64}), ("close", {"incident": True})]
)
def test_an_answer_signs_nothing_but_what_it_was_asked_about(acme, rita, device, incident, step, other):
    acme.enter()
    about = make.reported(acme, [make.version(acme, number=7)]) if other.pop("incident", False) else incident
    answer = device.answer(question(rita, about, step, **other))
    refused = close(rita, incident, passkey=answer)
    assert refused.status_code == 400 and "asked about something else" in refused.content.decode()
    acme.enter()
    assert not Signature.objects.filter(purpose="close").exists()


def test_the_second_factor_is_asked_for_and_never_of_a_program(acme, rita, incident, api_client):
    assert "You have enrolled a passkey" in close(rita, incident).content.decode()
    _, secret = token(acme.reviewer, "read", "incident.close")
    given = make.CLOSING | make.proved(incident)
    where = f"/api/v1/acme/incidents/{incident.pk}/closure/"
    refused = api_client.post(where, given, format="json", **bearer(secret))
    assert refused.status_code == 400 and "never to a program" in refused.json()["errors"]["code"]


def test_both_signatures_of_a_release_take_a_passkey(acme, client, device):
    incident = make.reported(acme, **make.SERIOUS)
    make.told(acme, incident)
    second = enrolled(acme.second_reviewer.user)
    for step, member, its in (("ask", acme.reviewer, device), ("release", acme.second_reviewer, second)):
        acme.enter()
        client.force_login(member.user)
        answer = its.answer(question(client, incident, step))
        given = make.proved(incident) | {"reason": "Understood.", "passkey": answer}
        assert client.post(f"{incident.get_absolute_url()}{step}/", given, **HOST).status_code == 303


def test_a_question_about_nothing_is_a_bad_request(rita, incident):
    assert rita.post(f"{incident.get_absolute_url()}question/", {}, **HOST).status_code == 400
