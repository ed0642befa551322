"""What becomes of people and keys, and what is remembered of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts import actions, queries
from apps.accounts.models import Membership, Role, Token, User
from apps.audits.models import Record
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from apps.common.tenancy import become
from tests import make as people
from tests.accounts import make

pytestmark = pytest.mark.django_db


def last_record() -> Record:
    return Record.objects.order_by("-seq").first()


def test_it_founds_an_organization_with_its_owner(db):
    membership = actions.found(slug="nova", name="Nova", owner=people.person("olga@nova.example"))
    assert (membership.role, membership.organization.slug) == ("owner", "nova")
    assert (last_record().event, last_record().by_name) == ("organization.founded", "Olga")


def test_it_founds_no_second_organization_at_an_address(acme):
    with pytest.raises(BadInput) as refused:
        actions.found(slug="acme", name="Other", owner=people.person("olga@nova.example"))
    assert "already" in refused.value.problems["slug"]


def test_it_founds_for_an_owner_who_is_still_to_come(db):
    invitation, secret = actions.found_for_invited(slug="nova", name="Nova", email="Olga@Nova.example")
    assert [record.event for record in Record.objects.order_by("seq")] == ["organization.founded", "member.invited"]
    assert last_record().by_name == "Assay"
    membership = actions.join_as_new(invitation, name="Olga Stern", password=people.PASSWORD)
    assert (membership.role, membership.user.email) == ("owner", "olga@nova.example")
    assert queries.invitation_by_secret(secret).state == "accepted"


def test_it_keeps_no_secret_of_an_invitation(acme):
    invitation, secret = make.invitation(acme.owner)
    assert secret not in str(vars(invitation))
    assert queries.invitation_by_secret(secret) == invitation
    assert queries.invitation_by_secret(secret[:-1]) is None
    assert last_record().told == {"email": "new@people.example", "role": "builder"}


@pytest.mark.parametrize("role", ["builder", "reviewer", "auditor"])
def test_only_an_owner_invites(acme, role):
    with pytest.raises(NotPermitted, match="Only owners"):
        make.invitation(acme.members[role])
    assert not queries.invitations(viewer=acme.owner).exists()


def test_it_invites_again_after_an_invitation_has_expired(acme):
    first, _ = make.invitation(acme.owner)
    with pytest.raises(ActionDenied, match="open invitation already"):
        make.invitation(acme.owner)
    later = timezone.now() + timedelta(days=15)
    with pytest.MonkeyPatch.context() as clock:
        clock.setattr(timezone, "now", lambda: later)
        second, _ = make.invitation(acme.owner)
    first.refresh_from_db()
    assert first.state == "revoked"
    assert second.pk != first.pk


def test_a_newcomer_joins(acme):
    invitation, _ = make.invitation(acme.owner, role=Role.REVIEWER)
    membership = actions.join_as_new(invitation, name="Nora Neu", password=people.PASSWORD)
    assert membership.user.check_password(people.PASSWORD)
    assert membership.may("approval.sign")
    found = last_record()
    assert (found.event, found.by_name, found.told["invited_by"]) == ("member.joined", "Nora Neu", "Owner")


def test_a_newcomer_cannot_take_over_an_account(acme, rival):
    invitation, _ = make.invitation(acme.owner, "owner@rival.example")
    with pytest.raises(ActionDenied, match="sign in with it"):
        actions.join_as_new(invitation, name="Somebody Else", password="another long password")
    assert User.objects.get(email="owner@rival.example").check_password(people.PASSWORD)


def test_a_person_belongs_to_several_organizations(acme, rival):
    invitation, _ = make.invitation(acme.owner, "builder@rival.example", Role.AUDITOR)
    actions.join(invitation, person=rival.builder.user)
    become(None, rival.builder.user_id)
    mine = queries.memberships(rival.builder.user)
    assert {m.organization.slug: m.role for m in mine} == {"acme": "auditor", "rival": "builder"}


def test_an_invitation_is_used_once(acme, rival):
    invitation, _ = make.invitation(acme.owner, "builder@rival.example")
    actions.join(invitation, person=rival.builder.user)
    with pytest.raises(ActionDenied, match="was used"):
        actions.join(invitation, person=rival.builder.user)


def test_it_takes_an_invitation_back(acme):
    invitation, _ = make.invitation(acme.owner)
    actions.revoke_invitation(invitation, by=acme.owner)
    assert last_record().event == "invitation.revoked"
    with pytest.raises(ActionDenied, match="was taken back"):
        actions.join_as_new(invitation, name="Nora", password=people.PASSWORD)
    assert not User.objects.filter(email="new@people.example").exists()
    with pytest.raises(ActionDenied, match="revoked already"):
        actions.revoke_invitation(invitation, by=acme.owner)


def test_an_owner_changes_a_role(acme):
    changed = actions.change_role(acme.builder, role=Role.REVIEWER, by=acme.owner)
    assert changed.role == Role.REVIEWER
    assert last_record().facts == {"before": "builder", "after": "reviewer"}


def test_it_remembers_no_change_that_is_none(acme):
    before = Record.objects.count()
    actions.change_role(acme.builder, role=Role.BUILDER, by=acme.owner)
    assert Record.objects.count() == before


@pytest.mark.parametrize("role", ["builder", "reviewer", "auditor"])
def test_nobody_grants_themselves_a_role(acme, role):
    by = acme.members[role]
    with pytest.raises(NotPermitted):
        actions.change_role(by, role=Role.OWNER, by=by)
    by.refresh_from_db()
    assert by.role == role


def test_an_owner_does_not_become_a_reviewer_by_themselves(acme):
    make.second_owner(acme)
    with pytest.raises(ActionDenied, match="their own role"):
        actions.change_role(acme.owner, role=Role.REVIEWER, by=acme.owner)


def test_it_removes_a_member_and_their_tokens(acme):
    token, secret = make.token(acme.builder)
    actions.remove(acme.builder, by=acme.owner)
    token.refresh_from_db()
    assert token.state == "revoked"
    assert queries.membership_by_token(secret, "acme") is None
    assert queries.membership_of(acme.builder.user, "acme") is None
    assert last_record().facts == {"role": "builder", "tokens_revoked": 1}


def test_the_last_owner_stays(acme):
    with pytest.raises(ActionDenied, match="only owner"):
        actions.remove(acme.owner, by=acme.owner)


def test_a_removed_member_comes_back_with_the_role_invited_and_without_old_tokens(acme):
    _, secret = make.token(acme.builder)
    actions.remove(acme.builder, by=acme.owner)
    invitation, _ = make.invitation(acme.owner, "builder@acme.example", Role.AUDITOR)
    membership = actions.join(invitation, person=acme.builder.user)
    assert (membership.pk, membership.role) == (acme.builder.pk, "auditor")
    assert queries.membership_by_token(secret, "acme") is None


def test_it_makes_a_token_and_keeps_its_digest(acme):
    token, secret = make.token(acme.builder, "read", "run.launch", "read")
    assert secret.startswith("assay_") and len(secret) > 40
    assert secret not in str(vars(Token.objects.get(pk=token.pk)))
    assert token.digest == queries.secret_digest(secret)
    assert token.scopes == ["read", "run.launch"]
    assert secret not in str(last_record().facts)
    assert (last_record().event, last_record().facts["scopes"]) == ("token.created", ["read", "run.launch"])


@pytest.mark.parametrize(
    ("scopes", "days", "field"),
    [([], 90, "scopes"), (["fly"], 90, "scopes"), (["read"], 0, "days"), (["read"], 366, "days")],
)
def test_it_makes_no_token_of_bad_input(acme, scopes, days, field):
    with pytest.raises(BadInput) as refused:
        actions.create_token(name="x", scopes=scopes, days=days, by=acme.builder)
    assert list(refused.value.problems) == [field]


def test_it_makes_no_token_that_can_do_more_than_its_member(acme):
    with pytest.raises(ActionDenied, match="no “approval"):
        make.token(acme.builder, "read", "approval.sign")
    assert not Token.objects.exists()


def test_no_token_outlives_the_token_that_made_it(acme):
    first, secret = actions.create_token(name="short", scopes=["read", "token.create"], days=1, by=acme.builder)
    by = queries.membership_by_token(secret, "acme")
    child, _ = actions.create_token(name="long", scopes=["read"], days=365, by=by)
    assert child.expires_at == first.expires_at
    assert last_record().by_token == first.pk


def test_it_revokes_a_token(acme):
    token, secret = make.token(acme.builder)
    actions.revoke_token(token, by=acme.owner)
    assert queries.membership_by_token(secret, "acme") is None
    assert (last_record().event, last_record().told) == ("token.revoked", {"of": "Builder"})
    with pytest.raises(ActionDenied, match="already"):
        actions.revoke_token(token, by=acme.owner)


def test_a_new_printed_name_is_remembered_in_each_organization(acme, rival):
    invitation, _ = make.invitation(acme.owner, "builder@rival.example", Role.AUDITOR)
    actions.join(invitation, person=rival.builder.user)
    actions.rename(rival.builder.user, name="Bea Rival")
    for tenant in (acme, rival):
        tenant.enter()
        found = last_record()
        assert (found.event, found.told) == ("member.renamed", {"before": "Builder", "after": "Bea Rival"})
    assert Membership.objects.get(pk=rival.builder.pk).user.name == "Bea Rival"
