"""Who belongs where. The first two answer before a tenant is known, and so ask PostgreSQL's own narrow functions."""

import hashlib

from django.db import connection

from apps.accounts.models import Invitation, Membership, Token


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


def memberships(user):
    """A person's own memberships, for choosing an organization. Needs `become(None, user.pk)` before."""
    return (
        Membership.objects.filter(user=user, is_active=True)
        .select_related("organization")
        .order_by("organization__name")
    )


def members(*, viewer: Membership):
    return Membership.objects.filter(organization=viewer.organization_id).select_related("user")


def invitations(*, viewer: Membership):
    return Invitation.objects.filter(organization=viewer.organization_id).select_related("invited_by__user")


def tokens(*, viewer: Membership):
    """The viewer's own tokens; an owner sees everybody's, to revoke them."""
    mine = Token.objects.filter(organization=viewer.organization_id).select_related("membership__user")
    return mine if viewer.may("token.revoke") else mine.filter(membership=viewer)
