"""Figures submitted from outside at the gates: shown as such, counted only where a policy takes them, and never by
somebody who signs."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.approvals import actions, queries
from apps.approvals.gates.defaults import built_in_policy
from apps.common.errors import ActionDenied
from apps.reports import actions as reports
from tests.approvals import make

pytestmark = pytest.mark.django_db
TODAY = datetime.now(UTC).date()
POLICY = (
    "name: high-risk\nrisk_class: high\nvalid_days: 9\nsigners: [{role: reviewer, meaning: approved}]\n"
    "rules:\n  - {report: performance, figure: balanced_accuracy, bound: lower, at_least: 0.65%s}\n"
)


def under(acme, wants=""):
    make.policy(acme)
    return make.publish(acme, POLICY % (f", provenance: {wants}" if wants else ""))


def submitted(acme, version, kind="performance", *, on=TODAY, **figure):
    acme.enter(acme.builder)
    figure = {"name": "balanced_accuracy", "value": 0.78, "low": 0.7, "high": 0.85, "n": 597} | figure
    given = {"measured_by": "Example Labs", "measured_on": on, "method": "Hold-out.", "data": "Spring.",
             "figures": [figure]}  # fmt: skip
    return reports.submit(version, kind=kind, given=given, by=acme.builder)


def stands(version, policy) -> tuple[str, str, bool]:
    """The gate's verdict and reason, and whether the database says that the rules hold."""
    (outcome,) = queries.gates(version, policy.parsed, queries.latest_reports(version), timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("select approvals_gates_hold(%s, %s)", [version.pk, policy.pk])
        return outcome.verdict, outcome.why, cursor.fetchone()[0]


def asked(acme, version):
    acme.enter(acme.builder)
    return actions.ask(version, note="", by=acme.builder)


def signed(acme, approval):
    acme.enter(acme.reviewer)
    make.sign(approval, acme.reviewer, "approved")
    approval.refresh_from_db()
    return approval


def holds(approval) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select approvals_stands(%s)", [approval.pk])
        return cursor.fetchone()[0]


def test_every_built_in_policy_counts_recomputed_figures_alone():
    for risk_class in ("high", "limited", "minimal"):
        policy = built_in_policy(risk_class)
        rules = [rule for rule in policy.rules if rule.noun == "report"]
        assert rules and {rule.provenance for rule in rules} == {"recomputed"}, risk_class


@pytest.mark.parametrize(
    ("wants", "order", "verdict"),
    [
        ("recomputed", "S", "missing"),
        ("recomputed", "RS", "pass"),
        ("recomputed", "SR", "pass"),
        ("submitted", "S", "pass"),
        ("submitted", "RS", "pass"),
        ("declared", "S", "pass"),
        ("", "S", "pass"),
        ("submitted", "rS", "fail"),  # a recomputed report that fails speaks, whatever came after it
        ("submitted", "Sr", "fail"),
        ("", "rSS", "fail"),
        ("submitted", "sS", "pass"),  # of two submissions the newer
        ("submitted", "Ss", "fail"),
    ],
)
def test_what_counts_and_what_speaks(acme, wants, order, verdict):
    policy, version = under(acme, wants), make.model_version(acme)
    poor = {"value": 0.5, "low": 0.4, "high": 0.6}
    for place, one in enumerate(order):
        how = {"n": 600 + place} | (poor if one.islower() else {})
        if one in "Rr":
            make.report(version, "performance", measured=[make.figure("balanced_accuracy", **how)])
        else:
            submitted(acme, version, **how)
    found, why, in_sql = stands(version, policy)
    assert (found, in_sql) == (verdict, verdict == "pass")
    if verdict == "missing":
        assert why == (
            "The performance report is submitted from outside; this rule counts only figures recomputed by the portal."
        )


def test_submitted_figures_are_as_old_as_the_day_on_which_they_were_measured(acme):
    policy = make.publish(acme, (POLICY % ", max_age_days: 20").replace("high-risk", "aged"))
    version = make.model_version(acme, created_at=timezone.now() - timedelta(days=40))
    submitted(acme, version, on=TODAY - timedelta(days=30))
    assert stands(version, policy)[0::2] == ("stale", False)
    submitted(acme, version, on=TODAY - timedelta(days=10))
    assert stands(version, policy)[0::2] == ("pass", True)


def test_a_sign_off_on_submitted_figures_says_so_and_falls_when_they_are_superseded_or_withdrawn(acme, client):
    under(acme, "submitted")
    first = make.model_version(acme)
    report = submitted(acme, first)
    approval = signed(acme, asked(acme, first))
    assert approval.state == "approved" and holds(approval)
    dossier = json.loads(approval.dossier)
    assert dossier["evidence"][0]["provenance"] == "submitted from outside"
    assert dossier["gates"]["outcomes"][0]["provenance"] == "submitted"
    assert {
        "person": acme.builder.user_id,
        "name": str(acme.builder.user),
        "deed": "submitted figures about it",
    } in dossier["hands"]
    client.force_login(acme.auditor.user)
    page = client.get(approval.get_absolute_url()).content.decode()
    assert ">submitted<" in page and "from outside, not recomputed" in page

    reports.withdraw(report, reason="Wrong rows.", by=acme.enter(acme.builder).builder)
    assert not holds(approval)
    for number, come in enumerate(("recomputed", "submitted"), start=2):
        version = make.model_version(acme, number=number)
        submitted(acme, version)
        approval = signed(acme, asked(acme, version))
        assert holds(approval)
        make.report(version, "performance") if come == "recomputed" else submitted(acme, version, n=600)
        assert not holds(approval), come


def test_one_on_recomputed_figures_stands_whatever_is_submitted(acme):
    """Who can submit cannot take a sign-off down."""
    under(acme)
    version = make.model_version(acme)
    make.report(version, "performance")
    approval = signed(acme, asked(acme, version))
    submitted(acme, version, value=0.1, low=0.0, high=0.2)
    assert holds(approval)


def test_nobody_signs_under_submitted_figures_by_which_no_rule_is_met(acme):
    under(acme, "recomputed")
    version = make.model_version(acme)
    submitted(acme, version)
    approval = asked(acme, version)
    assert json.loads(approval.dossier)["gates"]["verdict"] == "missing"
    acme.enter(acme.reviewer)
    with pytest.raises(ActionDenied):
        make.sign(approval, acme.reviewer, "approved")


def test_who_submitted_figures_does_not_sign_whatever_they_are_now(acme):
    """A builder who submitted and became a reviewer afterwards had a hand in it all the same."""
    under(acme)
    version = make.model_version(acme, by=acme.owner, data=make.dataset_version(acme, by=acme.owner))
    make.report(version, "performance", by=acme.owner)
    submitted(acme, version)
    assert queries.hands(version.pk)[acme.builder.user_id] == "submitted figures about it"
    acme.enter(acme.owner)
    acme.builder.role = "reviewer"
    acme.builder.save(update_fields=["role"])
    acme.second_reviewer.role = "builder"
    acme.second_reviewer.save(update_fields=["role"])
    acme.enter(acme.second_reviewer)
    approval = actions.ask(version, note="", by=acme.second_reviewer)
    acme.enter(acme.builder)
    with pytest.raises(ActionDenied, match="You submitted figures about it; somebody who had no hand in it must sign"):
        make.sign(approval, acme.builder, "approved")
    assert signed(acme, approval).state == "approved"


def on_a_figure(tenant, policy=POLICY % ""):
    """A sign-off on the condition that a figure of a report still to be made is good enough."""
    make.policy(tenant)
    make.publish(tenant, policy + "conditions: {}\n")
    version = make.model_version(tenant)
    make.report(version, "performance")
    approval = asked(tenant, version)
    tenant.enter(tenant.reviewer)
    check = {"report": "privacy", "figure": "membership_auc", "at_most": 0.6}
    due = {"owner": None, "due_at": timezone.now() + timedelta(days=9), "consequence": "escalate"}
    make.sign(approval, tenant.reviewer, "approved", conditions=[{"text": "Attack it.", "check": check} | due])
    return approval


def test_a_condition_on_a_figure_is_not_met_by_what_may_have_been_measured_before_it_was_set(acme):
    approval = on_a_figure(acme)
    make.report(approval.model_version, "privacy", finished_at=timezone.now() - timedelta(hours=1))
    assert not met(approval)
    make.report(approval.model_version, "privacy", finished_at=timezone.now() + timedelta(hours=1))
    assert met(approval)


def met(approval) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select met from approvals_conditions(%s)", [approval.pk])
        return cursor.fetchone()[0]
