"""Who belongs where. The first four answer before a tenant is known, and so ask PostgreSQL's own narrow functions."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import Count, Q
from django.utils import timezone

from apps.accounts import rules
from apps.accounts.models import (
    AccessDecision,
    AccessReview,
    EmergencyAccess,
    Invitation,
    Membership,
    Organization,
    Token,
    User,
)
from apps.accounts.permissions import GRANTS, Permission
from apps.audits.models import Record


def secret_digest(secret: str) -> str:
    """SHA-256, hex; secrets are random and long, so a plain digest is enough to keep."""
    return hashlib.sha256(secret.encode()).hexdigest()


def membership_of(user, slug: str) -> Membership | None:
    """A person's active membership in the organization of that slug. Needs `become(None, user.pk)` before."""
    if not user.is_active:
        return None
    found = Membership.objects.select_related("organization").filter(user=user, organization__slug=slug, is_active=True)
    if membership := found.first():
        membership.user = user
    return membership


def membership_by_token(secret: str, slug: str) -> Membership | None:
    """The membership a live token acts for, with `.token`; notes the token's use. Sets the tenant on success."""
    with connection.cursor() as cursor:
        cursor.execute("select * from accounts_enter_by_token(%s, %s)", [secret_digest(secret), slug])
        found = cursor.fetchone()
    if found is None or found[0] is None:
        return None
    membership_id, token_id = found
    membership = Membership.objects.select_related("organization", "user").get(pk=membership_id)
    membership.token = Token.objects.get(pk=token_id)
    return membership


def invitation_by_secret(secret: str) -> Invitation | None:
    """The invitation of a link, whatever became of it. Sets the tenant on success."""
    with connection.cursor() as cursor:
        cursor.execute("select accounts_enter_by_invitation(%s)", [secret_digest(secret)])
        (found,) = cursor.fetchone()
    if found is None:
        return None
    return Invitation.objects.select_related("organization", "invited_by__user").get(pk=found)


def memberships(user):
    """A person's own memberships, for choosing an organization. Needs `become(None, user.pk)` before."""
    return (
        Membership.objects.filter(user=user, is_active=True)
        .select_related("organization")
        .order_by("organization__name")
    )


def members(*, viewer: Membership):
    return Membership.objects.filter(organization=viewer.organization_id).select_related("user", "organization")


def members_by_role(*, viewer: Membership) -> dict[str, int]:
    """How many active members each role has."""
    found = members(viewer=viewer).filter(is_active=True).values("role").order_by("role")
    return {row["role"]: row["members"] for row in found.annotate(members=Count("pk"))}


def invitations(*, viewer: Membership):
    found = Invitation.objects.filter(organization=viewer.organization_id)
    return found.select_related("invited_by__user", "organization")


def open_invitations(*, viewer: Membership):
    """Those that wait or have expired unused: what an owner may still take back; the newest first."""
    return invitations(viewer=viewer).filter(accepted_at=None, revoked_at=None).order_by("-pk")


def unused_invitations(*, viewer: Membership):
    """Those that ended without anybody joining, and still say whom they were for; the newest first."""
    ended = Q(revoked_at__isnull=False) | Q(expires_at__lte=timezone.now())
    found = invitations(viewer=viewer).filter(ended, accepted_at=None).exclude(email__endswith="@erased.invalid")
    return found.order_by("-pk")


def tokens(*, viewer: Membership):
    """The viewer's own tokens; an owner sees everybody's, to revoke them."""
    found = Token.objects.filter(organization=viewer.organization_id).select_related("membership__user", "organization")
    return found if viewer.may("token.revoke") else found.filter(membership=viewer)


def permission_table() -> list[dict]:
    """Every word, its sentence and the roles that hold it, from the one table that decides."""
    return [
        {"word": word.value, "lets": word.label, "roles": [role for role, words in GRANTS.items() if word in words]}
        for word in Permission
    ]


def emergencies(*, viewer: Membership):
    """Every request for emergency access and what became of it, newest first."""
    found = EmergencyAccess.objects.filter(organization=viewer.organization_id).order_by("-pk")
    return found.select_related(
        "organization", "asked_by__user", "agreed_by__user", "ended_by__user", "reviewed_by__user"
    )


def emergencies_overdue(*, viewer: Membership) -> list[EmergencyAccess]:
    """Those that somebody should have reviewed by now."""
    given = emergencies(viewer=viewer).filter(reviewed_at=None).exclude(agreed_at=None)
    return [access for access in given if access.state == "overdue"]


def done_under(access: EmergencyAccess) -> list[Record]:
    """What the person did while it lasted, oldest first: each of these records bears its mark."""
    if access.agreed_at is None:
        return []
    found = Record.objects.filter(
        organization_id=access.organization_id, by_id=access.asked_by.user_id, at__gte=access.agreed_at,
        at__lte=access.over_at, facts__emergency_access=access.pk,
    )  # fmt: skip
    return list(found.order_by("seq")[:200])


def access_reviews(*, viewer: Membership):
    found = AccessReview.objects.filter(organization=viewer.organization_id).order_by("-pk")
    return found.select_related("organization", "started_by__user", "finished_by__user")


def review_due(*, viewer: Membership) -> datetime:
    """By when the next review of who has access is to be finished."""
    last = access_reviews(viewer=viewer).exclude(finished_at=None).order_by("-finished_at").first()
    founded = Organization.objects.values_list("founded_at", flat=True).get(pk=viewer.organization_id)
    return (last.finished_at if last else founded) + rules.REVIEW_EVERY


@dataclass(frozen=True)
class Line:
    """One access in a review: a membership, or a token of one; with what was last decided of it as it is."""

    member: Membership
    token: Token | None
    held: str
    decision: AccessDecision | None

    @property
    def key(self) -> str:
        return f"token-{self.token.pk}" if self.token else f"member-{self.member.pk}"


def access(review: AccessReview) -> list[Line]:
    """Everybody and every token that has access now; in a finished review, all it decided about."""
    decisions = review.decisions.select_related("member__user", "token", "decided_by__user").order_by("pk")
    latest = {(each.member_id, each.token_id, each.held): each for each in decisions}
    if review.finished_at:
        return [Line(each.member, each.token, each.held, each) for each in latest.values()]
    mine = {"organization": review.organization_id}
    members = Membership.objects.filter(**mine, is_active=True).select_related("user").order_by("pk")
    live = Token.objects.filter(**mine, revoked_at=None, expires_at__gt=timezone.now(), membership__is_active=True)
    held = [(member, None, member.role) for member in members]
    held += [(t.membership, t, " ".join(t.scopes)) for t in live.select_related("membership__user").order_by("pk")]
    there = [Line(m, t, words, latest.get((m.pk, t and t.pk, words))) for m, t, words in held]
    removed = [Line(each.member, each.token, each.held, each) for each in latest.values() if not each.keep]
    return there + removed


def factors(person: User) -> dict:
    """What a person has enrolled: whether an app, which passkeys, and how many recovery codes are left (None: none)."""
    found: dict = {"app": False, "passkeys": [], "codes": None}
    for factor in Authenticator.objects.filter(user=person).order_by("pk"):
        if factor.type == Authenticator.Type.TOTP:
            found["app"] = True
        elif factor.type == Authenticator.Type.WEBAUTHN:
            found["passkeys"].append(factor)
        else:
            found["codes"] = len(RecoveryCodes(factor).get_unused_codes())
    return found


def is_last_factor(factor: Authenticator) -> bool:
    others = Authenticator.objects.filter(user=factor.user_id).exclude(pk=factor.pk)
    return not others.exclude(type=Authenticator.Type.RECOVERY_CODES).exists()


def sessions(person: User):
    """Where a person signed in, and did not sign out again."""
    live = Session.objects.filter(expire_date__gt=timezone.now())
    return UserSession.objects.filter(user=person, session_key__in=live.values("session_key"))


def signed_in(person: User, sessions: list) -> list:
    """Those of them that a change of password has not ended."""
    keys = [session.session_key for session in sessions]
    kept = {one.session_key: one.get_decoded() for one in Session.objects.filter(session_key__in=keys)}
    valid = {key for key, said in kept.items() if said.get(HASH_SESSION_KEY) == person.get_session_auth_hash()}
    return [session for session in sessions if session.session_key in valid]
