"""What serves, on behalf of a viewer."""

from django.db.models import BooleanField, F, Func

from apps.deployments.models import Deployment, State

STANDS = Func(F("approval_id"), function="approvals_stands", output_field=BooleanField())


def deployments(*, viewer, project=None):
    """Newest first; each with `.stands`: whether the sign-off it rests on stands now."""
    found = Deployment.objects.filter(organization=viewer.organization_id)
    if project is not None:
        found = found.filter(project=project)
    return (
        found.select_related(
            "project__organization", "model_version__model", "approval", "opened_by__user", "stopped_by__user"
        )
        .annotate(stands=STANDS)
        .order_by("-pk")
    )


def summary(*, viewer, project) -> dict[str, str | None]:
    """The rail's stop: what of this project serves, and whether it may."""
    latest = deployments(viewer=viewer, project=project).filter(state=State.SERVING).first()
    if latest is None:
        return {"state": "", "text": "nothing serves", "url": None}
    state, text = ("done", "serves") if latest.stands else ("shut", "refuses: sign-off no longer stands")
    return {"state": state, "text": f"{latest.model_version} {text}", "url": latest.get_absolute_url()}
