"""The signed result of a trial of the walls: asked for by those who may, kept as it was signed, taken away as files."""

import base64
import copy
import io
import json

import pypdf
import pytest
from django.db import DatabaseError, connection, transaction

from apps.accounts.permissions import GRANTS, Permission
from apps.audits import actions, attestations, keys
from apps.audits.models import Attestation, Record
from apps.common import work
from apps.common.canonical import canonical, digest
from apps.common.errors import ActionDenied, NotPermitted
from apps.common.signing import IN_TOTO, BadSignature, key_id, opened, stated

pytestmark = pytest.mark.django_db

FOUND = {
    "verdict": "pass",
    "counts": {"asked": 12, "refused": 12, "leaked": 0, "responses": 20},
    "findings": [],
    "untried": [{"where": "serving process", "what": "all", "why": "It has an address of its own."}],
    "doors": [
        {"address": "/a/<int:pk>/", "verb": "get", "object": "id", "answers": {"owner": {"404": 3}}},
        {"address": "/a/<int:pk>/", "verb": "post", "object": "own", "answers": {"builder": {"303": 2, "404": 1}}},
    ],
    "others": [{"where": "table a_b", "what": "insert", "came": "refused: 42501 new row violates"}],
    "words": {"planted": 40, "seen_by_their_own": 40},
    "portal": {"source": "a" * 64, "python": "3.11", "django": "5.2"},
    "database": {"postgresql": "15", "role": "assay_web", "policies": 9, "policies_digest": "b" * 64},
    "started_at": "2026-11-22T07:00:00+00:00",
    "finished_at": "2026-11-22T07:02:00+00:00",
    "seconds": 120,
    "asked_by": "Auditor",
}


def asked(tenant, by=None) -> Attestation:
    tenant.enter(by := by or tenant.auditor)
    return actions.ask_attestation(by=by)


def finished(tenant, found=FOUND) -> Attestation:
    attestation = asked(tenant)
    claimed = work.claim(Attestation, tenant.organization.pk, attestation.pk)
    actions.keep_attestation(claimed, found)
    tenant.enter(tenant.auditor)
    return Attestation.objects.get(pk=attestation.pk)


def test_owners_and_auditors_ask_for_one_and_one_at_a_time(acme):
    for role, member in acme.members.items():
        acme.enter(member)
        if Permission.ISOLATION_ATTEST not in GRANTS[role]:
            with pytest.raises(NotPermitted, match=r"isolation\.attest"):
                actions.ask_attestation(by=member)
    asked(acme)
    with pytest.raises(ActionDenied, match="being tried already"):
        asked(acme, acme.owner)
    assert Attestation.objects.count() == 1
    assert Record.objects.filter(event="attestation.asked").count() == 1


def test_the_public_key_alone_verifies_it_and_no_byte_of_it_can_differ(acme):
    attestation = finished(acme)
    public = bytes(keys.in_use(acme.organization.pk).row.public)
    trusted = {key_id(public): public}
    said = stated(opened(attestation.envelope, trusted), actions.ISOLATION)
    assert said["predicate"] == FOUND and said["subject"][0]["digest"]["sha256"] == digest(canonical(FOUND))
    payload = bytearray(base64.b64decode(attestation.envelope["payload"]))
    for place in (0, len(payload) // 2, len(payload) - 1):
        flipped = copy.deepcopy(attestation.envelope)
        changed = payload[:place] + bytes([payload[place] ^ 1]) + payload[place + 1 :]
        flipped["payload"] = base64.b64encode(changed).decode()
        with pytest.raises(BadSignature):
            opened(flipped, trusted, IN_TOTO)


@pytest.mark.parametrize(
    "sql",
    [
        "update audits_attestation set verdict = 'fail'",
        "update audits_attestation set envelope = null",
        "delete from audits_attestation",
        "truncate audits_attestation",
    ],
)
def test_the_database_keeps_it_as_it_was_signed(acme, sql):
    finished(acme)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert Attestation.objects.get().verdict == "pass"


@pytest.mark.parametrize("lie", ["verdict", "digest", "key", "unfinished"])
def test_the_database_takes_no_row_that_says_otherwise_than_its_envelope(acme, rival, lie):
    attestation = asked(acme)
    envelope = keys.attest(acme.organization.pk, actions.ISOLATION, FOUND, {"it": digest(FOUND)})
    fields = {"state": "finished", "verdict": "pass", "digest": digest(FOUND), "envelope": envelope}
    if lie == "key":
        rival.enter()
        fields["envelope"] = keys.attest(rival.organization.pk, actions.ISOLATION, FOUND, {"it": digest(FOUND)})
        acme.enter()
    fields |= {"verdict": {"verdict": "fail"}, "digest": {"digest": "0" * 64}, "unfinished": {"state": "running"}}.get(
        lie, {}
    )
    with pytest.raises(DatabaseError, match=r"signed result|has a result"), transaction.atomic():
        Attestation.objects.filter(pk=attestation.pk).update(**fields)
    fields = {"state": "finished", "verdict": "pass", "digest": digest(FOUND), "envelope": envelope}
    assert Attestation.objects.filter(pk=attestation.pk).update(**fields) == 1  # the truth is taken


def test_a_row_of_another_organization_is_neither_seen_nor_written(acme, rival):
    theirs = asked(rival)
    acme.enter()
    assert not Attestation.objects.filter(pk=theirs.pk).exists()
    with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        Attestation.objects.create(organization=rival.organization, started_by=rival.owner)


def test_a_trial_that_could_not_be_made_says_why_and_another_may_be_asked_for(acme, client):
    attestation = work.claim(Attestation, acme.organization.pk, asked(acme).pk)
    actions.fail_attestation(attestation, "A door refused.")
    client.force_login(acme.owner.user)
    shown = client.get(f"/acme/attestations/{attestation.pk}/").content.decode()
    assert "could not be tried. A door refused." in shown
    assert client.get(f"/api/v1/acme/attestations/{attestation.pk}/json/").status_code == 409
    assert client.post("/acme/attestations/").status_code == 303
    assert Attestation.objects.count() == 2


def test_the_page_shows_it_waiting_then_its_findings_first_and_hands_out_the_signed_bytes(acme, client):
    client.force_login(acme.auditor.user)
    where = client.post("/acme/attestations/")["Location"]
    assert "waits for a worker" in client.get(where).content.decode()
    attestation = work.claim(Attestation, acme.organization.pk, Attestation.objects.get().pk)
    hole = {"where": "/a/<int:pk>/", "what": "get", "who": "owner", "object": "id", "says": "answered 200 with a cell"}
    counts = FOUND["counts"] | {"leaked": 1, "refused": 11}
    actions.keep_attestation(attestation, FOUND | {"verdict": "fail", "findings": [hole], "counts": counts})
    shown = client.get(where).content.decode()
    assert "Yes: 1 of 12 attempts came through." in shown and "answered 200 with a cell" in shown
    assert shown.index("answered 200 with a cell") < shown.index("serving process")
    assert "303 × 2, 404 × 4" in shown
    envelope = client.get(where + "json/")
    assert json.loads(envelope.content) == Attestation.objects.get().envelope
    pdf = client.get(where + "pdf/").content
    attached = pypdf.PdfReader(io.BytesIO(pdf)).attachments["isolation.dsse.json"][0]
    assert attached == envelope.content
    assert pdf == client.get(where + "pdf/").content
    assert Record.objects.filter(event="attestation.downloaded").count() == 3


def test_a_program_asks_watches_and_takes_the_same(acme, client):
    client.force_login(acme.owner.user)
    made = client.post("/api/v1/acme/attestations/").json()
    assert made["state"] == "queued" and made["verdict"] == ""
    claimed = work.claim(Attestation, acme.organization.pk, made["id"])
    actions.keep_attestation(claimed, FOUND)
    told = client.get(f"/api/v1/acme/attestations/{made['id']}/").json()
    assert told["verdict"] == "pass" and told["result"] == FOUND and told["digest"] == digest(FOUND)
    assert "result" not in client.get("/api/v1/acme/attestations/").json()["results"][0]
    assert client.get(f"/api/v1/acme/attestations/{made['id']}/json/").json()["payloadType"] == IN_TOTO
    client.force_login(acme.builder.user)
    assert client.get(f"/api/v1/acme/attestations/{made['id']}/").json()["result"] == FOUND  # everybody reads
    assert client.get(f"/api/v1/acme/attestations/{made['id']}/pdf/").status_code == 403


def test_each_address_is_told_once_with_all_that_it_answered():
    (line,) = attestations.by_address(FOUND)
    assert line == {
        "address": "/a/<int:pk>/", "verbs": ["get", "post"], "asked": 6, "leaked": False,
        "answers": [("303", 2), ("404", 4)],
    }  # fmt: skip
