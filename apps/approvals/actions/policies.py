"""Propose a policy, publish what another proposed, adopt a built-in one, withdraw one."""

from django.utils import timezone

from apps.accounts.permissions import Permission, require
from apps.approvals import queries, rules
from apps.approvals.gates.defaults import built_in
from apps.approvals.gates.policy import Policy as PolicyText
from apps.approvals.gates.policy import policy_digest
from apps.approvals.gates.reading import NotAPolicy, parse
from apps.approvals.models import Policy, PolicyVersion
from apps.audits.actions import personal, record
from apps.audits.events import Event
from apps.audits.refusals import action
from apps.common.errors import BadInput, database_refusals, refuse


@action
def propose(source: str, *, by) -> PolicyVersion:
    """Put a policy before a second person, as a new version. Nothing counts until they publish it."""
    require(by, Permission.POLICY_PROPOSE)
    policy, body = _read(source, queries.could_sign(viewer=by))
    row = _policy_row(policy, by.organization_id)
    newest = row.versions.order_by("-number").first()
    if objection := _why_not_version(row, newest, policy, policy_digest(body)):
        raise BadInput({"source": objection})
    with database_refusals():
        version = _next_version(row, newest, source, body, proposed_by=by, proposed_at=timezone.now())
    record(Event.POLICY_PROPOSED, on=version, by=by, digest=version.digest, risk_class=policy.risk_class)
    return version


@action
def publish(version: PolicyVersion, *, by) -> PolicyVersion:
    """Put what another proposed in force for its risk class, as the second person. Sign-offs given under older
    versions stand; whoever proposed or published it signs nothing under it."""
    version = _locked(version, by)
    require(by, Permission.POLICY_PUBLISH)
    refuse(rules.why_not_publish(version, queries.published_after(version), by=by))
    left = queries.could_sign(viewer=by)
    _read(version.source, left | {by.role: left[by.role] - 1} if by.role in left else left)
    version.published_by, version.published_at = by, timezone.now()
    with database_refusals():
        version.save(update_fields=["published_by", "published_at"])
    version.refresh_from_db(fields=["published_at"])
    proposer = personal(version.proposed_by.user)
    record(Event.POLICY_PUBLISHED, on=version, by=by, digest=version.digest, risk_class=version.policy.risk_class,
           proposed_by=proposer)  # fmt: skip
    return version


def _locked(version: PolicyVersion, by) -> PolicyVersion:
    """The row, held with its policy until this transaction ends, so that two people are heard one after the other."""
    Policy.objects.select_for_update().get(pk=version.policy_id)
    return queries.policy_versions(viewer=by).get(pk=version.pk)


def preview(source: str, *, by) -> queries.Preview:
    """What a draft would have decided. Nothing is written; a draft that cannot be published cannot be tried either."""
    policy, _ = _read(source, queries.could_sign(viewer=by))
    return queries.preview(policy, viewer=by)


def _read(source: str, signers: dict[str, int]) -> tuple[PolicyText, dict]:
    """`signers`: role -> how many people could sign under it."""
    try:
        return parse(source, signers)
    except NotAPolicy as problem:
        raise BadInput({"source": "\n".join(map(str, problem.problems))}) from problem


def _policy_row(policy, organization_id: int) -> Policy:
    """The row of that name, held until this transaction ends, so that versions are numbered one after the other."""
    row, _ = Policy.objects.get_or_create(
        organization_id=organization_id, name=policy.name, defaults={"risk_class": policy.risk_class}
    )
    return Policy.objects.select_for_update().get(pk=row.pk)


def _next_version(row: Policy, newest: PolicyVersion | None, source: str, body: dict, **made) -> PolicyVersion:
    return PolicyVersion.objects.create(
        organization_id=row.organization_id,
        policy=row,
        number=newest.number + 1 if newest else 1,
        source=source,
        body=body,
        digest=policy_digest(body),
        **made,
    )


def _why_not_version(row: Policy, newest: PolicyVersion | None, policy, new_digest: str) -> str | None:
    if row.risk_class != policy.risk_class:
        return f"“{row.name}” is for {row.risk_class}-risk projects; give a policy for another class another name."
    if newest and newest.digest == new_digest and not newest.withdrawn_at:
        return f"This says the same as version {newest.number}, which is {newest.status}; nothing would change."
    return None


@action
def adopt_default(risk_class: str, *, by) -> PolicyVersion:
    """The built-in policy for a risk class as the organization's own. Where it counts anyway it is in force at once;
    in the place of another it is proposed like any change."""
    require(by, Permission.POLICY_PROPOSE)
    if not queries.built_in_applies(risk_class, viewer=by):
        return propose(built_in(risk_class), by=by)
    return _adopted(risk_class, by=by) or propose(built_in(risk_class), by=by)


def in_force(project, *, by) -> PolicyVersion | None:
    """The policy in force for a project. Where none was ever published for its class, the built-in one is, from now."""
    risk_class = project.risk_class
    version = queries.policy_in_force(risk_class, answers=project.answers, viewer=by)
    if version or not queries.built_in_applies(risk_class, viewer=by):
        return version
    adopted = _adopted(risk_class, by=None, organization_id=by.organization_id, for_request_of=by.user_id)
    return adopted or queries.policy_in_force(risk_class, answers=project.answers, viewer=by)


def _adopted(risk_class: str, *, by, organization_id: int = 0, **facts) -> PolicyVersion | None:
    """The built-in policy, in force from now; None where another request was quicker."""
    source = built_in(risk_class)
    policy, body = parse(source)
    row = _policy_row(policy, organization_id or by.organization_id)
    newest = row.versions.order_by("-number").first()
    if row.versions.exclude(published_at=None).exists():
        return None
    with database_refusals():
        version = _next_version(row, newest, source, body, published_at=timezone.now())
    record(Event.POLICY_ADOPTED, on=version, by=by, digest=version.digest, risk_class=risk_class, **facts)
    return version


@action
def withdraw_policy(version: PolicyVersion, *, by) -> PolicyVersion:
    """Take a version out of force, or a proposal back. Every sign-off given under it stops standing, and no older
    version takes its place: what counts next, two people publish."""
    version = _locked(version, by)
    require(by, Permission.POLICY_PROPOSE)
    refuse(rules.why_not_withdraw_policy(version, by=by))
    version.withdrawn_at, version.withdrawn_by = timezone.now(), by
    version.save(update_fields=["withdrawn_at", "withdrawn_by"])
    record(Event.POLICY_WITHDRAWN, on=version, by=by, digest=version.digest)
    return version
