"""Put a signed model into service, keep it permitted while its sign-off stands, and take it out again."""

import logging
from datetime import timedelta
from typing import Any

import psycopg
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.permissions import Permission, require
from apps.approvals import queries as approvals
from apps.audits import keys
from apps.audits.actions import is_told, personal, record
from apps.audits.events import Event
from apps.audits.refusals import action, refusable
from apps.common.errors import ActionDenied, BadInput, database_refusals
from apps.common.signing import KeyUnusable
from apps.common.tenancy import as_organization, organization_ids
from apps.deployments import permits, queries, rules
from apps.deployments.models import MOST_ROWS, Deployment, Permit, State
from apps.models import actions as models
from apps.models import queries as built

LIST_SECONDS = 300  # a list of revoked permits counts as stale afterwards
log = logging.getLogger(__name__)


@action
def open_deployment(
    approval, *, name: str, by, rows: int = MOST_ROWS, requests_per_minute: int | None = None
) -> Deployment:
    """Serve the model of a sign-off that stands, under a name of its own in the project, within limits for good."""
    require(by, Permission.DEPLOYMENT_OPEN)
    if reason := rules.why_not_open(approvals.case(approval), built.why_not_alter(approval.model_version.model), by=by):
        raise ActionDenied(reason)
    try:
        with transaction.atomic():
            deployment = Deployment.objects.create(
                organization_id=by.organization_id,
                project=approval.project,
                name=name,
                model_version=approval.model_version,
                approval=approval,
                limits={"rows": rows} | ({"requests_per_minute": requests_per_minute} if requests_per_minute else {}),
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
        limits=deployment.limits,
    )
    _permit(deployment)
    return deployment


def _refusal(error: IntegrityError, name: str) -> Exception:
    """What only the database could see, in words."""
    cause = error.__cause__
    if isinstance(cause, psycopg.errors.UniqueViolation):
        return BadInput({"name": f"“{name}” serves already; stop that deployment first, or take another name."})
    if isinstance(cause, psycopg.errors.RestrictViolation):
        return ActionDenied(cause.diag.message_primary or str(error))
    return error


@action
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
    _revoke(deployment, "The deployment was stopped.", by=by)
    return deployment


def tell_drills() -> int:
    """One round over all organizations: of high-risk deployments whose stop is to be tried within days, or was to be,
    the record is told, once for each. Returns how many things were told."""
    told = 0
    for organization_id in organization_ids():
        with as_organization(organization_id):
            told += sum(_tell_drill(deployment) for deployment in queries.to_be_tried())
    return told


def _tell_drill(deployment: Deployment) -> bool:
    if not Deployment.objects.select_for_update(skip_locked=True).filter(pk=deployment.pk).exists():
        return False
    due, days = deployment.drill_due.isoformat(), deployment.drill_near
    facts: dict[str, Any] = {"due": due}
    event = Event.DEPLOYMENT_DRILL_OVERDUE
    if not deployment.drill_overdue:
        event, facts = Event.DEPLOYMENT_DRILL_DUE, {"due": due, "days": days}
    if is_told(event, on=deployment, **facts):
        return False
    record(event, on=deployment, by=None, **facts, opened_by=personal(deployment.opened_by.user))
    return True


# Permits: issued for a deployment whose sign-off stands, and by no other way; the database sees to it.


def keep_permits() -> None:
    """The portal's round, every few seconds: what may serve keeps a permit; what may not loses it, and says why."""
    for organization_id in organization_ids():
        try:
            with as_organization(organization_id):
                due = [deployment.pk for deployment in queries.serving() if _is_due(deployment)]
            for pk in due:
                with as_organization(organization_id):
                    _keep(pk)
        except Exception:  # this organization's models stop when their permits end; the others' go on
            log.exception("The permits of organization %s are not renewed.", organization_id)


def _is_due(deployment: Deployment) -> bool:
    soon = timezone.now() + timedelta(seconds=settings.PERMIT_SECONDS / 2)
    if deployment.stands:
        return deployment.permitted_until is None or deployment.permitted_until < soon
    return queries.unexpired(deployment).exists()


def _keep(pk: int) -> None:
    """Renew or revoke the permit of one deployment; two workers do not do it both."""
    held = Deployment.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
    deployment = held and next((each for each in queries.serving() if each.pk == pk), None)
    if deployment is None or not _is_due(deployment):
        return
    deployment = queries.deployments(viewer=deployment).get(pk=pk)
    if deployment.stands:
        _permit(deployment)
    else:
        _revoke(deployment, " ".join(queries.why_it_does_not_stand(deployment)))


def _permit(deployment: Deployment) -> Permit:
    """Sign and keep a permit, within the caller's transaction. Only a first one, or one after a gap, is a record."""
    models.sign(deployment.model_version)  # where it was registered before models were signed
    first = not queries.unexpired(deployment).filter(environment=settings.ENVIRONMENT).exists()
    now, approval = timezone.now().replace(microsecond=0), deployment.approval
    permit = Permit(
        organization_id=deployment.organization_id,
        project=deployment.project,
        deployment=deployment,
        approval=approval,
        environment=settings.ENVIRONMENT,
        artifact_digest=deployment.model_version.artifact_digest,
        dossier_digest=approval.dossier_digest,
        limits=deployment.limits,
        issued_at=now,
        not_before=now,
        expires_at=min(now + timedelta(seconds=settings.PERMIT_SECONDS), approval.valid_until.replace(microsecond=0)),
    )
    permit.token = _signed(permits.PERMIT, _claims(permit), deployment.organization_id)
    permit.token_digest = permits.digest(permit.token)
    with database_refusals():
        permit.save(force_insert=True)
    if first:
        told = {"permit": str(permit.number), "token": permit.token_digest, "environment": permit.environment}
        record(Event.PERMIT_ISSUED, on=deployment, by=None, artifact=permit.artifact_digest, **told)
    return permit


def _claims(permit: Permit) -> dict:
    return {
        "iss": permit.project.organization.slug,
        "aud": permit.environment,
        "sub": f"sha256:{permit.artifact_digest}",
        "jti": str(permit.number),
        "iat": int(permit.issued_at.timestamp()),
        "nbf": int(permit.not_before.timestamp()),
        "exp": int(permit.expires_at.timestamp()),
        "deployment": permit.deployment_id,
        "approval": permit.approval_id,
        "dossier": permit.dossier_digest,
        "limits": permit.limits,
    }


def _signed(kind: str, claims: dict, organization_id: int) -> str:
    try:
        used = keys.in_use(organization_id)
    except KeyUnusable as error:
        raise ActionDenied(str(error)) from error
    return permits.write(kind, claims, key_id=used.row.key_id, sign=used.key.sign)


def _revoke(deployment: Deployment, reason: str, *, by=None) -> None:
    """Take back every permit that could still let it run."""
    if ended := queries.unexpired(deployment).update(revoked_at=timezone.now(), revoked_reason=reason):
        record(Event.PERMIT_REVOKED, on=deployment, by=by, reason=reason, permits=ended)


@action
def take_permit(deployment: Deployment, *, by) -> Permit:
    """The permit that stands now, for somewhere else to check; that it was taken is remembered."""
    require(by, Permission.PERMIT_TAKE)
    permit = queries.permit(deployment)
    if objection := rules.why_not_answer(deployment, queries.why_it_does_not_stand(deployment), permit):
        raise ActionDenied(objection)
    assert permit, "without a permit, the rule objected"
    record(Event.PERMIT_TAKEN, on=deployment, by=by, permit=str(permit.number), token=permit.token_digest)
    return permit


@refusable
def revoked_list(*, by) -> str:
    """A signed list of the permits that count no more before their time, for whoever checks permits offline."""
    now = int(timezone.now().timestamp())
    gone = queries.fallen(viewer=by, since=timezone.now() - timedelta(seconds=2 * permits.LEEWAY))
    claims = {
        "iss": by.organization.slug,
        "aud": settings.ENVIRONMENT,
        "iat": now,
        "exp": now + LIST_SECONDS,
        "revoked": [{"jti": str(permit.number)} for permit in gone],
    }
    return _signed(permits.REVOKED, claims, by.organization_id)


@refusable
def key_set(*, by) -> dict:
    """The organization's public keys, as a JWK set."""
    return permits.key_set(keys.trusted(by.organization_id))
