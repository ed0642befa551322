"""The doors to documents: pages and REST, the same verbs."""

import pytest
from django.utils.html import escape

from apps.audits.models import Record
from apps.documents.models import Document
from tests.documents import make
from tests.models import make as models

pytestmark = pytest.mark.django_db
ROOT = "/acme/lending/documents/"
REST = "/api/v1/acme/documents/"


@pytest.fixture
def version(acme):
    acme.enter()
    return models.version(acme)


def seen(client, member, where):
    client.force_login(member.user)
    answer = client.get(where)
    assert answer.status_code == 200, where
    return answer.content.decode()


def test_without_a_model_the_page_says_so(acme, client):
    assert "there is no model to write about" in seen(client, acme.auditor, ROOT)


def test_the_page_shows_what_is_missing_built_and_superseded(acme, version, client):
    assert seen(client, acme.auditor, ROOT).count("MISSING") + seen(client, acme.auditor, ROOT).count("missing") >= 4
    acme.enter()
    document = make.built(acme, "model_card", version)
    page = seen(client, acme.auditor, f"{ROOT}?model={version.pk}")
    assert document.get_absolute_url() in page and "printed in it" in page
    acme.enter()
    make.stated(acme)
    page = seen(client, acme.auditor, document.get_absolute_url())
    assert escape("Intended purpose: it is there now, and was missing.") in page


def test_a_document_is_asked_for_on_the_page(acme, version, client):
    client.force_login(acme.builder.user)
    for kind in ("model_card", f"dataset_datasheet:{version.dataset_version_id}"):
        answer = client.post(f"{ROOT}?model={version.pk}", {"kind": kind})
        assert answer.status_code == 303
        assert "waits for a worker" in client.get(answer["Location"]).content.decode()
    assert client.post(ROOT, {"kind": "novel"}).status_code == 400
    assert client.post(ROOT, {"kind": f"dataset_datasheet:{10**9}"}).status_code == 400
    client.force_login(acme.auditor.user)
    assert client.post(ROOT, {"kind": "model_card"}).status_code == 400


def test_its_files_are_downloaded_and_remembered(acme, version, client):
    document = make.built(acme, "model_card", version)
    client.force_login(acme.auditor.user)
    for form, start in (("pdf", b"%PDF"), ("json", b"{")):
        answer = client.get(f"{document.get_absolute_url()}{form}/")
        assert answer.content.startswith(start)
        assert answer["Content-Disposition"].endswith(f'model-card-approve-v1-{document.body_digest[:12]}.{form}"')
    acme.enter()
    assert Record.objects.filter(event="document.downloaded").count() == 2


def test_one_that_is_not_built_is_not_downloaded(acme, version, client):
    own = {"organization": acme.organization, "project": acme.project, "started_by": acme.builder}
    document = Document.objects.create(**own, kind="model_card", model_version=version)
    client.force_login(acme.auditor.user)
    assert client.get(f"{document.get_absolute_url()}pdf/").status_code == 303
    assert client.get(f"{REST}{document.pk}/pdf/").status_code == 409


def test_programs_build_read_and_download(acme, version, client):
    from apps.documents import runs

    client.force_login(acme.builder.user)
    made = client.post(REST, {"kind": "model_card", "model_version": version.pk}, content_type="application/json")
    assert made.status_code == 201 and made.json()["state"] == "queued"
    runs.run(acme.organization.pk, made.json()["id"])
    one = client.get(f"{REST}{made.json()['id']}/").json()
    assert one["state"] == "finished" and one["changes"] == [] and one["gaps"] and one["inputs"]
    assert client.get(f"{REST}?model_version={version.pk}&kind=model_card&project=lending").json()["results"]
    assert client.get(f"{REST}{one['id']}/json/").content.startswith(b"{")


def test_programs_are_told_what_is_wrong(acme, version, client):
    client.force_login(acme.builder.user)
    for body, status in (
        ({"kind": "novel", "model_version": version.pk}, 400),
        ({"kind": "model_card"}, 400),
        ({"kind": "model_card", "model_version": 10**12}, 404),
        ({"kind": "bias_audit", "model_version": version.pk, "sex": "colour"}, 400),
    ):
        assert client.post(REST, body, content_type="application/json").status_code == status, body


def test_another_tenants_ids_are_nothing(acme, rival, client):
    rival.enter()
    theirs = models.version(rival)
    acme.enter()
    client.force_login(acme.builder.user)
    for body in (
        {"kind": "model_card", "model_version": theirs.pk},
        {"kind": "dataset_datasheet", "dataset_version": theirs.dataset_version_id},
    ):
        assert client.post(REST, body, content_type="application/json").status_code == 404
    assert client.get(f"{ROOT}?model={theirs.pk}").status_code == 404


def test_the_model_and_the_project_lead_here(acme, version, client):
    assert f"{ROOT}?model={version.pk}" in seen(client, acme.auditor, version.get_absolute_url())
    assert ROOT in seen(client, acme.auditor, "/acme/lending/")
