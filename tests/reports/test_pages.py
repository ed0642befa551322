"""The pages: a question, its answer, everything behind it; for everybody inside, for nobody outside."""

import io
import json
from html import escape

import pytest
from pypdf import PdfReader

from apps.audits.models import Record
from apps.reports import views
from apps.reports.models import Kind, Report
from apps.reports.sheets import files
from tests.reports import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(acme):
    return make.model_version(acme.builder, project=acme.project)


def read(client, member, address, status=200, **headers):
    client.force_login(member.user)
    response = client.get(address, **headers)
    assert response.status_code == status, response.content.decode()[:2000]
    return response.content.decode() if "text/html" in response["Content-Type"] else response.content


@pytest.mark.parametrize("kind", Kind.values)
def test_a_finished_report_shows_all_it_rests_on(client, acme, version, kind):
    report = make.report(acme.builder, version, kind)
    shown = read(client, acme.auditor, report.get_absolute_url())
    result = json.loads(report.result)
    told = report.digest, version.artifact_digest, version.data_digest, "recomputed by the portal", "This report"
    for said in told:
        assert said in shown
    assert shown.count("<h1>") == 1 and "screening v1" in shown and f'class="stamp {_tone(report)}"' in shown
    assert shown.count('<figure class="figure">') >= 2
    for caveat in result["caveats"]:
        assert escape(caveat) in shown


def _tone(report):
    return {"pass": "pass", "fail": "fail", "inconclusive": "unsure"}[report.verdict]


@pytest.mark.parametrize("kind", Kind.values)
def test_the_document_holds_the_same_and_carries_the_signed_bytes(acme, version, kind):
    report = make.report(acme.builder, version, kind)
    document = files.pdf(report)
    assert document == files.pdf(report)
    pdf = PdfReader(io.BytesIO(document))
    ((name, (content,)),) = pdf.attachments.items()
    assert content == report.result.encode() and report.digest[:12] in name
    text = " ".join(" ".join(page.extract_text().split()) for page in pdf.pages)
    assert report.digest[:12] in text and "1 of" in text and "What was not examined" in text
    assert "Figure 1" in text and "Table 1" in text


def test_an_unfinished_report_shows_how_far_it_is_and_can_be_stopped(client, acme, version):
    report = make.report(acme.builder, version, finished=False)
    shown = read(client, acme.builder, report.get_absolute_url())
    assert "It waits for a worker." in shown and 'hx-trigger="every 2s"' in shown
    part = read(client, acme.builder, report.get_absolute_url(), headers={"HX-Request": "true"})
    assert part.strip().startswith('<div id="state"')
    assert client.post(f"{report.get_absolute_url()}cancellation/").status_code == 303
    report.refresh_from_db()
    assert report.state == "cancelled"
    assert "It was stopped" in read(client, acme.builder, report.get_absolute_url())
    again = client.post(f"{report.get_absolute_url()}cancellation/", follow=True)
    assert "This report is over" in again.content.decode()


def test_a_failed_report_says_why(client, acme, version):
    report = make.report(acme.builder, version, finished=False)
    Report.objects.filter(pk=report.pk).update(state="failed", problem="The worker ran out of memory.")
    assert "The worker ran out of memory." in read(client, acme.auditor, report.get_absolute_url())


def test_the_form_asks_for_all_four_once(client, acme, version):
    address = f"{acme.project.get_absolute_url()}reports/"
    shown = read(client, acme.builder, address)
    assert "Nothing yet" in shown and shown.count('<span class="stamp void">missing</span>') == 4
    given = {"model_version": version.pk, "kinds": Kind.values, "seed": 3, "limit_balanced_accuracy": "0.65"}
    for _ in "ab":
        assert client.post(address, given).status_code == 303
    found = Report.objects.order_by("pk")
    assert [report.kind for report in found] == Kind.values
    assert found[0].parameters == {"seed": 3, "limits": {"balanced_accuracy": ["at_least", 0.65]}}
    assert found[1].parameters["limits"]["demographic_parity_ratio"] == ["at_least", 0.8]
    assert "every 2s" in read(client, acme.builder, address)


def test_what_was_typed_wrongly_is_kept_and_explained(client, acme, version):
    client.force_login(acme.builder.user)
    given = {"model_version": version.pk, "kinds": ["fairness"], "seed": -4, "limit_epsilon": "many"}
    response = client.post(f"{acme.project.get_absolute_url()}reports/", given)
    shown = response.content.decode()
    assert response.status_code == 400 and 'value="-4"' in shown and 'value="many"' in shown
    assert not Report.objects.exists()


def test_an_auditor_sees_the_form_shut_with_the_reason(client, acme, version):
    address = f"{acme.project.get_absolute_url()}reports/"
    assert "Only builders and reviewers of this organization ask for reports." in read(client, acme.auditor, address)
    refused = client.post(address, {"model_version": version.pk, "kinds": ["fairness"], "seed": 0})
    assert "Only builders and reviewers" in refused.content.decode() and not Report.objects.exists()


def test_no_model_yet_is_said(client, acme):
    assert "there is no model to measure" in read(client, acme.builder, f"{acme.project.get_absolute_url()}reports/")


def test_lists_are_filtered_by_address(client, acme, version):
    other = make.model_version(acme.builder, version.dataset_version, project=acme.project)
    mine, others = (make.report(acme.builder, each, finished=False) for each in (version, other))
    address = f"{acme.project.get_absolute_url()}reports/"
    shown = read(client, acme.builder, f"{address}?model={version.pk}&kind=performance")
    assert mine.get_absolute_url() in shown and others.get_absolute_url() not in shown
    assert mine.get_absolute_url() not in read(client, acme.builder, f"{address}?kind=fairness")
    read(client, acme.builder, f"{address}?model=x&kind=y&after=z")


def test_downloads_are_files_and_events(client, acme, version):
    report = make.report(acme.builder, version)
    assert read(client, acme.auditor, f"{report.get_absolute_url()}json/") == report.result.encode()
    assert read(client, acme.auditor, f"{report.get_absolute_url()}pdf/").startswith(b"%PDF")
    acme.enter()
    taken = Record.objects.filter(event="report.downloaded", on_id=report.pk).order_by("seq")
    assert [record.facts["form"] for record in taken] == ["json", "pdf"]
    waiting = make.report(acme.builder, version, finished=False, seed=5)
    client.force_login(acme.auditor.user)
    assert "not finished" in client.get(f"{waiting.get_absolute_url()}pdf/", follow=True).content.decode()


def test_a_newer_report_is_pointed_at(client, acme, version):
    old, new = (make.report(acme.builder, version) for _ in "ab")
    shown = read(client, acme.auditor, old.get_absolute_url())
    assert "superseded" in shown and new.get_absolute_url() in shown


def test_strangers_find_nothing(client, acme, rival, version):
    report = make.report(acme.builder, version, finished=False)
    for part in ("", "pdf/", "json/"):
        read(client, rival.owner, f"{report.get_absolute_url()}{part}", status=404)
        read(client, rival.owner, f"/rival/lending/reports/{report.pk}/{part}", status=404)
    rival.enter()
    assert client.post(f"/rival/lending/reports/{report.pk}/cancellation/").status_code == 404
    foreign = client.post("/rival/lending/reports/", {"model_version": version.pk, "kinds": ["fairness"], "seed": 0})
    assert foreign.status_code == 400
    acme.enter()
    report.refresh_from_db()
    assert report.state == "queued"


def test_a_page_asks_the_database_the_same_whatever_its_length(client, acme, version, django_assert_max_num_queries):
    address = f"{acme.project.get_absolute_url()}reports/"
    for seed in range(12):
        make.report(acme.builder, version, finished=False, seed=seed)
    client.force_login(acme.builder.user)
    for page in (address, Report.objects.first().get_absolute_url()):
        with django_assert_max_num_queries(15):
            assert client.get(page).status_code == 200


def test_an_old_model_is_offered_when_the_address_names_it(client, acme, version, monkeypatch):
    monkeypatch.setattr(views, "OFFERED", 1)
    make.model_version(acme.builder, version.dataset_version, project=acme.project)
    address = f"{acme.project.get_absolute_url()}reports/"
    client.force_login(acme.builder.user)
    assert "screening v1</option>" not in client.get(address).content.decode()
    assert "screening v1</option>" in client.get(f"{address}?model={version.pk}").content.decode()
    assert client.post(address, {"model_version": version.pk, "kinds": ["privacy"], "seed": 0}).status_code == 303
    assert Report.objects.get().model_version == version
