"""Who may be invited, changed and removed; what a token may hold."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts import rules
from apps.accounts.models import Invitation, Role, Token, User
from apps.accounts.permissions import GRANTS, Permission, allows, why_not
from tests.accounts import make

pytestmark = pytest.mark.django_db
NOBODY_ELSE = ("builder", "reviewer", "auditor")


@pytest.mark.parametrize("slug", ["acme", "acme-bank", "a", "2nd-bank", "x" * 40])
def test_it_takes_a_slug(slug):
    assert rules.why_not_found(slug) is None


@pytest.mark.parametrize("slug", ["", "Acme", "-acme", "acme-", "a--b", "a_b", "ä", "a b", "x" * 41, "a/b", "a\n"])
def test_it_refuses_a_slug_that_is_no_address(slug):
    assert "small letters" in rules.why_not_found(slug)


@pytest.mark.parametrize("slug", ["api", "accounts", "static", "invitations", "health"])
def test_it_refuses_a_slug_the_portal_needs(slug):
    assert "the portal uses" in rules.why_not_found(slug).lower()


@pytest.mark.parametrize("role", list(GRANTS))
@pytest.mark.parametrize("permission", list(Permission))
def test_it_allows_what_the_table_grants_and_says_who_else_may(acme, role, permission):
    by = acme.members[role]
    assert allows(by, permission) == (permission in GRANTS[role])
    if permission not in GRANTS[role]:
        assert why_not(by, permission).startswith("Only ") and permission.label in why_not(by, permission)
    by.is_active = False
    assert not allows(by, permission)


def test_it_allows_a_token_only_its_scopes(acme):
    by = acme.builder
    by.token = Token(scopes=["read", "approval.sign"])
    assert allows(by, Permission.READ)
    assert why_not(by, Permission.RUN_LAUNCH) == "This token has no scope “run.launch”."
    assert not allows(by, Permission.APPROVAL_SIGN)  # a scope gives no more than the role


def test_only_an_owner_invites(acme):
    assert rules.why_not_invite(by=acme.owner, email="new@people.example") is None
    for role in NOBODY_ELSE:
        assert rules.why_not_invite(by=acme.members[role]) == (
            "Only owners of this organization invite people and take invitations back."
        )


def test_it_invites_nobody_twice(acme):
    assert "member already" in rules.why_not_invite(by=acme.owner, email="BUILDER@acme.example")
    make.invitation(acme.owner, "new@people.example")
    assert "open invitation already" in rules.why_not_invite(by=acme.owner, email="New@People.example")


def test_it_does_not_tell_who_belongs_elsewhere(acme, rival):
    assert rules.why_not_invite(by=acme.owner, email="owner@rival.example") is None


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"accepted_at": timezone.now()}, "was used"),
        ({"revoked_at": timezone.now()}, "was taken back"),
        ({"expires_at": timezone.now() - timedelta(seconds=1)}, "has expired"),
        ({}, None),
    ],
)
def test_it_lets_in_by_an_open_invitation_only(acme, state, says):
    fields = {"expires_at": timezone.now() + timedelta(days=1)} | state
    invitation = Invitation(organization=acme.organization, email="new@people.example", **fields)
    reason = rules.why_not_join(invitation, person=User(email="NEW@people.example", pk=0))
    assert reason is None if says is None else says in reason


def test_it_lets_in_whom_the_invitation_names(acme):
    invitation, _ = make.invitation(acme.owner)
    reason = rules.why_not_join(invitation, person=acme.auditor.user)
    assert reason == "This invitation is for new@people.example, and you are signed in as auditor@acme.example."


def test_nobody_changes_their_own_role(acme):
    make.second_owner(acme)
    assert "their own role" in rules.why_not_change_role(acme.owner, by=acme.owner, role=Role.REVIEWER)
    for role in NOBODY_ELSE:
        by = acme.members[role]
        assert rules.why_not_change_role(by, by=by, role=Role.OWNER).startswith("Only owners")


def test_an_organization_keeps_an_owner(acme):
    other = make.second_owner(acme)
    assert rules.why_not_change_role(acme.owner, by=other, role=Role.BUILDER) is None
    assert rules.why_not_remove(acme.owner, by=other) is None
    other.is_active = False
    other.save()
    assert "only owner" in rules.why_not_change_role(acme.owner, by=_another(other), role=Role.BUILDER)
    assert "only owner" in rules.why_not_remove(acme.owner, by=acme.owner)
    assert rules.why_not_change_role(acme.owner, by=_another(other), role=Role.OWNER) is None


def test_a_token_can_hold_what_its_maker_may(acme):
    for role, words in GRANTS.items():
        by = acme.members[role]
        assert set(rules.scopes_of(by)) == set(words)
        assert rules.why_not_create_token(by=by, scopes=list(words)) is None
        for beyond in set(Permission) - words:
            assert f"“{beyond}”" in rules.why_not_create_token(by=by, scopes=["read", beyond])


def test_a_token_makes_no_token_with_more_scopes(acme):
    by = acme.builder
    by.token = Token(scopes=["token.create", "read"])
    assert rules.why_not_create_token(by=by, scopes=["read"]) is None
    assert "no “run.launch”" in rules.why_not_create_token(by=by, scopes=["run.launch"])
    by.token = Token(scopes=["read"])
    assert rules.why_not_create_token(by=by, scopes=["read"]) == "This token has no scope “token.create”."


def test_a_token_is_revoked_by_its_member_or_an_owner(acme):
    token, _ = make.token(acme.builder)
    assert rules.why_not_revoke_token(token, by=acme.builder) is None
    assert rules.why_not_revoke_token(token, by=acme.owner) is None
    assert rules.why_not_revoke_token(token, by=acme.reviewer).startswith("Only owners")
    token.revoked_at = timezone.now()
    assert "already" in rules.why_not_revoke_token(token, by=acme.builder)


def test_a_token_ends_itself_and_no_other(acme):
    one, _ = make.token(acme.builder, name="one")
    other, _ = make.token(acme.builder, name="other")
    acme.builder.token = one
    assert rules.why_not_revoke_token(one, by=acme.builder) is None
    assert rules.why_not_revoke_token(other, by=acme.builder) is not None


def _another(member):
    """The same membership as it would act if it were still active, so that only the rule about owners objects."""
    member.is_active = True
    return member


def test_an_auditor_only_reads_and_takes_away():
    """WF-SOD-8: of the record itself each of these leaves a line, and of nothing else."""
    assert GRANTS["auditor"] == {
        Permission.READ, Permission.REPORT_DOWNLOAD, Permission.DOCUMENT_DOWNLOAD, Permission.APPROVAL_DOWNLOAD,
        Permission.INCIDENT_DOWNLOAD, Permission.RECORD_EXPORT, Permission.RECORD_VERIFY,
        Permission.TOKEN_CREATE,  # with scopes of these words
        Permission.ISOLATION_ATTEST,  # what it makes is undone
    }  # fmt: skip
