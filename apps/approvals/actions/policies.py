"""Publish a policy, adopt a built-in one, withdraw one."""

from django.db import transaction
from django.utils import timezone

from apps.accounts.permissions import Permission, require
from apps.approvals import queries, rules
from apps.approvals.actions.refusals import refuse
from apps.approvals.gates.defaults import built_in
from apps.approvals.gates.policy import Policy as PolicyText
from apps.approvals.gates.policy import policy_digest
from apps.approvals.gates.reading import NotAPolicy, parse
from apps.approvals.models import Policy, PolicyVersion
from apps.audits.actions import record
from apps.audits.events import Event
from apps.common.errors import BadInput


@transaction.atomic
def publish(source: str, *, by, event: Event = Event.POLICY_PUBLISHED) -> PolicyVersion:
    """Put a policy in force for its risk class, as a new version. Sign-offs given under older versions stand."""
    require(by, Permission.POLICY_PUBLISH)
    refuse(rules.why_not_publish(by=by))
    policy, body = _read(source, by)
    row = _policy_row(policy, by.organization_id)
    newest = row.versions.order_by("-number").first()
    if objection := _why_not_version(row, newest, policy, policy_digest(body)):
        raise BadInput({"source": objection})
    version = _next_version(row, newest, source, body, published_by=by)
    record(event, on=version, by=by, digest=version.digest, risk_class=policy.risk_class)
    return version


def preview(source: str, *, by) -> queries.Preview:
    """What a draft would have decided. Nothing is written; a draft that cannot be published cannot be tried either."""
    policy, _ = _read(source, by)
    return queries.preview(policy, viewer=by)


def _read(source: str, by) -> tuple[PolicyText, dict]:
    try:
        return parse(source, queries.could_sign(viewer=by))
    except NotAPolicy as problem:
        raise BadInput({"source": "\n".join(map(str, problem.problems))}) from problem


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


def in_force(project, *, by) -> PolicyVersion | None:
    """The policy in force for a project. Where none was ever published for its class, the built-in one is, from now."""
    risk_class = project.risk_class
    version = queries.policy_in_force(risk_class, answers=project.answers, viewer=by)
    if version or not queries.built_in_applies(risk_class, viewer=by):
        return version
    source = built_in(risk_class)
    policy, body = parse(source)
    row = _policy_row(policy, by.organization_id)
    if row.versions.exists():  # another request was quicker
        return queries.policy_in_force(risk_class, answers=project.answers, viewer=by)
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
    refuse(rules.why_not_withdraw_policy(version, by=by))
    version.withdrawn_at, version.withdrawn_by = timezone.now(), by
    version.save(update_fields=["withdrawn_at", "withdrawn_by"])
    record(Event.POLICY_WITHDRAWN, on=version, by=by, digest=version.digest)
    return version
