"""Who may propose, publish and withdraw a policy, and when."""

from apps.accounts.permissions import Permission, why_not


def why_not_propose(*, by) -> str | None:
    return why_not(by, Permission.POLICY_PROPOSE)


def why_not_publish(version, newer, *, by) -> str | None:
    """`newer`: a version of the same policy that was published after this one was proposed, or None."""
    if reason := why_not(by, Permission.POLICY_PUBLISH):
        return reason
    if version.withdrawn_at:
        return "This version was withdrawn; propose it anew."
    if version.published_at:
        return "This version is published already."
    if version.proposed_by.user_id == by.user_id:
        return "You proposed it; a second person publishes it."
    if newer:
        return f"{newer} was published since; propose the change anew."
    return None


def why_not_withdraw_policy(version, *, by) -> str | None:
    if reason := why_not(by, Permission.POLICY_PROPOSE):
        return reason
    if version.withdrawn_at:
        return "This version was withdrawn already."
    return None
