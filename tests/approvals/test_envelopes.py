"""A signature as an outsider holds it: verified with the public key alone, and worth nothing anywhere else."""

import base64
import copy
import hashlib
import html
import io
import json

import pypdf
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from apps.approvals import documents, envelopes, queries
from apps.audits import keys
from tests.accounts import make as accounts
from tests.approvals import make
from tests.make import PASSWORD


def verify(envelope: dict, pem: str) -> dict:
    """DSSE 1.0 as its specification has it, with nothing of this portal."""
    kind, payload = envelope["payloadType"].encode(), base64.b64decode(envelope["payload"])
    pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    load_pem_public_key(pem.encode()).verify(base64.b64decode(envelope["signatures"][0]["sig"]), pae)
    return json.loads(payload)


@pytest.fixture
def manifest(acme):
    approval = make.approved(acme)
    return documents.manifest(queries.case(queries.approvals(viewer=acme.auditor).get(pk=approval.pk)))


def test_it_verifies_offline_with_the_public_key_alone(manifest):
    before = ""
    for given in manifest["signatures"]:
        said = verify(given["envelope"], manifest["keys"][given["key_id"]])
        predicate = said["predicate"]
        assert said["predicateType"] == "https://assay.dev/signature/v1"
        assert manifest["dossier_digest"] in {entry["digest"]["sha256"] for entry in said["subject"]}
        assert predicate["previous"] == before
        before = hashlib.sha256(base64.b64decode(given["envelope"]["payload"])).hexdigest()
        assert before == given["statement_digest"]


def test_it_says_all_that_a_signature_must(manifest):
    """WF-SIG-1: no nulls, and nothing left out but conditions."""
    said = verify(manifest["signatures"][0]["envelope"], manifest["keys"][manifest["signatures"][0]["key_id"]])
    predicate = said["predicate"]
    wanted = "signature approval place decision meaning words reason signed_at record evidence opened policy"
    for name in (*wanted.split(), "authentication", "algorithm", "key_id", "dossier_digest"):
        assert predicate[name] not in (None, "", [], {}), name
    assert predicate["conditions"] == [] and predicate["previous"] == ""
    assert predicate["signer"] == {"id": predicate["signer"]["id"], "printed_name": "Reviewer", "role": "reviewer"}
    assert {opened["kind"] for opened in predicate["opened"]} == {e["kind"] for e in predicate["evidence"]}
    assert predicate["authentication"]["components"] == ["password"]


def test_any_changed_byte_is_found(manifest):
    given = manifest["signatures"][0]
    pem, payload = manifest["keys"][given["key_id"]], base64.b64decode(given["envelope"]["payload"])
    for place in range(0, len(payload), 97):
        changed = bytearray(payload)
        changed[place] ^= 1
        with pytest.raises(InvalidSignature):
            verify(given["envelope"] | {"payload": base64.b64encode(changed).decode()}, pem)


def test_it_is_worth_nothing_under_another_sign_off(acme):
    first, second = make.approved(acme), make.approved(acme, number=2)
    trusted = envelopes.trusted(first)
    mine = first.signatures.order_by("pk").first()
    assert envelopes.why_not_valid(mine, first, trusted) is None
    copied = copy.copy(mine)
    copied.approval_id = second.pk
    assert "under another dossier or model" in envelopes.why_not_valid(copied, second, trusted)
    assert "What is kept beside it is not what was signed: approval" in envelopes.why_not_valid(copied, first, trusted)


@pytest.mark.parametrize(("name", "value"), [("reason", "Other."), ("place", 9), ("decision", "reject"),
                                             ("meaning", "approved"), ("conditions", [{"text": "x"}])])  # fmt: skip
def test_a_row_beside_the_envelope_that_says_otherwise_is_broken(acme, name, value):
    approval = make.approved(acme)
    mine = approval.signatures.order_by("pk").first()
    setattr(mine, name, value)
    assert name in envelopes.why_not_valid(mine, approval, envelopes.trusted(approval))


def test_an_old_signature_verifies_after_the_key_is_rotated(acme):
    approval = make.approved(acme)
    keys.rotate(acme.organization.pk)
    for mine in approval.signatures.all():
        assert envelopes.why_not_valid(mine, approval, envelopes.trusted(approval)) is None
        assert "No key that is trusted" in envelopes.why_not_valid(mine, approval, {})


def test_the_page_says_that_they_verify(client, acme):
    approval = make.approved(acme)
    client.force_login(acme.auditor.user)
    assert client.get(approval.get_absolute_url()).content.decode().count("Verified under key") == 2


def test_name_time_and_meaning_stand_on_the_page_in_the_document_and_in_the_json(client, acme):
    """WF-SIG-3."""
    approval = make.approved(acme)
    case = queries.case(queries.approvals(viewer=acme.auditor).get(pk=approval.pk))
    client.force_login(acme.auditor.user)
    page = html.unescape(client.get(approval.get_absolute_url()).content.decode())
    pdf, _ = documents.written(case, "pdf", queries.history(approval))
    printed = " ".join(" ".join(one.extract_text() for one in pypdf.PdfReader(io.BytesIO(pdf)).pages).split())
    told = documents.manifest(case)["signatures"]
    assert len(told) == 2
    for given, said in zip(case.signatures, told, strict=True):
        at = f"{given.signed_at:%Y-%m-%d %H:%M:%S} UTC"
        assert (said["printed_name"], said["words"], said["signed_at"]) == (given.printed_name, given.words, at)
        for shown in (page, printed):
            assert given.printed_name in shown and given.words in shown and given.reason in shown
        assert at in printed and f"{given.signed_at:%H:%M}" in page


def test_a_token_of_less_than_its_person_signs_nothing(client, acme):
    """WF-SIG-8: a program with a person's token still needs the right and the person's own password."""
    approval = make.asked(acme)
    body = {"decision": "sign", "meaning": "validated", "reason": "Read.", "dossier_digest": approval.dossier_digest}
    make.read(approval, acme.reviewer)
    for scopes, password, status in ((("read",), PASSWORD, 403), (("read", "approval.sign"), "guessed", 400)):
        acme.enter(acme.reviewer)
        _, secret = accounts.token(acme.reviewer, *scopes, name=f"to be refused {status}")
        answer = client.post(
            f"/api/v1/acme/approvals/{approval.pk}/signatures/", body | {"password": password},
            content_type="application/json", **accounts.bearer(secret),
        )  # fmt: skip
        assert answer.status_code == status, answer.content
    acme.enter()
    assert not approval.signatures.exists()
