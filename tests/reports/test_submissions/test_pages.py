"""Submissions on pages."""

import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from pypdf import PdfReader

from apps.models.models import ModelVersion
from apps.reports import actions
from apps.reports.models import Report
from tests.approvals import make as sign_offs
from tests.reports.test_submissions.make import FIGURE, GAP, TODAY, WORDS, body, submitted

pytestmark = pytest.mark.django_db


@pytest.fixture
def address(acme):
    return reverse("report-submission", args=["acme", acme.project.slug])


def typed(version, **other):
    """What a browser sends of the performance form: the second row filled."""
    said = WORDS | {"model_version": version.pk, "kind": "performance", "measured_on": f"{TODAY}", "rows": "597"}
    return said | {"value_1": "0.78", "low_1": "0.7", "high_1": "0.85", "pasted": "", "data_digest": ""} | other


def test_a_person_fills_the_rows_they_have(acme, version, client, address):
    client.force_login(acme.builder.user)
    shown = client.get(f"{address}?model={version.pk}&kind=fairness").content.decode()
    assert "by race &amp; sex" in shown and 'name="smallest_group_0"' in shown
    answer = client.post(address, typed(version, file=SimpleUploadedFile("a.pdf", b"%PDF")))
    assert answer.status_code == 303, answer.content
    acme.enter(acme.builder)
    (report,) = Report.objects.all()
    (figure,) = json.loads(report.result)["figures"]
    assert (figure["name"], figure["value"], figure["low"], figure["n"]) == ("balanced_accuracy", 0.78, 0.7, 597)
    page = client.get(answer["Location"]).content.decode()
    for words in ("Submitted, not recomputed", "submitted from outside", "Example Labs", "no limit of its own",
                  'href="original/"', "Withdraw it"):  # fmt: skip
        assert words in page, words
    listed = client.get(reverse("reports", args=["acme", acme.project.slug])).content.decode()
    assert listed.count(">submitted<") == 2
    project = client.get(f"/acme/{acme.project.slug}/").content.decode()
    assert ">submitted<" in project and "no limit of its own" in project and "1 submitted" in project


def test_or_pastes_a_table_beside_them(acme, version, client, address):
    client.force_login(acme.builder.user)
    answer = client.post(address, typed(version, pasted="name,value,n\nroc_auc,0.8,\nbrier,0.1,500"))
    assert answer.status_code == 303, answer.content
    acme.enter(acme.builder)
    figures = json.loads(Report.objects.get().result)["figures"]
    assert [(one["name"], one["n"]) for one in figures] == [
        ("balanced_accuracy", 597),
        ("roc_auc", 597),
        ("brier", 500),
    ]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"value_1": "0.99"}, "0.99 does not lie within its interval, 0.7 to 0.85."),
        ({"value_1": "zero"}, "“zero” is no finite number."),
        ({"value_1": "", "low_1": "", "high_1": ""}, "Give at least one figure."),
        ({"rows": ""}, "Say on how many rows it was measured."),
        ({"rows": "some"}, "“some” is no whole number of rows"),
        ({"pasted": "name,value\nroc_auc,8"}, "Figure 1: ROC AUC lies from 0 to 1; 8 does not."),
        ({"pasted": "roc_auc"}, "The first line must name the columns"),
        ({"pasted": "name,value\nbalanced_accuracy,0.8"}, "Figure 1: balanced_accuracy was given before."),
        ({"measured_on": "2999-01-01"}, "1 January 2999 is still to come."),
        ({"measured_by": ""}, "This field is required."),
        ({"kind": "robustness"}, "robustness is not one of the available choices"),
        ({"model_version": "x"}, "is not one of the available choices"),
        ({"data_digest": "12"}, "A SHA-256 has 64 hexadecimal digits."),
    ],
)
def test_what_is_wrong_is_said_where_it_was_typed_and_kept(acme, version, client, address, other, words):
    client.force_login(acme.builder.user)
    answer = client.post(address, typed(version) | other)
    page = answer.content.decode()
    assert answer.status_code == 400 and words in page and "Hold-out, bootstrap of 2,000." in page
    if "value_1" not in other:
        assert 'value="0.78"' in page
    acme.enter(acme.builder)
    assert not Report.objects.exists()


def test_who_may_not_submit_is_told_why(acme, version, client, address):
    client.force_login(acme.reviewer.user)
    assert "Only builders of this organization submit figures" in client.get(address).content.decode()
    answer = client.post(address, typed(version))
    assert answer.status_code == 400 and "Only builders" in answer.content.decode()
    acme.enter(acme.builder)
    assert not Report.objects.exists()


def test_a_submission_is_withdrawn_on_its_page(acme, version, client):
    report = submitted(acme, version)
    client.force_login(acme.builder.user)
    where = report.get_absolute_url()
    assert "Say why it is withdrawn." in client.post(f"{where}withdrawal/", {}, follow=True).content.decode()
    assert client.post(f"{where}withdrawal/", {"reason": "Wrong rows."}).status_code == 303
    page = client.get(where).content.decode()
    assert ">withdrawn<" in page and "Wrong rows." in page and "Withdraw it" not in page
    again = client.post(f"{where}withdrawal/", {"reason": "Again."}, follow=True)
    assert "It was withdrawn already." in again.content.decode()
    acme.enter(acme.builder)
    assert ">missing<" in client.get(reverse("reports", args=["acme", acme.project.slug])).content.decode()


def test_its_document_says_it_too(acme, version, client):
    report = submitted(acme, version, "fairness", figures=[GAP])
    client.force_login(acme.auditor.user)
    pdf = PdfReader(io.BytesIO(client.get(f"{report.get_absolute_url()}pdf/").content))
    ((_, (content,)),) = pdf.attachments.items()
    assert content == report.result.encode()
    text = " ".join(" ".join(page.extract_text().split()) for page in pdf.pages)
    for words in ("SUBMITTED", "No figure was computed by the portal", "Example Labs", "Spring applications."):
        assert words in text, words
    assert "recomputed by the portal" not in text


def test_another_organizations_submission_is_nothing(acme, rival, client):
    rival.enter(rival.builder)
    theirs = submitted(rival, sign_offs.model_version(rival))
    client.force_login(acme.builder.user)
    for door in ("", "original/", "pdf/"):
        assert client.get(f"/acme/{acme.project.slug}/reports/{theirs.pk}/{door}").status_code == 404
    assert (
        client.post(
            "/api/v1/acme/reports/submissions/", body(theirs.model_version), content_type="application/json"
        ).status_code
        == 404
    )
    acme.enter(acme.builder)
    assert ModelVersion.objects.count() == 0


def test_a_figure_without_its_interval_says_that_none_came(acme, version, client):
    whole, bare = FIGURE, {"name": "accuracy", "value": 0.8, "n": 597}
    report = actions.submit(version, kind="performance", given=WORDS | {"measured_on": TODAY, "figures": [whole, bare]},
                            by=acme.builder)  # fmt: skip
    client.force_login(acme.auditor.user)
    page = client.get(report.get_absolute_url()).content.decode()
    assert page.count("no interval was submitted") == 1
