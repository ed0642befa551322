"""The pages of policies and sign-offs, as people meet them."""

import hashlib
import io
import json
import re

import pypdf
import pytest

from apps.approvals import actions
from apps.approvals.models import Approval, PolicyVersion, Signature
from apps.audits.models import Record
from tests.approvals import make
from tests.make import PASSWORD


def text(response) -> str:
    """What a reader sees, spaces made one."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def visit(client, member, path, data=None, **options):
    client.force_login(member.user)
    return client.get(path, data, **options) if data is None else client.post(path, data, **options)


def signing(approval, **given):
    return {
        "choice": "validated",
        "reason": "Sound.",
        "password": PASSWORD,
        "dossier_digest": approval.dossier_digest,
    } | given


# Policies


def test_the_list_says_which_classes_have_no_policy(client, acme):
    page = text(visit(client, acme.owner, "/acme/policies/"))
    assert page.count("Adopt the built-in one") == 3
    assert "Adopt" not in text(visit(client, acme.builder, "/acme/policies/"))


def test_an_owner_adopts_the_built_in_policy(client, acme):
    response = visit(client, acme.owner, "/acme/policies/adopt/high/", {})
    acme.enter()
    version = PolicyVersion.objects.get()
    assert (response.status_code, response.url) == (303, f"/acme/policies/{version.pk}/")
    page = text(client.get(response.url))
    assert "Impact ratio by each sensitive attribute is at least 0.8" in page and "in force" in page


def test_the_editor_explains_each_line_and_keeps_what_was_typed(client, acme):
    typed = "name: high-risk\nrisk_class: huge\nvalid_days: 9999\nsigners: []\nrules: []\n<script>"
    response = visit(client, acme.owner, "/acme/policies/new/", {"source": typed})
    assert response.status_code == 200 and "&lt;script&gt;" in response.content.decode()
    typed = typed.replace("\n<script>", "")
    page = text(visit(client, acme.owner, "/acme/policies/new/", {"source": typed}))
    for sentence in ("Line 2 “risk_class” cannot be “huge”", "Line 3", "Line 4", "Line 5", "4 things"):
        assert sentence in page, page
    assert typed in response.content.decode() or "valid_days: 9999" in page
    acme.enter()
    assert not PolicyVersion.objects.exists()


def test_the_editor_begins_with_an_earlier_version(client, acme):
    version = make.policy(acme)
    page = visit(client, acme.owner, f"/acme/policies/new/?from={version.pk}").content.decode()
    assert "name: high-risk" in page


def test_who_may_not_publish_is_told_why(client, acme):
    page = text(visit(client, acme.builder, "/acme/policies/new/"))
    assert "Only owners of this organization propose" in page


def test_withdrawing_a_policy_says_what_falls_with_it(client, acme):
    approval = make.approved(acme)
    path = f"/acme/policies/{approval.policy_version_id}/"
    assert "1 sign-off given or asked for under it will no longer stand" in text(visit(client, acme.owner, path))
    page = text(visit(client, acme.owner, path + "withdraw/", {}, follow=True))
    assert "No sign-off given under it stands" in page
    assert "was withdrawn" in text(visit(client, acme.builder, approval.get_absolute_url()))


# Asking


def test_the_request_shows_the_gates_before_it_is_made(client, acme):
    make.policy(acme)
    version = make.reported(acme, without=("privacy",))
    page = text(visit(client, acme.builder, f"/acme/lending/approvals/new/?model_version={version.pk}"))
    assert "2 of 14 rules do not pass yet" in page and "No privacy report of this model is finished" in page
    response = client.post(f"/acme/lending/approvals/new/?model_version={version.pk}", {"note": "See page 3."})
    assert response.status_code == 303
    page = text(client.get(response.url))
    assert "Not yet: of 14 rules, 2 missing." in page and "See page 3." in page


def test_asking_without_a_policy_shows_the_built_in_one(client, acme):
    version = make.reported(acme.enter(acme.builder))
    page = text(visit(client, acme.builder, f"/acme/lending/approvals/new/?model_version={version.pk}"))
    assert "Every rule of high-risk passes." in page and "your request puts it in force" in page


def test_asking_where_every_policy_was_withdrawn_says_so(client, acme):
    actions.withdraw_policy(make.policy(acme), by=acme.owner)
    version = make.reported(acme.enter(acme.builder))
    page = text(visit(client, acme.builder, f"/acme/lending/approvals/new/?model_version={version.pk}"))
    assert "No policy for high-risk projects is in force" in page


def test_asking_twice_gets_an_answer(client, acme):
    approval = make.asked(acme)
    path = f"/acme/lending/approvals/new/?model_version={approval.model_version_id}"
    page = text(visit(client, acme.builder, path, {"note": ""}))
    assert "is in review already" in page
    acme.enter()
    assert Approval.objects.count() == 1


# Signing


def test_a_reviewer_sees_consequences_and_signs(client, acme):
    approval = make.asked(acme)
    page = text(visit(client, acme.reviewer, approval.get_absolute_url()))
    assert page.count("open it before you sign") == 4 and "You have not opened the explainability report" in page
    acme.enter()
    make.read(approval, acme.reviewer), make.read(approval, acme.second_reviewer)
    page = text(client.get(approval.get_absolute_url()))
    assert "under 7 things by their digests, for good" in page and "2 signatures are open" in page
    response = client.post(approval.get_absolute_url(), signing(approval))
    assert (response.status_code, response.url) == (303, approval.get_absolute_url())
    page = text(client.get(response.url))
    assert "Your signature stands" in page and "You signed this on" in page
    page = text(
        visit(
            client, acme.second_reviewer, approval.get_absolute_url(), signing(approval, choice="approved"), follow=True
        )
    )
    assert "Yes, until" in page and page.count("signed") >= 2


def test_a_wrong_password_is_said_at_its_field_and_keeps_the_reason(client, acme):
    approval = make.asked(acme)
    response = visit(
        client, acme.reviewer, approval.get_absolute_url(), signing(approval, password="no", reason="Kept words")
    )
    assert "not your password" in text(response) and "Kept words" in response.content.decode()
    acme.enter()
    assert not Signature.objects.exists()


def test_a_second_press_gets_a_clear_answer(client, acme):
    approval = make.asked(acme)
    make.read(approval, acme.reviewer)
    visit(client, acme.reviewer, approval.get_absolute_url(), signing(approval))
    page = text(client.post(approval.get_absolute_url(), signing(approval)))
    assert "nobody signs twice" in page
    acme.enter()
    assert Signature.objects.count() == 1


def test_a_stale_page_gets_a_clear_answer(client, acme):
    approval = make.asked(acme)
    make.read(approval, acme.reviewer)
    page = text(visit(client, acme.reviewer, approval.get_absolute_url(), signing(approval, dossier_digest="0" * 64)))
    assert "This page showed another dossier" in page


def test_a_shut_gate_leaves_sending_back(client, acme):
    approval = make.asked(acme, without=("fairness",))
    page = text(visit(client, acme.reviewer, approval.get_absolute_url()))
    assert (
        "Approval is shut" in page
        and "I send it back" in page
        and "I approve deployment" not in page.split("Your signature")[1]
    )
    given = signing(approval, choice="return", reason="Measure fairness.")
    page = text(client.post(approval.get_absolute_url(), given, follow=True))
    assert "Reviewer sent it back" in page and "Measure fairness." in page and "not signed" in page
    assert "Ask again" in text(visit(client, acme.builder, approval.get_absolute_url()))


@pytest.mark.parametrize(
    ("role", "sentence"), [("builder", "Only reviewers"), ("owner", "Only reviewers"), ("auditor", "Only reviewers")]
)
def test_who_may_not_sign_is_told_why(client, acme, role, sentence):
    approval = make.asked(acme)
    assert sentence in text(visit(client, acme.members[role], approval.get_absolute_url()))


def test_the_page_names_what_changed(client, acme):
    approval = make.approved(acme)
    make.report(approval.model_version, "fairness", measured=[make.figure("demographic_parity_ratio", "race", 0.2)])
    page = text(visit(client, acme.auditor, approval.get_absolute_url()))
    assert "No longer: it was signed, and then something it covers changed." in page
    assert "The fairness report" in page and "was superseded by" in page


def test_revoking_asks_for_a_reason_and_is_final(client, acme):
    approval = make.approved(acme)
    path = approval.get_absolute_url()
    assert "write the reason" in text(visit(client, acme.reviewer, path + "revoke/", {"reason": ""}, follow=True))
    page = text(client.post(path + "revoke/", {"reason": "Complaints."}, follow=True))
    assert "No: the sign-off was revoked, finally." in page and "Complaints." in page


def test_who_asked_withdraws(client, acme):
    approval = make.asked(acme)
    page = text(
        visit(client, acme.builder, approval.get_absolute_url() + "withdraw/", {"reason": "Wrong one."}, follow=True)
    )
    assert "the request was withdrawn" in page


# Taking it away


def test_the_dossier_is_downloaded_byte_for_byte_and_remembered(client, acme):
    approval = make.approved(acme)
    response = visit(client, acme.auditor, approval.get_absolute_url() + "dossier.json")
    assert hashlib.sha256(response.content).hexdigest() == approval.dossier_digest
    acme.enter()
    assert Record.objects.filter(event="approval.downloaded", by_id=acme.auditor.user_id).count() == 1


def test_the_document_carries_signatures_and_dossier(client, acme):
    approval = make.approved(acme)
    response = visit(client, acme.auditor, approval.get_absolute_url() + "sign-off.pdf")
    document = pypdf.PdfReader(io.BytesIO(response.content))
    words = " ".join(page.extract_text() for page in document.pages)
    for expected in (
        "Reviewer",
        "I validated the evidence",
        "Second Reviewer",
        "I approve deployment",
        approval.dossier_digest,
    ):
        assert expected in words
    assert hashlib.sha256(document.attachments["dossier.json"][0]).hexdigest() == approval.dossier_digest
    names = json.loads(document.attachments["signatures.json"][0])
    assert [one["meaning"] for one in names["signatures"]] == ["validated", "approved"]


def test_the_document_shows_what_was_signed_whatever_changes_after(client, acme):
    approval = make.approved(acme)
    before = visit(client, acme.auditor, approval.get_absolute_url() + "sign-off.pdf").content
    acme.enter()
    approval.project.__class__.objects.filter(pk=approval.project_id).update(purpose="Other")
    assert visit(client, acme.auditor, approval.get_absolute_url() + "sign-off.pdf").content == before


def test_the_document_is_the_same_bytes_each_time(client, acme):
    approval = make.approved(acme)
    first, second = (
        visit(client, acme.auditor, approval.get_absolute_url() + "sign-off.pdf").content for _ in range(2)
    )
    assert first == second


# The list, and strangers


def test_the_list_shows_what_stands(client, acme):
    approval = make.approved(acme)
    assert "approved" in text(visit(client, acme.auditor, "/acme/lending/approvals/"))
    approval.project.__class__.objects.filter(pk=approval.project_id).update(purpose="Other")
    assert "stale" in text(visit(client, acme.auditor, "/acme/lending/approvals/?state=approved"))
    assert "No sign-off is in this state" in text(
        visit(client, acme.auditor, "/acme/lending/approvals/?state=rejected")
    )


@pytest.mark.parametrize("path", ["", "dossier.json", "sign-off.pdf", "revoke/", "withdraw/"])
def test_a_rival_gets_nothing(client, acme, rival, path):
    approval = make.asked(acme)
    client.force_login(rival.reviewer.user)
    for address in (approval.get_absolute_url() + path, f"/rival/lending/approvals/{approval.pk}/{path}"):
        assert client.get(address).status_code in (404, 405) and client.post(address).status_code in (404, 405)
        assert (client.post if path in ("revoke/", "withdraw/") else client.get)(address).status_code == 404


def test_a_policy_of_a_rival_is_not_found(client, acme, rival):
    version = make.policy(acme)
    for address in (f"/rival/policies/{version.pk}/", f"/rival/policies/new/?from={version.pk}"):
        assert visit(client, rival.owner, address).status_code == 404
