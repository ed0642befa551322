"""The file that submitted figures came with goes along, as it came, and is held to the digest that the report names."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from apps.bundles import evidence
from apps.common import storage
from apps.common.canonical import digest
from apps.reports import actions as reports
from tests.approvals import make as sign_offs
from tests.bundles import make
from tests.bundles.test_decided_again import published, signed

pytestmark = pytest.mark.django_db
SENT = b"MZ\x00 anything at all, which nobody opens"


@pytest.fixture
def submission(acme):
    published(acme, "  - {report: performance, provenance: submitted}\n")
    version = sign_offs.model_version(acme)
    acme.enter(acme.builder)
    given = {"measured_by": "Example Labs", "measured_on": timezone.now().date(), "method": "Hold-out.",
             "data": "Spring.", "figures": [{"name": "roc_auc", "value": 0.8, "n": 597}]}  # fmt: skip
    file = SimpleUploadedFile("../audit.exe", SENT)
    return reports.submit(version, kind="performance", given=given, file=file, by=acme.builder)


@pytest.fixture
def approval(acme, submission):
    asked = sign_offs.asked_for(acme, submission.model_version)
    signed(acme, asked)
    return make.fetched(acme, asked.pk)


@pytest.fixture
def name(submission):
    return f"reports/performance-{submission.digest[:12]}-original"


def test_it_is_in_the_bundle_as_it_came(acme, approval, submission, name, tmp_path):
    content = make.bundle(acme, approval)
    members = make.members(content)
    assert members[name] == SENT
    assert json.loads(members[f"{name.removesuffix('-original')}.json"])["original"]["digest"] == digest(SENT)
    assert not any("is not in the bundle" in one["what"] and name in one["what"] for one in
                   make.right(content, tmp_path)["checks"])  # fmt: skip


def test_any_byte_of_it_that_is_changed_is_named_though_all_is_signed_again(acme, approval, name, tmp_path):
    members = make.members(make.bundle(acme, approval))
    for at in range(0, len(SENT), 7):
        other = bytearray(SENT)
        other[at] ^= 1
        changed = members | {name: bytes(other)}
        assert f"{name} was changed" in make.wrong(make.packed(changed), tmp_path)
        lied = make.signed_again(changed, make.key_of(acme))
        assert f"{name} is not the file that its report came with" in make.wrong(lied, tmp_path)


def test_one_beside_a_report_that_came_with_none_is_named(acme, tmp_path):
    members = make.members(make.bundle(acme))
    report = next(name for name in members if name.startswith("reports/") and name.endswith(".json"))
    foreign = f"{report.removesuffix('.json')}-original"
    lied = make.signed_again(members | {foreign: b"What was not sent."}, make.key_of(acme))
    assert f"{foreign} is not the file that its report came with" in make.wrong(lied, tmp_path)


@pytest.mark.parametrize("why", ["is missing", "is damaged", "is too large for an archive"])
def test_one_that_cannot_go_along_leaves_a_gap(acme, approval, submission, name, tmp_path, monkeypatch, why):
    organization, held = acme.organization.pk, digest(SENT)
    if why == "is damaged":
        storage._write(storage._name(organization, held), storage.ContentFile(b"other bytes"))
    elif why == "is missing":
        storage.forget(organization, held)
    else:
        monkeypatch.setattr(evidence, "ORIGINAL", len(SENT) - 1)
    content = make.bundle(acme, approval)
    assert name not in make.members(content)
    said = [one["what"] for one in make.right(content, tmp_path)["checks"] if one["mark"] == "note"]
    gap = f"the file that the performance report {submission.digest[:12]} came with {why}"
    assert f"the portal itself says: {gap}" in said
    assert f"{name}, the file that these figures came with, is not in the bundle; its digest is" in said


def test_who_holds_a_link_takes_it_as_a_file_that_no_browser_opens(acme, approval, name, client):
    _, secret = make.share(acme, approval)
    answer = client.get(f"/shared/{secret}/{approval.pk}/files/{name}")
    assert b"".join(answer) == SENT
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")
