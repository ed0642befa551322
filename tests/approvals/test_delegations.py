"""A place handed on for a time: who may, until when, and what it hands on with it."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.accounts.models import Reentry, Role
from apps.approvals import actions, queries
from apps.approvals.models import Delegation
from apps.audits.models import Record
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from tests.approvals import make
from tests.make import PASSWORD, member, project


def hand_on(tenant, giver, taker, **given):
    tenant.enter(giver)
    now = timezone.now()
    given = {"project": None, "reason": "On leave.", "starts_at": now, "ends_at": now + timedelta(days=14),
             "password": PASSWORD, "by": giver} | given  # fmt: skip
    return actions.delegate(taker, **given)


@pytest.fixture
def stand_in(acme):
    """A builder with no hand in anything."""
    return member(acme.organization, "stan.inn", Role.BUILDER)


def test_a_stand_in_signs_in_anothers_place(acme, stand_in):
    approval = make.asked(acme)
    acme.enter(stand_in)
    with pytest.raises(NotPermitted, match="Only reviewers"):
        make.sign(approval, stand_in)
    made = hand_on(acme, acme.reviewer, stand_in)
    assert Record.objects.filter(event="delegation.made", on_id=made.pk).exists()
    acme.enter(stand_in)
    signature = make.sign(approval, stand_in)
    assert (signature.printed_name, signature.role, signature.delegation) == ("Stan Inn", "reviewer", made)
    acme.enter(acme.reviewer)
    with pytest.raises(ActionDenied, match="A delegation joins you with Stan Inn, who signed it already"):
        make.sign(approval, acme.reviewer, "approved")
    acme.enter(acme.second_reviewer)
    make.sign(approval, acme.second_reviewer, "approved")
    approval.refresh_from_db()
    assert approval.state == "approved"


def test_conflicts_are_handed_on_both_ways(acme):
    """The builder trained it: nobody the builder is joined with signs it, and the builder signs for nobody."""
    approval = make.asked(acme)
    hand_on(acme, acme.reviewer, acme.builder)
    acme.enter(acme.builder)
    with pytest.raises(ActionDenied, match="You asked for this sign-off"):
        make.sign(approval, acme.builder)
    acme.enter(acme.reviewer)
    with pytest.raises(ActionDenied, match=r"A delegation joins you with Builder, who .*trained this model"):
        make.sign(approval, acme.reviewer)
    acme.enter(acme.second_reviewer)
    make.sign(approval, acme.second_reviewer)


def test_conflicts_go_along_a_chain_and_outlive_its_end(acme):
    approval = make.asked(acme)
    hand_on(acme, acme.second_reviewer, acme.reviewer)
    made = hand_on(acme, acme.reviewer, acme.builder)
    actions.end(made, by=acme.reviewer)
    acme.enter(acme.second_reviewer)
    with pytest.raises(ActionDenied, match="joins you with Builder"):
        make.sign(approval, acme.second_reviewer)


def test_one_for_another_project_or_that_is_over_lets_nobody_sign(acme, stand_in):
    approval = make.asked(acme)
    elsewhere = project(acme.builder, slug="elsewhere")
    hand_on(acme, acme.reviewer, stand_in, project=elsewhere)
    over = hand_on(acme, acme.second_reviewer, stand_in)
    actions.end(over, by=acme.second_reviewer)
    acme.enter(stand_in)
    with pytest.raises(NotPermitted):
        make.sign(approval, stand_in)
    later = hand_on(acme, acme.reviewer, stand_in, starts_at=timezone.now() + timedelta(days=1))
    assert later.state == "waits" and over.state == "active"
    acme.enter(stand_in)
    with pytest.raises(NotPermitted):
        make.sign(approval, stand_in)


def test_loops_are_refused(acme):
    third = make.another_reviewer(acme)
    hand_on(acme, acme.reviewer, acme.second_reviewer)
    hand_on(acme, acme.second_reviewer, third)
    with pytest.raises(ActionDenied, match="would come back to who handed it on"):
        hand_on(acme, third, acme.reviewer)
    later = timezone.now() + timedelta(days=20)
    hand_on(acme, third, acme.reviewer, starts_at=later, ends_at=later + timedelta(days=1))


@pytest.mark.parametrize(
    ("taker", "given", "words"),
    [
        ("auditor", {}, "only reviewers and builders may"),
        ("owner", {}, "only reviewers and builders may"),
        ("reviewer", {}, "to yourself"),
        ("second_reviewer", {"ends_at": timezone.now() - timedelta(days=1)}, "ends before it begins"),
        ("second_reviewer", {"ends_at": timezone.now() + timedelta(days=91)}, "90 days at most"),
    ],
)
def test_a_place_is_not_handed_to_anybody_for_ever(acme, taker, given, words):
    with pytest.raises(ActionDenied, match=words):
        hand_on(acme, acme.reviewer, getattr(acme, taker), **given)
    assert not Delegation.objects.exists()


def test_it_is_signed_and_by_a_reviewer(acme, stand_in):
    with pytest.raises(BadInput, match="not your password"):
        hand_on(acme, acme.reviewer, stand_in, password="wrong")
    with pytest.raises(NotPermitted, match="Only reviewers"):
        hand_on(acme, acme.builder, stand_in)
    made = hand_on(acme, acme.reviewer, stand_in)
    acme.enter(stand_in)
    with pytest.raises(ActionDenied, match="Only Reviewer, whose place it is"):
        actions.end(made, by=stand_in)


MAKE = """
insert into approvals_delegation (organization_id, delegator_id, delegate_id, reason, starts_at, ends_at, made_at,
                                  authentication_id, envelope)
values (%(organization)s, %(giver)s, %(taker)s, 'x', now(), now() + %(long)s * interval '1 day', now(), %(proof)s, '{}')
"""


@pytest.mark.parametrize(
    ("forged", "words"),
    [
        ({}, ""),
        ({"giver": "second_reviewer"}, "in their own name"),
        ({"taker": "auditor"}, "another reviewer or builder"),
        ({"taker": "reviewer"}, "another reviewer or builder"),
        ({"long": 91}, "within 90 days"),
        ({"proof": 0}, "is signed"),
    ],
)
def test_the_database_refuses_a_forged_one(acme, forged, words):
    acme.enter(acme.reviewer)
    proof = Reentry.objects.create(user_id=acme.reviewer.user_id, components=["password"]).pk
    given = {"giver": "reviewer", "taker": "second_reviewer", "long": 5, "proof": proof} | forged
    given |= {name: getattr(acme, given[name]).pk for name in ("giver", "taker")} | {
        "organization": acme.organization.pk
    }
    with connection.cursor() as cursor:
        if not words:
            cursor.execute(MAKE, given)
            for sql in ("update approvals_delegation set ends_at = now() + interval '80 days'",
                        "delete from approvals_delegation"):  # fmt: skip
                with pytest.raises(DatabaseError, match="cannot be changed"), transaction.atomic():
                    cursor.execute(sql)
            return
        with pytest.raises(DatabaseError, match=words), transaction.atomic():
            cursor.execute(MAKE, given)


def test_a_conflict_that_comes_between_two_signatures_stops_the_last(acme):
    approval = make.asked(acme)
    acme.enter(acme.reviewer)
    make.sign(approval, acme.reviewer)
    hand_on(acme, acme.reviewer, acme.second_reviewer)
    acme.enter(acme.second_reviewer)
    with pytest.raises(ActionDenied, match="joins you with Reviewer, who signed it already"):
        make.sign(approval, acme.second_reviewer, "approved")


def test_the_page_and_the_rest_door(client, acme, stand_in):
    client.force_login(acme.reviewer.user)
    today = timezone.now().date()
    typed = {"delegate": stand_in.pk, "starts_on": today, "ends_on": today + timedelta(days=3), "reason": "Away.",
             "password": PASSWORD}  # fmt: skip
    page = client.post("/acme/delegations/", typed, follow=True).content.decode()
    assert "Your place is handed on." in page and "Stan Inn" in page
    acme.enter(acme.reviewer)
    made = queries.delegations(viewer=acme.reviewer).get()
    page = client.post(f"/acme/delegations/{made.pk}/end/", follow=True).content.decode()
    assert "yours again" in page
    client.force_login(acme.auditor.user)
    assert "Only reviewers" in client.get("/acme/delegations/").content.decode()
