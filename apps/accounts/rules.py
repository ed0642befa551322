"""When people may be invited, changed and removed, and what a program's key may hold."""

import re
from datetime import timedelta

from django.utils import timezone

from apps.accounts import permissions
from apps.accounts.models import AccessReview, EmergencyAccess, Invitation, Membership, Role, Token, User
from apps.accounts.permissions import Permission
from apps.audits import holds
from apps.audits.recording import is_kept
from apps.common.words import NOT_ORGANIZATIONS

INVITATION_LASTS = timedelta(days=14)
TOKEN_DAYS = 90  # unless another number is asked for
TOKEN_DAYS_MOST = 365
EMERGENCY_MINUTES_MOST = 240
REVIEW_EVERY = timedelta(days=90)
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


def why_not_erase(member: Membership, *, by: Membership) -> str | None:
    """The objection to erasing who somebody was."""
    if reason := permissions.why_not(by, Permission.MEMBER_ERASE):
        return reason
    if member.is_active:
        return f"{member.user} is a member: remove them first."
    if reason := holds.why_not_erase(member.organization_id):
        return reason
    return None if is_kept(member.organization_id, member.personal_subject) else "Their name was erased already."


def why_not_erase_invitation(invitation: Invitation, *, by: Membership) -> str | None:
    """The objection to erasing whose address was invited, where nobody came."""
    if reason := permissions.why_not(by, Permission.MEMBER_ERASE):
        return reason
    if invitation.accepted_at:
        return "Whoever was invited has joined: erase the former member."
    if invitation.state == "open":
        return "This invitation is open still: take it back first."
    if _of(invitation, Membership, user__email__iexact=invitation.email).exists():
        return "Whoever has this address is or was a member: erase the former member."
    if reason := holds.why_not_erase(invitation.organization_id):
        return reason
    kept = is_kept(invitation.organization_id, invitation.personal_subject)
    return None if kept else "Their address was erased already."


def why_not_create_token(*, by: Membership, scopes=()) -> str | None:
    if reason := permissions.why_not(by, Permission.TOKEN_CREATE):
        return reason
    if beyond := [scope for scope in scopes if not permissions.holds(by, Permission(scope))]:
        return f"A token can do no more than who makes it: you have no “{beyond[0]}”."
    return None


def why_not_revoke_token(token: Token, *, by: Membership) -> str | None:
    if not ends_itself(token, by) and (reason := permissions.why_not(by, Permission.TOKEN_REVOKE)):
        return reason
    return "This token was revoked already." if token.revoked_at else None


def ends_itself(token: Token, by: Membership) -> bool:
    """A person ends their own tokens, and a token ends itself; any other needs the right to."""
    return token.membership_id == by.pk and (by.token is None or by.token.pk == token.pk)


# Emergency access: asked by one, agreed to by a second, reviewed by a third.


def why_not_ask_emergency(*, by: Membership) -> str | None:
    if reason := permissions.why_not(by, Permission.EMERGENCY_ASK):
        return reason
    if _by_token(by):
        return PERSON
    waiting = [each for each in by.emergencies.filter(reviewed_at=None) if each.state in ("asked", "active")]
    return f"You have one that is {waiting[0].state} already; end it first." if waiting else None


def why_not_agree(access: EmergencyAccess, *, by: Membership) -> str | None:
    if reason := permissions.why_not(by, Permission.EMERGENCY_AGREE):
        return reason
    if _by_token(by):
        return PERSON
    if access.asked_by.user_id == by.user_id:
        return "You asked for it; a second person agrees."
    if access.state != "asked":
        return f"It is {access.state}; there is nothing to agree to."
    if not access.asked_by.is_active:
        return f"{access.asked_by.user} is no longer a member."
    return None


def why_not_end(access: EmergencyAccess, *, by: Membership) -> str | None:
    if access.state not in ("asked", "active"):
        return f"It is {access.state} already."
    return None if access.asked_by_id == by.pk else permissions.why_not(by, Permission.EMERGENCY_AGREE)


def why_not_review_emergency(access: EmergencyAccess, *, by: Membership) -> str | None:
    if reason := permissions.why_not(by, Permission.EMERGENCY_AGREE):
        return reason
    if _by_token(by):
        return PERSON
    if access.state not in ("to be reviewed", "overdue"):
        return f"It is {access.state}; only access that was given and is over is reviewed."
    if by.user_id == access.asked_by.user_id:
        return "You used it; somebody else reviews it."
    if by.user_id == access.agreed_by.user_id:
        return "You agreed to it; somebody else reviews it."
    return None


# The review of who has access.


def why_not_start_review(open_one: AccessReview | None, *, by: Membership) -> str | None:
    if reason := permissions.why_not(by, Permission.ACCESS_REVIEW):
        return reason
    return "A review is open already; go on with that one." if open_one else None


def why_not_decide(review: AccessReview, *, by: Membership, about: Membership) -> str | None:
    """Against deciding about a member's access, or about one of their tokens."""
    if reason := permissions.why_not(by, Permission.ACCESS_REVIEW):
        return reason
    if review.finished_at:
        return "This review is finished."
    if about.user_id == by.user_id:
        return "It is your own access; somebody else decides about it."
    return None


def why_not_finish_review(review: AccessReview, undecided: int, *, by: Membership) -> str | None:
    if reason := permissions.why_not(by, Permission.ACCESS_REVIEW):
        return reason
    if review.finished_at:
        return "This review is finished already."
    if undecided:
        return f"{undecided} of the members and tokens {'are' if undecided > 1 else 'is'} still to be decided about."
    return None


def why_not_take_attestation(review: AccessReview) -> str | None:
    return None if review.finished_at else "The review is not finished; nothing is signed yet."


PERSON = "A person does this, not a token: sign in."


def _by_token(by: Membership) -> bool:
    return by.token is not None


def scopes_of(by: Membership) -> list[Permission]:
    """What a token made by this membership may hold, in the table's order."""
    return [permission for permission in Permission if permissions.holds(by, permission)]


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


BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
SYSTEMS = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS X": "macOS",
           "Linux": "Linux"}  # fmt: skip


def browser(user_agent: str) -> str:
    """What somebody would call a browser that names itself so; the first name that fits, as each names others too."""
    name = next((told for mark, told in BROWSERS.items() if mark in user_agent), "")
    system = next((told for mark, told in SYSTEMS.items() if mark in user_agent), "")
    if name and system:
        return f"{name} on {system}"
    return name or user_agent.partition("/")[0][:40] or "A browser without a name"
