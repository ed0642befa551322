"""A bundle leaves by page and by REST, with a line in the record; who may not take it is told why."""

import io
import zipfile

import pytest

from apps.audits.models import Record
from apps.bundles import actions
from tests.accounts.make import bearer, token
from tests.approvals import make as sign_offs
from tests.bundles import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def approval(acme):
    return make.approval(acme)


def content(answer) -> bytes:
    return b"".join(answer.streaming_content)


def taken(approval) -> list[dict]:
    return list(Record.objects.filter(event="bundle.downloaded", on_id=approval.pk).values_list("facts", flat=True))


def test_the_page_says_what_is_in_it_and_how_it_is_checked(client, acme, approval):
    client.force_login(acme.auditor.user)
    said = client.get(f"/acme/lending/approvals/{approval.pk}/bundle/").content.decode()
    assert "manifest.dsse.json" in said
    assert "signatures/signatures.json" in said
    assert "verify.py bundle.zip --key" in said
    assert "Without the model’s own files: Only builders and reviewers" in said


def test_the_sign_offs_page_leads_to_it(client, acme, approval):
    client.force_login(acme.auditor.user)
    assert f"/acme/lending/approvals/{approval.pk}/bundle/" in client.get(approval.get_absolute_url()).content.decode()


def test_it_is_downloaded_and_remembered(client, acme, approval, tmp_path):
    client.force_login(acme.auditor.user)
    answer = client.get(f"/acme/lending/approvals/{approval.pk}/bundle.zip")
    archive = content(answer)
    assert answer["Content-Type"] == "application/zip"
    assert int(answer["Content-Length"]) == len(archive)
    make.right(archive, tmp_path)
    acme.enter()
    assert taken(approval) == [{"dossier": approval.dossier_digest, "files": False}]


def test_it_comes_over_rest_too(client, acme, approval, tmp_path):
    acme.enter(acme.auditor)
    _, secret = token(acme.auditor, "read", "approval.download")
    answer = client.get(f"/api/v1/acme/approvals/{approval.pk}/bundle/", **bearer(secret))
    make.right(content(answer), tmp_path)
    acme.enter()
    assert len(taken(approval)) == 1


def test_a_report_measured_again_alike_is_in_it_once(acme, approval, tmp_path):
    acme.enter(acme.builder)
    sign_offs.report(approval.model_version, "performance")
    acme.enter(acme.auditor)
    archive = b"".join(actions.build(approval, by=acme.auditor).content)
    with zipfile.ZipFile(io.BytesIO(archive)) as held:
        names = held.namelist()
    assert len(names) == len(set(names)) and sum(name.startswith("reports/performance") for name in names) <= 2
    make.right(archive, tmp_path)


def test_a_token_without_the_scope_gets_none(client, acme, approval):
    acme.enter(acme.auditor)
    _, secret = token(acme.auditor, "read")
    answer = client.get(f"/api/v1/acme/approvals/{approval.pk}/bundle/", **bearer(secret))
    assert answer.status_code == 403
    acme.enter()
    assert taken(approval) == []


def test_the_models_files_go_only_to_who_may_download_models(client, acme, approval):
    client.force_login(acme.auditor.user)
    answer = client.get(f"/acme/lending/approvals/{approval.pk}/bundle.zip?files=yes")
    assert answer.status_code == 303
    acme.enter()
    assert taken(approval) == []


def test_the_models_files_are_in_it_where_asked_for(acme, tmp_path):
    from apps.common import storage

    for kept in sign_offs.FILES.values():
        storage.put(acme.organization.pk, kept)
    approval = make.approval(acme)
    acme.enter(acme.builder)
    archive = make.bundle(acme, approval, by=acme.builder, files=True)
    assert make.members(archive)["model/files/model.json"] == sign_offs.FILES["model.json"]
    make.right(archive, tmp_path)
    members = make.members(archive)
    members["model/files/model.json"] = b"other"
    assert "model/files/model.json was changed" in make.wrong(make.packed(members), tmp_path)


def test_none_leaves_while_reviewers_still_judge(client, acme):
    asked = sign_offs.asked(acme)
    client.force_login(acme.auditor.user)
    address = f"/acme/lending/approvals/{asked.pk}/"
    assert "It is in review" in client.get(f"{address}bundle/").content.decode()
    assert client.get(f"{address}bundle.zip").status_code == 303
