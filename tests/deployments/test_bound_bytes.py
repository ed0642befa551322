"""Whatever a sign-off binds, changed by whoever owns the server: the permit is refused at once, with the reason."""

import json
import re
from functools import partial

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.approvals import actions as approvals
from apps.common.canonical import digest
from apps.common.errors import ActionDenied
from apps.deployments import actions, queries, runs
from apps.documents.models import Document
from tests.approvals import make as sign_offs
from tests.approvals.test_waivers import weak
from tests.approvals.test_waivers_end import as_superuser
from tests.documents import make as documents


def flipped(text: str, place: int) -> str:
    """One letter of it is another."""
    place %= len(text)
    return text[:place] + ("1" if text[place] != "1" else "2") + text[place + 1 :]


def in_json(value, place: int):
    """One leaf of it is another."""
    whole = json.loads(json.dumps(value))
    holders = [(holder, name) for holder, name in _leaves(whole)]
    holder, name = holders[place % len(holders)]
    leaf = holder[name]
    holder[name] = not leaf if isinstance(leaf, bool) else leaf + 1 if isinstance(leaf, int) else flipped(leaf, place)
    return whole


def _leaves(value):
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from _leaves(inner)
        elif name != "size":  # of a file: its digest is bound
            yield value, name


def other(value, place: int):
    if isinstance(value, dict):
        return json.dumps(in_json(value, place))
    return value + 1 if isinstance(value, int) else flipped(value, place)


# What a sign-off binds: each table with the columns that are changed, and what they become where that is not `other`.
NOW, PAST = "now()", "now() - interval '2 days'"
BOUND = {
    "accounts_organization": {"slug": None},
    "projects_project": {"slug": None, "purpose": None, "risk_class": "'limited'", "answers": None, "closed_at": NOW},
    "models_registeredmodel": {"name": None},
    "models_modelversion": {"number": None, "artifact_digest": None, "files": None, "recipe_digest": None,
                            "code_version": None, "retired_at": NOW},
    "datasets_dataset": {"name": None},
    "datasets_datasetversion": {"number": None, "digest": None, "declaration_digest": None, "withdrawn_at": NOW},
    "reports_report": {"digest": None, "state": "'failed'"},
    "approvals_policy": {"name": None},
    "approvals_policyversion": {"number": None, "digest": None, "withdrawn_at": NOW},
    "approvals_waiver": {"reason": None, "risk": None, "measure": None, "monitoring": None, "plan": None,
                         "rule": None, "owner_id": "requested_by_id", "starts_at": PAST, "ends_at": NOW,
                         "state": "'closed'"},
    "documents_statement": {"digest": None, "kind": None, "withdrawn_at": NOW, "valid_until": f"({PAST})::date"},
    "documents_document": {"digest": None, "kind": None, "state": "'failed'"},
}  # fmt: skip
COLUMNS = [(table, column) for table, columns in BOUND.items() for column in columns]


@pytest.fixture
def deployment(standing):
    """On a sign-off that binds one of everything: a waiver, a statement, a document from a template."""
    with transaction.atomic():
        standing.enter(standing.owner)
        type(standing.project).objects.filter(pk=standing.project.pk).update(answers={"minors": False, "credit": True})
        version = weak(standing)
        sign_offs.waived(standing, version)
        documents.stated(standing)
        _card(standing, version, "a template")
        approval = sign_offs.asked_for(standing, version)
        for signer, meaning in ((standing.reviewer, "validated"), (standing.second_reviewer, "approved")):
            standing.enter(signer)
            sign_offs.sign(approval, signer, meaning)
        standing.enter(standing.builder)
        approval.refresh_from_db()
        return actions.open_deployment(approval, name="screening", by=standing.builder)


def _card(tenant, version, template: str) -> Document:
    return Document.objects.create(
        organization=tenant.organization, project=tenant.project, kind="model_card", model_version=version,
        started_by=tenant.builder, state="finished", digest=digest(template), template_digest=digest(template),
    )  # fmt: skip


def refusal(tenant, deployment) -> str:
    """Why it may not run now; empty where it may. What the database says alone is the same."""
    with transaction.atomic():
        tenant.enter(tenant.builder)
        row = queries.loaded(deployment.pk)
        with connection.cursor() as cursor:
            cursor.execute("select deployments_permit_stands(%s)", [queries.permit(row).pk])
            (stands,) = cursor.fetchone()
        try:
            runs.permitted(row)
        except ActionDenied as denied:
            assert not stands
            return str(denied)
        assert stands
        return ""


def row_of(tenant, table: str, column: str, place: int) -> tuple[int, object]:
    """One of the tenant's rows, and what stands there."""
    mine = "id" if table == "accounts_organization" else "organization_id"
    with transaction.atomic(), connection.cursor() as cursor:
        tenant.enter(tenant.builder)
        cursor.execute(f"select id, {column} from {table} where {mine} = %s order by id", [tenant.organization.pk])
        found = cursor.fetchall()
    return found[place % len(found)]


def tried(tenant, deployment, table: str, column: str, place: int) -> None:
    pk, was = row_of(tenant, table, column, place)
    was = json.loads(was) if column in ("answers", "files") and isinstance(was, str) else was
    becomes = BOUND[table][column]
    put = partial(as_superuser, f"update {table} set {column} = %s where id = %s")
    if becomes:
        as_superuser(f"update {table} set {column} = {becomes} where id = %s", pk)
    else:
        put(other(was, place), pk)
    said = refusal(tenant, deployment)
    put(json.dumps(was) if isinstance(was, dict) else was, pk)
    assert said and said.endswith(".") and said != "screening answers nothing.", (table, column)
    assert refusal(tenant, deployment) == "", f"{table}.{column} is as it was, and still: {said}"


def test_each_thing_that_is_bound_refuses_the_permit_when_it_changes(standing, deployment):
    for number, (table, column) in enumerate(COLUMNS):
        tried(standing, deployment, table, column, number)


def test_a_flip_of_any_letter_of_any_of_them_does(standing, deployment):
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    @given(st.sampled_from(COLUMNS), st.integers(0, 10_000))
    def any_of_them(where, place):
        tried(standing, deployment, *where, place)

    any_of_them()


def swapped(tenant, approval) -> None:
    """Two versions of the model with each other's numbers."""
    tenant.enter(tenant.builder)
    first, second = approval.model_version, sign_offs.reported(tenant, number=2, artifact_digest="9" * 64)
    transaction.on_commit(lambda: _numbered((first.pk, 10_000), (second.pk, first.number), (first.pk, second.number)))


def _numbered(*pairs: tuple[int, int]) -> None:
    for pk, number in pairs:
        as_superuser("update models_modelversion set number = %s where id = %s", number, pk)


def newer_policy(tenant, approval) -> None:
    """A stricter one is published and the one it was signed under withdrawn."""
    stricter = approval.policy_version.source.split("tests:")[0].replace("at_least: 0.65", "at_least: 0.9")
    assert sign_offs.publish(tenant, stricter).number == 2
    approvals.withdraw_policy(approval.policy_version, by=tenant.owner)


def newer_template(tenant, approval) -> None:
    """The same document, written anew from a template that was edited."""
    tenant.enter(tenant.builder)
    _card(tenant, approval.model_version, "an edited template")


def another_waiver(tenant, approval) -> None:
    sign_offs.waived(tenant, approval.model_version, 6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (swapped, "The model was screening version 1 and is now screening version 2"),
        (newer_policy, "The policy high-risk version 1 was withdrawn"),
        (newer_template, "The model card [0-9a-f]{12} was superseded by"),
        (another_waiver, "Waiver [0-9]+ of rule 6 came into force"),
    ],
)
def test_swapped_versions_and_what_people_change_by_the_doors_refuse_it_too(standing, deployment, change, words):
    assert refusal(standing, deployment) == ""
    with transaction.atomic():
        change(standing, deployment.approval)
    said = refusal(standing, deployment)
    assert re.search(words, said), said
