"""A model version with data, reports and a policy, up to a sign-off that stands."""

from tests.approvals.make.data import DECLARATION, FILES, acting, dataset_version, model_version
from tests.approvals.make.policies import another_owner, policy, propose, publish
from tests.approvals.make.reports import UNFAIR, brought, figure, figures, operated, queued, report, reported, unfair
from tests.approvals.make.sign_offs import (
    another_reviewer,
    approved,
    approved_of,
    asked,
    asked_for,
    asked_for_by_second_builder,
    asked_under,
    handed_on_and_fulfilled,
    read,
    refuse,
    resumed,
    sign,
    signed_off,
    suspended,
)
from tests.approvals.make.waivers import waived, waiver
from tests.make import PASSWORD, member

__all__ = [
    "DECLARATION",
    "FILES",
    "PASSWORD",
    "UNFAIR",
    "acting",
    "another_owner",
    "another_reviewer",
    "approved",
    "approved_of",
    "asked",
    "asked_for",
    "asked_for_by_second_builder",
    "asked_under",
    "brought",
    "dataset_version",
    "figure",
    "figures",
    "handed_on_and_fulfilled",
    "member",
    "model_version",
    "operated",
    "policy",
    "propose",
    "publish",
    "queued",
    "read",
    "refuse",
    "report",
    "reported",
    "resumed",
    "sign",
    "signed_off",
    "suspended",
    "unfair",
    "waived",
    "waiver",
]
