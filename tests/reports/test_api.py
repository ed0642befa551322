"""The same verbs for programs."""

import json

import pytest

from apps.reports.models import Kind, Report
from tests.reports import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(acme):
    return make.model_version(acme.builder, project=acme.project)


@pytest.fixture
def door(api_client, acme):
    def call(member, verb, path, body=None, status=200):
        api_client.force_login(member.user)
        response = getattr(api_client, verb)(f"/api/v1/{path}", body, format="json")
        assert response.status_code == status, response.content
        acme.enter()
        return response

    return call


def test_reports_are_started_read_and_downloaded(door, acme, version):
    from apps.reports import runs

    asked = {"model_version": version.pk, "kinds": ["performance", "privacy"], "parameters": {"seed": 1}}
    results = door(acme.builder, "post", "acme/reports/", asked, status=201).json()["results"]
    assert [(one["kind"], one["state"]) for one in results] == [("performance", "queued"), ("privacy", "queued")]
    runs.run(acme.organization.pk, results[0]["id"])
    whole = door(acme.auditor, "get", f"acme/reports/{results[0]['id']}/").json()
    assert whole["state"] == "finished" and whole["result"]["kind"] == "performance"
    assert whole["result"]["parameters"]["seed"] == 1 and whole["url"].endswith(f"/acme/lending/reports/{whole['id']}/")
    taken = door(acme.auditor, "get", f"acme/reports/{whole['id']}/json/")
    assert taken.content == Report.objects.get(pk=whole["id"]).result.encode()
    assert json.loads(taken.content) == whole["result"]
    assert door(acme.auditor, "get", f"acme/reports/{whole['id']}/pdf/").content.startswith(b"%PDF")


def test_lists_are_filtered_and_paged(door, acme, version):
    for seed in range(3):
        make.report(acme.builder, version, Kind.FAIRNESS, finished=False, seed=seed)
    make.report(acme.builder, version, finished=False)
    page = door(acme.auditor, "get", "acme/reports/?project=lending&kind=fairness&limit=2").json()
    assert len(page["results"]) == 2 and page["next"]
    rest = door(acme.auditor, "get", page["next"].split("/api/v1/")[1]).json()
    assert len(rest["results"]) == 1 and rest["next"] is None
    assert door(acme.auditor, "get", "acme/reports/?project=other").json()["results"] == []
    assert len(door(acme.auditor, "get", f"acme/reports/?model_version={version.pk}").json()["results"]) == 4
    assert door(acme.auditor, "get", "acme/reports/?model_version=0").json()["results"] == []  # of none, and not of all


def test_a_report_is_cancelled_once(door, acme, version):
    report = make.report(acme.builder, version, finished=False)
    assert door(acme.builder, "post", f"acme/reports/{report.pk}/cancellation/").json()["state"] == "cancelled"
    refused = door(acme.builder, "post", f"acme/reports/{report.pk}/cancellation/", status=409)
    assert "over" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "model_version"),
        ({"model_version": 1}, "kinds"),
        ({"model_version": "x", "kinds": ["fairness"]}, "model_version"),
        ({"model_version": 1, "kinds": []}, "kinds"),
        ({"model_version": 1, "kinds": ["beauty"]}, "kinds.0"),
    ],
)
def test_bad_bodies_are_refused_by_field(door, acme, body, field):
    assert field in door(acme.builder, "post", "acme/reports/", body, status=400).json()["errors"]


def test_bad_parameters_are_refused(door, acme, version):
    body = {"model_version": version.pk, "kinds": ["fairness"], "parameters": {"limits": {"beauty": 1}}}
    assert "beauty" in door(acme.builder, "post", "acme/reports/", body, status=400).json()["errors"]["parameters"]
    refused = door(acme.auditor, "post", "acme/reports/", body | {"parameters": {}}, status=403)
    assert "Only builders" in refused.json()["detail"]


def test_what_is_not_finished_is_not_downloaded(door, acme, version):
    report = make.report(acme.builder, version, finished=False)
    assert "not finished" in door(acme.auditor, "get", f"acme/reports/{report.pk}/json/", status=409).json()["detail"]


def test_a_rival_finds_nothing_by_any_verb(door, acme, rival, version):
    report = make.report(acme.builder, version, finished=False)
    for organization in ("acme", "rival"):
        for verb, path in (("get", ""), ("get", "pdf/"), ("get", "json/"), ("post", "cancellation/")):
            door(rival.builder, verb, f"{organization}/reports/{report.pk}/{path}", status=404)
    door(rival.builder, "post", "rival/reports/", {"model_version": version.pk, "kinds": ["fairness"]}, status=404)
    assert Report.objects.get(pk=report.pk).state == "queued"
