"""Publish a policy; ask for a sign-off; sign it, send it back, withdraw it, revoke it."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.permissions import Permission, require
from apps.approvals import queries, reentry, rules
from apps.approvals.gates.defaults import built_in
from apps.approvals.gates.policy import NotAPolicy, parse, policy_digest
from apps.approvals.models import Approval, Decision, Policy, PolicyVersion, Signature, State
from apps.audits.actions import record
from apps.audits.events import Event
from apps.common.canonical import canonical, digest
from apps.common.errors import ActionDenied, BadInput


@transaction.atomic
def publish(source: str, *, by, event: Event = Event.POLICY_PUBLISHED) -> PolicyVersion:
    """Put a policy in force for its risk class, as a new version. Sign-offs given under older versions stand."""
    require(by, Permission.POLICY_PUBLISH)
    _refuse(rules.why_not_publish(by=by))
    try:
        policy, body = parse(source)
    except NotAPolicy as problem:
        raise BadInput({"source": "\n".join(map(str, problem.problems))}) from problem
    row = _policy_row(policy, by.organization_id)
    newest = row.versions.order_by("-number").first()
    if objection := _why_not_version(row, newest, policy, policy_digest(body)):
        raise BadInput({"source": objection})
    version = _next_version(row, newest, source, body, published_by=by)
    record(event, on=version, by=by, digest=version.digest, risk_class=policy.risk_class)
    return version


def _policy_row(policy, organization_id: int) -> Policy:
    """The row of that name, held until this transaction ends, so that versions are numbered one after the other."""
    row, _ = Policy.objects.get_or_create(
        organization_id=organization_id, name=policy.name, defaults={"risk_class": policy.risk_class}
    )
    return Policy.objects.select_for_update().get(pk=row.pk)


def _next_version(row: Policy, newest: PolicyVersion | None, source: str, body: dict, *, published_by) -> PolicyVersion:
    return PolicyVersion.objects.create(
        organization_id=row.organization_id,
        policy=row,
        number=newest.number + 1 if newest else 1,
        source=source,
        body=body,
        digest=policy_digest(body),
        published_by=published_by,
    )


def _why_not_version(row: Policy, newest: PolicyVersion | None, policy, new_digest: str) -> str | None:
    if row.risk_class != policy.risk_class:
        return f"“{row.name}” is for {row.risk_class}-risk projects; give a policy for another class another name."
    if newest and newest.digest == new_digest and not newest.withdrawn_at:
        return f"This says the same as version {newest.number}, which is published; nothing would change."
    return None


def adopt_default(risk_class: str, *, by) -> PolicyVersion:
    """Publish the built-in policy for a risk class as the organization's own."""
    return publish(built_in(risk_class), by=by, event=Event.POLICY_ADOPTED)


def _in_force(risk_class: str, *, by) -> PolicyVersion | None:
    """The policy in force. Where none was ever published for the class, the built-in one comes into force now."""
    version = queries.policy_in_force(risk_class, viewer=by)
    if version or not queries.built_in_applies(risk_class, viewer=by):
        return version
    source = built_in(risk_class)
    policy, body = parse(source)
    row = _policy_row(policy, by.organization_id)
    if row.versions.exists():  # another request was quicker
        return queries.policy_in_force(risk_class, viewer=by)
    version = _next_version(row, None, source, body, published_by=None)
    record(
        Event.POLICY_ADOPTED,
        on=version,
        by=None,
        digest=version.digest,
        risk_class=risk_class,
        for_request_of=by.user_id,
    )
    return version


@transaction.atomic
def withdraw_policy(version: PolicyVersion, *, by) -> PolicyVersion:
    """Take a version out of force. Every sign-off given under it stops standing."""
    version = PolicyVersion.objects.select_for_update().select_related("policy").get(pk=version.pk)
    require(by, Permission.POLICY_PUBLISH)
    _refuse(rules.why_not_withdraw_policy(version, by=by))
    version.withdrawn_at, version.withdrawn_by = timezone.now(), by
    version.save(update_fields=["withdrawn_at", "withdrawn_by"])
    record(Event.POLICY_WITHDRAWN, on=version, by=by, digest=version.digest)
    return version


@transaction.atomic
def ask(version, *, note: str, by) -> Approval:
    """Freeze the dossier of a model version under the policy in force, and put it before the reviewers."""
    now = timezone.now()
    policy_version = _in_force(version.project.risk_class, by=by)
    earlier = queries.approvals(viewer=by).filter(model_version=version)
    require(by, Permission.APPROVAL_ASK)
    _refuse(rules.why_not_ask(version, policy_version, earlier, by=by, now=now))
    assert policy_version, "without a policy in force, the rule refused"
    dossier = canonical(queries.draft(version, policy_version, by=by, note=note, at=now))
    with _database_refusals(f"Somebody else asked for a sign-off of {version} at this moment; open theirs."):
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
        note=note,
    )
    return approval


def sign(approval: Approval, *, meaning: str, by, **given: str) -> Signature:
    """Put one person's name under exactly what was shown to them. The last name the policy asks for completes it."""
    return decide(approval, Decision.SIGN, meaning=meaning, by=by, **given)


def send_back(approval: Approval, *, by, **given: str) -> Signature:
    """Ask for something better; the same model version may be asked for again."""
    return decide(approval, Decision.RETURN, by=by, **given)


def reject(approval: Approval, *, by, **given: str) -> Signature:
    """Say no, finally, to this model version."""
    return decide(approval, Decision.REJECT, by=by, **given)


def decide(
    approval: Approval, decision: Decision, *, reason: str, dossier_digest: str, password: str, by, meaning: str = ""
) -> Signature:
    require(by, Permission.APPROVAL_SIGN)
    reentry.check(by.user, password)
    with transaction.atomic():
        case = queries.case(_locked(approval, by))
        _refuse(_why_not(case, decision, meaning, by))
        if dossier_digest != case.approval.dossier_digest:
            raise ActionDenied("This page showed another dossier; read this one before signing it.")
        with _database_refusals("You signed this already; nobody signs twice."):
            signature = Signature.objects.create(
                organization_id=by.organization_id,
                approval=case.approval,
                signer=by,
                printed_name=by.user.name,
                role=by.role,
                decision=decision,
                meaning=meaning,
                reason=reason,
                dossier_digest=dossier_digest,
            )
        record(_SIGNED[decision], on=case.approval, by=by, dossier=dossier_digest, meaning=meaning, reason=reason)
        _conclude(case, decision, by)
    signature.refresh_from_db()
    return signature


_SIGNED = {
    Decision.SIGN: Event.APPROVAL_SIGNED,
    Decision.RETURN: Event.APPROVAL_RETURNED,
    Decision.REJECT: Event.APPROVAL_REJECTED,
}
_REFUSED = {Decision.RETURN: State.RETURNED, Decision.REJECT: State.REJECTED}


def _why_not(case: rules.Case, decision: Decision, meaning: str, by) -> str | None:
    if decision == Decision.SIGN:
        return rules.why_not_sign(case, by=by, meaning=meaning)
    return rules.why_not_decide(case, by=by)


def _conclude(case: rules.Case, decision: Decision, by) -> None:
    """Move the sign-off on, if this signature was the one that decides it."""
    approval = case.approval
    if decision in _REFUSED:
        _move(approval, _REFUSED[decision])
    elif len(case.open_meanings) == 1:
        _move(approval, State.APPROVED)
        record(
            Event.APPROVAL_APPROVED,
            on=approval,
            by=by,
            dossier=approval.dossier_digest,
            valid_until=approval.valid_until.isoformat(),
        )


@transaction.atomic
def withdraw(approval: Approval, *, reason: str, by) -> Approval:
    approval = _locked(approval, by)
    require(by, Permission.APPROVAL_ASK)
    _refuse(rules.why_not_withdraw(approval, by=by))
    _move(approval, State.WITHDRAWN, ended_by=by, ended_reason=reason)
    record(Event.APPROVAL_WITHDRAWN, on=approval, by=by, dossier=approval.dossier_digest, reason=reason)
    return approval


@transaction.atomic
def revoke(approval: Approval, *, reason: str, by) -> Approval:
    """Take a completed sign-off back, finally. What was deployed on it answers no further request."""
    approval = _locked(approval, by)
    require(by, Permission.APPROVAL_REVOKE)
    _refuse(rules.why_not_revoke(approval, by=by))
    _move(approval, State.REVOKED, ended_by=by, ended_reason=reason)
    record(Event.APPROVAL_REVOKED, on=approval, by=by, dossier=approval.dossier_digest, reason=reason)
    return approval


@transaction.atomic
def download(approval: Approval, *, form: str, by) -> None:
    """Remember that the dossier left the house, as `form` (json or pdf)."""
    require(by, Permission.APPROVAL_DOWNLOAD)
    record(Event.APPROVAL_DOWNLOADED, on=approval, by=by, dossier=approval.dossier_digest, form=form)


def _locked(approval: Approval, by) -> Approval:
    """The row, held until this transaction ends, so that two reviewers are heard one after the other."""
    Approval.objects.select_for_update().get(pk=approval.pk)
    return queries.approvals(viewer=by).get(pk=approval.pk)


def _move(approval: Approval, state: State, **ending) -> None:
    """A new state; the database checks that it was earned, and sets the moments itself."""
    with _database_refusals():
        for name, value in {"state": state, **ending}.items():
            setattr(approval, name, value)
        approval.save(update_fields=["state", *ending])
    approval.refresh_from_db(fields=["decided_at", "valid_until"])


def _refuse(reason: str | None) -> None:
    if reason:
        raise ActionDenied(reason)


@contextmanager
def _database_refusals(duplicate: str = "") -> Iterator[None]:
    """What only the database could see, because it happened at this very moment, said in its own sentence."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if isinstance(error.__cause__, psycopg.errors.RestrictViolation):
            raise ActionDenied(error.__cause__.diag.message_primary or str(error)) from error
        if duplicate and isinstance(error.__cause__, psycopg.errors.UniqueViolation):
            raise ActionDenied(duplicate) from error
        raise
