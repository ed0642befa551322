"""What a reader is shown: of their organization everything, of another nothing, though they belong to both."""

import pytest

from apps.accounts import actions, queries
from apps.accounts.models import Membership, Role
from apps.projects import queries as projects
from tests.accounts import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def both(acme, rival):
    """Acme's builder, who is an auditor of rival too; PostgreSQL lets a person read their own membership anywhere."""
    rival.enter()
    there = Membership.objects.create(organization=rival.organization, user=acme.builder.user, role=Role.AUDITOR)
    acme.enter(acme.builder)
    assert Membership.objects.filter(pk=there.pk).exists()
    return acme.builder, there


def test_a_person_of_two_organizations_reads_one_at_a_time(both):
    viewer, there = both
    for found in (queries.members(viewer=viewer), projects.possible_owners(viewer=viewer)):
        assert there not in found and viewer in found
        assert {member.organization_id for member in found} == {viewer.organization_id}
    assert queries.members_by_role(viewer=viewer)["auditor"] == 1


def test_a_membership_is_entered_by_its_own_address(both, rival):
    viewer, there = both
    assert queries.membership_of(viewer.user, "acme") == viewer
    assert queries.membership_of(viewer.user, "rival") == there
    assert queries.membership_of(rival.owner.user, "acme") is None
    assert queries.membership_of(viewer.user, "nowhere") is None


def test_a_token_enters_its_own_organization_only(both):
    viewer, _ = both
    _, secret = make.token(viewer)
    assert queries.membership_by_token(secret, "rival") is None
    found = queries.membership_by_token(secret, "acme")
    assert found == viewer and found.token.last_used_at


@pytest.mark.parametrize("ended", ["membership", "person"])
def test_a_token_dies_with_who_made_it(acme, ended):
    _, secret = make.token(acme.builder)
    row = acme.builder if ended == "membership" else acme.builder.user
    row.is_active = False
    row.save()
    assert queries.membership_by_token(secret, "acme") is None
    assert queries.membership_of(acme.builder.user, "acme") is None


def test_open_invitations_are_those_that_can_be_taken_back(acme):
    first, _ = make.invitation(acme.owner, "one@people.example")
    second, _ = make.invitation(acme.owner, "two@people.example")
    actions.revoke_invitation(first, by=acme.owner)
    assert list(queries.open_invitations(viewer=acme.auditor)) == [second]
    assert list(queries.invitations(viewer=acme.auditor).order_by("pk")) == [first, second]


def test_the_members_page_asks_as_much_of_the_database_for_many_as_for_few(
    acme, client, django_assert_max_num_queries, django_assert_num_queries
):
    from tests import make as people

    client.force_login(acme.auditor.user)
    with django_assert_max_num_queries(15) as few:
        client.get("/acme/members/")
    acme.enter()
    for number in range(12):
        people.member(acme.organization, f"many{number}", Role.BUILDER)
        make.invitation(acme.owner, f"many{number}@people.example")
    with django_assert_num_queries(len(few)):
        client.get("/acme/members/")
