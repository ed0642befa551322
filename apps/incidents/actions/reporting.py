"""Report what happened, add what becomes known, take the system out of service, confirm the register."""

from collections.abc import Collection
from typing import Any

from django.utils import timezone

from apps.accounts.permissions import Permission, require
from apps.approvals.actions import suspend as suspend_sign_off
from apps.approvals.models import Approval
from apps.audits import holds, keys
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.refusals import action
from apps.common.canonical import canonical, digest
from apps.common.errors import ActionDenied, BadInput, database_refusals, refuse
from apps.common.signing import KeyUnusable
from apps.incidents import queries, rules, snapshots
from apps.incidents.models import Confirmation, Entry, Incident, Snapshot
from apps.models.models import ModelVersion
from apps.projects.models import Project

EVIDENCE = "https://assay.dev/evidence/v1"


@action
def report(project, *, title: str, model_versions: list[ModelVersion], suspend: bool = False, by, **facts) -> Incident:
    """Open an incident with what is known of it; `suspend`: hold up the sign-offs of what it affects at once.

    Where it is serious, everything that it affects is held as evidence in the same transaction. The same person reports
    exactly the same once. Raises BadInput."""
    require(by, Permission.INCIDENT_REPORT)
    found = rules.problems(facts, None, timezone.now()) | _lacking(model_versions)
    if not title.strip():
        found["title"] = "Say in a line what happened."
    if found:
        raise BadInput(found)
    one_at_a_time(project)
    refuse(rules.why_not_twice(queries.reported_alike(project, title.strip(), facts, by=by)))
    with database_refusals():
        incident = Incident.objects.create(
            organization_id=by.organization_id, project=project, title=title.strip(), reported_by=by
        )
    entry = _said(incident, 1, facts, model_versions, by=by)
    record(Event.INCIDENT_REPORTED, on=incident, by=by, **_facts(entry))
    _hold(entry, model_versions, by)
    if suspend:
        _suspend(incident, queries.sign_offs(queries.case(incident)).filter(held=False), by)
    return incident


@action
def amend(
    incident: Incident, *, reason: str, model_versions: list[ModelVersion], entry_digest: str, by, **facts
) -> Entry:
    """Say anew, and whole, what is known. What was said before stays; what it affects only grows. Raises BadInput.

    `entry_digest`: of the newest entry, which is amended; nobody's is passed over unread."""
    require(by, Permission.INCIDENT_REPORT)
    one_at_a_time(incident.project)
    case = queries.case(incident)
    refuse(rules.why_not_amend(case.closing, by=by) or rules.why_not_on(case.known, entry_digest))
    found = rules.problems(facts, case.known, timezone.now()) | _lacking(model_versions)
    if not reason.strip():
        found["reason"] = "Say what is new, and why it is known now."
    if set(case.known.versions) - {version.pk for version in model_versions}:
        found["model_versions"] = "What it affects only grows: leave those in that were named before."
    if found:
        raise BadInput(found)
    entry = _said(incident, case.known.number + 1, facts, model_versions, by=by, reason=reason.strip())
    record(Event.INCIDENT_AMENDED, on=incident, by=by, **_facts(entry))
    _hold(entry, model_versions, by)
    return entry


@action
def suspend(incident: Incident, *, by) -> int:
    """Hold up every approved sign-off of what it affects, at once: it serves no more. How many there were."""
    require(by, Permission.APPROVAL_SUSPEND)
    case = queries.case(incident)
    standing = list(queries.sign_offs(case).filter(stands=True))
    refuse(rules.why_not_suspend(len(standing), case.closing, by=by))
    return _suspend(incident, standing, by)


@action
def confirm(project, *, note: str = "", by) -> Confirmation:
    """Say that somebody looked through a project's register, and that nothing is missing in it."""
    require(by, Permission.INCIDENT_REPORT)
    one_at_a_time(project)
    last = queries.confirmations(viewer=by, project=project).first()
    refuse(rules.why_not_confirm(last, note.strip(), timezone.now(), by=by))
    with database_refusals():
        made = Confirmation.objects.create(
            organization_id=by.organization_id, project=project, note=note.strip(), incidents=0, by=by
        )
    made.refresh_from_db(fields=["incidents", "at"])
    record(Event.REGISTER_CONFIRMED, on=project, by=by, incidents=made.incidents, note=made.note)
    return made


def one_at_a_time(project) -> None:
    """Whoever else writes in the register of this project waits until this transaction has ended."""
    Project.objects.select_for_update(of=("self",), no_key=True).get(pk=project.pk)


def _said(incident, number: int, facts: dict[str, Any], versions: list[ModelVersion], *, by, reason: str = "") -> Entry:
    answers, aware_at = incident.project.answers, facts["aware_at"]
    entry = Entry(
        organization_id=incident.organization_id,
        incident=incident,
        number=number,
        versions=sorted({version.pk for version in versions}),
        severity=facts["severity"],
        occurred_at=facts["occurred_at"],
        aware_at=aware_at,
        by_deployer=bool(answers.get("role_deployer")) and not answers.get("role_provider"),
        reason=reason,
        by=by,
        **{name: facts[name].strip() for name in rules.WORDS},
        **{name: facts[name] for name in rules.FLAGS},
        **rules.due(facts, aware_at),
    )
    entry.digest = digest(entry.told)
    with database_refusals("Somebody else added to it at this moment; read that first."):
        entry.save(force_insert=True)
    return entry


def _hold(entry: Entry, versions: list[ModelVersion], by) -> None:
    """A serious one keeps its evidence: what it affects is held, and its digests are written down and signed."""
    if not entry.serious:
        return
    incident, kept = entry.incident, holds.of_incident(entry.organization_id, entry.incident_id)
    new = [version for version in versions if kept is None or version.pk not in kept.versions]
    if new and kept and kept.released_at:
        raise ActionDenied("Its evidence was released already; report what is affected too as another incident.")
    if not new:
        return
    with database_refusals():
        holds.keep_evidence(incident, entry.versions, reason=f"serious {incident}", by=by)
    evidence = snapshots.taken(incident, new)
    subject = {f"evidence of {incident} of {incident.project.organization.slug}": digest(evidence)}
    try:
        envelope = keys.attest(incident.organization_id, EVIDENCE, evidence, subject)
    except KeyUnusable as error:
        raise ActionDenied(str(error)) from error
    Snapshot.objects.create(
        organization_id=incident.organization_id,
        entry=entry,
        body=canonical(evidence).decode(),
        digest=digest(evidence),
        envelope=envelope,
    )


def _suspend(incident: Incident, sign_offs: Collection[Approval], by) -> int:
    for approval in sign_offs:
        suspend_sign_off(approval, reason=f"Incident {incident.pk}: {incident.title}", by=by)
    return len(sign_offs)


def _lacking(versions: list[ModelVersion]) -> dict[str, str]:
    return {} if versions else {"model_versions": "Name at least one model version that it affects."}


def _facts(entry: Entry) -> dict[str, Any]:
    """What the record says of an entry: no free text, for that is in the entry under its digest."""
    flags = [name for name in rules.FLAGS if getattr(entry, name)]
    return {
        "entry": entry.number,
        "digest": entry.digest,
        "severity": entry.severity,
        "answered_yes": flags,
        "versions": entry.versions,
        **{name: entry.told[name] for name in ("aware_at", "authority_due_at", "protection_due_at")},
    }
