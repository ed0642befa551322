"""What the database refuses of submissions."""

import json

import pytest
from django.db import DatabaseError, connection, transaction

from apps.common.canonical import digest
from apps.reports import actions
from tests.approvals import make as sign_offs
from tests.reports.test_submissions.make import FIGURE, submitted

pytestmark = pytest.mark.django_db


def attacked(sql: str, *values) -> str:
    """How the database refuses it to the web role."""
    with pytest.raises(DatabaseError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
    return str(refused.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("provenance = 'recomputed'", "cannot be changed"),
        ("original = '{}'", "cannot be changed"),
        ("verdict = 'pass'", "cannot be changed"),
        ("finished_at = now()", "cannot be changed"),
        ("state = 'queued'", "cannot be changed"),
        ("result = replace(result, 'submitted from outside', 'recomputed by the portal')", "cannot be changed"),
        ("withdrawn_at = now()", "A builder withdraws a submission, once, in their own name and with a reason."),
        ("withdrawn_at = now(), withdrawn_reason = 'x', withdrawn_by_id = started_by_id - 1", "in their own name"),
    ],
)
def test_a_submission_stays_what_it_is(acme, version, change, words):
    report = submitted(acme, version)
    assert words in attacked(f"update reports_report set {change} where id = %s", report.pk)


LIE = """
insert into reports_report (organization_id, project_id, model_version_id, kind, provenance, state, queue, queued_at,
    rung_at, finished_at, attempt, worker, progress, problem, cancel_requested, started_by_id, parameters, inputs,
    result, digest, verdict, original, withdrawn_reason)
select organization_id, project_id, model_version_id, {kind}, {provenance}, {state}, 'cpu', now(), now(), {at}, 0, '',
    '{{}}', '', false, {by}, '{{}}', {inputs}, {result}, encode(sha256(convert_to({result}, 'UTF8')), 'hex'), {verdict},
    null, '' from reports_report where id = %s
"""
SO = {
    "kind": "kind", "provenance": "'submitted'", "state": "'finished'", "at": "finished_at", "by": "started_by_id",
    "inputs": "inputs", "result": "result", "verdict": "''",
}  # fmt: skip


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        ({"provenance": "'recomputed'"}, "What the portal recomputes begins in the queue, with nothing in it."),
        ({"provenance": "'recomputed'", "state": "'queued'"}, "with nothing in it"),
        ({"provenance": "'declared'"}, "reports_report_provenance"),
        ({"state": "'queued'"}, "Submitted figures are there at once"),
        ({"verdict": "'pass'"}, "and judge nothing themselves"),
        ({"by": "(select id from accounts_membership where role = 'owner')"}, "in their own name"),
        ({"kind": "'privacy'"}, "The bytes of a report are of its kind."),
        ({"at": "now()"}, "as old as the day on which they were measured"),
        ({"inputs": "'{\"artifact\": \"0\"}'"}, "about the bytes of their model version"),
        ({"result": "replace(result, 'submitted from outside', 'recomputed by the portal')"},
         "A submitted report says that it was submitted from outside."),
        ({"result": "replace(result, left(inputs ->> 'artifact', 8), '00000000')"}, "the bytes of their model version"),
        ({"result": "'nothing'"}, "A finished report is JSON."),
    ],
)  # fmt: skip
def test_no_row_is_put_beside_it_that_is_not_so(acme, version, lie, words):
    report = submitted(acme, version)
    with transaction.atomic(), connection.cursor() as cursor:  # the same without a lie is taken
        cursor.execute(LIE.format(**SO), [report.pk])
        transaction.set_rollback(True)
    assert words in attacked(LIE.format(**SO | lie), report.pk)


def test_a_web_request_takes_no_report_up_and_finishes_none(acme, version):
    """Whoever may write rows, but acts for a person, cannot play the worker."""
    (queued,) = actions.start(version, kinds=["performance"], by=acme.builder)
    forged = json.dumps({"kind": "performance", "provenance": "recomputed by the portal", "figures": [FIGURE]})
    done = "state = 'finished', verdict = 'pass', finished_at = now(), result = %s, digest = %s"
    values = forged, digest(forged.encode()), queued.pk
    assert "for whom no person acts" in attacked("update reports_report set state = 'running' where id = %s", queued.pk)
    assert "for whom no person acts" in attacked(f"update reports_report set {done} where id = %s", *values)
    assert "says nothing" in attacked("update reports_report set result = '{}' where id = %s", queued.pk)
    assert "does not change" in attacked("update reports_report set provenance = 'submitted' where id = %s", queued.pk)
    with sign_offs.acting(None):
        assert "by the worker that took it up" in attacked(f"update reports_report set {done} where id = %s", *values)
        with connection.cursor() as cursor:
            running = "update reports_report set state = 'running', attempt = 1, worker = 'w' where id = %s"
            cursor.execute(running, [queued.pk])
        foreign = forged.replace("recomputed by the portal", "submitted from outside")
        assert "says that the portal recomputed it" in attacked(
            f"update reports_report set {done} where id = %s", foreign, digest(foreign.encode()), queued.pk
        )
        assert "has the digest of its bytes" in attacked(
            f"update reports_report set {done} where id = %s", forged, "0" * 64, queued.pk
        )
