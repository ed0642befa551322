"""Who may publish and withdraw a policy, and when."""

from apps.accounts.permissions import Permission, why_not


def why_not_publish(*, by) -> str | None:
    return why_not(by, Permission.POLICY_PUBLISH)


def why_not_withdraw_policy(version, *, by) -> str | None:
    if reason := why_not(by, Permission.POLICY_PUBLISH):
        return reason
    if version.withdrawn_at:
        return "This version was withdrawn already."
    return None
