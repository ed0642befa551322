"""Ask for a sign-off; sign it, send it back, reject, withdraw, revoke it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts import reentry
from apps.accounts.permissions import Permission, require
from apps.approvals import queries, rules
from apps.approvals.actions.conditions import stated
from apps.approvals.actions.policies import in_force
from apps.approvals.actions.signing import signed
from apps.approvals.models import CONDITIONAL, Approval, Decision, Signature, State
from apps.audits import checkpoints, holds, readings
from apps.audits.actions import personal, record
from apps.audits.events import Event
from apps.audits.refusals import action, refusable
from apps.common.canonical import canonical, digest
from apps.common.errors import ActionDenied, database_refusals, refuse


@action
def ask(version, *, note: str, by) -> Approval:
    """Freeze the dossier of a model version under the policy in force, and put it before the reviewers."""
    now = timezone.now()
    policy_version = in_force(version.project, by=by)
    earlier = queries.earlier(version, viewer=by)
    require(by, Permission.APPROVAL_ASK)
    kept = holds.why_not_alter(by.organization_id, [version.pk])
    refuse(rules.why_not_ask(version, policy_version, earlier, kept, by=by, now=now))
    refuse(rules.why_not_again(queries.out_of_bounds(version, policy_version), policy_version.parsed))
    assert policy_version, "without a policy in force, the rule refused"
    dossier = canonical(queries.draft(version, policy_version, by=by, note=note, at=now))
    with database_refusals(f"Somebody else asked for a sign-off of {version} at this moment; open theirs."):
        approval = Approval.objects.create(
            organization_id=by.organization_id,
            project=version.project,
            model_version=version,
            policy_version=policy_version,
            note=note,
            dossier=dossier.decode(),
            dossier_digest=digest(dossier),
            requested_by=by,
            requested_at=now,
        )
    record(
        Event.APPROVAL_ASKED,
        on=approval,
        by=by,
        dossier=approval.dossier_digest,
        policy=policy_version.digest,
        model_version=version.pk,
        note=note,
    )
    return approval


@refusable
def sign(approval: Approval, *, meaning: str, by, **given: Any) -> Signature:
    """Put one person's name under exactly what was shown to them. The last name the policy asks for completes it."""
    return decide(approval, Decision.SIGN, meaning=meaning, by=by, **given)


@refusable
def send_back(approval: Approval, *, by, **given: Any) -> Signature:
    """Ask for something better; the same model version may be asked for again."""
    return decide(approval, Decision.RETURN, by=by, **given)


@refusable
def reject(approval: Approval, *, by, **given: Any) -> Signature:
    """Say no, finally, to this model version."""
    return decide(approval, Decision.REJECT, by=by, **given)


@refusable
def decide(
    approval: Approval,
    decision: Decision,
    *,
    reason: str,
    dossier_digest: str,
    password: str,
    by,
    code: str = "",
    passkey: str = "",
    meaning: str = "",
    conditions: Sequence[dict] = (),
) -> Signature:
    """Put one person's verdict in a place of the policy, under what was shown to them and in an envelope of its own.

    Until the sign-off is decided nobody else learns what it says: the record keeps the digest of its statement."""
    if queries.delegation(approval, viewer=by) is None:
        require(by, Permission.APPROVAL_SIGN)
    agreed = stated(conditions, by=by)
    about = rules.verdict(approval, dossier_digest, meaning if decision == Decision.SIGN else decision)
    proof = reentry.check(by.user, password, code, passkey, about=about)
    meaning = CONDITIONAL if conditions and meaning == "approved" else meaning
    with transaction.atomic():
        case = queries.case(_locked(approval, by), viewer=by)
        if dossier_digest != case.approval.dossier_digest:
            raise ActionDenied("This page showed another dossier; read this one before signing it.")
        refuse(_why_not(case, decision, meaning, by))
        refuse(_why_not_on(case, decision, meaning, conditions))
        signature = signed(case, decision, meaning, reason, proof=proof, by=by, conditions=agreed)
        with database_refusals("You signed this already; nobody signs twice."):
            signature.save(force_insert=True)
        record(Event.APPROVAL_SIGNED, on=case.approval, by=by, dossier=dossier_digest, signature=signature.digest)
        _conclude(case, signature, by)
    signature.refresh_from_db()
    return signature


def _why_not(case: rules.Case, decision: Decision, meaning: str, by) -> str | None:
    if decision == Decision.SIGN:
        return rules.why_not_sign(case, by=by, meaning=meaning)
    return rules.why_not_decide(case, by=by)


def _why_not_on(case: rules.Case, decision: Decision, meaning: str, conditions: Sequence[dict]) -> str | None:
    if conditions and (decision != Decision.SIGN or meaning != CONDITIONAL):
        return "Conditions go with “I approve deployment”, and with nothing else."
    if meaning == CONDITIONAL and not conditions:
        return "Name the conditions you approve under."
    return rules.why_not_conditions(case, list(conditions)) if conditions else None


def _conclude(before: rules.Case, signature: Signature, by) -> None:
    """Move the sign-off on, if this verdict was the one that decides it; then the record tells what was sealed."""
    case = replace(before, signatures=(*before.signatures, signature))
    approval, state = case.approval, rules.decided(case, before.refusal_ends_it)
    if state is None:
        return
    _move(approval, state)
    facts = {"dossier": approval.dossier_digest, "signatures": [given.digest for given in case.signatures]}
    if state == State.APPROVED:
        record(_BECAME[state], on=approval, by=by, valid_until=approval.valid_until.isoformat(), **facts)
        checkpoints.make(approval.organization_id)
        return
    by = by if signature.decision != Decision.SIGN else None  # it was another's verdict, sealed until now
    record(_BECAME[state], on=approval, by=by, **_refusals(case), **facts)


def _refusals(case: rules.Case, before: str = "") -> dict[str, Any]:
    """Why it was refused, in the words of those who did; and who they were, in words that can be erased."""
    refusals = [given for given in case.signatures if given.decision != Decision.SIGN]
    said = [before, *(given.reason for given in refusals)]
    names = {str(given.pk): personal(given.signer.user) for given in refusals}
    return {"reason": " ".join(filter(None, said)), "refused_by": names}


def lapse(approval: Approval) -> None:
    """Send back a request whose deadline is over, as its policy says; the portal does it, by the clock alone."""
    case = queries.case(approval)
    rejected = any(given.decision == Decision.REJECT for given in case.signatures)
    _move(approval, State.REJECTED if rejected else State.RETURNED)
    days = case.policy.deadline_days
    reason = (
        f"The {days} days to sign it passed with {len(case.signatures)} of {case.policy.signatures_needed} verdicts."
    )
    facts = {"dossier": approval.dossier_digest, "signatures": [given.digest for given in case.signatures]}
    record(_BECAME[State(approval.state)], on=approval, by=None, **_refusals(case, reason), **facts)


_BECAME = {
    State.APPROVED: Event.APPROVAL_APPROVED,
    State.RETURNED: Event.APPROVAL_RETURNED,
    State.REJECTED: Event.APPROVAL_REJECTED,
}


@action
def withdraw(approval: Approval, *, reason: str, by) -> Approval:
    approval = _locked(approval, by)
    require(by, Permission.APPROVAL_ASK)
    refuse(rules.why_not_withdraw(approval, by=by))
    _move(approval, State.WITHDRAWN, ended_by=by, ended_reason=reason)
    record(Event.APPROVAL_WITHDRAWN, on=approval, by=by, dossier=approval.dossier_digest, reason=reason)
    return approval


@action
def revoke(approval: Approval, *, reason: str, by) -> Approval:
    """Take a completed sign-off back, finally. What was deployed on it answers no further request."""
    approval = _locked(approval, by)
    require(by, Permission.APPROVAL_REVOKE)
    refuse(rules.why_not_revoke(approval, by=by))
    _move(approval, State.REVOKED, ended_by=by, ended_reason=reason)
    facts = {"dossier": approval.dossier_digest, "reason": reason, "deployments": queries.serving_on(approval)}
    record(Event.APPROVAL_REVOKED, on=approval, by=by, **facts)
    return approval


@action
def download(approval: Approval, *, form: str, by) -> None:
    """Remember that the dossier left the house, as `form` (json or pdf)."""
    require(by, Permission.APPROVAL_DOWNLOAD)
    readings.opened(approval, by=by, digest=approval.dossier_digest)
    record(Event.APPROVAL_DOWNLOADED, on=approval, by=by, dossier=approval.dossier_digest, form=form)


def _locked(approval: Approval, by) -> Approval:
    """The row, held until this transaction ends, so that two reviewers are heard one after the other."""
    Approval.objects.select_for_update().get(pk=approval.pk)
    return queries.approvals(viewer=by).get(pk=approval.pk)


def _move(approval: Approval, state: State, **ending) -> None:
    """A new state; the database checks that it was earned, and sets the moments itself."""
    with database_refusals():
        for name, value in {"state": state, **ending}.items():
            setattr(approval, name, value)
        approval.save(update_fields=["state", *ending])
    approval.refresh_from_db(fields=["decided_at", "valid_until"])
