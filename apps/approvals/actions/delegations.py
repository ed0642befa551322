"""Hand a place on for a time, and take it back."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apps.accounts import reentry
from apps.accounts.permissions import Permission, require
from apps.approvals import rules
from apps.approvals.models import Delegation
from apps.audits import keys
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.refusals import action, refusable
from apps.common.canonical import digest
from apps.common.errors import database_refusals, refuse

TYPE = "https://assay.dev/delegation/v1"


@refusable
def delegate(
    to,
    *,
    project,
    reason: str,
    starts_at: datetime,
    ends_at: datetime,
    password: str,
    by,
    code: str = "",
    passkey: str = "",
) -> Delegation:
    """Let `to` (a membership) sign in the place of `by`, in one project or (None) in all, until `ends_at`."""
    require(by, Permission.APPROVAL_SIGN)
    proof = reentry.check(by.user, password, code, passkey, about=rules.handing_on(to, project, ends_at))
    with transaction.atomic():
        now = timezone.now()
        starts_at = max(starts_at, now)
        refuse(rules.why_not_delegate(to, starts_at=starts_at, ends_at=ends_at, by=by, now=now))
        stated = {
            "delegator": {"id": by.user_id, "printed_name": by.user.name},
            "delegate": {"id": to.user_id, "printed_name": to.user.name},
            "project": project.slug if project else None,
            "reason": reason,
            "starts_at": starts_at.isoformat(),
            "ends_at": ends_at.isoformat(),
            "authentication": {"id": proof.pk, "components": proof.components}
            | ({"passkey": proof.assertion} if proof.assertion else {}),
        }
        envelope = keys.attest(by.organization_id, TYPE, stated, {"delegation": digest(stated)})
        with database_refusals():
            made = Delegation.objects.create(
                organization_id=by.organization_id,
                delegator=by,
                delegate=to,
                project=project,
                reason=reason,
                starts_at=starts_at,
                ends_at=ends_at,
                authentication_id=proof.pk,
                envelope=envelope,
            )
        facts = {"to": to.user_id, "project": project.slug if project else "", "reason": reason}
        record(Event.DELEGATION_MADE, on=made, by=by, starts_at=stated["starts_at"], ends_at=stated["ends_at"], **facts)
    return made


@action
def end(delegation: Delegation, *, by) -> Delegation:
    """Take a place back before its time. What was signed by it stays signed."""
    delegation = Delegation.objects.select_for_update(of=("self",)).get(pk=delegation.pk)
    refuse(rules.why_not_end(delegation, by=by))
    delegation.ended_at = timezone.now()
    with database_refusals():
        delegation.save(update_fields=["ended_at"])
    record(Event.DELEGATION_ENDED, on=delegation, by=by)
    return delegation
