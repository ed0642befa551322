"""Reports are asked for, measured from registered bytes, and never change."""

import json

import pytest
from django.db import DatabaseError, connection, transaction

from apps.audits.models import Record
from apps.common import storage
from apps.common.canonical import digest
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from apps.models.models import ModelVersion
from apps.projects.models import Project
from apps.reports import actions, queries, runs
from apps.reports.models import Kind, Report
from tests.reports import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(acme):
    return make.model_version(acme.builder, project=acme.project)


def events(report):
    remembered = Record.objects.filter(on_type="report", on_id=report.pk).order_by("seq")
    return list(remembered.values_list("event", flat=True))


@pytest.mark.parametrize("kind", Kind.values)
def test_every_kind_is_measured_and_bound_to_what_it_was_measured_on(acme, version, kind):
    report = make.report(acme.builder, version, kind)
    assert report.state == "finished", report.problem
    result = json.loads(report.result)
    assert report.digest == digest(report.result.encode()) == digest(result)
    assert report.verdict == result["verdict"] and result["kind"] == kind
    assert result["provenance"] == "recomputed by the portal"
    assert result["inputs"]["artifact"] == version.artifact_digest
    assert result["inputs"]["data"] == version.data_digest
    assert (result["inputs"]["n"], result["inputs"]["learned_n"]) == (597, 1392)
    assert result["answer"].endswith(".") and result["caveats"] and result["method"] and result["libraries"]
    assert events(report) == ["report.started", "report.finished"]
    for figure in result["figures"]:
        assert set(figure) >= {"name", "of", "value", "low", "high", "n", "smallest_group", "threshold", "verdict"}


def test_the_same_report_twice_has_the_same_bytes_and_supersedes(acme, version):
    first, second = (make.report(acme.builder, version, Kind.FAIRNESS) for _ in "ab")
    assert first.pk != second.pk and first.digest == second.digest
    by_id = {report.pk: report for report in queries.reports(viewer=acme.auditor)}
    assert by_id[first.pk].superseded_by == second.pk and by_id[second.pk].superseded_by is None
    assert queries.current(viewer=acme.auditor, version=version) == {"fairness": second}


def test_asking_twice_while_it_waits_gives_one_report(acme, version):
    first, second = (make.report(acme.builder, version, finished=False) for _ in "ab")
    assert first.pk == second.pk and events(first) == ["report.started"]
    other = make.report(acme.builder, version, finished=False, seed=7)
    assert other.pk != first.pk and other.parameters["seed"] == 7


def test_limits_decide_the_verdict(acme, version):
    strict = make.report(acme.reviewer, version, limits={"balanced_accuracy": 0.99})
    lenient = make.report(acme.reviewer, version, limits={"balanced_accuracy": 0.5})
    assert (strict.verdict, lenient.verdict) == ("fail", "pass")


@pytest.mark.parametrize("role", ["owner", "auditor"])
def test_who_only_reads_starts_nothing(acme, version, role):
    with pytest.raises(NotPermitted, match="Only builders and reviewers"):
        actions.start(version, kinds=["fairness"], by=acme.members[role])
    assert not Report.objects.exists()


@pytest.mark.parametrize(
    ("kinds", "parameters", "field"),
    [
        ([], {}, "kinds"),
        (["beauty"], {}, "kinds"),
        (["fairness"], {"seed": -1}, "parameters"),
        (["fairness"], {"seed": True}, "parameters"),
        (["fairness"], {"limits": {"beauty": 1}}, "parameters"),
        (["fairness"], {"limits": {"epsilon": "4"}}, "parameters"),
        (["fairness"], {"draws": 1}, "parameters"),
        (["fairness"], [], None),
        (["fairness"], "x", "parameters"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_field(acme, version, kinds, parameters, field):
    if field is None:
        assert actions.start(version, kinds=kinds, parameters=parameters, by=acme.builder)
        return
    with pytest.raises(BadInput) as refused:
        actions.start(version, kinds=kinds, parameters=parameters, by=acme.builder)
    assert list(refused.value.problems) == [field]
    assert not Report.objects.exists()


def test_a_retired_model_and_a_closed_project_are_not_measured(acme, version):
    ModelVersion.objects.filter(pk=version.pk).update(
        retired_at=version.created_at, retired_by=acme.builder, retired_reason="old"
    )
    with pytest.raises(ActionDenied, match="is retired"):
        actions.start(version, kinds=["fairness"], by=acme.builder)
    Project.objects.filter(pk=version.project_id).update(closed_at=version.created_at)
    with pytest.raises(ActionDenied, match="is closed"):
        actions.start(version, kinds=["fairness"], by=acme.builder)


def test_a_waiting_report_is_stopped_and_then_never_measured(acme, version):
    report = actions.cancel(make.report(acme.builder, version, finished=False), by=acme.builder)
    assert report.state == "cancelled" and events(report) == ["report.started", "report.cancelled"]
    runs.run(report.organization_id, report.pk)
    report.refresh_from_db()
    assert report.state == "cancelled" and not report.result
    with pytest.raises(ActionDenied, match="is over"):
        actions.cancel(report, by=acme.builder)


def test_a_running_report_hears_that_it_is_to_stop(acme, version, monkeypatch):
    report = make.report(acme.builder, version, finished=False)
    gather = runs.gather

    def stopped_meanwhile(registered):
        Report.objects.filter(pk=report.pk).update(cancel_requested=True)
        return gather(registered)

    monkeypatch.setattr(runs, "gather", stopped_meanwhile)
    runs.run(report.organization_id, report.pk)
    report.refresh_from_db()
    assert report.state == "cancelled" and not report.result


def test_damaged_bytes_are_never_measured(acme, version):
    name = version.files["model.json"]["digest"]
    path = storage.default_storage.path(storage._name(version.organization_id, name))
    with open(path, "r+b") as file:
        file.write(b"X")
    report = make.report(acme.builder, version)
    assert report.state == "failed" and "does not have the bytes its digest names" in report.problem
    assert events(report) == ["report.started", "report.failed"] and not report.result


def test_files_that_are_whole_but_not_the_registered_ones_are_never_measured(acme, version):
    other = make.model_version(acme.builder, version.dataset_version, project=acme.project, inputs_sensitive=True)
    swapped = ModelVersion(**{field.attname: getattr(other, field.attname) for field in ModelVersion._meta.fields})
    swapped.pk, swapped.number, swapped.run_id, swapped.files = None, 99, 99, version.files
    swapped.save()
    report = make.report(acme.builder, swapped)
    assert report.state == "failed" and "are not those it was registered with" in report.problem


def test_damaged_data_is_never_measured(acme, version):
    path = storage.default_storage.path(storage._name(version.organization_id, version.data_digest))
    with open(path, "r+b") as file:
        file.seek(5000)
        file.write(b"1")
        file.seek(5000)
        file.write(b"9")
    report = make.report(acme.builder, version)
    assert report.state == "failed" and "digest" in report.problem


@pytest.mark.parametrize(
    "change",
    [
        "update reports_report set result = '{}' where id = %s",
        "update reports_report set verdict = 'pass' where id = %s",
        "update reports_report set digest = '' where id = %s",
        "update reports_report set state = 'queued' where id = %s",
        "update reports_report set model_version_id = model_version_id + 1 where id = %s",
        "delete from reports_report where id = %s",
        "truncate reports_report cascade",
    ],
)
def test_the_database_keeps_a_finished_report_as_it_is(acme, version, change):
    report = make.report(acme.builder, version)
    before = report.result
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change, [report.pk] if "%s" in change else None)
    report.refresh_from_db()
    assert report.result == before


def test_a_download_is_remembered_with_what_was_taken(acme, version):
    report = make.report(acme.builder, version)
    actions.take_away(report, form="pdf", by=acme.auditor)
    last = Record.objects.filter(on_id=report.pk, on_type="report").latest("seq")
    assert (last.event, last.by_id) == ("report.downloaded", acme.auditor.user_id)
    assert last.facts == {"form": "pdf", "digest": report.digest}
    with pytest.raises(ActionDenied, match="not finished"):
        actions.take_away(make.report(acme.builder, version, finished=False, seed=3), form="pdf", by=acme.auditor)


def test_a_rival_sees_no_report_even_in_plain_sql(acme, rival, version):
    report = make.report(acme.builder, version, finished=False)
    assert not queries.reports(viewer=rival.owner).exists() and not queries.versions(viewer=rival.owner).exists()
    rival.enter()
    assert not queries.reports(viewer=rival.owner).exists() and not queries.reports(viewer=acme.owner).exists()
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from reports_report")
        assert cursor.fetchone() == (0,)
        cursor.execute("update reports_report set problem = 'x' where id = %s", [report.pk])
        assert cursor.rowcount == 0
