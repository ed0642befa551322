"""Asking for a sign-off: state and record together, or neither."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.approvals import actions, queries
from apps.approvals.models import State
from apps.common.canonical import canonical, digest
from apps.common.errors import ActionDenied, NotPermitted
from apps.models.models import ModelVersion
from tests.approvals import make
from tests.approvals.test_actions import events
from tests.make import PASSWORD


def test_asking_freezes_the_dossier(acme):
    approval = make.asked(acme)
    case = queries.case(queries.approvals(viewer=acme.builder).get())
    assert approval.dossier_digest == digest(approval.dossier.encode())
    assert canonical(case.dossier).decode() == approval.dossier
    assert case.dossier["gates"]["verdict"] == "pass" and case.changes == ()
    by = {"person": acme.builder.user_id, "name": "Builder"}
    assert case.dossier["hands"] == [
        by | {"deed": "declared its data"},
        by | {"deed": "trained this model"},
        by | {"deed": "uploaded its data"},
    ]
    assert events(approval) == ["approval.asked"]


def test_both_who_put_the_policy_in_force_stand_in_the_dossier(acme):
    approval = make.asked_under(acme, "deadline_days: 7")
    hands = {(hand["person"], hand["deed"]) for hand in json.loads(approval.dossier)["hands"]}
    other = make.another_owner(acme)
    assert {(acme.owner.user_id, "proposed its policy"), (other.user_id, "published its policy")} <= hands


def test_asking_without_a_policy_puts_the_built_in_one_in_force(acme):
    version = make.reported(acme.enter(acme.builder))
    approval = actions.ask(version, note="", by=acme.builder)
    assert (str(approval.policy_version), approval.policy_version.published_by) == ("high-risk v1", None)
    assert events(approval.policy_version) == ["policy.adopted"]


def test_asking_where_every_policy_was_withdrawn_is_refused(acme):
    actions.withdraw_policy(make.policy(acme), by=acme.owner)
    version = make.reported(acme.enter(acme.builder))
    with pytest.raises(ActionDenied, match="No policy for high-risk projects is in force"):
        actions.ask(version, note="", by=acme.builder)


@pytest.mark.parametrize("role", ["owner", "reviewer", "auditor"])
def test_only_builders_ask(acme, role):
    make.policy(acme)
    version = make.reported(acme)
    member = acme.members[role]
    acme.enter(member)
    with pytest.raises(NotPermitted, match="Only builders"):
        actions.ask(version, note="", by=member)


def test_asking_twice_is_refused(acme):
    approval = make.asked(acme)
    with pytest.raises(ActionDenied, match="in review already"):
        actions.ask(approval.model_version, note="", by=acme.builder)


def test_a_retired_version_is_not_asked_for(acme):
    make.policy(acme)
    version = make.reported(acme.enter(acme.builder))
    ModelVersion.objects.filter(pk=version.pk).update(retired_at=timezone.now())
    version.refresh_from_db()
    with pytest.raises(ActionDenied, match="was retired"):
        actions.ask(version, note="", by=acme.builder)


def test_what_stands_is_not_asked_for_again_before_its_last_days(acme, monkeypatch):
    approval = make.approved(acme)
    with pytest.raises(ActionDenied, match="in its last 90 days"):
        actions.ask(approval.model_version, note="", by=acme.builder)
    monkeypatch.setattr("apps.approvals.rules.approvals.RENEWAL", timedelta(days=366))
    assert actions.ask(approval.model_version, note="", by=acme.builder).state == State.OPEN


def test_a_rejected_version_is_never_asked_for_again(acme):
    approval = make.asked(acme)
    make.refuse(approval, acme, actions.reject)
    acme.enter(acme.builder)
    with pytest.raises(ActionDenied, match="that is final"):
        actions.ask(approval.model_version, note="", by=acme.builder)


def test_a_version_sent_back_may_be_asked_for_again(acme):
    approval = make.asked(acme, without=("privacy",))
    acme.enter(acme.reviewer)
    actions.send_back(
        approval, reason="Privacy?", dossier_digest=approval.dossier_digest, password=PASSWORD, by=acme.reviewer
    )
    approval.refresh_from_db()
    assert (approval.state, events(approval)) == (
        State.RETURNED,
        ["approval.asked", "approval.signed", "approval.returned"],
    )
    acme.enter(acme.builder)
    make.report(approval.model_version, "privacy")
    again = actions.ask(approval.model_version, note="With the privacy report.", by=acme.builder)
    assert queries.case(queries.approvals(viewer=acme.builder).get(pk=again.pk)).dossier["gates"]["verdict"] == "pass"
