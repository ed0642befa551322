"""Measured in operation: on all rows of a version brought for it, by the same worker, and told apart from evidence."""

import csv
import io
import json
from datetime import date, timedelta

import pytest
from django.utils import timezone

from apps.audits.models import Record
from apps.common import storage
from apps.common.canonical import digest
from apps.common.errors import ActionDenied, BadInput
from apps.common.tenancy import become
from apps.datasets.models import DatasetVersion
from apps.models.models import ModelVersion
from apps.reports import actions, in_operation, queries, sheets
from apps.reports.models import Kind, OperationReport
from apps.reports.sheets import files
from tests.approvals import make as approvals
from tests.approvals.database.attacks import attack
from tests.approvals.database.attacks import rows as sql
from tests.reports import make

pytestmark = pytest.mark.django_db
LOANS = make.LOANS.to_json()


@pytest.fixture
def version(acme):
    """A model that was signed off: figures in operation are asked of no other."""
    made = make.model_version(acme.builder, project=acme.project)
    approvals.approved_of(acme, made)
    return made


def rows(edit=dict, most=900) -> bytes:
    """The real decisions, some of them, each as `edit` leaves it."""
    table = [edit(row) for row in csv.DictReader(io.StringIO(make.loans().decode()))][:most]
    written = io.StringIO()
    writer = csv.DictWriter(written, table[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return written.getvalue().encode()


def later(row):
    """The same person with a dollar more: a row that the model has not seen."""
    return row | {"appinc": str(float(row["appinc"]) + 1)}


def brought(acme, content=None, *, name="june", **declared):
    said = make.tables.Declaration.from_json(LOANS | declared)
    content = rows(later) if content is None else content
    return make.dataset_version(acme.builder, content, said, name=name, project=acme.project)


def ask(acme, version, data, kind=Kind.PERFORMANCE, by=None, **days) -> OperationReport:
    [asked] = actions.measure_in_operation(version, data, kinds=[kind], by=by or acme.builder, **days)
    return asked


def measured(acme, version, data, kind=Kind.PERFORMANCE, **days) -> OperationReport:
    asked = ask(acme, version, data, kind, **days)
    in_operation.run(asked.organization_id, asked.pk)
    asked.refresh_from_db()
    acme.enter(acme.builder)
    return asked


def events(report):
    return list(Record.objects.filter(on_type="operationreport", on_id=report.pk).order_by("seq"))


# What is computed


@pytest.mark.parametrize("kind", [Kind.PERFORMANCE, Kind.FAIRNESS])
def test_all_rows_of_the_version_are_measured_and_it_says_so(acme, version, kind):
    data = brought(acme)
    report = measured(acme, version, data, kind, since=date(2026, 6, 1), until=date(2026, 6, 30))
    assert report.state == "finished", report.problem
    result = json.loads(report.result)
    assert report.digest == digest(report.result.encode()) and result["provenance"] == "recomputed by the portal"
    assert result["operation"] == {
        "dataset": "june", "version": 1, "digest": data.digest, "declaration": data.declaration_digest,
        "since": "2026-06-01", "until": "2026-06-30", "n": 900, "also_learned": 0,
    }  # fmt: skip
    assert (result["inputs"]["n"], result["inputs"]["test_data"]) == (900, data.digest)
    assert result["inputs"]["artifact"] == version.artifact_digest
    assert "june v1, 1 June 2026 to 30 June 2026" in result["answer"] and "had not seen" not in result["answer"]
    assert any("chosen ones" in caveat for caveat in result["caveats"])
    asked, finished = events(report)
    assert (asked.event, finished.event) == ("operation-report.started", "operation-report.finished")
    assert asked.facts["data"] == finished.facts["data"] == data.digest and asked.facts["until"] == "2026-06-30"
    assert finished.facts["digest"] == report.digest


def test_the_figures_are_those_of_exactly_these_rows(acme, version):
    """Rows whose outcomes are turned round: what was right becomes wrong."""
    turned = rows(lambda row: later(row) | {"approve": str(1 - int(row["approve"]))})
    told = [json.loads(measured(acme, version, brought(acme, content, name=name)).result)["figures"]
            for name, content in (("june", rows(later)), ("turned", turned))]  # fmt: skip
    right, wrong = (next(f for f in figures if f["name"] == "accuracy") for figures in told)
    assert right["value"] > 0.8 and wrong["value"] == pytest.approx(1 - right["value"])
    assert right["n"] == wrong["n"] == 900


def test_rows_the_model_learned_from_are_counted_and_said(acme, version):
    mixed = rows(lambda row: later(row) if int(row["occ"]) % 2 else dict(row))
    result = json.loads(measured(acme, version, brought(acme, mixed)).result)
    also = result["operation"]["also_learned"]
    assert 0 < also < 900
    assert f"{also:,} of the 900 rows stand word for word among those the model learned from." in result["caveats"]


def test_rows_that_only_repeat_what_it_learned_are_not_measured(acme, version):
    learned = in_operation.runs.gather(version).learned.places.tolist()
    lines = make.loans().splitlines(keepends=True)
    content = b"".join([lines[0], *(lines[1 + place] for place in learned[:300])])
    report = measured(acme, version, brought(acme, content))
    assert report.state == "failed" and "Every row of june v1 is one the model learned from" in report.problem
    assert [entry.event for entry in events(report)] == ["operation-report.started", "operation-report.failed"]


def test_text_where_the_model_learned_numbers_is_told_by_column(acme, version):
    report = measured(acme, version, brought(acme, rows(lambda row: later(row) | {"obrat": "much"})))
    assert report.state == "failed" and "Column “obrat” holds text" in report.problem


def test_damaged_rows_are_never_measured(acme, version):
    data = brought(acme)
    with open(storage.default_storage.path(storage._name(data.organization_id, data.digest)), "r+b") as file:
        file.seek(5000)
        file.write(b"#")
    report = measured(acme, version, data)
    assert report.state == "failed" and "digest" in report.problem and not report.result


def test_its_document_and_its_page_say_that_it_is_of_operation(client, acme, version):
    report = measured(acme, version, brought(acme), Kind.FAIRNESS, until=date(2026, 6, 30))
    sheet = sheets.sheet(report)
    assert sheet.question == "Does screening v1 treat groups alike in operation?"
    facts = dict(map(tuple, files.facts(report, sheet)))
    assert facts["Measured in operation"].startswith("june v1, until 30 June 2026; SHA-256 ")
    assert facts["Rows"].startswith("900 from operation, none of which it also learned from")
    assert files.file_name(report).startswith("fairness-in-operation-screening-v1-")
    assert files.pdf(report).startswith(b"%PDF")
    client.force_login(acme.auditor.user)
    page = client.get(report.get_absolute_url()).content.decode()
    assert "Does screening v1 treat groups alike in operation?" in page and "No sign-off rests on it" in page
    client.force_login(acme.builder.user)
    assert "Withdraw" not in client.get(report.get_absolute_url()).content.decode()  # nobody takes one away


# What is refused


def refused(acme, version, data, kinds=("performance",), **days) -> dict:
    with pytest.raises(BadInput) as refusal:
        actions.measure_in_operation(version, data, kinds=list(kinds), by=acme.builder, **days)
    assert not OperationReport.objects.exists()
    return refusal.value.problems


@pytest.mark.parametrize(
    ("bring", "said"),
    [
        (lambda acme, version: version.dataset_version, "holds the rows screening v1 learned from"),
        (lambda acme, version: brought(acme, make.loans(), name="again"), "holds the rows screening v1 learned from"),
        (lambda acme, version: brought(acme, rows(lambda row: {k: v for k, v in later(row).items() if k != "obrat"})),
         "lacks the model's input “obrat”"),
        (lambda acme, version: brought(acme, target="reject"), "declares the target “reject”"),
        (lambda acme, version: brought(acme, favourable="0"), "declares the favourable value “0”"),
        (lambda acme, version: brought(acme, missing=["666"]), "does not declare that “999”, “999999.4” marks"),
    ],
)  # fmt: skip
def test_rows_that_are_not_of_its_operation_are_refused(acme, version, bring, said):
    assert said in refused(acme, version, bring(acme, version))["dataset_version"]


def test_fairness_asks_for_the_same_sensitive_attributes_and_performance_does_not(acme, version):
    data = brought(acme, sensitive=[LOANS["sensitive"][0], LOANS["sensitive"][1] | {"otherwise": "woman"}])
    said = refused(acme, version, data, kinds=["fairness"])["dataset_version"]
    assert "does not declare the sensitive attribute “sex” as the data of screening v1 does" in said
    assert ask(acme, version, data).state == "queued"


def test_the_rows_it_was_tested_on_are_refused(acme):
    data, test = (make.dataset_version(acme.builder, content, name=name, project=acme.project)
                  for name, content in (("loans", make.loans()), ("test", rows(later))))  # fmt: skip
    made = make.model_version(acme.builder, data, test=test, project=acme.project)
    approvals.approved_of(acme, made)
    assert "was tested on before its sign-off" in refused(acme, made, test)["dataset_version"]


def test_undeclared_withdrawn_and_foreign_rows_are_refused(acme, version):
    data = brought(acme)
    DatasetVersion.objects.filter(pk=data.pk).update(withdrawn_at=timezone.now(), withdrawn_reason="Wrong.")
    data.refresh_from_db()
    assert "was withdrawn: Wrong." in refused(acme, version, data)["dataset_version"]
    bare = brought(acme, name="bare")
    bare.declaration = None
    assert "is not declared" in refused(acme, version, bare)["dataset_version"]
    bare.project_id = 0
    assert "is of another project" in refused(acme, version, bare)["dataset_version"]


def test_a_period_ends_after_it_begins_and_not_in_the_future(acme, version):
    data, today = brought(acme), timezone.localdate()
    assert refused(acme, version, data, since=today, until=today - timedelta(1)) == {
        "since": "The period ends before it begins."
    }
    assert "future" in refused(acme, version, data, until=today + timedelta(1))["until"]
    assert "Choose among performance, fairness" in refused(acme, version, data, kinds=["privacy"])["kinds"]


def test_a_retired_model_is_not_measured(acme, version):
    data = brought(acme)
    ModelVersion.objects.filter(pk=version.pk).update(retired_at=timezone.now())
    version.refresh_from_db()
    with pytest.raises(ActionDenied, match="It operates no more"):
        ask(acme, version, data)


def test_a_waiting_one_is_stopped_and_stays_to_be_seen(acme, version):
    report = actions.cancel(ask(acme, version, brought(acme)), by=acme.builder)
    assert report.state == "cancelled" and events(report)[-1].event == "operation-report.cancelled"
    in_operation.run(report.organization_id, report.pk)
    report.refresh_from_db()
    assert not report.result and list(queries.operation_reports(viewer=acme.auditor)) == [report]


# What the database refuses, whoever asks


def test_the_database_keeps_a_finished_one_and_lets_none_be_taken_away(acme, version):
    report, waiting = measured(acme, version, brought(acme)), ask(acme, version, brought(acme, name="july"))
    for change in ("result = '{}'", "verdict = ''", "state = 'queued'", "dataset_version_id = dataset_version_id"
                   " + 1", "digest = ''"):  # fmt: skip
        said = attack(f"update reports_operationreport set {change} where id = %s", report.pk)
        assert "A finished report in operation cannot be changed or deleted" in said or "of one project" in said
    for one in (report, waiting):
        assert "permission denied" in attack("delete from reports_operationreport where id = %s", one.pk)
    for change in ("dataset_version_id = 1", "kind = 'fairness'", "since = now()"):
        said = attack(f"update reports_operationreport set {change} where id = %s", waiting.pk)
        assert "is settled when it is asked for" in said


RUN = "update reports_operationreport set state = 'running', attempt = 1, worker = 'w' where id = %s"
FINISH = """
update reports_operationreport set state = 'finished', result = %s, digest = encode(sha256(%s::bytea), 'hex'),
       inputs = %s, finished_at = now() where id = %s
"""


def test_the_database_takes_no_result_that_speaks_of_other_bytes(acme, version):
    data = brought(acme)
    honest = json.loads(measured(acme, version, data).result)
    report = ask(acme, version, data, since=date(2026, 1, 1))
    assert "A worker measures, for whom no person acts" in attack(RUN, report.pk)
    become(acme.organization.pk)
    given = json.dumps(honest), json.dumps(honest).encode(), json.dumps(honest["inputs"]), report.pk
    assert "finished by the worker that took it up" in attack(FINISH, *given)
    sql(RUN, report.pk)
    for forged in (
        {"inputs": honest["inputs"] | {"artifact": "0" * 64}},
        {"inputs": honest["inputs"] | {"test_data": "0" * 64}},
        {"operation": honest["operation"] | {"digest": "0" * 64}},
        {"kind": "fairness"},
        {"provenance": "submitted from outside"},
    ):
        result = json.dumps(honest | forged)
        given = result, result.encode(), json.dumps((honest | forged)["inputs"]), report.pk
        assert "says which bytes it is of" in attack(FINISH, *given)
    whole = json.dumps(honest)
    assert "says which bytes it is of" in attack(FINISH, whole, b"else", json.dumps(honest["inputs"]), report.pk)


def test_the_database_takes_neither_what_it_learned_from_nor_what_was_never_signed(acme, version):
    insert = """insert into reports_operationreport (organization_id, project_id, model_version_id, dataset_version_id,
        kind, started_by_id, state, queue, queued_at, rung_at, attempt, worker, progress, problem, cancel_requested,
        parameters, inputs, result, digest, verdict) select organization_id, project_id, %s, %s, %s, %s, 'queued',
        'cpu', now(), now(), 0, '', '{}', '', false, '{}', '{}', '', '', '' from models_modelversion where id = %s"""
    data = brought(acme)
    unsigned = make.model_version(acme.builder, version.dataset_version, project=acme.project, inputs_sensitive=True)
    by = acme.builder.pk
    learned = version.dataset_version_id
    assert "not from operation" in attack(insert, version.pk, learned, "performance", by, version.pk)
    assert "Only what was signed off" in attack(insert, unsigned.pk, data.pk, "performance", by, unsigned.pk)
    assert "_kind" in attack(insert, version.pk, data.pk, "privacy", by, version.pk)
    other = acme.reviewer.pk
    done = insert.replace("'queued'", "'finished'")
    assert "begins in the queue" in attack(done, version.pk, data.pk, "performance", by, version.pk)
    assert "in another's name" in attack(insert, version.pk, data.pk, "performance", other, version.pk)


def test_a_rival_sees_none(acme, rival, version):
    ask(acme, version, brought(acme))
    rival.enter()
    assert not queries.operation_reports(viewer=rival.owner).exists()
    assert not queries.operation_reports(viewer=acme.owner).exists()
