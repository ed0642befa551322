"""A rule set aside."""

from datetime import timedelta

from django.utils import timezone

from apps.approvals import actions
from apps.models.models import ModelVersion
from tests.approvals.make.policies import policy
from tests.make import Tenant


def waiver(tenant: Tenant, version: ModelVersion, rule: int = 5, *, by=None, **given):
    """A request to set a rule of the policy in force aside for a model version; its owner is the second reviewer."""
    policy_version = policy(tenant)
    by = by or tenant.builder
    tenant.enter(by)
    given = {
        "owner": tenant.second_reviewer, "reason": "Too few rows were kept back.", "risk": "It may be less accurate.",
        "measure": "A person looks at every refusal.", "monitoring": "Its errors are counted each week.",
        "plan": "Measured again on the spring data.",
        "starts_at": timezone.now() - timedelta(hours=1),  # a test is one transaction, in which time stands still
        "ends_at": timezone.now() + timedelta(days=30) - timedelta(hours=1), "model_version": version,
    } | given  # fmt: skip
    return actions.ask_waiver(tenant.project, policy_version, rule, by=by, **given)


def waived(tenant: Tenant, version: ModelVersion, rule: int = 5, **given):
    """The same, approved by a reviewer."""
    request = waiver(tenant, version, rule, **given)
    tenant.enter(tenant.reviewer)
    return actions.approve_waiver(request, reason="Contained for a month.", by=tenant.reviewer)
