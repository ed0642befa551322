"""State facts of a system, choose frameworks, judge evidence, publish how long things are kept: for good."""

from django.utils import timezone

from apps.accounts.permissions import Permission, require
from apps.approvals.queries import hands
from apps.audits.actions import personal, record
from apps.audits.events import Event
from apps.audits.refusals import action
from apps.common.canonical import digest
from apps.common.errors import ActionDenied, BadInput, database_refusals
from apps.controls import queries
from apps.controls.catalogue import controls, frameworks
from apps.controls.models import FrameworkChoice, Judgement, RetentionSchedule, StatedFact
from apps.controls.rules import facts, permitted, retention


@action
def state_facts(project, *, answers: dict[str, bool], by) -> list[StatedFact]:
    """Say what is so of a project's system. Only what differs from what was said before is said anew."""
    require(by, Permission.FACT_STATE)
    if reason := permitted.why_not_state(project, by=by):
        raise ActionDenied(reason)
    if problems := facts.problems(answers, project.answers):
        raise BadInput(problems)
    known = queries.said(viewer=by, projects=[project])[project.pk]
    if denied := [name for name in queries.registered(known.register) if answers.get(name) is False]:
        raise BadInput(dict.fromkeys(denied, "The incident register of this project says otherwise."))
    before = known.stated
    new = {name: answer for name, answer in answers.items() if before.get(name) is not answer}
    if not new:
        return []
    own = {"organization_id": by.organization_id, "project": project, "by": by}
    made = [StatedFact.objects.create(**own, name=name, answer=answer) for name, answer in sorted(new.items())]
    record(Event.FACT_STATED, on=project, by=by, facts=new, before={name: before.get(name) for name in new})
    return made


@action
def choose_framework(framework: str, *, followed: bool, reason: str = "", by) -> FrameworkChoice:
    """Follow a framework of the catalogue, or leave it out with the reason."""
    require(by, Permission.FRAMEWORK_CHOOSE)
    if framework not in frameworks():
        raise BadInput({"framework": f"There is no framework “{framework}” in the catalogue."})
    if not followed and not reason.strip():
        raise BadInput({"reason": "Say why it is not followed: the reason stands in every export."})
    chosen = FrameworkChoice.objects.create(
        organization_id=by.organization_id,
        framework=framework,
        followed=followed,
        reason=reason.strip(),
        catalogue_digest=frameworks()[framework].digest,
        by=by,
    )
    told = {"framework": framework, "followed": followed, "reason": chosen.reason, "catalogue": chosen.catalogue_digest}
    record(Event.FRAMEWORK_CHOSEN, on=by.organization, by=by, **told)
    return chosen


@action
def judge(project, control: str, *, adequate: bool, reason: str, evidence_digest: str, by, version=None) -> Judgement:
    """A reviewer's word on a clause's evidence, under exactly the evidence they looked at."""
    require(by, Permission.EVIDENCE_JUDGE)
    if control not in controls():
        raise BadInput({"control": f"There is no clause “{control}” in the catalogue."})
    found = queries.coverage(viewer=by, project=project, version=version)
    clause = next((each for each in found.clauses if each.control.id == control), None)
    if clause is None:
        raise ActionDenied("Your organization does not follow this clause's framework.")
    version = found.subject.version
    if objection := permitted.why_not_judge(clause, hands(version.pk).get(by.user_id) if version else None, by=by):
        raise ActionDenied(objection)
    if not reason.strip():
        raise BadInput({"reason": "Say why: a judgement without a reason is none."})
    if clause.evidence_digest != evidence_digest:
        raise ActionDenied("The evidence changed after you opened the page. Look at it as it is now, then judge.")
    made = Judgement.objects.create(
        organization_id=by.organization_id,
        project=project,
        control=control,
        model_version=version,
        adequate=adequate,
        reason=reason.strip(),
        evidence_digest=evidence_digest,
        by=by,
    )
    told = {"control": control, "adequate": adequate, "reason": made.reason, "evidence": evidence_digest}
    record(Event.EVIDENCE_JUDGED, on=version or project, by=by, **told)
    return made


@action
def propose_schedule(*, periods: dict[str, int], maximum_personal: int | None, by) -> RetentionSchedule:
    """How long each kind of thing is to be kept, in days; and how long personal data may be kept at most. It counts
    once a second person publishes it."""
    require(by, Permission.RETENTION_SET)
    if problems := retention.problems(periods, maximum_personal):
        raise BadInput(problems)
    last = queries.every_schedule(viewer=by).first()
    body = {"periods": periods, "maximum_personal": maximum_personal}
    made = RetentionSchedule.objects.create(
        organization_id=by.organization_id,
        number=last.number + 1 if last else 1,
        body=body,
        digest=digest(body),
        by=by,
    )
    record(Event.RETENTION_PROPOSED, on=by.organization, by=by, number=made.number, digest=made.digest, **body)
    return made


@action
def publish_schedule(schedule: RetentionSchedule, *, by) -> RetentionSchedule:
    """Let what another proposed count from now on, as the second person."""
    require(by, Permission.RETENTION_PUBLISH)
    RetentionSchedule.objects.select_for_update().get(pk=schedule.pk)
    schedule = queries.every_schedule(viewer=by).get(pk=schedule.pk)
    if reason := permitted.why_not_publish_schedule(schedule, queries.schedules(viewer=by).first(), by=by):
        raise ActionDenied(reason)
    schedule.published_by, schedule.published_at = by, timezone.now()
    with database_refusals():
        schedule.save(update_fields=["published_by", "published_at"])
    facts = {"number": schedule.number, "digest": schedule.digest, "proposed_by": personal(schedule.by.user)}
    record(Event.RETENTION_PUBLISHED, on=by.organization, by=by, **facts, **schedule.body)
    return schedule
