"""What plain SQL cannot do about figures in operation: forge or lose a breach, or a dossier that leaves some out."""

import json

import pytest
from django.db import DatabaseError, transaction

from apps.approvals import queries
from apps.approvals.models import Approval, Breach
from apps.common.canonical import canonical, digest
from apps.common.tenancy import become
from tests.approvals import make
from tests.approvals.database.attacks import ask, attack, forge, question, rows
from tests.approvals.test_at_once import attempt, together


def without_operation(text: str) -> str:
    return canonical(json.loads(text) | {"operation": []}).decode()


def refused(values: dict) -> str:
    """What the database answers to a request whose digest fits its dossier."""
    with pytest.raises(DatabaseError) as refusal:
        ask(values | {"digest": digest(values["dossier"].encode())})
    return str(refusal.value)


def test_nobody_writes_changes_or_deletes_a_breach(acme):
    approval = make.approved(acme)
    good = make.operated(approval.model_version, "performance")
    make.operated(approval.model_version, measured=make.unfair())
    breach = Breach.objects.get()
    assert "permission denied" in attack("delete from approvals_breach where id = %s", breach.pk)
    assert "permission denied" in attack("update approvals_breach set approval_id = approval_id + 1")
    assert "permission denied" in attack(
        'insert into approvals_breach (organization_id, approval_id, report_id, place, "of", figure, found_at)'
        " values (%s, %s, %s, 1, '', '{}', now())", acme.organization.pk, approval.pk, good.pk
    )  # fmt: skip
    assert "permission denied" in attack("truncate approvals_breach")


def test_the_arithmetic_is_the_databases_own_whatever_the_report_says_of_itself(acme):
    """A worker that calls it a pass changes nothing: figures decide."""
    approval = make.approved(acme)
    make.operated(approval.model_version, measured=make.unfair(), verdict="pass")
    assert not queries.case(queries.approvals(viewer=acme.builder).get()).stands


def test_a_dossier_tells_all_that_was_measured_in_operation(acme):
    approval = make.approved(acme)
    make.operated(approval.model_version)
    policy = approval.policy_version
    honest = question(acme, approval.model_version, policy)
    hidden = question(acme, approval.model_version, policy, edit=without_operation)
    assert "does not tell all that was measured in operation" in refused(hidden)
    bare = question(acme, approval.model_version, policy, edit=lambda text: canonical(
        {key: said for key, said in json.loads(text).items() if key != "operation"}).decode())  # fmt: skip
    assert "does not tell all that was measured in operation" in refused(bare)
    ask(honest)
    assert Approval.objects.count() == 2


def test_no_request_comes_in_while_a_figure_is_out_of_bounds(acme):
    approval = make.approved(acme)
    make.operated(approval.model_version, measured=make.unfair())
    values = question(acme, approval.model_version, approval.policy_version)
    assert "out of bounds in operation" in refused(values)
    make.operated(approval.model_version)
    ask(question(acme, approval.model_version, approval.policy_version))


def test_a_request_is_not_signed_once_it_is_broken(acme):
    make.approved(acme)
    again = make.asked_for(acme, make.reported(acme, number=2))
    make.operated(again.model_version, measured=make.unfair())
    acme.enter(acme.reviewer)
    assert "What the dossier binds has changed" in forge(again, acme.reviewer)
    assert not queries.approvals(viewer=acme.builder).get(pk=again.pk).stands


def test_a_rival_learns_nothing_of_a_breach(acme, rival):
    approval = make.approved(acme)
    make.operated(approval.model_version, measured=make.unfair())
    rival.enter(rival.owner)
    assert rows("select * from approvals_breach") == 0
    assert rows("select * from approvals_out_of_bounds(%s, %s)", approval.model_version_id,
                approval.policy_version_id) == 0  # fmt: skip
    assert queries.operation(approval.model_version) == []


def test_a_report_and_a_request_at_the_same_moment_do_not_miss_each_other(standing):
    with transaction.atomic():
        first = make.approved(standing)
        again = make.reported(standing, number=2)
        data = make.brought(first.model_version)
    builder = standing.builder

    def measured():
        return attempt(builder, lambda: make.operated(first.model_version, measured=make.unfair(), data=data))

    def asking():
        return attempt(builder, lambda: make.asked_for(standing, again))

    found = together(measured, asking)
    assert found[0] == "done" or found[1] == "done"
    with transaction.atomic():
        become(standing.organization.pk, builder.user_id)
        broken = set(Breach.objects.values_list("approval_id", flat=True))
        assert broken == set(Approval.objects.values_list("pk", flat=True)), found
