"""Ask for reports, before a sign-off or in operation; keep what the worker found, stop one; submit figures from
outside, withdraw them; take one away."""

from datetime import UTC, date, datetime, time

from django.utils import timezone

from apps.accounts.permissions import Permission, require
from apps.audits import readings
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.refusals import action
from apps.common import storage, work
from apps.common.canonical import canonical, digest
from apps.common.errors import ActionDenied, BadInput, refuse
from apps.common.work import WorkState
from apps.models.models import ModelVersion
from apps.reports import queries, rules, submissions
from apps.reports.models import Kind, OperationReport, Provenance, Report


@action
def start(version: ModelVersion, *, kinds, by, parameters: dict | None = None) -> list[Report]:
    """Queue one report of each kind on one model version."""
    require(by, Permission.REPORT_START)
    version = ModelVersion.objects.select_for_update(of=("self",)).select_related("project", "model").get(pk=version.pk)
    refuse(rules.why_not_start(version, by=by))
    kinds, given = list(dict.fromkeys(kinds)), parameters or {}
    if problems := rules.problems(kinds, given):
        raise BadInput(problems)
    return [_queue(version, kind, rules.parameters(kind, given), by) for kind in kinds]


def _queue(version, kind, parameters, by):
    same = Report.objects.filter(model_version=version, kind=kind, parameters=parameters, cancel_requested=False)
    if under_way := same.filter(state__in=(WorkState.QUEUED, WorkState.RUNNING)).first():
        return under_way  # asked for twice, measured once
    report = Report.objects.create(
        organization_id=version.organization_id,
        project=version.project,
        model_version=version,
        kind=kind,
        parameters=parameters,
        queue=work.Queue.CPU,
        started_by=by,
    )
    work.enqueue(report)
    record(Event.REPORT_STARTED, on=report, by=by, kind=kind, artifact=version.artifact_digest)
    return report


@action
def measure_in_operation(version: ModelVersion, data, *, kinds, by, since=None, until=None) -> list[OperationReport]:
    """Queue one report of each kind on all rows of a dataset version that came from operation.

    The room of sign-offs asks for it, of what was signed off; `since` and `until` are the period the rows are of."""
    require(by, Permission.OPERATION_MEASURE)
    ModelVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)  # asked for twice at once, measured once
    refuse(rules.why_not_measure(version, by=by))
    period = {"since": since, "until": until, "today": timezone.localdate()}
    if problems := rules.operation_problems(version, data, kinds=kinds, **period):
        raise BadInput(problems)
    rows = {"model_version": version, "dataset_version": data, "since": since, "until": until}
    return [_queue_in_operation({"kind": kind, **rows}, by) for kind in dict.fromkeys(kinds)]


def _queue_in_operation(asked: dict, by) -> OperationReport:
    version, kind = asked["model_version"], asked["kind"]
    under_way = OperationReport.objects.filter(**asked, cancel_requested=False, state__in=work.UNDER_WAY).first()
    if under_way:
        return under_way
    report = OperationReport.objects.create(
        **asked,
        organization_id=version.organization_id,
        project_id=version.project_id,
        parameters=rules.parameters(kind, {}),
        queue=work.Queue.CPU,
        started_by=by,
    )
    work.enqueue(report)
    record(
        Event.OPERATION_REPORT_STARTED, on=report, by=by, kind=kind, artifact=version.artifact_digest,
        data=asked["dataset_version"].digest, since=_day(asked["since"]), until=_day(asked["until"]),
    )  # fmt: skip
    return report


def _day(day) -> str | None:
    return day.isoformat() if day else None


@action
def cancel(report: Report | OperationReport, *, by) -> Report | OperationReport:
    """Stop a report: at once where it waits, at its worker's next step where it runs."""
    report = type(report).objects.select_for_update(of=("self",)).get(pk=report.pk)
    require(by, rules.ASKING[report.noun])
    refuse(rules.why_not_cancel(report, by=by))
    report.cancel_requested = True
    if report.state == WorkState.QUEUED:
        report.state, report.finished_at = WorkState.CANCELLED, timezone.now()
    report.save(update_fields=["cancel_requested", "state", "finished_at"])
    record(_event(report, "cancelled"), on=report, by=by, kind=report.kind)
    return report


def _event(report: Report | OperationReport, deed: str) -> Event:
    return Event(f"{report.noun}.{deed}")


def keep(report: Report | OperationReport, result: dict) -> None:
    """What the worker found becomes the report: canonical bytes, their digest, never to change."""
    content = canonical(result)
    work.finish(
        report,
        result=content.decode(),
        digest=digest(content),
        inputs=result["inputs"],
        verdict=result["verdict"],
        progress={},
    )
    where = {"data": result["inputs"]["test_data"]} if "operation" in result else {}
    record(
        _event(report, "finished"), on=report, by=None, kind=report.kind, verdict=report.verdict, digest=report.digest,
        artifact=result["inputs"]["artifact"], attempt=report.attempt, **where,
    )  # fmt: skip


def fail(report, sentence: str) -> None:
    work.finish(report, state=WorkState.FAILED, problem=sentence)
    record(_event(report, "failed"), on=report, by=None, kind=report.kind, problem=sentence)


def stop(report) -> None:
    """The worker heard that somebody asked it to stop; who did is in the record already."""
    work.finish(report, state=WorkState.CANCELLED)


# --- from outside ----------------------------------------------------------------------------------------------------


@action
def submit(version: ModelVersion, *, kind: str, given: dict, file=None, by) -> Report:
    """Keep figures that were measured elsewhere as a report of its kind, of which that is said for good.

    `given`: measured_by, measured_on, method, data, data_digest and figures; `file`: the original, which nobody opens.
    Raises BadInput, ActionDenied."""
    require(by, Permission.REPORT_SUBMIT)
    version = ModelVersion.objects.select_for_update(of=("self",)).select_related(
        "project__organization", "model", "dataset_version"
    ).get(pk=version.pk)  # fmt: skip
    refuse(rules.why_not_submit(version, by=by))
    attributes = queries.attributes(version)
    if kind not in Kind.values:
        raise BadInput({"kind": f"Choose among {', '.join(Kind.values)}."})
    if problems := submissions.problems(kind, given, attributes=attributes, registered=version.created_at):
        raise BadInput(problems)
    original = _original(file, by) if file else None
    result = submissions.result(kind, given, version=version, attributes=attributes, original=original)
    return _submitted(version, kind, result, by)


def _submitted(version, kind, result, by) -> Report:
    content, on = canonical(result), datetime.combine(date.fromisoformat(result["measured"]["on"]), time.min, UTC)
    mine = Report.objects.filter(model_version=version, kind=kind, provenance=Provenance.SUBMITTED)
    last = mine.order_by("-pk").first()
    if last and last.digest == digest(content) and not last.withdrawn_at:
        raise ActionDenied(f"Exactly this was submitted before; it is report {last.pk}.")
    report = Report.objects.create(
        organization_id=version.organization_id,
        project=version.project,
        model_version=version,
        kind=kind,
        provenance=Provenance.SUBMITTED,
        state=WorkState.FINISHED,
        started_by=by,
        finished_at=on,
        inputs=result["inputs"],
        result=content.decode(),
        digest=digest(content),
        original=result["original"],
    )
    record(
        Event.REPORT_SUBMITTED, on=report, by=by, kind=kind, digest=report.digest, artifact=version.artifact_digest,
        measured_on=result["measured"]["on"], original=(result["original"] or {}).get("digest"),
    )  # fmt: skip
    return report


def _original(file, by) -> dict:
    """The bytes as they came, kept under their digest. Where the row is lost, they go as all that no row names."""
    try:
        kept = storage.put(by.organization_id, file)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ActionDenied(f"The portal could not keep the file ({why}). Tell its operator, then try again.") from error
    name = "".join(letter for letter in file.name if letter.isprintable())[-255:] or "original"
    return {"name": name, "digest": kept.digest, "size": kept.size}


@action
def withdraw(report: Report, *, reason: str, by) -> Report:
    """Figures that were submitted speak no longer; none older comes back by itself."""
    report = Report.objects.select_for_update(of=("self",)).get(pk=report.pk)
    require(by, Permission.REPORT_SUBMIT)
    refuse(rules.why_not_withdraw(report, by=by))
    if not reason.strip():
        raise BadInput({"reason": "Say why it is withdrawn."})
    report.withdrawn_at, report.withdrawn_by, report.withdrawn_reason = timezone.now(), by, reason.strip()
    report.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason"])
    record(Event.REPORT_WITHDRAWN, on=report, by=by, kind=report.kind, digest=report.digest, reason=reason.strip())
    return report


@action
def take_away(report: Report | OperationReport, *, form: str, by) -> None:
    """Remember that somebody downloads a report, as "pdf" or "json", or the "original" it came with."""
    require(by, Permission.REPORT_DOWNLOAD)
    refuse(rules.why_not_download(report, form=form, by=by))
    if form != "original":  # which is not what is signed
        readings.opened(report, by=by, digest=report.digest)
    record(_event(report, "downloaded"), on=report, by=by, form=form, digest=report.digest)
