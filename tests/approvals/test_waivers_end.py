"""Waivers and the clock: what nobody has to do, because the database's own clock does it."""

from django.db import connection, connections, transaction
from django.utils import timezone

from apps.approvals import queries
from apps.approvals.models import Waiver
from tests.approvals import make
from tests.approvals.test_waivers import holds, weak


def as_superuser(sql: str, *values) -> None:
    """What no person of the portal can do: the clock goes on, or somebody who owns the server lies."""
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        cursor.execute("set local session_replication_role = replica")
        cursor.execute(sql, values)


def later(waiver: Waiver, days: int) -> None:
    as_superuser(
        "update approvals_waiver set starts_at = starts_at - make_interval(days => %s),"
        " ends_at = ends_at - make_interval(days => %s) where id = %s", days, days, waiver.pk,
    )  # fmt: skip


def unchanged(approval) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select approvals_unchanged(%s)", [approval.pk])
        return cursor.fetchone()[0]


def test_on_expiry_the_rule_fails_again_and_the_sign_off_falls_with_no_human_action(standing):
    with transaction.atomic():
        standing.enter()
        version = weak(standing)
        waiver = make.waived(standing, version)
        policy, approval = make.policy(standing), make.asked_for(standing, version)
    later(waiver, 29)
    with transaction.atomic():
        standing.enter()
        waiver.refresh_from_db()
        assert holds(version, policy) and waiver.status == "active" and not unchanged(approval)  # another end is told
    later(waiver, 1)
    with transaction.atomic():
        standing.enter()
        waiver.refresh_from_db()
        assert not holds(version, policy) and not unchanged(approval)
        assert waiver.status == "expired" and waiver.overdue
        assert queries.in_force(version, policy) == []
        [row] = queries.counted(viewer=standing.auditor)
        assert (row["open"], row["overdue"], row["all"]) == (0, 1, 1)
        case = queries.case(queries.approvals(viewer=standing.builder).get(pk=approval.pk))
        assert case.changes == (f"Waiver {waiver.pk} of rule 5 is no longer in force.",)


def test_every_byte_of_a_waiver_is_bound(standing):
    with transaction.atomic():
        standing.enter()
        version = weak(standing)
        waiver = make.waived(standing, version)
        approval = make.asked_for(standing, version)
    for column, value in {
        "reason": "x",
        "risk": "x",
        "measure": "x",
        "monitoring": "x",
        "plan": "x",
        "rule": 6,
        "state": "closed",
    }.items():
        with transaction.atomic():
            standing.enter()
            before = getattr(Waiver.objects.get(pk=waiver.pk), column)
            assert unchanged(approval), column
        as_superuser(f"update approvals_waiver set {column} = %s where id = %s", value, waiver.pk)
        with transaction.atomic():
            standing.enter()
            assert not unchanged(approval), column
        as_superuser(f"update approvals_waiver set {column} = %s where id = %s", before, waiver.pk)


def test_a_waiver_of_a_rule_that_is_never_waived_changes_nothing(standing):
    """Were one there all the same, neither Python nor SQL would heed it."""
    with transaction.atomic():
        standing.enter()
        version = weak(standing)
        make.waived(standing, version)
        policy = make.policy(standing)
    as_superuser(
        "update approvals_policyversion set body = jsonb_set(body, '{rules,4,waivable}', 'false') where id = %s",
        policy.pk,
    )
    with transaction.atomic():
        standing.enter()
        policy.refresh_from_db()
        assert not holds(version, policy)
        outcomes = queries.gates(
            version,
            policy.parsed,
            queries.latest_reports(version),
            timezone.now(),
            waived=queries.in_force(version, policy),
        )
        assert [outcome.verdict for outcome in outcomes if outcome.place == 5] == ["fail"]
