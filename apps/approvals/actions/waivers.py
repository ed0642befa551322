"""Ask for a waiver; approve, reject, renew, close and revoke it."""

from datetime import datetime

from django.utils import timezone

from apps.accounts.models import Membership
from apps.accounts.permissions import Permission, require
from apps.approvals import queries, rules
from apps.approvals.models import PolicyVersion, Waiver, WaiverState
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.refusals import action
from apps.common.errors import BadInput, database_refusals, refuse

TWICE = "This rule was waived here before; a waiver is renewed, and only once."


@action
def ask_waiver(
    project,
    policy_version: PolicyVersion,
    rule: int,
    *,
    owner: Membership,
    reason: str,
    risk: str,
    measure: str,
    monitoring: str,
    plan: str,
    ends_at: datetime,
    by,
    starts_at: datetime | None = None,
    model_version=None,
    renewal_of: Waiver | None = None,
) -> Waiver:
    """Ask that one rule be set aside for a time, for one model version or, without one, for the whole project."""
    now = timezone.now()
    require(by, Permission.WAIVER_ASK)
    refuse(rules.why_not_ask_waiver(project, by=by))
    refuse(rules.why_not_waive(policy_version, rule, project))
    starts_at = starts_at or now
    if objection := rules.why_not_owner(owner, by=by):
        raise BadInput({"owner": objection})
    if objection := rules.why_not_term(starts_at, ends_at, now):
        raise BadInput({"ends_at": objection})
    with database_refusals(TWICE):
        waiver = Waiver.objects.create(
            organization_id=by.organization_id,
            project=project,
            policy_version=policy_version,
            rule=rule,
            model_version=model_version,
            owner=owner,
            requested_by=by,
            requested_at=now,
            starts_at=starts_at,
            ends_at=ends_at,
            renewal_of=renewal_of,
            reason=reason,
            risk=risk,
            measure=measure,
            monitoring=monitoring,
            plan=plan,
        )
    record(Event.WAIVER_ASKED, on=waiver, by=by, **_facts(waiver), owner=waiver.owner_id, reason=reason)
    return waiver


@action
def renew_waiver(waiver: Waiver, *, ends_at: datetime, reason: str, by) -> Waiver:
    """Ask for the same once more, from its end on. It is decided on like any other, and is the last."""
    require(by, Permission.WAIVER_ASK)
    refuse(rules.why_not_renew(waiver, by=by, now=timezone.now()))
    return ask_waiver(
        waiver.project, waiver.policy_version, waiver.rule, model_version=waiver.model_version, owner=waiver.owner,
        reason=reason, risk=waiver.risk, measure=waiver.measure, monitoring=waiver.monitoring, plan=waiver.plan,
        starts_at=max(waiver.ends_at, timezone.now()), ends_at=ends_at, renewal_of=waiver, by=by,
    )  # fmt: skip


@action
def approve_waiver(waiver: Waiver, *, reason: str, by) -> Waiver:
    """Let the rule be set aside. Sign-offs that stand under the same policy no longer say what is so, and fall."""
    waiver = _locked(waiver, by)
    require(by, Permission.WAIVER_APPROVE)
    refuse(rules.why_not_approve(waiver, queries.hands_in(waiver), by=by, now=timezone.now()))
    return _decided(waiver, WaiverState.APPROVED, Event.WAIVER_APPROVED, reason, by)


@action
def reject_waiver(waiver: Waiver, *, reason: str, by) -> Waiver:
    waiver = _locked(waiver, by)
    require(by, Permission.WAIVER_APPROVE)
    refuse(rules.why_not_decide_waiver(waiver, queries.hands_in(waiver), by=by))
    return _decided(waiver, WaiverState.REJECTED, Event.WAIVER_REJECTED, reason, by)


@action
def close_waiver(waiver: Waiver, *, reason: str, by) -> Waiver:
    """End it because it is no longer needed; `reason` names the evidence. Of a request: take it back."""
    waiver = _locked(waiver, by)
    require(by, Permission.WAIVER_ASK)
    refuse(rules.why_not_close_waiver(waiver, by=by))
    return _ended(waiver, WaiverState.CLOSED, Event.WAIVER_CLOSED, reason, by)


@action
def revoke_waiver(waiver: Waiver, *, reason: str, by) -> Waiver:
    """Take it back at once: the rule fails again, and every sign-off that rested on it falls."""
    waiver = _locked(waiver, by)
    require(by, Permission.WAIVER_REVOKE)
    refuse(rules.why_not_revoke_waiver(waiver, by=by))
    return _ended(waiver, WaiverState.REVOKED, Event.WAIVER_REVOKED, reason, by)


def _locked(waiver: Waiver, by) -> Waiver:
    Waiver.objects.select_for_update(of=("self",)).get(pk=waiver.pk)
    return queries.waivers(viewer=by).get(pk=waiver.pk)


def _decided(waiver: Waiver, state: WaiverState, event: Event, reason: str, by) -> Waiver:
    return _moved(waiver, event, by, reason, state=state, decided_by=by, decision_reason=reason)


def _ended(waiver: Waiver, state: WaiverState, event: Event, reason: str, by) -> Waiver:
    return _moved(waiver, event, by, reason, state=state, ended_by=by, ended_reason=reason)


def _moved(waiver: Waiver, event: Event, by, reason: str, **fields) -> Waiver:
    """A new state; the database checks that it was earned, and sets the moment itself."""
    with database_refusals():
        for name, value in fields.items():
            setattr(waiver, name, value)
        waiver.save(update_fields=[*fields])
    waiver.refresh_from_db(fields=["decided_at", "ended_at"])
    record(event, on=waiver, by=by, **_facts(waiver), reason=reason)
    return waiver


def _facts(waiver: Waiver) -> dict:
    return {
        "policy": waiver.policy_version.digest,
        "rule": waiver.rule,
        "model_version": waiver.model_version_id,
        "until": waiver.ends_at.isoformat(),
    }
