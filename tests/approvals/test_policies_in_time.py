"""Policies in time: which one counts, when it was locked, what a version changed, past decisions judged again."""

import pytest

from apps.approvals import queries
from apps.approvals.gates.defaults import built_in
from apps.approvals.gates.reading import parse
from apps.common.errors import BadInput
from tests.approvals import make

pytestmark = pytest.mark.django_db
PLAIN = built_in("high").split("tests:")[0]
STRICT = PLAIN.replace("at_least: 0.65", "at_least: 0.99")
FLAGGED = STRICT.replace("name: high-risk", "name: high-nyc").replace(
    "risk_class: high", "risk_class: high\napplies_to: {answered_yes: [aedt_nyc]}"
)


def test_old_decisions_replay_exactly_under_their_old_version(acme):
    make.asked(acme)
    make.asked(acme, number=2, without=("privacy",))
    version = make.policy(acme)
    make.publish(acme, STRICT)
    assert [said for _, said in queries.replays(version, viewer=acme.auditor)] == [[], []]


def test_a_draft_says_which_past_decisions_would_turn_and_why(acme):
    make.asked(acme)
    same, turned = (queries.preview(parse(text)[0], viewer=acme.auditor) for text in (PLAIN, STRICT))
    assert (same.looked_at, same.turned) == (1, ())
    [one] = turned.turned
    assert (one.was, one.now, one.shuts) == ("pass", "fail", True)
    assert [(rule["rule"], rule["now"]) for rule in one.rules] == [("Balanced accuracy is at least 0.99", "fail")]


def test_the_lock_is_the_policy_in_force_when_the_rows_were_opened(acme):
    approval = make.asked(acme)
    version, first = approval.model_version, approval.policy_version
    assert queries.lock(version, first, viewer=acme.owner)["kept"]
    later = make.publish(acme, STRICT)
    lock = queries.lock(version, later, viewer=acme.owner)
    [change] = lock["changes"]
    assert not lock["kept"] and change["version"] == 2 and any("at least 0.99" in said for said in change["what"])


def test_the_policy_that_says_most_closely_what_it_is_for_counts(acme):
    whole, flagged = make.publish(acme, PLAIN), make.publish(acme, FLAGGED)
    whole = make.publish(acme, STRICT)
    for yes, expected in ((True, flagged), (False, whole), (None, whole)):
        answers = {} if yes is None else {"aedt_nyc": yes}
        assert queries.policy_in_force("high", answers=answers, viewer=acme.owner) == expected


def test_a_policy_that_asks_for_more_people_than_there_are_is_refused(acme):
    with pytest.raises(BadInput, match="Nobody could satisfy it: it asks for 3 different reviewers"):
        make.publish(acme, PLAIN.replace("meaning: validated", "meaning: validated\n    count: 2"))


def test_a_policy_whose_own_tests_do_not_come_out_is_refused(acme):
    with pytest.raises(BadInput, match="is expected, and it is"):
        make.publish(acme, built_in("high").replace("at_least: 0.65", "at_least: 0.95"))
    assert make.publish(acme, built_in("high")).number == 1


@pytest.mark.parametrize("where", ["policies/", "waivers/", "lending/waivers/", "lending/waivers/new/"])
def test_the_pages_open(client, acme, where):
    make.waived(acme, make.reported(acme))
    client.force_login(acme.builder.user)
    assert client.get(f"/acme/{where}").status_code == 200


def test_the_editor_tries_a_draft_and_publishes_nothing(client, acme):
    make.asked(acme)
    client.force_login(acme.owner.user)
    answer = client.post("/acme/policies/new/", {"source": STRICT, "preview": "1"})
    assert "1 of 1 past decisions would turn" in answer.content.decode()
    acme.enter(acme.owner)
    assert queries.policy_versions(viewer=acme.owner).count() == 1
