"""The database itself refuses a dossier that does not say what is so."""

import json
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from apps.common.canonical import canonical
from tests.approvals import make
from tests.approvals.database.attacks import ask, question, rows


def better(dossier: str) -> str:
    """The same dossier about other bytes."""
    body = json.loads(dossier)
    body["model"]["artifact_digest"] = "0" * 64
    return canonical(body).decode()


@pytest.mark.parametrize(
    ("forged", "answer"),
    [
        ({"digest": "0" * 64}, "not that of the dossier"),
        ({"edit": better}, "does not say what is so"),
        ({"edit": lambda text: "{}"}, "does not say what is so"),
        ({"state": "approved"}, "begins open"),
        ({"by": "reviewer"}, "in another's name"),
        ({"policy": "limited"}, "for its risk class"),
        ({"version": 0}, "of its own organization"),
    ],
)
def test_a_forged_dossier_is_refused(acme, forged, answer):
    policy, other = make.policy(acme), make.policy(acme, "limited")
    values = question(acme, make.reported(acme), policy, **forged)
    ask({**question(acme, make.reported(acme, number=2), policy), "state": "open"})  # the honest one works
    stand_ins = {"reviewer": acme.reviewer.pk, "limited": other.pk}
    with pytest.raises(DatabaseError, match=answer):
        ask({name: stand_ins.get(value, value) for name, value in values.items()})


def without(kind, changed):
    """The figures that pass, with some of them changed: {(name, of): fields, or None to leave it out}."""
    said = ((figure, changed.get((figure["name"], figure["of"]), {})) for figure in make.figures(kind))
    return [figure | fields for figure, fields in said if fields is not None]


RATIO, OPPORTUNITY = ("demographic_parity_ratio", "race"), ("equal_opportunity_difference", "sex")


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("performance", {("balanced_accuracy", ""): {"low": 0.6499}}),
        ("performance", {("balanced_accuracy", ""): {"low": None}}),
        ("performance", {("balanced_accuracy", ""): {"n": 0}}),
        ("performance", {("balanced_accuracy", ""): {"value": "0.9"}}),
        ("performance", {("balanced_accuracy", ""): None}),
        ("fairness", {RATIO: {"value": 0.79}}),
        ("fairness", {RATIO: {"smallest_group": 19}}),
        ("fairness", {RATIO: {"smallest_group": None}}),
        ("fairness", {RATIO: {"of": "age"}}),
        ("fairness", {OPPORTUNITY: {"high": 0.21}}),
        ("fairness", {OPPORTUNITY: None}),
        ("privacy", {("membership_auc", ""): {"high": 0.61}}),
    ],
)
def test_a_pass_that_the_reports_do_not_give_cannot_be_claimed(acme, kind, changed):
    policy = make.policy(acme)
    version = make.reported(acme, without=(kind,))
    make.report(version, kind, measured=without(kind, changed))
    values = question(acme, version, policy)
    assert json.loads(values["dossier"])["gates"]["verdict"] != "pass"
    with connection.cursor() as cursor:
        cursor.execute("select approvals_gates_hold(%s, %s)", [version.pk, policy.pk])
        assert cursor.fetchone() == (False,)
    with pytest.raises(DatabaseError, match="claims a pass that the reports do not give"):
        ask(question(acme, version, policy, edit=all_pass))
    ask(values)  # as it is, it may be asked for


def all_pass(dossier: str) -> str:
    body = json.loads(dossier)
    body["gates"] = {"verdict": "pass", "outcomes": [one | {"verdict": "pass"} for one in body["gates"]["outcomes"]]}
    return canonical(body).decode()


def test_a_pass_without_a_report_or_with_an_old_one_cannot_be_claimed(acme):
    policy = make.policy(acme)
    version = make.reported(acme, without=("explainability",))
    with pytest.raises(DatabaseError, match="claims a pass"):
        ask(question(acme, version, policy, edit=all_pass))
    make.report(version, "explainability", finished_at=timezone.now() - timedelta(days=181))
    with pytest.raises(DatabaseError, match="claims a pass"):
        ask(question(acme, version, policy, edit=all_pass))


def test_a_laxer_policy_cannot_be_quoted(acme):
    policy = make.policy(acme)

    def laxer(dossier: str) -> str:
        body = json.loads(dossier)
        body["policy_body"]["rules"] = body["policy_body"]["rules"][:1]
        return canonical(body).decode()

    with pytest.raises(DatabaseError, match="quotes another policy"):
        ask(question(acme, make.reported(acme), policy, edit=laxer))


def test_pairs_are_asked_for_by_the_database_too(acme):
    text = "name: pairs\nrisk_class: high\nvalid_days: 30\nsigners: [{role: reviewer, meaning: approved}]\nrules:\n"
    rule = '  - {report: fairness, figure: demographic_parity_ratio, of: "* & *", at_least: 0.8}\n'
    acme.enter(acme.owner)
    policy = make.publish(acme, text + rule)
    for number, (of, expected) in enumerate([("race & sex", True), ("sex & race", True), ("race", False)], start=1):
        version = make.model_version(acme, number=number)
        make.report(version, "fairness", measured=[make.figure("demographic_parity_ratio", of)])
        verdict = json.loads(question(acme, version, policy)["dossier"])["gates"]["verdict"]
        with connection.cursor() as cursor:
            cursor.execute("select approvals_gates_hold(%s, %s)", [version.pk, policy.pk])
            assert (cursor.fetchone()[0], verdict == "pass") == (expected, expected)


def test_a_rejected_or_revoked_version_is_not_asked_for_again(acme):
    approval = make.approved(acme)
    acme.enter(acme.reviewer)
    rows("update approvals_approval set state = 'revoked', ended_reason = 'x', ended_by_id = %s where id = %s",
         acme.reviewer.pk, approval.pk)  # fmt: skip
    with pytest.raises(DatabaseError, match="that is final"):
        ask(question(acme, approval.model_version, approval.policy_version))
