"""Pages and REST about a signed model in operation."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.reports.models import OperationReport
from tests.approvals import make
from tests.approvals.test_api import refused
from tests.approvals.test_pages import text, visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def approval(acme):
    return make.approved(acme)


def page_of(approval):
    return f"{approval.get_absolute_url()}operation/"


# Pages


def test_a_builder_asks_on_the_page_and_sees_it_under_way(client, acme, approval):
    data = make.brought(approval.model_version)
    before = text(visit(client, acme.builder, page_of(approval)))
    assert "Nobody can tell yet" in before and "june v1" in before
    given = {"dataset_version": data.pk, "kinds": ["performance", "fairness"], "since": "2026-06-01", "until": ""}
    response = visit(client, acme.builder, page_of(approval), given)
    assert (response.status_code, response.url) == (303, page_of(approval))
    acme.enter()
    assert OperationReport.objects.count() == 2
    after = text(client.get(page_of(approval)))
    assert ("june v1 , 812 rows" in after and "waiting" in after) or "queued" in after


def test_the_rows_that_were_chosen_are_measured_not_the_newest(client, acme, approval):
    older, _newer = make.brought(approval.model_version), make.brought(approval.model_version, number=2)
    given = {"dataset_version": older.pk, "kinds": ["performance"]}
    assert visit(client, acme.builder, page_of(approval), given).status_code == 303
    acme.enter()
    assert OperationReport.objects.get().dataset_version_id == older.pk


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(client, acme, approval):
    data = make.brought(approval.model_version, declaration=make.DECLARATION | {"favourable": "0"})
    given = {"dataset_version": data.pk, "kinds": ["fairness"], "until": "2026-06-30"}
    response = visit(client, acme.builder, page_of(approval), given)
    assert response.status_code == 400
    assert "declares the favourable value “0”" in text(response) and 'value="2026-06-30"' in response.content.decode()
    for odd in ({"kinds": [""]}, {"dataset_version": "x"}, {**given, "until": "June"}, {**given, "kinds": ["privacy"]}):
        assert visit(client, acme.builder, page_of(approval), odd).status_code == 400
    acme.enter()
    assert not OperationReport.objects.exists()


def test_who_may_not_ask_reads_why_and_sees_everything(client, acme, approval):
    make.operated(approval.model_version)
    page = text(visit(client, acme.auditor, page_of(approval)))
    assert "Only builders and reviewers of this organization ask for figures in operation" in page
    assert "Within bounds" in page and "Impact ratio by race is at least 0.8" in page


def test_without_rows_from_operation_it_says_what_to_do(client, acme, approval):
    page = text(visit(client, acme.builder, page_of(approval)))
    assert "There are no rows from operation yet: upload and declare them" in page


def test_the_sign_off_names_what_broke_it_with_value_interval_and_rows(client, acme, approval):
    report = make.operated(approval.model_version, measured=make.unfair())
    page = text(visit(client, acme.auditor, approval.get_absolute_url()))
    assert "No longer: it was signed, and in operation a required figure is out of bounds." in page
    assert "0.500 (0.450 to 0.550), n = 597, smallest group 61" in page and report.digest[:12] in page
    assert "Out of bounds: a required figure broke its rule in operation" in page
    shown = text(client.get(page_of(approval)))
    assert "What broke the sign-off" in shown and "A better report later does not raise it again" in shown


def test_what_cannot_be_told_is_shown_as_such_and_the_sign_off_stands(client, acme, approval):
    wide = make.figure("demographic_parity_ratio", "race", value=0.7, low=0.3, high=1.2, smallest_group=8)
    make.operated(approval.model_version, measured=[wide, *make.figures("fairness")[1:]])
    page = visit(client, acme.auditor, approval.get_absolute_url())
    assert "As far as can be told, within bounds; 2 of 8 required figures do not decide their rule" in text(page)
    assert "inconclusive" in page.content.decode() and "Yes, until" in text(page)


def test_the_next_request_shows_every_report_in_operation(client, acme, approval):
    make.operated(approval.model_version, measured=make.unfair())
    make.operated(approval.model_version)
    again = make.asked_for(acme, approval.model_version)
    page = text(visit(client, acme.reviewer, again.get_absolute_url()))
    assert "Measured in operation before it was asked for" in page and page.count("june v1, 812 rows") == 2
    assert "broke a sign-off" in page


def test_asking_anew_too_early_is_answered_with_the_figure(client, acme, approval):
    make.operated(approval.model_version, measured=make.unfair())
    path = f"/acme/lending/approvals/new/?model_version={approval.model_version_id}"
    assert "Rule 6 fails in operation: Impact ratio by race" in text(visit(client, acme.builder, path))
    assert "Rule 6 fails in operation: Impact ratio by race" in text(client.post(path, {"note": ""}))


def test_the_list_of_a_project_shows_every_report_and_those_of_one_model(client, acme, approval):
    make.operated(approval.model_version)
    other = make.model_version(acme, number=2)
    page = text(visit(client, acme.auditor, "/acme/lending/operation-reports/"))
    assert "june v1 , 812 rows" in page
    assert "june v1" in text(client.get(f"/acme/lending/operation-reports/?model={other.pk}"))  # of the same bytes
    assert client.get("/acme/lending/operation-reports/?model=x").status_code == 200


def test_a_rival_finds_nothing(client, acme, rival, approval):
    report = make.operated(approval.model_version)
    for path in (page_of(approval), report.get_absolute_url(), f"{report.get_absolute_url()}json/"):
        assert visit(client, rival.owner, path).status_code == 404
        assert visit(client, rival.owner, path.replace("/acme/", "/rival/")).status_code == 404


def test_the_page_costs_the_same_statements_however_many_reports(client, acme, approval):
    make.operated(approval.model_version)
    visit(client, acme.auditor, page_of(approval))
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as few:
            client.get(page_of(approval))
        counts.append(len(few))
        acme.enter(acme.builder)
        for _ in range(4):
            make.operated(approval.model_version)
    assert counts[0] == counts[1]


# REST


def test_the_whole_way_over_rest(call, acme, approval):
    data = make.brought(approval.model_version)
    path = f"approvals/{approval.pk}/operation-reports/"
    body = {"dataset_version": data.pk, "kinds": ["fairness"], "since": "2026-06-01"}
    response = call(acme.builder, "post", path, body)
    assert response.status_code == 201, response.content
    [asked] = response.json()["results"]
    assert (asked["kind"], asked["state"], asked["data_digest"]) == ("fairness", "queued", data.digest)
    assert (asked["since"], asked["until"]) == ("2026-06-01", None)
    acme.enter(acme.builder)
    make.operated(approval.model_version, measured=make.unfair())
    newest, oldest = call(acme.auditor, "get", path).json()["results"]
    assert (newest["verdict"], oldest["verdict"], oldest["rules"]) == ("fail", "", [])
    [failing] = [rule for rule in newest["rules"] if rule["verdict"] == "fail"]
    assert (failing["place"], failing["of"], failing["value"], failing["n"]) == (6, "race", 0.5, 597)
    told = call(acme.auditor, "get", f"approvals/{approval.pk}/").json()
    assert told["validity"]["valid"] is False and "Rule 6" in told["validity"]["reasons"][1]
    [breach] = told["breaches"]
    assert (breach["rule"], breach["of"], breach["report"]) == (6, "race", newest["id"])
    one = call(acme.auditor, "get", f"operation-reports/{newest['id']}/").json()
    assert one["result"]["operation"]["dataset"] == "june" and one["model_version"] == approval.model_version_id
    taken = call(acme.auditor, "get", f"operation-reports/{newest['id']}/json/")
    assert taken.status_code == 200 and "in-operation" in taken["Content-Disposition"]
    listed = call(acme.auditor, "get", f"operation-reports/?model_version={approval.model_version_id}").json()
    assert [row["id"] for row in listed["results"]] == [newest["id"], oldest["id"]]
    stopped = call(acme.builder, "post", f"operation-reports/{oldest['id']}/cancellation/")
    assert stopped.json()["state"] == "cancelled"


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({}, 400, "dataset_version"),
        ({"dataset_version": 0, "kinds": ["fairness"]}, 400, "dataset_version"),
        ({"dataset_version": 10**17, "kinds": ["fairness"]}, 404, "no such dataset version"),
        ({"kinds": ["privacy"]}, 400, "kinds"),
        ({"kinds": []}, 400, "kinds"),
        ({"since": "2026-06-31"}, 400, "since"),
        ({"since": "2026-06-30", "until": "2026-06-01"}, 400, "ends before it begins"),
        ({"until": "2999-01-01"}, 400, "future"),
    ],
)
def test_bad_input_is_answered_by_field(call, acme, approval, given, status, words):
    sound = {"dataset_version": make.brought(approval.model_version).pk, "kinds": ["fairness"]} if given else {}
    response = call(acme.builder, "post", f"approvals/{approval.pk}/operation-reports/", sound | given)
    assert response.status_code == status, response.content
    assert re.search(words, response.content.decode())
    acme.enter()
    assert not OperationReport.objects.exists()


def test_what_was_not_signed_off_is_refused_over_rest(call, acme):
    approval = make.asked(acme)
    body = {"dataset_version": make.brought(approval.model_version).pk, "kinds": ["fairness"]}
    answer = call(acme.builder, "post", f"approvals/{approval.pk}/operation-reports/", body)
    assert "was not signed off" in refused(answer, 409)
    answer = call(acme.owner, "post", f"approvals/{approval.pk}/operation-reports/", body)
    assert "Only builders and reviewers" in refused(answer, 403)
