"""Conditions of a sign-off: stated by a signer, fulfilled by their owners, confirmed by a reviewer."""

from collections.abc import Sequence

from django.utils import timezone

from apps.accounts.permissions import Permission, require
from apps.approvals import queries, rules
from apps.approvals.models import Approval, Fulfilment
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.refusals import action
from apps.common.errors import NothingThere, database_refusals, refuse


def stated(conditions: Sequence[dict], *, by) -> list[dict]:
    """As they are kept and signed: plain values, numbered. Raises NothingThere for an owner of another organization."""
    members = {member.pk: member for member in queries.members(viewer=by)} if conditions else {}
    if any(given.get("owner") and given["owner"] not in members for given in conditions):
        raise NothingThere({"conditions": "There is no such member who could answer for a condition."})
    return [
        {
            "number": number,
            "text": given["text"],
            "owner": given.get("owner"),
            "owner_name": str(members[given["owner"]].user) if given.get("owner") else "the portal",
            "due_at": given["due_at"].isoformat(),
            "consequence": given["consequence"],
            "check": given.get("check"),
        }
        for number, given in enumerate(conditions, start=1)
    ]


@action
def fulfil(approval: Approval, number: int, *, evidence: str, by) -> Fulfilment:
    """Say that a condition of a sign-off, the `number`th, is met, and by what."""
    _case, condition = _found(approval, number, by)
    refuse(rules.why_not_fulfil(condition, by=by))
    with database_refusals("It was fulfilled already."):
        fulfilment = Fulfilment.objects.create(
            organization_id=approval.organization_id,
            signature=condition.signature,
            number=condition.number,
            evidence=evidence,
            fulfilled_by=by,
        )
    record(Event.APPROVAL_FULFILLED, on=approval, by=by, condition=condition.text, evidence=evidence)
    return fulfilment


@action
def confirm(approval: Approval, number: int, *, by) -> Fulfilment:
    """Put a reviewer's word behind what was fulfilled."""
    require(by, Permission.APPROVAL_SIGN)
    case, condition = _found(approval, number, by)
    refuse(rules.why_not_confirm(case, condition, by=by))
    fulfilment = condition.fulfilment
    fulfilment.confirmed_by, fulfilment.confirmed_at = by, timezone.now()
    with database_refusals():
        fulfilment.save(update_fields=["confirmed_by", "confirmed_at"])
    record(Event.APPROVAL_CONFIRMED, on=approval, by=by, condition=condition.text)
    return fulfilment


def _found(approval: Approval, number: int, by):
    Approval.objects.select_for_update().get(pk=approval.pk)
    case = queries.case(queries.approvals(viewer=by).get(pk=approval.pk), viewer=by)
    if not 1 <= number <= len(case.conditions):
        raise NothingThere({"condition": "This sign-off has no such condition."})
    return case, case.conditions[number - 1]
