"""Two people at the same moment: one result, and the other gets a clear answer."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from apps.accounts import actions, queries
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


def test_the_database_itself_lets_the_second_owner_wait_and_then_stay(standing, other_owner):
    """Plain SQL, past the action's own lock: the second sees what the first has done only by waiting for it."""

    def leave(member):
        become(standing.organization.pk, standing.builder.user_id)
        with connection.cursor() as cursor:
            cursor.execute("update accounts_membership set is_active = false where id = %s", [member.pk])

    def second():
        try:
            with transaction.atomic():
                leave(other_owner)
            return "left"
        except DatabaseError as refused:
            return str(refused)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            leave(standing.owner)
            other = pool.submit(second)
            time.sleep(0.3)
            assert not other.done()
        assert "keeps an owner" in other.result(10)


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


def test_a_long_request_does_not_make_the_next_one_wait(standing):
    """Both come with one token; the first is still under way, as an upload would be."""
    slug = standing.organization.slug
    with transaction.atomic():
        standing.enter()
        _, secret = make.token(standing.builder)

    def second():
        try:
            return Client().get(f"/api/v1/{slug}/me/", **make.bearer(secret)).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        assert queries.membership_by_token(secret, slug)
        assert pool.submit(second).result(10) == 200
