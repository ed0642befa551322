"""The policy that is in force, and others put in its place."""

from apps.accounts.models import Membership, Role
from apps.approvals import actions, queries
from tests.make import Tenant, member


def policy(tenant: Tenant, risk_class: str = "high"):
    """The built-in policy, adopted, where there is none."""
    tenant.enter(tenant.owner)
    if in_force := queries.policy_in_force(risk_class, viewer=tenant.owner):
        return in_force
    return actions.adopt_default(risk_class, by=tenant.owner)


def publish(tenant: Tenant, source: str):
    """A policy of the organization's own, in force: proposed by its owner, published by another."""
    version = propose(tenant, source)
    other = another_owner(tenant)
    published = actions.publish(version, by=other)
    tenant.enter(tenant.owner)
    return published


def propose(tenant: Tenant, source: str):
    tenant.enter(tenant.owner)
    return actions.propose(source, by=tenant.owner)


def another_owner(tenant: Tenant):
    known = Membership.objects.filter(organization=tenant.organization, user__email__startswith="second.owner")
    other = known.first() or member(tenant.organization, "second.owner", Role.OWNER)
    tenant.enter(other)
    return other
