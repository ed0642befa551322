"""Who may deploy, and when. Every objection is a sentence; none is None."""

from apps.accounts.permissions import Permission, why_not
from apps.deployments.models import Deployment, Permit, State


def why_not_open(case, kept: str | None, *, by) -> str | None:
    """`case`: the sign-off a deployment would rest on, with everything that is judged about it; `kept`: why its model
    is not altered now, if it is evidence."""
    if reason := why_not(by, Permission.DEPLOYMENT_OPEN):
        return reason
    if not case.stands:
        return f"{case.approval.model_version} may not be deployed: {' '.join(case.reasons)}"
    if any(signature.signer.user_id == by.user_id for signature in case.signatures):
        return "You signed this model; somebody else deploys it."
    return kept


def why_not_stop(deployment: Deployment, *, by) -> str | None:
    if reason := why_not(by, Permission.DEPLOYMENT_STOP):
        return reason
    if deployment.state == State.STOPPED:
        who = "You" if deployment.stopped_by_id == by.pk else deployment.stopped_by.user
        return f"{who} stopped it already."
    return None


def why_not_answer(deployment: Deployment, reasons: tuple[str, ...], permit: Permit | None) -> str | None:
    """Against answering a request; `reasons`: why its sign-off does not stand, if it does not; `permit`: its newest."""
    if deployment.state == State.STOPPED:
        return f"{deployment.name} was stopped on {deployment.stopped_at:%-d %B %Y}; it answers nothing any more."
    if reasons:
        return f"{deployment.name} answers nothing: its sign-off does not stand. {' '.join(reasons)}"
    if permit is None:
        return f"{deployment.name} answers nothing: it has no permit here. A worker of the portal issues it."
    if permit.stands:
        return None
    end = "was revoked" if permit.revoked_at else "has expired, and no worker of the portal renewed it"
    return f"{deployment.name} answers nothing: its permit {end}."


def why_not_take_permit(*, by) -> str | None:
    return why_not(by, Permission.PERMIT_TAKE)
