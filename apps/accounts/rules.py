"""When people may be invited, changed and removed, and what a program's key may hold."""

import re
from datetime import timedelta

from django.utils import timezone

from apps.accounts import permissions
from apps.accounts.models import Invitation, Membership, Role, Token, User
from apps.accounts.permissions import Permission
from apps.common.words import NOT_ORGANIZATIONS

INVITATION_LASTS = timedelta(days=14)
TOKEN_DAYS = 90  # unless another number is asked for
TOKEN_DAYS_MOST = 365
SLUG = re.compile(r"(?=.{1,40}$)[a-z0-9]+(-[a-z0-9]+)*")


def why_not_found(slug: str) -> str | None:
    """The objection to an organization's address. Whether it is taken is the database's to say."""
    if not SLUG.fullmatch(slug):
        return "Use at most 40 small letters, digits and single hyphens, such as “acme-bank”."
    if slug in NOT_ORGANIZATIONS:
        return f"The portal uses the address “/{slug}/” itself: choose another."
    return None


def why_not_invite(*, by: Membership, email: str = "") -> str | None:
    if reason := permissions.why_not(by, Permission.MEMBER_INVITE):
        return reason
    if _of(by, Membership, user__email__iexact=email, is_active=True).exists():
        return f"{email} is a member already."
    waiting = {"accepted_at": None, "revoked_at": None, "expires_at__gt": timezone.now()}
    if _of(by, Invitation, email__iexact=email, **waiting).exists():
        return f"{email} has an open invitation already: take it back first, and the old link stops working."
    return None


def why_not_revoke_invitation(invitation: Invitation, *, by: Membership) -> str | None:
    if reason := permissions.why_not(by, Permission.MEMBER_INVITE):
        return reason
    return None if invitation.state in ("open", "expired") else f"This invitation was {invitation.state} already."


def why_not_join(invitation: Invitation, *, person: User | None = None) -> str | None:
    """The objection to taking an invitation up; with a person, whether it is meant for them."""
    if invitation.state != "open":
        end = {"accepted": "was used", "revoked": "was taken back", "expired": "has expired"}[invitation.state]
        return f"This invitation {end}. Ask an owner of {invitation.organization} for a new one."
    if person and person.email.lower() != invitation.email.lower():
        return f"This invitation is for {invitation.email}, and you are signed in as {person.email}."
    if person and _of(invitation, Membership, user=person, is_active=True).exists():
        return f"You are a member of {invitation.organization} already."
    return None


def why_not_change_role(member: Membership, *, by: Membership, role: str = "") -> str | None:
    if reason := permissions.why_not(by, Permission.MEMBER_CHANGE):
        return reason
    if not member.is_active:
        return f"{member.user} is no longer a member: invite them again."
    if member.user_id == by.user_id:
        return "Nobody changes their own role: another owner can."
    if role != Role.OWNER and _last_owner(member):
        return _keeps_an_owner(member)
    return None


def why_not_remove(member: Membership, *, by: Membership) -> str | None:
    if reason := permissions.why_not(by, Permission.MEMBER_CHANGE):
        return reason
    if not member.is_active:
        return f"{member.user} was removed already."
    return _keeps_an_owner(member) if _last_owner(member) else None


def why_not_create_token(*, by: Membership, scopes=()) -> str | None:
    if reason := permissions.why_not(by, Permission.TOKEN_CREATE):
        return reason
    if beyond := [scope for scope in scopes if not permissions.allows(by, Permission(scope))]:
        return f"A token can do no more than who makes it: you have no “{beyond[0]}”."
    return None


def why_not_revoke_token(token: Token, *, by: Membership) -> str | None:
    if not ends_itself(token, by) and (reason := permissions.why_not(by, Permission.TOKEN_REVOKE)):
        return reason
    return "This token was revoked already." if token.revoked_at else None


def ends_itself(token: Token, by: Membership) -> bool:
    """A person ends their own tokens, and a token ends itself; any other needs the right to."""
    return token.membership_id == by.pk and (by.token is None or by.token.pk == token.pk)


def scopes_of(by: Membership) -> list[Permission]:
    """What a token made by this membership may hold, in the table's order."""
    return [permission for permission in Permission if permissions.allows(by, permission)]


def _of(row, model, **found):
    return model.objects.filter(organization=row.organization_id, **found)


def _last_owner(member: Membership) -> bool:
    return (
        member.role == Role.OWNER
        and member.is_active
        and not _of(member, Membership, role=Role.OWNER, is_active=True).exclude(pk=member.pk).exists()
    )


def _keeps_an_owner(member: Membership) -> str:
    return f"{member.user} is the only owner, and an organization keeps one: make somebody else an owner first."
