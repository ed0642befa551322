"""Ask for reports, keep what the worker found, stop one, take one away."""

from django.db import transaction
from django.utils import timezone

from apps.accounts.permissions import Permission, require
from apps.audits import readings
from apps.audits.actions import record
from apps.audits.events import Event
from apps.common import work
from apps.common.canonical import canonical, digest
from apps.common.errors import ActionDenied, BadInput
from apps.common.work import WorkState
from apps.models.models import ModelVersion
from apps.reports import rules
from apps.reports.models import Report


@transaction.atomic
def start(version: ModelVersion, *, kinds, by, parameters: dict | None = None) -> list[Report]:
    """Queue one report of each kind on one model version."""
    require(by, Permission.REPORT_START)
    version = ModelVersion.objects.select_for_update(of=("self",)).select_related("project", "model").get(pk=version.pk)
    _refuse(rules.why_not_start(version, by=by))
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


@transaction.atomic
def cancel(report: Report, *, by) -> Report:
    """Stop a report: at once where it waits, at its worker's next step where it runs."""
    report = Report.objects.select_for_update(of=("self",)).get(pk=report.pk)
    require(by, Permission.REPORT_START)
    _refuse(rules.why_not_cancel(report, by=by))
    report.cancel_requested = True
    if report.state == WorkState.QUEUED:
        report.state, report.finished_at = WorkState.CANCELLED, timezone.now()
    report.save(update_fields=["cancel_requested", "state", "finished_at"])
    record(Event.REPORT_CANCELLED, on=report, by=by, kind=report.kind)
    return report


def keep(report: Report, result: dict) -> None:
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
    record(
        Event.REPORT_FINISHED, on=report, by=None, kind=report.kind, verdict=report.verdict, digest=report.digest,
        artifact=result["inputs"]["artifact"], attempt=report.attempt,
    )  # fmt: skip


def fail(report, sentence: str) -> None:
    work.finish(report, state=WorkState.FAILED, problem=sentence)
    record(Event.REPORT_FAILED, on=report, by=None, kind=report.kind, problem=sentence)


def stop(report) -> None:
    """The worker heard that somebody asked it to stop; who did is in the record already."""
    work.finish(report, state=WorkState.CANCELLED)


@transaction.atomic
def take_away(report: Report, *, form: str, by) -> None:
    """Remember that somebody downloads a report, as "pdf" or "json"."""
    require(by, Permission.REPORT_DOWNLOAD)
    _refuse(rules.why_not_download(report, by=by))
    readings.opened(report, by=by, digest=report.digest)
    record(Event.REPORT_DOWNLOADED, on=report, by=by, form=form, digest=report.digest)


def _refuse(reason: str | None) -> None:
    if reason:
        raise ActionDenied(reason)
