"""Asking, signing, sending back, withdrawing and revoking: state and record together, or neither."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts import actions as accounts
from apps.accounts import reentry
from apps.approvals import actions, queries
from apps.approvals.models import Approval, PolicyVersion, Signature, State
from apps.audits.models import Record
from apps.common.canonical import canonical, digest
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from apps.models.models import ModelVersion
from tests.approvals import make
from tests.make import PASSWORD


def events(thing):
    return list(
        Record.objects.filter(on_type=thing._meta.model_name, on_id=thing.pk)
        .order_by("seq")
        .values_list("event", flat=True)
    )


# Policies


def test_publishing_makes_a_version_and_a_record(acme):
    version = make.policy(acme)
    assert (version.number, version.policy.name, version.policy.risk_class) == (1, "high-risk", "high")
    assert version.digest == digest(version.body)
    assert events(version) == ["policy.adopted"]


def test_a_changed_policy_is_the_next_version_and_comes_into_force(acme):
    first = make.policy(acme)
    second = make.propose(acme, first.source.replace("valid_days: 365", "valid_days: 180"))
    assert queries.policy_in_force("high", viewer=acme.owner) == first
    other = make.another_owner(acme)
    second = actions.publish(second, by=other)
    assert (second.policy_id, second.number) == (first.policy_id, 2)
    assert queries.policy_in_force("high", viewer=acme.owner) == second
    assert events(second) == ["policy.proposed", "policy.published"]
    assert (second.proposed_by, second.published_by) == (acme.owner, other)


def test_publishing_the_same_again_is_refused(acme):
    version = make.policy(acme)
    with pytest.raises(BadInput, match="says the same as version 1"):
        actions.propose("# a comment\n" + version.source, by=acme.owner)


def test_a_policy_keeps_its_risk_class(acme):
    version = make.policy(acme)
    with pytest.raises(BadInput, match="another name"):
        actions.propose(version.source.replace("risk_class: high", "risk_class: limited"), by=acme.owner)


def test_a_text_that_is_no_policy_is_refused_with_its_lines(acme):
    acme.enter(acme.owner)
    with pytest.raises(BadInput) as refusal:
        actions.propose("name: x\nrisk_class: huge\n", by=acme.owner)
    assert "Line 2" in refusal.value.problems["source"] and not PolicyVersion.objects.exists()


@pytest.mark.parametrize("role", ["builder", "reviewer", "auditor"])
def test_only_owners_propose(acme, role):
    member = acme.members[role]
    acme.enter(member)
    with pytest.raises(NotPermitted, match="Only owners"):
        actions.adopt_default("high", by=member)


def test_who_proposed_does_not_publish_and_who_may_not_is_told_why(acme):
    second = make.propose(acme, make.policy(acme).source.replace("365", "180"))
    with pytest.raises(ActionDenied, match="You proposed it; a second person publishes it"):
        actions.publish(second, by=acme.owner)
    for role in ("builder", "auditor"):
        with pytest.raises(NotPermitted, match="Only owners and reviewers"):
            actions.publish(second, by=acme.enter(acme.members[role]).members[role])
    third = make.publish(acme, second.source.replace("180", "90"))
    with pytest.raises(ActionDenied, match="v3 was published since; propose the change anew"):
        actions.publish(second, by=acme.enter(acme.reviewer).reviewer)
    with pytest.raises(ActionDenied, match="published already"):
        actions.publish(third, by=acme.reviewer)


def test_a_proposal_taken_back_is_not_published(acme):
    second = make.propose(acme, make.policy(acme).source.replace("365", "180"))
    actions.withdraw_policy(second, by=acme.owner)
    with pytest.raises(ActionDenied, match="was withdrawn; propose it anew"):
        actions.publish(second, by=acme.enter(acme.reviewer).reviewer)
    assert queries.policy_in_force("high", viewer=acme.owner).number == 1


def test_who_would_be_missing_to_sign_under_it_does_not_publish(acme):
    """Two reviewers are there and the policy wants both: the one who published could not sign."""
    second = make.propose(acme, make.policy(acme).source.replace("365", "180").split("tests:")[0])
    with pytest.raises(BadInput, match="Nobody could satisfy it"):
        actions.publish(second, by=acme.enter(acme.reviewer).reviewer)


def test_who_published_a_policy_does_not_sign_under_it(acme):
    third = make.another_reviewer(acme)
    proposed = make.propose(acme, make.policy(acme).source.replace("365", "180"))
    acme.enter(third)
    actions.publish(proposed, by=third)
    approval = make.asked_for(acme, make.reported(acme))
    acme.enter(third)
    with pytest.raises(ActionDenied, match="You published its policy"):
        make.sign(approval, third)


def test_withdrawing_a_policy_leaves_its_place_empty_until_two_people_fill_it(acme):
    first = make.policy(acme)
    second = make.publish(acme, first.source.replace("365", "180"))
    actions.withdraw_policy(second, by=acme.owner)
    assert queries.policy_in_force("high", viewer=acme.owner) is None
    assert queries.policies_in_force(viewer=acme.owner) == {"high": []}
    assert events(second) == ["policy.proposed", "policy.published", "policy.withdrawn"]
    third = make.publish(acme, first.source)
    assert queries.policy_in_force("high", viewer=acme.owner) == third
    with pytest.raises(ActionDenied, match="withdrawn already"):
        actions.withdraw_policy(second, by=acme.owner)


# Asking


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


# Signing


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


# Withdrawing and revoking


def test_who_asked_withdraws(acme):
    approval = make.asked(acme)
    actions.withdraw(approval, reason="Wrong version.", by=acme.builder)
    approval.refresh_from_db()
    assert (approval.state, approval.ended_by, events(approval)[-1]) == (
        "withdrawn",
        acme.builder,
        "approval.withdrawn",
    )
    acme.enter(acme.reviewer)
    with pytest.raises(ActionDenied, match="Builder has withdrawn it"):
        make.sign(approval, acme.reviewer)


def test_a_reviewer_revokes_finally(acme):
    approval = make.approved(acme)
    acme.enter(acme.reviewer)
    actions.revoke(approval, reason="Complaints.", by=acme.reviewer)
    approval.refresh_from_db()
    assert (approval.state, approval.ended_reason, events(approval)[-1]) == (
        "revoked",
        "Complaints.",
        "approval.revoked",
    )
    with pytest.raises(ActionDenied, match="You revoked this sign-off already"):
        actions.revoke(approval, reason="Again.", by=acme.reviewer)
    acme.enter(acme.builder)
    with pytest.raises(ActionDenied, match="that is final"):
        actions.ask(approval.model_version, note="", by=acme.builder)


@pytest.mark.parametrize("role", ["owner", "builder", "auditor"])
def test_only_reviewers_revoke(acme, role):
    approval, member = make.approved(acme), acme.members[role]
    acme.enter(member)
    with pytest.raises(NotPermitted, match="Only reviewers"):
        actions.revoke(approval, reason="No.", by=member)


def test_a_download_is_remembered(acme):
    approval = make.asked(acme)
    acme.enter(acme.auditor)
    actions.download(approval, form="json", by=acme.auditor)
    assert events(approval)[-1] == "approval.downloaded"


def test_a_refusal_leaves_nothing_but_its_record(acme):
    make.policy(acme)
    version = make.reported(acme)
    acme.enter(acme.auditor)
    before = Record.objects.count()
    with pytest.raises(NotPermitted):
        actions.ask(version, note="", by=acme.auditor)
    left = Record.objects.order_by("seq").values_list("event", flat=True)[before:]
    assert not Approval.objects.exists() and list(left) == ["action.refused"]
