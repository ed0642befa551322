"""A sign-off held up by one person and let stand again by two; who was told; bytes that were revoked."""

import pytest
from django.db import connection

from apps.approvals import actions, queries
from apps.approvals.gates.defaults import built_in
from apps.approvals.models import Suspension
from apps.audits.models import Record
from apps.common.errors import ActionDenied, NotPermitted
from tests.approvals import make
from tests.approvals.database.attacks import attack

pytestmark = pytest.mark.django_db


def case(acme, viewer=None):
    viewer = viewer or acme.owner
    return queries.case(queries.approvals(viewer=viewer).get(), viewer=viewer)


def stands(approval) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select approvals_stands(%s)", [approval.pk])
        return cursor.fetchone()[0]


@pytest.mark.parametrize("role", ["owner", "builder", "reviewer"])
def test_one_person_suspends_and_nothing_stands_on_it(acme, role):
    approval = make.approved(acme)
    make.suspended(acme, approval, by=acme.members[role], reason="A complaint came in")
    assert not stands(approval)
    found = case(acme)
    assert (found.stands, found.status) == (False, "suspended")
    [why] = [reason for reason in found.reasons if reason.startswith("It was suspended on")]
    assert why.endswith(": A complaint came in.")
    said = Record.objects.get(event="approval.suspended")
    assert (said.facts["drill"], said.facts["deployments"]) == (False, [])


def test_it_stands_again_when_two_people_say_so(acme):
    approval = make.approved(acme)
    make.suspended(acme, approval)
    resumed = make.resumed(acme, approval)
    assert stands(approval) and case(acme).stands and resumed.resumed_at >= resumed.asked_at >= resumed.suspended_at
    words = ["approval.suspended", "approval.resumption-asked", "approval.resumed"]
    assert [entry.event for entry, _ in queries.history(approval)][-3:] == words
    make.suspended(acme, approval)  # and may be suspended again
    assert not stands(approval)


def test_who_suspends_is_told_why_not(acme):
    approval = make.asked(acme)
    with pytest.raises(ActionDenied, match="Only a completed sign-off"):
        make.suspended(acme, approval)
    with pytest.raises(NotPermitted, match="Only owners, builders and reviewers"):
        make.suspended(acme, approval, by=acme.auditor)


def test_nobody_lets_it_stand_again_alone(acme):
    approval = make.approved(acme)
    with pytest.raises(ActionDenied, match="It is not suspended"):
        make.resumed(acme, approval)
    make.suspended(acme, approval)
    with pytest.raises(ActionDenied, match=r"suspended it on .* already"):
        make.suspended(acme, approval, by=acme.owner)
    acme.enter(acme.reviewer)
    with pytest.raises(ActionDenied, match="Nobody has asked"):
        actions.resume(approval, by=acme.reviewer)
    actions.ask_to_resume(approval, reason="Unfounded.", by=acme.reviewer)
    with pytest.raises(ActionDenied, match="You asked for it; a second person"):
        actions.resume(approval, by=acme.reviewer)
    with pytest.raises(NotPermitted, match="Only reviewers"):
        actions.resume(approval, by=acme.enter(acme.builder).builder)
    assert not stands(approval)


def test_who_had_a_hand_in_it_does_not_let_it_stand_again(acme):
    approval = make.approved(acme)
    make.suspended(acme, approval)
    acme.enter(acme.owner)
    actions.ask_to_resume(approval, reason="Unfounded.", by=acme.owner)
    acme.builder.role = "reviewer"
    acme.builder.save(update_fields=["role"])
    acme.enter(acme.builder)
    with pytest.raises(ActionDenied, match=r"You .*trained this model"):
        actions.resume(approval, by=acme.builder)
    forged = "update approvals_suspension set resumed_by_id = %s, resumed_at = now()"
    assert "had a hand in it" in attack(forged, acme.builder.pk)


def test_the_database_lets_nobody_alone_either(acme):
    approval = make.approved(acme)
    suspension = make.suspended(acme, approval)
    resume = "update approvals_suspension set resumed_by_id = %s, resumed_at = now()"
    ask = "update approvals_suspension set asked_by_id = %s, asked_at = now(), asked_reason = 'x'"
    acme.enter(acme.reviewer)
    assert "A second person" in attack(resume, acme.reviewer.pk)
    assert "in their own name" in attack(ask, acme.builder.pk)
    both = ask + ", resumed_by_id = %s, resumed_at = now()"
    assert "in their own name" in attack(both, acme.reviewer.pk, acme.reviewer.pk)
    actions.ask_to_resume(approval, reason="Unfounded.", by=acme.reviewer)
    assert "A second person" in attack(resume, acme.reviewer.pk)
    assert "in their own name" in attack(resume, acme.second_reviewer.pk)
    assert "cannot be changed" in attack("delete from approvals_suspension")
    assert "cannot be changed" in attack("update approvals_suspension set drill = true, reason = 'x'")
    acme.enter(acme.second_reviewer)
    actions.resume(approval, by=acme.second_reviewer)
    assert "over already" in attack("update approvals_suspension set resumed_at = null where id = %s", suspension.pk)


def test_no_other_sign_off_takes_the_place_of_a_suspended_one(acme):
    approval = make.approved(acme)
    make.suspended(acme, approval)
    with pytest.raises(ActionDenied, match="is suspended; two people end that first, or it is revoked"):
        make.asked_for(acme, approval.model_version)


def test_a_suspended_one_may_be_revoked_and_then_stays_down(acme):
    approval = make.approved(acme)
    make.suspended(acme, approval)
    actions.revoke(approval, reason="It was right.", by=acme.enter(acme.reviewer).reviewer)
    with pytest.raises(ActionDenied, match="that is final"):
        make.resumed(acme, approval)
    assert Record.objects.get(event="approval.revoked").facts["deployments"] == []


def test_who_was_told_is_kept_for_good(acme):
    approval = make.approved(acme)
    with pytest.raises(ActionDenied, match="nothing to tell"):
        actions.tell(approval, who="The deployer", how="By letter.", by=acme.builder)
    make.suspended(acme, approval)
    actions.tell(approval, who="The deployer", how="By letter.", by=acme.builder)
    assert [told.who for told in queries.tellings(approval)] == ["The deployer"]
    assert Record.objects.filter(event="approval.told").count() == 1
    assert "permission denied" in attack("update approvals_telling set who = 'Nobody'")
    with pytest.raises(NotPermitted):
        actions.tell(approval, who="x", how="y", by=acme.enter(acme.auditor).auditor)


def test_revoked_bytes_are_not_asked_for_under_another_number(acme):
    approval = make.approved(acme)
    same = approval.model_version.artifact_digest
    acme.enter(acme.reviewer)
    actions.revoke(approval, reason="It is unsound.", by=acme.reviewer)
    again = make.reported(acme, number=2, artifact_digest=same)
    with pytest.raises(ActionDenied, match=r"v1, the same bytes, was revoked on .*that is final"):
        make.asked_for(acme, again)
    other = make.reported(acme, number=3, artifact_digest="9" * 64)
    assert make.asked_for(acme, other).state == "open"


def test_the_page_offers_each_step_to_who_may_take_it(client, acme):
    approval = make.approved(acme)
    where = approval.get_absolute_url()

    def page(member) -> str:
        client.force_login(member.user)
        return client.get(where).content.decode()

    assert "Suspend the sign-off" in page(acme.builder) and "Suspend the sign-off" not in page(acme.auditor)
    client.force_login(acme.builder.user)
    assert client.post(f"{where}suspend/", {"reason": "A complaint."}).status_code == 303
    assert "A complaint." in page(acme.auditor) and "Ask for it to stand again" in page(acme.owner)
    client.force_login(acme.builder.user)
    client.post(f"{where}tell/", {"who": "The deployer", "how": "By letter."})
    client.post(f"{where}ask-to-resume/", {"reason": "Unfounded."})
    assert "Unfounded." in page(acme.reviewer) and "The deployer" in page(acme.auditor)
    client.force_login(acme.builder.user)
    assert "Only reviewers" in client.post(f"{where}resume/", follow=True).content.decode()
    client.force_login(acme.reviewer.user)
    assert "It stands again" in client.post(f"{where}resume/", follow=True).content.decode()


def test_one_that_fell_for_good_is_never_said_to_stand_again(client, acme):
    """The end of its suspension lets a new sign-off be asked for, and does nothing else."""
    approval = make.approved(acme)
    make.suspended(acme, approval)
    make.operated(approval.model_version, measured=make.unfair())
    where = approval.get_absolute_url()

    def page(member, path="", **given) -> str:
        client.force_login(member.user)
        return (client.post(where + path, given, follow=True) if path else client.get(where)).content.decode()

    shown = page(acme.builder)
    assert "It does not stand again by that" in shown and "Ask for the suspension to end" in shown
    assert "Ask for it to stand again" not in shown
    assert "a second person ends the suspension" in page(acme.builder, "ask-to-resume/", reason="Unfounded.")
    shown = page(acme.reviewer)
    assert "Let it stand again" not in shown and "End the suspension" in shown
    shown = page(acme.reviewer, "resume/")
    assert "The suspension is over; it does not stand again by that." in shown and "It stands again." not in shown
    assert "No longer: it was signed, and in operation a required figure is out of bounds." in shown
    acme.enter()
    assert not stands(approval)


def test_the_same_over_rest(client, acme):
    approval = make.approved(acme)
    where = f"/api/v1/acme/approvals/{approval.pk}/"
    json = {"content_type": "application/json"}
    client.force_login(acme.builder.user)
    told = client.post(f"{where}suspension/", {"reason": "A drill.", "drill": True}, **json).json()
    assert (told["suspension"]["drill"], told["validity"]["status"], told["serving"]) == (True, "suspended", [])
    assert client.post(f"{where}tellings/", {"who": "All", "how": "Mail"}, **json).json()["told"][0]["who"] == "All"
    assert client.post(f"{where}resumption/", {"reason": "Over."}, **json).status_code == 201
    assert client.post(f"{where}resumption/grant/").status_code == 403
    client.force_login(acme.reviewer.user)
    assert client.post(f"{where}resumption/grant/").json()["validity"]["valid"] is True
    assert Suspension.objects.get().drill


@pytest.mark.parametrize(("left", "days"), [(91, None), (80, 90), (20, 30), (5, 7)])
def test_its_end_is_told_before_it_comes(acme, left, days):
    from apps.approvals.actions import notices

    make.publish(acme, built_in("high").replace("valid_days: 365", f"valid_days: {left}"))
    approval = make.approved(acme)
    told = [list(notices._of_organization(acme.organization.pk)) for _ in range(2)]
    assert [len(each) for each in told] == ([1, 0] if days else [0, 0])
    if days:
        entry = Record.objects.get(event="approval.ending")
        assert (entry.facts["days"], entry.on_id) == (days, approval.pk)
