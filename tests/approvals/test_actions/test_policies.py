"""Publishing, proposing and withdrawing policies: state and record together, or neither."""

import pytest

from apps.approvals import actions, queries
from apps.approvals.models import PolicyVersion
from apps.common.canonical import digest
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from tests.approvals import make
from tests.approvals.test_actions import events


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
