"""The register over REST, from report to pack; and how it counts as evidence."""

import base64
import io
import json
from datetime import timedelta

import pypdf
import pytest
from django.utils import timezone

from apps.audits import keys
from apps.audits.models import Record
from apps.common.canonical import digest
from apps.common.errors import BadInput
from apps.common.signing import opened, stated
from apps.controls import actions as controls
from apps.controls.rules import Has
from apps.incidents import packs
from apps.incidents.models import Confirmation
from tests.controls import make as coverage
from tests.incidents import make
from tests.make import PASSWORD

pytestmark = pytest.mark.django_db
JSON = {"content_type": "application/json"}
WHERE = "/api/v1/acme/incidents/"


def sent(version, **more) -> dict:
    given = {name: at.isoformat() if name.endswith("_at") else at for name, at in make.facts(**more).items()}
    return given | {"project": "lending", "title": "Refusals", "model_versions": [version.pk]}


def test_the_whole_way(client, acme):
    version = make.version(acme)
    client.force_login(acme.builder.user)
    made = client.post(WHERE, sent(version, fundamental_rights=True), **JSON)
    assert made.status_code == 201, made.content
    told = made.json()
    assert (told["serious"], told["closed"], told["evidence_held"], told["overdue"]) == (True, False, True, False)
    assert [(one["duty"], one["status"]) for one in told["duties"]] == [("authority", "due")]
    one = f"{WHERE}{told['id']}/"

    more = sent(version, fundamental_rights=True) | {"reason": "A second complaint.", "aware_at": told["aware_at"]}
    more["entry_digest"] = told["entries"][0]["digest"]
    entries = client.post(one + "entries/", more, **JSON).json()["entries"]
    assert entries[1]["reason"] == "A second complaint."
    again = client.post(one + "entries/", more, **JSON)
    assert (again.status_code, "not the one that you were shown" in again.json()["detail"]) == (409, True)
    signed = {"reason": "x", "password": PASSWORD, "entry_digest": entries[1]["digest"]}
    notice = {"duty": "authority", "stage": "incomplete", "who": "It", "how": "Form", "told_at": told["reported_at"]}
    assert client.post(one + "notices/", notice, **JSON).json()["duties"][0]["status"] == "incomplete"
    final = notice | {"stage": "final", "reference": "N 7", "told_at": timezone.now().isoformat()}
    assert client.post(one + "notices/", final, **JSON).json()["duties"][0]["final"] is True

    assert client.post(one + "release/", signed, **JSON).status_code == 403
    client.force_login(acme.reviewer.user)
    assert client.post(one + "release/", signed | {"password": "no"}, **JSON).status_code == 400
    assert client.post(one + "release/", signed, **JSON).status_code == 201
    granted = client.post(one + "release/grant/", signed, **JSON)
    assert (granted.status_code, "second person" in granted.json()["detail"]) == (409, True)
    client.force_login(acme.owner.user)
    assert client.post(one + "release/grant/", signed, **JSON).status_code == 201
    make.assessed(acme)
    client.force_login(acme.owner.user)
    closed = client.post(one + "closure/", make.CLOSING | signed, **JSON).json()
    assert closed["closed"] and [one["purpose"] for one in closed["signatures"]] == ["ask", "release", "close"]
    assert client.get(f"{WHERE}?state=closed").json()["results"][0]["id"] == told["id"]
    assert client.get(f"{WHERE}?state=open").json()["results"] == []


@pytest.mark.parametrize("lacking", ["death", "widespread", "harm_to_people", "aware_at", "stakeholders", "severity"])
def test_no_field_is_assumed(client, acme, lacking):
    """WF-INC-1: the schema wants every field of a report."""
    given = sent(make.version(acme))
    client.force_login(acme.builder.user)
    del given[lacking]
    answer = client.post(WHERE, given, **JSON)
    assert answer.status_code == 400 and lacking in answer.json()["errors"]


def test_ids_of_another_organization_are_nothing(client, acme, rival):
    theirs, foreign = make.version(rival), None
    foreign = make.reported(rival, [theirs])
    mine = make.version(acme)
    client.force_login(acme.builder.user)
    for given in (sent(theirs), sent(mine) | {"model_versions": [mine.pk, theirs.pk]}):
        answer = client.post(WHERE, given, **JSON)
        assert answer.status_code == 404 and "model_versions" in answer.json()["errors"]
    for verb, tail in (("get", ""), ("post", "entries/"), ("post", "closure/"), ("get", "pack/json/")):
        assert getattr(client, verb)(f"{WHERE}{foreign.pk}/{tail}", **JSON).status_code == 404
    assert client.get(WHERE).json()["results"] == []


def test_a_pack_is_signed_whole_and_the_same_twice(client, acme):
    incident = make.done(acme, make.reported(acme, **make.SERIOUS))
    make.closed(acme, incident)
    client.force_login(acme.auditor.user)
    first, second = (client.get(f"{WHERE}{incident.pk}/pack/json/") for _ in range(2))
    assert first.content == second.content
    envelope = json.loads(first.content)
    said = stated(opened(envelope, keys.trusted(acme.organization.pk)), packs.TYPE)
    told = said["predicate"]
    assert said["subject"][0]["digest"]["sha256"] == digest(told)
    assert [one["purpose"] for one in told["signatures"]] == ["ask", "release", "close"]
    assert [one["duty"] for one in told["duties"]] == ["authority"] and told["duties"][0]["in_time"]
    entry = told["entries"][-1]
    assert digest(entry["said"]) == entry["digest"] == told["signatures"][-1]["entry"]
    evidence = told["snapshots"][0]
    assert digest(evidence["evidence"]) == evidence["digest"]
    assert opened(evidence["envelope"], keys.trusted(acme.organization.pk))
    assert Record.objects.filter(event="incident.downloaded").count() == 2
    forged = envelope | {"payload": base64.b64encode(b"{}").decode()}
    with pytest.raises(Exception, match="sign"):
        opened(forged, keys.trusted(acme.organization.pk))


def test_a_pack_as_a_document_carries_it(client, acme):
    incident = make.reported(acme, **make.SERIOUS, personal_data=True)
    make.told(acme, incident, "protection", "incomplete")
    client.force_login(acme.auditor.user)
    answer = client.get(f"/acme/lending/incidents/{incident.pk}/pack.pdf")
    assert answer["Content-Type"] == "application/pdf"
    document = pypdf.PdfReader(io.BytesIO(answer.content))
    text = " ".join(page.extract_text() for page in document.pages)
    assert "Refusals in the north" in text and "Data protection authority" in text
    assert "incident.dsse.json" in document.attachments
    assert client.get(f"/acme/lending/incidents/{incident.pk}/pack.zip").status_code == 404


def test_a_confirmation_over_rest(client, acme):
    client.force_login(acme.reviewer.user)
    made = client.post(WHERE + "confirmations/", {"project": "lending", "note": "Asked."}, **JSON)
    assert (made.status_code, made.json()["incidents"]) == (201, 0)
    assert client.get(WHERE + "confirmations/?project=lending").json()["results"][0]["note"] == "Asked."
    assert client.post(WHERE + "confirmations/", {"project": "nowhere"}, **JSON).status_code == 404


# --- as evidence -----------------------------------------------------------------------------------------------------


def test_an_empty_register_counts_once_it_is_confirmed_and_as_long_as_it_is_looked_through(acme):
    coverage.answered(acme)
    assert "Nobody has confirmed" in coverage.holding(acme, "incident_record").gap
    from apps.incidents import actions

    actions.confirm(acme.project, by=acme.enter(acme.builder).builder)
    assert coverage.holding(acme, "incident_record").state == Has.CURRENT


def test_a_register_that_nobody_looked_through_for_long_is_stale(acme, monkeypatch):
    from apps.incidents import actions, rules

    coverage.answered(acme)
    actions.confirm(acme.project, by=acme.enter(acme.builder).builder)
    monkeypatch.setattr(rules, "CONFIRMED_EVERY", timedelta(0))
    assert "Nobody has looked through" in coverage.holding(acme, "incident_record").gap
    assert Confirmation.objects.count() == 1


def test_a_register_with_an_overdue_duty_is_stale(acme):
    coverage.answered(acme)
    now = timezone.now()
    late = {"occurred_at": now - timedelta(days=9), "aware_at": now - timedelta(days=8)}
    incident = make.reported(acme, personal_data=True, **late)
    gap = coverage.holding(acme, "incident_record").gap
    assert f"Of incident {incident.pk}, the data protection authority was to be told" in gap
    make.told(acme, incident, "protection", note="The desk was closed.")
    assert coverage.holding(acme, "incident_record").state == Has.CURRENT


def test_what_is_registered_is_so_whatever_is_stated(acme):
    coverage.answered(acme)
    assert coverage.coverage(acme).said.stated == {}
    make.reported(acme, **make.SERIOUS)
    assert coverage.coverage(acme).said.stated == {"serious_incident": True}
    with pytest.raises(BadInput, match="says otherwise"):
        controls.state_facts(acme.project, answers={"serious_incident": False}, by=acme.enter(acme.builder).builder)
