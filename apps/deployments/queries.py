"""What serves, on behalf of a viewer."""

from django.db.models import BooleanField, F, Func

from apps.approvals import queries as approvals
from apps.audits.events import Event
from apps.audits.models import Record
from apps.deployments.models import Deployment

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
        .defer("approval__dossier", "approval__bound")
        .annotate(stands=STANDS)
        .order_by("-pk")
    )


def why_it_does_not_stand(deployment: Deployment) -> tuple[str, ...]:
    """Why the sign-off it rests on does not stand now; nothing where it does. The database's word decides."""
    if deployment.stands:
        return ()
    return approvals.case(deployment.approval).reasons or ("Something it covers is changing at this moment.",)


def history(deployment: Deployment) -> list[tuple[Record, str]]:
    """What the record remembers of it, oldest first: (record, what was done)."""
    found = Record.objects.filter(
        organization_id=deployment.organization_id, on_type="deployment", on_id=deployment.pk
    ).order_by("seq")
    return [(entry, Event(entry.event).label) for entry in found]
