"""What is asked of policies and sign-offs, always on behalf of a viewer."""

from apps.approvals.queries.approvals import (
    approvals,
    case,
    delegation,
    history,
    listed_approvals,
    model_version,
    model_versions,
    since_last,
)
from apps.approvals.queries.delegations import delegations, members, stand_ins
from apps.approvals.queries.dossiers import attributes, bound, bound_now, draft, gates, hands, latest_reports
from apps.approvals.queries.locks import lock, opened
from apps.approvals.queries.policies import (
    built_in_applies,
    could_sign,
    policies_in_force,
    policy_in_force,
    policy_versions,
    resting_on,
    version_before,
)
from apps.approvals.queries.replays import Preview, Turned, differences, preview, replayed, replays
from apps.approvals.queries.standing import STANDS
from apps.approvals.queries.waivers import (
    STATUSES,
    as_gates,
    counted,
    hands_in,
    in_force,
    subject_of_waiver,
    waivers,
    with_status,
)

__all__ = [
    "STANDS",
    "STATUSES",
    "Preview",
    "Turned",
    "approvals",
    "as_gates",
    "attributes",
    "bound",
    "bound_now",
    "built_in_applies",
    "case",
    "could_sign",
    "counted",
    "delegation",
    "delegations",
    "differences",
    "draft",
    "gates",
    "hands",
    "hands_in",
    "history",
    "in_force",
    "latest_reports",
    "listed_approvals",
    "lock",
    "members",
    "model_version",
    "model_versions",
    "opened",
    "policies_in_force",
    "policy_in_force",
    "policy_versions",
    "preview",
    "replayed",
    "replays",
    "resting_on",
    "since_last",
    "stand_ins",
    "subject_of_waiver",
    "version_before",
    "waivers",
    "with_status",
]
