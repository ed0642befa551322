"""Places handed on, on behalf of a viewer."""

from apps.accounts.models import Membership
from apps.approvals.models import Delegation
from apps.approvals.rules.delegations import MAY_STAND_IN


def delegations(*, viewer):
    """Newest first. Everybody sees them: who may sign in whose place is no secret."""
    found = Delegation.objects.filter(organization=viewer.organization_id)
    return found.select_related("delegator__user", "delegate__user", "project", "organization").order_by("-pk")


def stand_ins(*, viewer):
    """Who the viewer may hand their place to."""
    others = Membership.objects.filter(organization=viewer.organization_id, is_active=True, role__in=MAY_STAND_IN)
    return others.exclude(user=viewer.user_id).select_related("user").order_by("user__name")


def members(*, viewer):
    """Everybody who may answer for a condition."""
    mine = Membership.objects.filter(organization=viewer.organization_id, is_active=True)
    return mine.exclude(role="auditor").select_related("user").order_by("user__name")
