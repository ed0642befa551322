"""Two people at the same moment: one result, and the other gets a clear answer."""

import pytest
from django.db import transaction

from apps.accounts import actions
from apps.accounts.models import Invitation, Membership, Role
from apps.audits.models import Record
from apps.common.errors import ActionDenied
from apps.common.tenancy import become
from tests import make as people
from tests.accounts import make
from tests.accounts.test_idempotency import at_once


def attempt(tenant, act, by=None) -> str:
    """What came of an action in a transaction of its own: "done", or the refusal."""
    try:
        with transaction.atomic():
            become(tenant.organization.pk, (by or tenant.owner).user_id)
            act()
    except ActionDenied as denied:
        return str(denied)
    return "done"


@pytest.fixture
def other_owner(standing):
    with transaction.atomic():
        standing.enter()
        return make.second_owner(standing)


def test_two_owners_do_not_remove_each_other(standing, other_owner):
    pairs = [(standing.owner, other_owner), (other_owner, standing.owner)]

    def one():
        by, member = pairs.pop()
        return attempt(standing, lambda: actions.remove(member, by=by), by=by)

    found = at_once(one)
    assert found.count("done") == 1, found
    with transaction.atomic():
        standing.enter()
        assert Membership.objects.filter(role=Role.OWNER, is_active=True).count() == 1


def test_one_address_is_invited_once(standing):
    def one():
        return attempt(standing, lambda: make.invitation(standing.owner, "one@people.example"))

    found = at_once(one, 3)
    assert found.count("done") == 1
    with transaction.atomic():
        standing.enter()
        assert Invitation.objects.filter(email="one@people.example").count() == 1
        assert Record.objects.filter(event="member.invited").count() == 1


def test_one_invitation_lets_one_person_in(standing):
    with transaction.atomic():
        standing.enter()
        invitation, _ = make.invitation(standing.owner, f"one@{standing.organization.slug}.example")

    def one():
        join = lambda: actions.join_as_new(invitation, name="One", password=people.PASSWORD)  # noqa: E731
        return attempt(standing, join)

    found = at_once(one, 3)
    assert found.count("done") == 1, found
    with transaction.atomic():
        standing.enter()
        assert Membership.objects.filter(user__email=invitation.email).count() == 1
        assert Record.objects.filter(event="member.joined").count() == 1
