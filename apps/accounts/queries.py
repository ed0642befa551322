"""Who belongs where. The first four answer before a tenant is known, and so ask PostgreSQL's own narrow functions."""

import hashlib

from django.db import connection
from django.db.models import Count

from apps.accounts.models import Invitation, Membership, Token
from apps.accounts.permissions import GRANTS, Permission


def secret_digest(secret: str) -> str:
    """SHA-256, hex; secrets are random and long, so a plain digest is enough to keep."""
    return hashlib.sha256(secret.encode()).hexdigest()


def membership_of(user, slug: str) -> Membership | None:
    """A person's active membership in the organization of that slug. Needs `become(None, user.pk)` before."""
    return (
        Membership.objects.select_related("organization", "user")
        .filter(user=user, organization__slug=slug, is_active=True, user__is_active=True)
        .first()
    )


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
