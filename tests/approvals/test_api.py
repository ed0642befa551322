"""Policies and sign-offs over REST: the same rules, said as problem details."""

import hashlib

import pytest

from apps.approvals.models import Approval, PolicyVersion, Signature
from tests.approvals import make
from tests.make import PASSWORD


def refused(response, status: int) -> str:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    return response.json()["detail"]


def signature(asked: dict, **given) -> dict:
    return {"decision": "sign", "meaning": "validated", "reason": "Read.", "password": PASSWORD,
            "dossier_digest": asked["dossier_digest"]} | given  # fmt: skip


def test_the_whole_way_over_rest(call, acme):
    version = make.reported(acme.enter(acme.builder))
    asked = call(acme.builder, "post", "approvals/", {"model_version": version.pk, "note": "May it?"}).json()
    assert (asked["verdict"], asked["state"], asked["stands"], len(asked["gates"])) == ("pass", "open", False, 14)
    assert [(place["meaning"], place["given_by"]) for place in asked["required"]] == [
        ("validated", []),
        ("approved", []),
    ]
    path = f"approvals/{asked['id']}/"
    assert "not opened" in refused(call(acme.reviewer, "post", path + "signatures/", signature(asked)), 409)
    for reviewer in (acme.reviewer, acme.second_reviewer):
        for report in call(reviewer, "get", f"reports/?model_version={version.pk}").json()["results"]:
            call(reviewer, "get", f"reports/{report['id']}/")
    read = call(acme.reviewer, "get", path).json()["reading"]
    assert len(read) == 4 and all(evidence["opened_at"] for evidence in read)
    first = call(acme.reviewer, "post", path + "signatures/", signature(asked))
    assert first.status_code == 201 and first.json()["required"][0]["given_by"] == ["Reviewer"]
    assert [given["decision"] for given in first.json()["signatures"]] == ["sign"]
    sealed = call(acme.second_reviewer, "get", path)
    assert sealed.json()["signatures"] == [] and "Read." not in sealed.content.decode()
    second = call(acme.second_reviewer, "post", path + "signatures/", signature(asked, meaning="approved")).json()
    assert (second["state"], second["validity"]["valid"], second["validity"]["reasons"]) == ("approved", True, [])
    exact = call(acme.auditor, "get", path + "dossier/").content
    assert hashlib.sha256(exact).hexdigest() == asked["dossier_digest"]
    assert call(acme.auditor, "get", path + "document/").content.startswith(b"%PDF-")
    revoked = call(acme.reviewer, "post", path + "revocation/", {"reason": "Complaints."}).json()
    assert (revoked["state"], revoked["validity"]["valid"]) == ("revoked", False)
    assert revoked["validity"]["reasons"] == ["No: the sign-off was revoked, finally."]


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({"password": "wrong"}, 400, "not your password"),
        ({"dossier_digest": "0" * 64}, 409, "showed another dossier"),
        ({"meaning": "risk accepted"}, 409, "asks for no such signature"),
        ({"meaning": "whatever"}, 400, "is none of "),
        ({"meaning": ""}, 400, "Name it when you sign"),
        ({"decision": "return"}, 400, "only then"),
        ({"reason": " "}, 400, "reason"),
    ],
)
def test_a_signature_that_cannot_be_given_is_explained(call, acme, given, status, words):
    approval = make.asked(acme)
    body = signature({"dossier_digest": approval.dossier_digest}, **given)
    assert words in refused(call(acme.reviewer, "post", f"approvals/{approval.pk}/signatures/", body), status)
    acme.enter()
    assert not Signature.objects.exists()


def test_the_answer_never_repeats_the_password(call, acme):
    approval = make.asked(acme)
    body = signature({"dossier_digest": approval.dossier_digest})
    assert PASSWORD not in call(acme.reviewer, "post", f"approvals/{approval.pk}/signatures/", body).content.decode()


def test_a_builder_does_not_sign_and_a_reviewer_does_not_ask(call, acme):
    approval = make.asked(acme)
    body = signature({"dossier_digest": approval.dossier_digest})
    assert "Only reviewers" in refused(call(acme.builder, "post", f"approvals/{approval.pk}/signatures/", body), 403)
    body = {"model_version": approval.model_version_id}
    assert "Only builders" in refused(call(acme.reviewer, "post", "approvals/", body), 403)


def test_a_stale_sign_off_says_why(call, acme):
    approval = make.approved(acme)
    make.report(approval.model_version, "privacy", measured=[make.figure("membership_auc", value=0.9)])
    told = call(acme.auditor, "get", f"approvals/{approval.pk}/").json()["validity"]
    assert (told["valid"], told["status"]) == (False, "stale")
    assert any("The privacy report" in reason for reason in told["reasons"])


def test_policies_are_published_read_and_withdrawn(call, acme):
    adopted = call(acme.owner, "post", "policies/adoptions/", {"risk_class": "high"}).json()
    assert (adopted["name"], adopted["number"], adopted["body"]["valid_days"]) == ("high-risk", 1, 365)
    source = adopted["source"].replace("365", "100")
    published = call(acme.owner, "post", "policies/", {"source": source}).json()
    assert (published["number"], published["status"], published["proposed_by"]) == (2, "proposed", "Owner")
    where = f"policies/{published['id']}/publication/"
    assert "a second person publishes" in refused(call(acme.owner, "post", where), 409)
    assert "Only owners and reviewers" in refused(call(acme.builder, "post", where), 403)
    assert "Nobody could satisfy it" in refused(call(acme.reviewer, "post", where), 400)
    acme.enter()
    told = call(make.another_owner(acme), "post", where).json()
    assert (told["status"], told["proposed_by"], told["published_by"]) == ("published", "Owner", "Second Owner")
    assert [row["number"] for row in call(acme.auditor, "get", "policies/").json()["results"]] == [2, 1]
    gone = call(acme.owner, "post", f"policies/{published['id']}/withdrawal/").json()
    assert gone["withdrawn_at"]
    assert "withdrawn already" in refused(call(acme.owner, "post", f"policies/{published['id']}/withdrawal/"), 409)


def test_a_wrong_policy_is_explained_by_line(call, acme):
    detail = refused(call(acme.owner, "post", "policies/", {"source": "name: x\nrisk_class: huge\n"}), 400)
    assert "Line 2: “risk_class” cannot be “huge”." in detail
    acme.enter()
    assert not PolicyVersion.objects.exists()


def test_the_same_request_sent_again_asks_once(call, acme):
    version = make.reported(acme.enter(acme.builder))
    answers = [
        call(acme.builder, "post", "approvals/", {"model_version": version.pk}, HTTP_IDEMPOTENCY_KEY="k1").json()["id"]
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    acme.enter()
    assert Approval.objects.count() == 1


def test_a_rival_finds_nothing(call, acme, rival):
    approval = make.asked(acme)
    for path in ("", "dossier/", "document/"):
        for organization in ("acme", "rival"):
            answer = call(rival.reviewer, "get", f"approvals/{approval.pk}/{path}", organization=organization)
            assert answer.status_code == 404
    for path, body in (("signatures/", signature({"dossier_digest": approval.dossier_digest})),
                       ("withdrawal/", {"reason": "x"}), ("revocation/", {"reason": "x"})):  # fmt: skip
        assert (
            call(rival.reviewer, "post", f"approvals/{approval.pk}/{path}", body, organization="rival").status_code
            == 404
        )
    body = {"model_version": approval.model_version_id}
    assert "no such model version" in refused(
        call(rival.builder, "post", "approvals/", body, organization="rival"), 404
    )
    assert call(rival.owner, "get", f"policies/{approval.policy_version_id}/", organization="rival").status_code == 404
    assert call(rival.auditor, "get", "approvals/", organization="rival").json()["results"] == []
