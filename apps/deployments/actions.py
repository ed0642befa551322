"""Put a signed model into service, and take it out again."""

import psycopg
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.permissions import Permission, require
from apps.approvals import queries as approvals
from apps.audits.actions import record
from apps.audits.events import Event
from apps.common.errors import ActionDenied, BadInput
from apps.deployments import rules
from apps.deployments.models import Deployment, State


@transaction.atomic
def open_deployment(approval, *, name: str, by) -> Deployment:
    """Serve the model of a sign-off that stands, under a name of its own in the project."""
    require(by, Permission.DEPLOYMENT_OPEN)
    if reason := rules.why_not_open(approvals.case(approval), by=by):
        raise ActionDenied(reason)
    try:
        with transaction.atomic():
            deployment = Deployment.objects.create(
                organization_id=by.organization_id,
                project=approval.project,
                name=name,
                model_version=approval.model_version,
                approval=approval,
                opened_by=by,
            )
    except IntegrityError as error:
        raise _refusal(error, name) from error
    record(
        Event.DEPLOYMENT_OPENED,
        on=deployment,
        by=by,
        artifact=approval.model_version.artifact_digest,
        approval=approval.pk,
        dossier=approval.dossier_digest,
    )
    return deployment


def _refusal(error: IntegrityError, name: str) -> Exception:
    """What only the database could see, in words."""
    cause = error.__cause__
    if isinstance(cause, psycopg.errors.UniqueViolation):
        return BadInput({"name": f"“{name}” serves already; stop that deployment first, or take another name."})
    if isinstance(cause, psycopg.errors.RestrictViolation):
        return ActionDenied(cause.diag.message_primary or str(error))
    return error


@transaction.atomic
def stop(deployment: Deployment, *, reason: str, by) -> Deployment:
    """From the next request on it answers nothing. What was stopped stays stopped."""
    require(by, Permission.DEPLOYMENT_STOP)
    deployment = Deployment.objects.select_for_update(of=("self",)).select_related(
        "project__organization", "model_version__model", "stopped_by__user"
    ).get(pk=deployment.pk)  # fmt: skip
    if objection := rules.why_not_stop(deployment, by=by):
        raise ActionDenied(objection)
    deployment.state, deployment.stopped_by, deployment.stop_reason = State.STOPPED, by, reason
    deployment.stopped_at = timezone.now()
    deployment.save(update_fields=["state", "stopped_by", "stop_reason", "stopped_at"])
    record(Event.DEPLOYMENT_STOPPED, on=deployment, by=by, reason=reason)
    return deployment
