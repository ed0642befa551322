"""A statement is said once, by somebody, about one thing; it is superseded or withdrawn, never changed."""

import datetime as dt
import json

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.audits import keys
from apps.audits.models import Record
from apps.common.canonical import digest
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from apps.documents import actions, queries
from apps.documents.kinds import KINDS, About
from apps.documents.models import Standing, Statement
from tests.documents import make
from tests.make import project
from tests.models import make as models

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(acme):
    acme.enter()
    return models.version(acme)


@pytest.fixture
def purpose(acme):
    acme.enter()
    return make.stated(acme)


def head(statement):
    return queries.statements(statement.project).get(pk=statement.pk)


def sql(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


# --- what it is -----------------------------------------------------------------------------------------------------


def test_its_digest_is_of_its_canonical_bytes_and_the_organization_signed_it(acme, purpose):
    said = json.loads(purpose.body)
    assert digest(said) == digest(purpose.body.encode()) == purpose.digest
    assert said["provenance"] == "declared" and said["stated_by"]["name"] == str(acme.builder.user)
    signed = keys.attested(acme.organization.pk, purpose.envelope, actions.STATED)
    assert signed["subject"][0]["digest"] == {"sha256": purpose.digest}


def test_it_says_each_question_with_its_reference(purpose):
    given = {one["question"]: one for one in json.loads(purpose.body)["answers"]}
    kind = KINDS["intended_purpose"]
    assert {name: (one["asked"], one["reference"]) for name, one in given.items()} == {
        question.name: (question.asks, question.reference) for question in kind.questions
    }


@pytest.mark.parametrize("key", KINDS)
def test_each_kind_can_be_stated_of_what_it_is_about(acme, version, key):
    statement = make.stated(acme, key, version=version, data=version.dataset_version)
    assert {
        About.PROJECT: acme.project,
        About.MODEL: version,
        About.DATA: version.dataset_version,
    }[KINDS[key].about] == statement.about
    assert statement in queries.speaking_of(version)


def test_every_kind_names_its_law_and_its_use():
    for kind in KINDS.values():
        assert kind.needed_for and kind.questions, kind.key
        assert all(question.asks and question.reference for question in kind.questions), kind.key
        names = [question.name for question in kind.questions]
        assert len(names) == len(set(names)), kind.key


def test_it_is_recorded(acme, purpose):
    record = Record.objects.filter(on_type="statement", on_id=purpose.pk).get()
    assert record.event == "statement.made" and record.facts["digest"] == purpose.digest


# --- its life -------------------------------------------------------------------------------------------------------


def test_the_next_one_supersedes_it(acme, purpose):
    later = make.stated(acme, uses="Advise on mortgages.")
    assert queries.standing(head(purpose)) == Standing.SUPERSEDED
    assert queries.standing(head(later)) == Standing.CURRENT
    assert later.supersedes == purpose and json.loads(later.body)["supersedes"] == purpose.digest


def test_who_has_not_seen_the_newest_states_nothing(acme, purpose):
    kind = KINDS["intended_purpose"]
    with pytest.raises(ActionDenied, match="a moment ago"):
        actions.state(acme.project, kind, answers=make.answers(kind), by=acme.builder, seen=None)
    assert actions.state(acme.project, kind, answers=make.answers(kind), by=acme.builder, seen=purpose.pk)


def test_it_ends_with_its_day(acme, monkeypatch):
    acme.enter()
    today = timezone.now().astimezone(dt.UTC).date()
    purpose = make.stated(acme, until=today)
    assert queries.standing(head(purpose)) == Standing.CURRENT
    monkeypatch.setattr(timezone, "now", lambda: purpose.ends_at)
    assert queries.standing(head(purpose)) == Standing.EXPIRED


def test_it_is_withdrawn_once_with_a_reason(acme, purpose):
    with pytest.raises(BadInput, match="Say why"):
        actions.withdraw(purpose, reason="  ", by=acme.owner)
    withdrawn = actions.withdraw(purpose, reason="It was wrong.", by=acme.owner)
    assert queries.standing(head(withdrawn)) == Standing.WITHDRAWN
    with pytest.raises(ActionDenied, match="already"):
        actions.withdraw(purpose, reason="Again.", by=acme.owner)
    assert Record.objects.filter(event="statement.withdrawn", on_id=purpose.pk).get().facts["reason"] == "It was wrong."


def test_one_that_is_superseded_is_not_withdrawn(acme, purpose):
    make.stated(acme)
    with pytest.raises(ActionDenied, match="superseded"):
        actions.withdraw(purpose, reason="It was wrong.", by=acme.owner)


def test_after_a_withdrawal_it_can_be_stated_anew(acme, purpose):
    actions.withdraw(purpose, reason="It was wrong.", by=acme.owner)
    assert queries.standing(head(make.stated(acme))) == Standing.CURRENT


# --- what is asked of it --------------------------------------------------------------------------------------------


def test_current_is_what_speaks_about_a_version_and_may_be_relied_on(acme, version):
    other = models.version(acme)
    mine = make.stated(acme, "model_card_notes", version=version)
    make.stated(acme, "model_card_notes", version=other)
    data = make.stated(acme, "datasheet_answers", data=version.dataset_version)
    make.stated(acme, "retention_policy")
    actions.withdraw(make.stated(acme, "cybersecurity"), reason="No.", by=acme.owner)
    today = timezone.now().astimezone(dt.UTC).date()
    fria = make.stated(acme, "impact_assessment-fria", until=today)
    found = queries.current(version)
    assert {(row["kind"], row["subtype"]) for row in found} == {
        ("model_card_notes", ""), ("datasheet_answers", ""), ("retention_policy", ""), ("impact_assessment", "FRIA")
    }  # fmt: skip
    by_digest = {row["digest"]: row for row in found}
    assert {mine.digest, data.digest, fria.digest} < set(by_digest)
    assert by_digest[fria.digest]["valid_until"] == today.isoformat()
    assert by_digest[fria.digest]["name"] == "Impact assessment: fundamental rights of Lending"
    assert json.dumps(found)


def test_what_another_project_states_says_nothing_here(acme, version):
    elsewhere = project(acme.builder, slug="elsewhere")
    kind = KINDS["intended_purpose"]
    actions.state(elsewhere, kind, answers=make.answers(kind), by=acme.builder)
    assert queries.current(version) == []


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"uses": ""}, "uses"),
        ({"uses": "  \n "}, "uses"),
        ({"uses": 7}, "uses"),
        ({"uses": {"answer": "unknown", "text": ""}}, "uses"),
        ({"uses": {"answer": "given", "text": "x", "more": 1}}, "uses"),
        ({"uses": "a\x00b"}, "uses"),
        ({"uses": "pay \u202e001"}, "uses"),
        ({"uses": "\ud800"}, "uses"),
        ({"uses": "x" * 20_001}, "uses"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_an_answer_that_is_none_is_refused_by_its_question(acme, given, name):
    acme.enter()
    with pytest.raises(BadInput) as refused:
        make.stated(acme, **given)
    assert list(refused.value.problems) == [name]
    assert not Statement.objects.exists()


@pytest.mark.parametrize("given", [None, [], "text", 3])
def test_answers_are_an_object(acme, given):
    acme.enter()
    with pytest.raises(BadInput):
        actions.state(acme.project, KINDS["intended_purpose"], answers=given, by=acme.builder)


def test_a_question_of_a_datasheet_is_answered_or_said_to_be_open(acme, version):
    data, unknown = version.dataset_version, {"answer": "unknown", "text": ""}
    made = make.stated(
        acme, "datasheet_answers", data=data, errors=unknown, consent={"answer": "not applicable", "text": "No people."}
    )
    said = {one["question"]: one["answer"] for one in json.loads(made.body)["answers"]}
    assert (said["errors"], said["consent"], said["purpose"]) == ("unknown", "not applicable", "given")
    with pytest.raises(BadInput, match="Say why it does not apply"):
        make.stated(acme, "datasheet_answers", data=data, consent={"answer": "not applicable", "text": ""})
    with pytest.raises(BadInput, match="unknown or does not apply"):
        make.stated(acme, "datasheet_answers", data=data, consent="")


def test_a_kind_is_stated_of_the_thing_it_is_about(acme, version):
    for key, about in (
        ("intended_purpose", {"model_version": version}),
        ("model_card_notes", {}),
        ("datasheet_answers", {"model_version": version}),
    ):
        with pytest.raises(BadInput, match="is stated of a"):
            actions.state(acme.project, KINDS[key], answers=make.answers(KINDS[key]), by=acme.builder, **about)


@pytest.mark.parametrize("days", [-1, 4000])
def test_it_ends_on_a_day_to_come(acme, days):
    acme.enter()
    with pytest.raises(BadInput, match="from today on"):
        make.stated(acme, until=timezone.now().date() + dt.timedelta(days=days))


@pytest.mark.parametrize("role", ["reviewer", "auditor"])
def test_only_owners_and_builders_state_and_withdraw(acme, purpose, role):
    with pytest.raises(NotPermitted, match="Only owners and builders"):
        make.stated(acme, by=acme.members[role])
    with pytest.raises(NotPermitted):
        actions.withdraw(purpose, reason="No.", by=acme.members[role])


def test_nothing_is_stated_in_a_closed_project(acme):
    acme.enter()
    acme.project.closed_at = timezone.now()
    with pytest.raises(ActionDenied, match="closed"):
        make.stated(acme)


# --- the database ---------------------------------------------------------------------------------------------------

COPY = """insert into documents_statement (organization_id, project_id, kind, subtype, model_version_id,
    dataset_version_id, body, digest, envelope, stated_by_id, stated_at, supersedes_id, withdrawn_reason)
    select organization_id, {project}, {kind}, subtype, {version}, dataset_version_id, body, {digest}, envelope,
    stated_by_id, stated_at, {supersedes}, '' from documents_statement where id = %s"""
AS_IT_IS = {
    "project": "project_id",
    "kind": "kind",
    "version": "model_version_id",
    "digest": "digest",
    "supersedes": "id",
}


@pytest.mark.parametrize("column", ["body", "digest", "kind", "subtype", "valid_until", "stated_at", "supersedes_id",
                                    "stated_by_id", "envelope", "project_id"])  # fmt: skip
def test_nobody_changes_one(acme, purpose, column):
    values = {"valid_until": "current_date + 1", "stated_at": "now()", "supersedes_id": "id", "envelope": "'{}'",
              "stated_by_id": acme.owner.pk, "project_id": project(acme.builder, slug="other").pk}  # fmt: skip
    with pytest.raises(DatabaseError), transaction.atomic():
        sql(f"update documents_statement set {column} = {values.get(column, repr('x'))} where id = %s", purpose.pk)


@pytest.mark.parametrize(
    "attack",
    [
        "delete from documents_statement where id = %s",
        "truncate documents_statement",
        "update documents_statement set withdrawn_at = now() where id = %s",
        "update documents_statement set withdrawn_at = now(), withdrawn_by_id = stated_by_id where id = %s",
    ],
)
def test_nobody_deletes_one_or_half_withdraws_it(acme, purpose, attack):
    with pytest.raises(DatabaseError), transaction.atomic():
        sql(attack, *([purpose.pk] if "%s" in attack else []))


def test_a_withdrawal_is_not_taken_back(acme, purpose):
    actions.withdraw(purpose, reason="It was wrong.", by=acme.owner)
    with pytest.raises(DatabaseError), transaction.atomic():
        sql("update documents_statement set withdrawn_at = null, withdrawn_by_id = null, withdrawn_reason = ''"
            " where id = %s", purpose.pk)  # fmt: skip


@pytest.mark.parametrize(
    "planted",
    [
        {"supersedes": "null"},  # a second first one
        {"digest": "repeat('0', 64)"},
        {"kind": "'cybersecurity'"},  # supersedes another kind
        {"version": "{version}", "supersedes": "null"},  # about another organization's model
        {"project": "{project}", "supersedes": "null"},  # in another organization's project
    ],
)
def test_nobody_plants_one_that_is_not_true(acme, rival, planted):
    rival.enter()
    theirs = models.version(rival)
    acme.enter()
    purpose = make.stated(acme)
    told = {name: value.format(version=theirs.pk, project=theirs.project_id) for name, value in planted.items()}
    with transaction.atomic():  # the same, with nothing wrong, is taken
        sql(COPY.format(**AS_IT_IS), purpose.pk)
        transaction.set_rollback(True)
    with pytest.raises(DatabaseError), transaction.atomic():
        sql(COPY.format(**AS_IT_IS | told), purpose.pk)
