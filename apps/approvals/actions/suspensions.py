"""Suspend a sign-off at once; let it stand again, two people together; keep who was told."""

from django.utils import timezone

from apps.accounts.permissions import Permission, require
from apps.approvals import queries, rules
from apps.approvals.models import Approval, Suspension, Telling
from apps.audits.actions import personal, record
from apps.audits.events import Event
from apps.audits.refusals import action
from apps.common.errors import database_refusals, refuse


@action
def suspend(approval: Approval, *, reason: str, drill: bool = False, by) -> Suspension:
    """From this moment nothing serves on it. A drill stops what serves like any other, and shows that it does."""
    require(by, Permission.APPROVAL_SUSPEND)
    approval = _locked(approval, by)
    refuse(rules.why_not_suspend(approval, queries.suspension(approval), by=by))
    with database_refusals("Somebody else suspended it at this moment."):
        made = Suspension.objects.create(
            organization_id=approval.organization_id, approval=approval, drill=drill, reason=reason, suspended_by=by
        )
    affected = queries.serving_on(approval)
    record(Event.APPROVAL_SUSPENDED, on=approval, by=by, reason=reason, drill=drill, deployments=affected)
    return made


@action
def ask_to_resume(approval: Approval, *, reason: str, by) -> Suspension:
    """Say why it may stand again. It does not until a second person, who had no hand in the model, grants it."""
    require(by, Permission.APPROVAL_SUSPEND)
    approval = _locked(approval, by)
    suspension = queries.suspension(approval)
    refuse(rules.why_not_ask_to_resume(approval, suspension, by=by))
    assert suspension, "else the rule refused"
    suspension.asked_by, suspension.asked_at, suspension.asked_reason = by, timezone.now(), reason
    with database_refusals():
        suspension.save(update_fields=["asked_by", "asked_at", "asked_reason"])
    record(Event.APPROVAL_RESUMPTION_ASKED, on=approval, by=by, reason=reason)
    return suspension


@action
def resume(approval: Approval, *, by) -> Suspension:
    """Let it stand again, as the second person."""
    require(by, Permission.APPROVAL_RESUME)
    approval = _locked(approval, by)
    suspension = queries.suspension(approval)
    refuse(rules.why_not_resume(approval, suspension, queries.conflict(approval, by), by=by))
    assert suspension and suspension.asked_by, "else the rule refused"
    suspension.resumed_by, suspension.resumed_at = by, timezone.now()
    with database_refusals():
        suspension.save(update_fields=["resumed_by", "resumed_at"])
    asked_by = personal(suspension.asked_by.user)
    record(Event.APPROVAL_RESUMED, on=approval, by=by, asked_by=asked_by, reason=suspension.asked_reason)
    return suspension


@action
def tell(approval: Approval, *, who: str, how: str, by) -> Telling:
    """Keep that somebody was told of a suspension or revocation (AI Act, Art. 20(1)), and through what."""
    require(by, Permission.APPROVAL_SUSPEND)
    approval = _locked(approval, by)
    refuse(rules.why_not_tell(approval, queries.suspension(approval), by=by))
    told = Telling.objects.create(organization_id=approval.organization_id, approval=approval, who=who, how=how, by=by)
    record(Event.APPROVAL_TOLD, on=approval, by=by, telling=told.pk, how=how)
    return told


def _locked(approval: Approval, by) -> Approval:
    Approval.objects.select_for_update().get(pk=approval.pk)
    return queries.approvals(viewer=by).get(pk=approval.pk)
