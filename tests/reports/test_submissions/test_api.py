"""Submissions over REST."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.audits.models import Record
from apps.reports.models import Report
from tests.reports.test_submissions.make import FIGURE, body, submitted

pytestmark = pytest.mark.django_db


@pytest.fixture
def door(acme, client):
    client.force_login(acme.builder.user)
    return lambda body, **how: client.post(
        "/api/v1/acme/reports/submissions/", body, **{"content_type": "application/json"} | how
    )


def test_a_program_submits_figures_as_json(acme, version, door, client):
    answer = door(body(version))
    assert answer.status_code == 201, answer.content
    said = answer.json()
    assert (said["provenance"], said["state"], said["verdict"], said["original"]) == ("submitted", "finished", "", None)
    assert said["result"]["figures"][0]["value"] == 0.78
    listed = client.get("/api/v1/acme/reports/").json()["results"]
    assert [one["provenance"] for one in listed] == ["submitted"]
    assert (
        client.get(f"/api/v1/acme/reports/{said['id']}/original/").json()["detail"] == "No file came with this report."
    )


def test_it_sends_the_original_beside_them_and_gets_the_very_bytes_back(acme, version, door, client):
    acme.enter(acme.builder)
    file = SimpleUploadedFile("audit.pdf", b"<script>alert(1)</script>", content_type="text/html")
    sent = body(version, figures=json.dumps([FIGURE]), file=file)
    answer = client.post("/api/v1/acme/reports/submissions/", sent)
    assert answer.status_code == 201, answer.content
    back = client.get(f"/api/v1/acme/reports/{answer.json()['id']}/original/")
    assert b"".join(back.streaming_content) == b"<script>alert(1)</script>"
    assert back["Content-Type"] == "application/octet-stream" and back["Content-Disposition"].startswith("attachment")
    acme.enter(acme.builder)
    assert Record.objects.filter(event="report.downloaded", facts__form="original").count() == 1


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"figures": [FIGURE | {"low": 0.9}]}, "figures.0.value"),
        ({"figures": [FIGURE | {"value": "x"}]}, "figures.0.value"),
        ({"figures": [FIGURE | {"name": "x"}]}, "figures.0.name"),
        ({"figures": [{"name": "roc_auc", "value": 0.7}]}, "figures.0.n"),
        ({"figures": []}, "figures"),
        ({"figures": "x"}, "figures"),
        ({"figures": {"a": 1}}, "figures"),
        ({"figures": [3]}, "figures.0"),
        ({"measured_on": "yesterday"}, "measured_on"),
        ({"measured_by": ""}, "measured_by"),
        ({"kind": "robustness"}, "kind"),
        ({"data_digest": "zz"}, "data_digest"),
        ({"model_version": 2**40}, "model_version"),
    ],
)
def test_what_is_wrong_is_said_by_field_and_row(acme, version, door, other, field):
    answer = door(body(version, **other))
    assert answer.status_code in (400, 404) and field in answer.json()["errors"], answer.content
    acme.enter(acme.builder)
    assert not Report.objects.exists()


def test_a_program_withdraws_a_submission(acme, version, door, client):
    report = submitted(acme, version)
    where = f"/api/v1/acme/reports/{report.pk}/withdrawal/"
    assert client.post(where, {}, content_type="application/json").status_code == 400
    answer = client.post(where, {"reason": "Wrong rows."}, content_type="application/json")
    assert answer.status_code == 200 and answer.json()["withdrawn_reason"] == "Wrong rows."
    assert client.post(where, {"reason": "Again."}, content_type="application/json").status_code == 409
