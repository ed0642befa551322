"""Signing: state and record together, or neither."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts import actions as accounts
from apps.accounts import reentry
from apps.approvals import actions, queries
from apps.approvals.models import Signature, State
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from tests.approvals import make
from tests.approvals.test_actions import events


def test_the_last_signature_completes_it(acme):
    approval = make.approved(acme)
    case = queries.case(queries.approvals(viewer=acme.builder).get())
    assert approval.state == State.APPROVED and case.stands and case.approval.stands
    assert abs(approval.valid_until - timezone.now() - timedelta(days=365)) < timedelta(minutes=1)
    assert events(approval) == ["approval.asked", "approval.signed", "approval.signed", "approval.approved"]
    assert [(s.printed_name, s.role, s.meaning) for s in case.signatures] == [
        ("Reviewer", "reviewer", "validated"),
        ("Second Reviewer", "reviewer", "approved"),
    ]


def test_a_wrong_password_signs_nothing(acme):
    approval = make.asked(acme)
    acme.enter(acme.reviewer)
    with pytest.raises(BadInput, match="not your password"):
        make.sign(approval, acme.reviewer, password="wrong")
    assert not Signature.objects.exists() and events(approval) == ["approval.asked", "action.refused"]


def test_guessing_passwords_is_stopped(acme):
    approval = make.asked(acme)
    acme.enter(acme.reviewer)
    for _ in range(reentry.MOST_FAILURES):
        with pytest.raises(BadInput):
            make.sign(approval, acme.reviewer, password="wrong")
    with pytest.raises(ActionDenied, match="try again in 5 minutes"):
        make.sign(approval, acme.reviewer)


def test_a_page_that_showed_another_dossier_signs_nothing(acme):
    approval = make.asked(acme)
    acme.enter(acme.reviewer)
    with pytest.raises(ActionDenied, match="showed another dossier"):
        make.sign(approval, acme.reviewer, dossier_digest="0" * 64)


@pytest.mark.parametrize("role", ["owner", "builder", "auditor"])
def test_only_reviewers_sign(acme, role):
    approval, member = make.asked(acme), acme.members[role]
    acme.enter(member)
    with pytest.raises(NotPermitted, match="Only reviewers"):
        make.sign(approval, member)


@pytest.mark.parametrize("deed", ["trained", "uploaded"])
def test_nobody_signs_what_they_had_a_hand_in(acme, deed):
    """The reviewer was a builder once."""
    make.policy(acme)
    data = make.dataset_version(acme, by=acme.reviewer if deed == "uploaded" else acme.builder)
    approval = make.asked_for(
        acme, make.reported(acme, data=data, by=acme.reviewer if deed == "trained" else acme.builder)
    )
    acme.enter(acme.reviewer)
    with pytest.raises(ActionDenied, match=f"You .*{deed}"):
        make.sign(approval, acme.reviewer)
    acme.enter(acme.second_reviewer)
    make.sign(approval, acme.second_reviewer)


def test_a_role_gained_after_the_request_does_not_count(acme):
    approval = make.asked(acme)
    acme.enter(acme.owner)
    accounts.change_role(acme.auditor, role="reviewer", by=acme.owner)
    acme.auditor.refresh_from_db()
    acme.enter(acme.auditor)
    with pytest.raises(ActionDenied, match="younger than this request"):
        make.sign(approval, acme.auditor)


def test_nobody_signs_twice(acme):
    approval = make.asked(acme)
    acme.enter(acme.reviewer)
    make.sign(approval, acme.reviewer)
    with pytest.raises(ActionDenied, match="nobody signs twice"):
        make.sign(approval, acme.reviewer, "approved")


def test_a_meaning_is_signed_as_often_as_the_policy_asks(acme):
    approval = make.asked(acme)
    acme.enter(acme.reviewer)
    make.sign(approval, acme.reviewer)
    acme.enter(acme.second_reviewer)
    with pytest.raises(ActionDenied, match="Reviewer took this place already; still open: “I approve deployment”"):
        make.sign(approval, acme.second_reviewer)
    with pytest.raises(ActionDenied, match="asks for no such signature"):
        make.sign(approval, acme.second_reviewer, "risk accepted")


def test_approval_is_shut_while_a_rule_does_not_pass(acme):
    approval = make.asked(acme, without=("fairness",))
    acme.enter(acme.reviewer)
    with pytest.raises(ActionDenied, match="Approval is shut: 5 of 10 rules do not pass"):
        make.sign(approval, acme.reviewer)


def test_after_the_decision_the_other_reviewer_gets_an_answer(acme):
    approval = make.asked(acme)
    make.refuse(approval, acme, actions.send_back)
    third = make.another_reviewer(acme)
    with pytest.raises(ActionDenied, match="It was sent back on"):
        make.sign(approval, third)
