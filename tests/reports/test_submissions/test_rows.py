"""What a submission becomes."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.audits.models import Record
from apps.common import storage
from apps.common.canonical import canonical, digest
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from apps.controls.queries.disposal import named
from apps.documents import sheets
from apps.documents.queries import evidence
from apps.projects import actions as projects
from apps.reports import actions, queries
from apps.reports.models import Report
from tests.approvals import make as sign_offs
from tests.controls import make as coverage
from tests.reports.test_submissions.make import FIGURE, GAP, TODAY, given, submitted

pytestmark = pytest.mark.django_db


def test_a_submission_is_a_report_that_says_so_for_good(acme, version):
    original = SimpleUploadedFile("audit\u202e.exe", b"MZ\x00 anything at all")
    report = submitted(acme, version, file=original, data_digest="AB" * 32)
    result = json.loads(report.result)
    assert (report.state, report.provenance, report.verdict) == ("finished", "submitted", "")
    assert result["provenance"] == "submitted from outside" and canonical(result).decode() == report.result
    assert report.digest == digest(report.result.encode())
    assert result["answer"] == (
        f"Submitted, not recomputed: balanced accuracy 0.780 (0.700 to 0.850) on 597 rows, measured by Example Labs on "
        f"{TODAY:%-d %B %Y}."
    )
    assert report.inputs == result["inputs"] == {"artifact": version.artifact_digest}
    assert result["measured"]["data_digest"] == "ab" * 32
    assert report.original == {"name": "audit.exe", "digest": digest(b"MZ\x00 anything at all"), "size": 19}
    assert storage.read(acme.organization.pk, report.original["digest"]).startswith(b"MZ")
    assert report.original["digest"] in named(acme.organization.pk)
    assert f"{report.finished_at:%Y-%m-%d %H:%M}" == f"{TODAY} 00:00" and report.queued_at.date() >= TODAY
    told = Record.objects.get(event="report.submitted", on_id=report.pk)
    assert told.facts["digest"] == report.digest and told.facts["original"] == report.original["digest"]


def test_the_same_again_is_no_second_report_and_an_older_one_may_come_again(acme, version):
    first = submitted(acme, version)
    with pytest.raises(ActionDenied, match=f"Exactly this was submitted before; it is report {first.pk}"):
        submitted(acme, version)
    other = submitted(acme, version, figures=[FIGURE | {"n": 600}])
    again = submitted(acme, version)
    assert first.digest == again.digest != other.digest
    assert [report.pk for report in queries.speaking([version.pk])] == [again.pk]


def test_only_a_builder_submits_and_only_of_what_may_be_used(acme, version):
    for member in (acme.owner, acme.reviewer, acme.auditor):
        acme.enter(member)
        with pytest.raises(NotPermitted, match="Only builders of this organization submit figures"):
            actions.submit(version, kind="performance", given=given(), by=member)
    acme.enter(acme.builder)
    with pytest.raises(BadInput, match="Choose among"):
        actions.submit(version, kind="robustness", given=given(), by=acme.builder)
    with pytest.raises(BadInput, match="Give at least one figure"):
        submitted(acme, version, figures=[])
    acme.enter(acme.owner)
    projects.close(acme.project, by=acme.owner, reason="Over.")
    with pytest.raises(ActionDenied, match="is closed"):
        submitted(acme, version)
    assert not Report.objects.exists()


@pytest.mark.parametrize(
    ("order", "speaks"),
    [("S", 0), ("SS", 1), ("RS", 0), ("SR", 1), ("RSS", 0), ("SRS", 1), ("SSR", 2), ("RSR", 2), ("SRSS", 1)],
)
def test_what_the_portal_recomputed_speaks_before_what_was_submitted_whenever_it_came(acme, version, order, speaks):
    made = [
        sign_offs.report(version, "performance") if one == "R"
        else submitted(acme, version, figures=[FIGURE | {"n": 600 + place}])
        for place, one in enumerate(order)
    ]  # fmt: skip
    (spoken,) = queries.speaking([version.pk])
    assert spoken == made[speaks] == queries.current(viewer=acme.builder, version=version)["performance"]
    found = {report.pk: report.superseded_by for report in queries.reports(viewer=acme.builder)}
    assert found.pop(spoken.pk) is None and set(found.values()) <= {spoken.pk}


def test_what_is_withdrawn_speaks_no_longer_and_none_older_comes_back(acme, version):
    submitted(acme, version)
    newer = submitted(acme, version, figures=[FIGURE | {"n": 600}])
    with pytest.raises(BadInput, match="Say why it is withdrawn"):
        actions.withdraw(newer, reason=" ", by=acme.builder)
    acme.enter(acme.reviewer)
    with pytest.raises(NotPermitted):
        actions.withdraw(newer, reason="Wrong rows.", by=acme.reviewer)
    acme.enter(acme.builder)
    actions.withdraw(newer, reason="Wrong rows.", by=acme.builder)
    assert not queries.speaking([version.pk])
    with pytest.raises(ActionDenied, match="It was withdrawn already"):
        actions.withdraw(newer, reason="Wrong rows.", by=acme.builder)
    recomputed = sign_offs.report(version, "performance")
    with pytest.raises(ActionDenied, match="is not withdrawn; it is measured again"):
        actions.withdraw(recomputed, reason="Too bad.", by=acme.builder)
    assert list(queries.speaking([version.pk])) == [recomputed]
    assert Record.objects.filter(event="report.withdrawn").count() == 1


@pytest.mark.parametrize("kind", ["model_card", "technical_documentation"])
def test_documents_and_coverage_take_it_as_what_it_is(acme, version, kind):
    submitted(acme, version)
    submitted(acme, version, "fairness", figures=[GAP])
    told = json.dumps(sheets.content(kind, evidence.of_version(version)))
    assert "submitted from outside" in told and "without the rates of each group" in told
    assert kind != "model_card" or told.count("As submitted from outside, not recomputed.") == 2
    held = coverage.holding(acme, "fairness_report", version=version)
    assert [item.provenance for item in held.items] == ["submitted"]
