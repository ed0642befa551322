"""A condition on a figure, and figures that were submitted after the sign-off was given on it."""

import pytest
from django.db import transaction

from tests.approvals import make
from tests.approvals.test_submitted import POLICY, met, on_a_figure, submitted
from tests.approvals.test_waivers_end import as_superuser


@pytest.mark.parametrize("wants", ["", "provenance: submitted\n", "provenance: declared\n"])
def test_a_condition_on_a_figure_is_met_by_what_the_portal_computed_alone(standing, wants):
    """Whatever else the policy counts: nobody confirms such a figure, so nobody may bring it."""
    with transaction.atomic():
        standing.enter()
        approval = on_a_figure(standing, POLICY % "" + wants)
    as_superuser(
        "update approvals_signature set signed_at = signed_at - interval '2 days' where approval_id = %s", approval.pk
    )
    with transaction.atomic():
        submitted(standing, approval.model_version, "privacy", name="membership_auc", value=0.5, low=0.4, high=0.55)
        assert not met(approval)
        make.report(approval.model_version, "privacy")
        assert met(approval)
