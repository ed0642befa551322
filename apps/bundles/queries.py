"""Shares, on behalf of a viewer; and the one question that is asked before a tenant is known."""

from django.db import connection

from apps.accounts.queries import secret_digest
from apps.approvals import queries as approvals
from apps.approvals.models import State
from apps.audits import queries as audits
from apps.bundles.models import Share

OFFERED = 100  # sign-offs in the form


def shares(*, viewer):
    found = Share.objects.filter(organization=viewer.organization_id)
    return found.select_related("organization", "made_by__user", "revoked_by__user").order_by("-pk")


def share_by_secret(secret: str) -> Share | None:
    """The share of a live link. Sets the tenant on success; None for any other link, whatever became of it."""
    with connection.cursor() as cursor:
        cursor.execute("select bundles_enter_by_share(%s)", [secret_digest(secret)])
        (found,) = cursor.fetchone()
    if found is None:
        return None
    return Share.objects.select_related("organization").get(pk=found)


def shown(share: Share):
    """The sign-offs that a share shows, newest first; `share` stands for the viewer."""
    return approvals.approvals(viewer=share).filter(pk__in=share.approvals).exclude(state=State.OPEN)


def to_choose(*, viewer):
    """The sign-offs that can be shared: those that are decided."""
    return approvals.listed_approvals(viewer=viewer).exclude(state=State.OPEN)


def log(share: Share, *, viewer):
    """What happened to a share and through it, newest first."""
    return audits.history(viewer=viewer, on=share).order_by("-seq")
