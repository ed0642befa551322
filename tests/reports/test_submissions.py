"""Figures measured elsewhere: what is taken, what is refused and where that is said, by both doors and the database."""

import io
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from pypdf import PdfReader

from apps.audits.models import Record
from apps.common import storage
from apps.common.canonical import canonical, digest
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from apps.controls.queries.disposal import named
from apps.documents import sheets
from apps.documents.queries import evidence
from apps.models.models import ModelVersion
from apps.projects import actions as projects
from apps.reports import actions, queries, submissions
from apps.reports.models import Report
from tests.approvals import make as sign_offs
from tests.controls import make as coverage

pytestmark = pytest.mark.django_db
TODAY = datetime.now(UTC).date()
FIGURE = {"name": "balanced_accuracy", "value": 0.78, "low": 0.7, "high": 0.85, "n": 597}
GAP = {"name": "equalized_odds_difference", "of": "race", "value": 0.1, "low": 0.02, "high": 0.2, "n": 597,
       "smallest_group": 60}  # fmt: skip
WORDS = {"measured_by": "Example Labs", "method": "Hold-out, bootstrap of 2,000.", "data": "Spring applications."}
REGISTERED = datetime.now(UTC) - timedelta(days=30)


@pytest.fixture
def version(acme):
    acme.enter(acme.builder)
    return sign_offs.model_version(acme)


def given(**other) -> dict:
    return WORDS | {"measured_on": TODAY, "data_digest": "", "figures": [FIGURE]} | other


def submitted(acme, version, kind="performance", file=None, **other) -> Report:
    acme.enter(acme.builder)
    return actions.submit(version, kind=kind, given=given(**other), file=file, by=acme.builder)


def wrong(kind="performance", **other) -> dict:
    return submissions.problems(kind, given(**other), attributes=["race", "sex"], registered=REGISTERED)


# --- what is well formed ---------------------------------------------------------------------------------------------


def test_whole_figures_of_every_kind_are_taken():
    assert wrong() == {}
    assert wrong("fairness", figures=[GAP, GAP | {"of": "sex"}, GAP | {"of": "sex & race"}]) == {}
    assert wrong("privacy", figures=[{"name": "epsilon", "value": 3.5, "n": 900}]) == {}
    assert (
        wrong(
            "explainability",
            figures=[{"name": "additivity_residual", "value": 1e-7, "low": 1e-7, "high": 1e-7, "n": 5}],
        )
        == {}
    )
    assert wrong(figures=[{"name": "log_loss", "value": 7.5, "n": 1}]) == {}


@pytest.mark.parametrize(
    ("other", "field", "words"),
    [
        ({"name": "accurracy"}, "name", "No performance report has “accurracy”. It may have accuracy, "),
        ({"name": "epsilon"}, "name", "No performance report has “epsilon”"),
        ({"of": "race"}, "of", "Balanced accuracy is a figure of the whole model, not of “race”."),
        ({"value": None}, "value", "balanced_accuracy has no value."),
        ({"value": "good"}, "value", "“good” is no finite number."),
        ({"value": float("nan"), "low": None, "high": None}, "value", "no finite number"),
        ({"value": float("inf")}, "value", "no finite number"),
        ({"value": 10**400}, "value", "no finite number"),
        ({"value": True}, "value", "no finite number"),
        ({"value": 78}, "value", "Balanced accuracy lies from 0 to 1; 78 does not."),
        ({"low": -0.1}, "low", "Balanced accuracy lies from 0 to 1; -0.1 does not."),
        ({"high": None}, "high", "An interval has two ends; give both, or neither."),
        ({"low": None}, "low", "An interval has two ends"),
        ({"value": 0.9}, "value", "0.9 does not lie within its interval, 0.7 to 0.85."),
        ({"low": 0.85, "high": 0.7}, "value", "does not lie within its interval"),
        ({"n": None}, "n", "Say on how many rows it was measured."),
        ({"n": 0}, "n", "“0” is no whole number of rows, 1 or more."),
        ({"n": 1.5}, "n", "“1.5” is no whole number"),
        ({"n": "many"}, "n", "“many” is no whole number"),
        ({"n": 10**400}, "n", "is no whole number"),
        ({"smallest_group": 600}, "smallest_group", "The smallest group cannot have more rows than all 597."),
        ({"smallest_group": 0}, "smallest_group", "“0” is no whole number"),
    ],
)
def test_a_figure_that_cannot_be_is_refused_by_its_field(other, field, words):
    found = wrong(figures=[{"name": "roc_auc", "value": 0.8, "n": 9}, FIGURE | other])
    assert list(found) == [f"figures.1.{field}"] and words in found[f"figures.1.{field}"]


@pytest.mark.parametrize(
    ("kind", "figure", "field", "words"),
    [
        ("fairness", GAP | {"of": ""}, "of", "nor a pair of them. The data declares race, sex."),
        ("fairness", GAP | {"of": "age"}, "of", "“age” is no sensitive attribute"),
        ("fairness", GAP | {"of": "race & race"}, "of", "is no sensitive attribute"),
        ("privacy", {"name": "epsilon", "value": 3, "low": 2, "high": 4, "n": 9}, "low", "give it no interval"),
        ("privacy", {"name": "epsilon", "value": -1, "n": 9}, "value", "loss ε lies at 0 or above; -1 does not."),
    ],
)  # fmt: skip
def test_so_is_what_its_kind_does_not_allow(kind, figure, field, words):
    found = wrong(kind, figures=[figure])
    assert list(found) == [f"figures.0.{field}"] and words in found[f"figures.0.{field}"]


def test_a_figure_is_given_once_whichever_way_its_pair_is_turned():
    pair = GAP | {"of": "race & sex"}
    assert wrong("fairness", figures=[pair, GAP, pair | {"of": "sex & race"}]) == {
        "figures.2.name": "equalized_odds_difference of sex & race was given before."
    }


@pytest.mark.parametrize(
    ("other", "field", "words"),
    [
        ({"measured_by": " "}, "measured_by", "Say who measured."),
        ({"method": ""}, "method", "Say by which method"),
        ({"data": "x" * 4001}, "data", "At most 4,000 characters."),
        ({"measured_on": TODAY + timedelta(days=2)}, "measured_on", "is still to come."),
        ({"measured_on": TODAY - timedelta(days=32)}, "measured_on", "nothing was measured of it before."),
        ({"data_digest": "abc"}, "data_digest", "A SHA-256 has 64 hexadecimal digits."),
        ({"figures": []}, "figures", "Give at least one figure."),
        ({"figures": [FIGURE] * 201}, "figures", "At most 200 figures are taken."),
    ],
)
def test_so_is_a_submission_that_does_not_say_where_it_comes_from(other, field, words):
    found = wrong(**other)
    assert list(found) == [field] and words in found[field]


@pytest.mark.parametrize(
    "text",
    [
        "name,of,value,low,high,n,smallest_group\nbalanced_accuracy,,0.78,0.7,0.85,597,",
        "name;value;low;high;n\n\nbalanced_accuracy;0.78;0.7;0.85;597\n",
        "name\tvalue\tlow\thigh\tn\r\n balanced_accuracy \t0.78\t0.7\t0.85\t597\r\n",
        json.dumps([FIGURE]),
        json.dumps({"figures": [FIGURE | {"threshold": None, "direction": None, "verdict": None, "note": ""}]}),
    ],
)
def test_a_table_is_read_as_csv_or_json(text):
    (row,) = submissions.pasted(text)
    assert {name: cell for name, cell in row.items() if cell not in (None, "")} == FIGURE


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("balanced_accuracy,0.78", "The first line must name the columns name, of, value"),
        ("name,value,colour\nroc_auc,0.8,red", "Line 2 has “colour”; the columns are name, of, value"),
        ("name,value\nroc_auc,0.8,7", "Line 2 has 3 cells, the header 2."),
        ('name,value\n"roc_auc,0.8', "This is no CSV"),
        ("[{", "This is no JSON"),
        ("[" * 100_000, "This is no JSON"),
        ('{"figures": 3}', "The JSON must be a list of figures"),
        ('[{"value": 3}]', "The JSON must be a list of figures"),
        ('[{"name": "roc_auc", "p": 3}]', "Figure 1 has “p”"),
        ('[{"name": "\\ud800"}]', "half of a surrogate pair"),
    ],
)
def test_what_is_no_table_says_where(text, words):
    with pytest.raises(submissions.Unreadable, match=words.replace("[", r"\[")):
        submissions.pasted(text)


# --- what it becomes -------------------------------------------------------------------------------------------------


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


# --- the database ----------------------------------------------------------------------------------------------------


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


# --- REST ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def door(acme, client):
    client.force_login(acme.builder.user)
    return lambda body, **how: client.post(
        "/api/v1/acme/reports/submissions/", body, **{"content_type": "application/json"} | how
    )


def body(version, **other):
    return (
        WORDS
        | {"model_version": version.pk, "kind": "performance", "measured_on": f"{TODAY}", "figures": [FIGURE]}
        | other
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


# --- pages -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def address(acme):
    return reverse("report-submission", args=["acme", acme.project.slug])


def typed(version, **other):
    """What a browser sends of the performance form: the second row filled."""
    said = WORDS | {"model_version": version.pk, "kind": "performance", "measured_on": f"{TODAY}", "rows": "597"}
    return said | {"value_1": "0.78", "low_1": "0.7", "high_1": "0.85", "pasted": "", "data_digest": ""} | other


def test_a_person_fills_the_rows_they_have(acme, version, client, address):
    client.force_login(acme.builder.user)
    shown = client.get(f"{address}?model={version.pk}&kind=fairness").content.decode()
    assert "by race &amp; sex" in shown and 'name="smallest_group_0"' in shown
    answer = client.post(address, typed(version, file=SimpleUploadedFile("a.pdf", b"%PDF")))
    assert answer.status_code == 303, answer.content
    acme.enter(acme.builder)
    (report,) = Report.objects.all()
    (figure,) = json.loads(report.result)["figures"]
    assert (figure["name"], figure["value"], figure["low"], figure["n"]) == ("balanced_accuracy", 0.78, 0.7, 597)
    page = client.get(answer["Location"]).content.decode()
    for words in ("Submitted, not recomputed", "submitted from outside", "Example Labs", "no limit of its own",
                  'href="original/"', "Withdraw it"):  # fmt: skip
        assert words in page, words
    listed = client.get(reverse("reports", args=["acme", acme.project.slug])).content.decode()
    assert listed.count(">submitted<") == 2
    project = client.get(f"/acme/{acme.project.slug}/").content.decode()
    assert ">submitted<" in project and "no limit of its own" in project and "1 submitted" in project


def test_or_pastes_a_table_beside_them(acme, version, client, address):
    client.force_login(acme.builder.user)
    answer = client.post(address, typed(version, pasted="name,value,n\nroc_auc,0.8,\nbrier,0.1,500"))
    assert answer.status_code == 303, answer.content
    acme.enter(acme.builder)
    figures = json.loads(Report.objects.get().result)["figures"]
    assert [(one["name"], one["n"]) for one in figures] == [
        ("balanced_accuracy", 597),
        ("roc_auc", 597),
        ("brier", 500),
    ]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"value_1": "0.99"}, "0.99 does not lie within its interval, 0.7 to 0.85."),
        ({"value_1": "zero"}, "“zero” is no finite number."),
        ({"value_1": "", "low_1": "", "high_1": ""}, "Give at least one figure."),
        ({"rows": ""}, "Say on how many rows it was measured."),
        ({"rows": "some"}, "“some” is no whole number of rows"),
        ({"pasted": "name,value\nroc_auc,8"}, "Figure 1: ROC AUC lies from 0 to 1; 8 does not."),
        ({"pasted": "roc_auc"}, "The first line must name the columns"),
        ({"pasted": "name,value\nbalanced_accuracy,0.8"}, "Figure 1: balanced_accuracy was given before."),
        ({"measured_on": "2999-01-01"}, "1 January 2999 is still to come."),
        ({"measured_by": ""}, "This field is required."),
        ({"kind": "robustness"}, "robustness is not one of the available choices"),
        ({"model_version": "x"}, "is not one of the available choices"),
        ({"data_digest": "12"}, "A SHA-256 has 64 hexadecimal digits."),
    ],
)
def test_what_is_wrong_is_said_where_it_was_typed_and_kept(acme, version, client, address, other, words):
    client.force_login(acme.builder.user)
    answer = client.post(address, typed(version) | other)
    page = answer.content.decode()
    assert answer.status_code == 400 and words in page and "Hold-out, bootstrap of 2,000." in page
    if "value_1" not in other:
        assert 'value="0.78"' in page
    acme.enter(acme.builder)
    assert not Report.objects.exists()


def test_who_may_not_submit_is_told_why(acme, version, client, address):
    client.force_login(acme.reviewer.user)
    assert "Only builders of this organization submit figures" in client.get(address).content.decode()
    answer = client.post(address, typed(version))
    assert answer.status_code == 400 and "Only builders" in answer.content.decode()
    acme.enter(acme.builder)
    assert not Report.objects.exists()


def test_a_submission_is_withdrawn_on_its_page(acme, version, client):
    report = submitted(acme, version)
    client.force_login(acme.builder.user)
    where = report.get_absolute_url()
    assert "Say why it is withdrawn." in client.post(f"{where}withdrawal/", {}, follow=True).content.decode()
    assert client.post(f"{where}withdrawal/", {"reason": "Wrong rows."}).status_code == 303
    page = client.get(where).content.decode()
    assert ">withdrawn<" in page and "Wrong rows." in page and "Withdraw it" not in page
    again = client.post(f"{where}withdrawal/", {"reason": "Again."}, follow=True)
    assert "It was withdrawn already." in again.content.decode()
    acme.enter(acme.builder)
    assert ">missing<" in client.get(reverse("reports", args=["acme", acme.project.slug])).content.decode()


def test_its_document_says_it_too(acme, version, client):
    report = submitted(acme, version, "fairness", figures=[GAP])
    client.force_login(acme.auditor.user)
    pdf = PdfReader(io.BytesIO(client.get(f"{report.get_absolute_url()}pdf/").content))
    ((_, (content,)),) = pdf.attachments.items()
    assert content == report.result.encode()
    text = " ".join(" ".join(page.extract_text().split()) for page in pdf.pages)
    for words in ("SUBMITTED", "No figure was computed by the portal", "Example Labs", "Spring applications."):
        assert words in text, words
    assert "recomputed by the portal" not in text


def test_a_day_is_where_it_is():
    assert date.fromisoformat(f"{TODAY}") and not wrong(measured_on=(datetime.now(UTC) + timedelta(hours=13)).date())


def test_another_organizations_submission_is_nothing(acme, rival, client):
    rival.enter(rival.builder)
    theirs = submitted(rival, sign_offs.model_version(rival))
    client.force_login(acme.builder.user)
    for door in ("", "original/", "pdf/"):
        assert client.get(f"/acme/{acme.project.slug}/reports/{theirs.pk}/{door}").status_code == 404
    assert (
        client.post(
            "/api/v1/acme/reports/submissions/", body(theirs.model_version), content_type="application/json"
        ).status_code
        == 404
    )
    acme.enter(acme.builder)
    assert ModelVersion.objects.count() == 0


@pytest.mark.parametrize("kind", ["model_card", "technical_documentation"])
def test_documents_and_coverage_take_it_as_what_it_is(acme, version, kind):
    submitted(acme, version)
    submitted(acme, version, "fairness", figures=[GAP])
    told = json.dumps(sheets.content(kind, evidence.of_version(version)))
    assert "submitted from outside" in told and "without the rates of each group" in told
    assert kind != "model_card" or told.count("As submitted from outside, not recomputed.") == 2
    held = coverage.holding(acme, "fairness_report", version=version)
    assert [item.provenance for item in held.items] == ["submitted"]


def test_a_figure_without_its_interval_says_that_none_came(acme, version, client):
    whole, bare = FIGURE, {"name": "accuracy", "value": 0.8, "n": 597}
    report = actions.submit(version, kind="performance", given=WORDS | {"measured_on": TODAY, "figures": [whole, bare]},
                            by=acme.builder)  # fmt: skip
    client.force_login(acme.auditor.user)
    page = client.get(report.get_absolute_url()).content.decode()
    assert page.count("no interval was submitted") == 1
