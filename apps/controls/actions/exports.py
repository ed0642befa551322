"""Take coverage or the inventory away; that it was taken is remembered."""

from django.utils import timezone

from apps.accounts.permissions import Permission, require
from apps.approvals import queries as approvals
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.refusals import action
from apps.common.canonical import digest
from apps.controls import exports
from apps.controls.queries import Coverage


@action
def export_coverage(found: Coverage, *, form: str, by) -> exports.Export:
    """The coverage of one subject, as it was fetched for `by`."""
    require(by, Permission.REPORT_DOWNLOAD)
    taken = exports.coverage(found, form, timezone.now())
    on = found.subject.version or found.subject.project
    record(Event.COVERAGE_EXPORTED, on=on, by=by, format=form, digest=digest(taken.content))
    return taken


@action
def export_inventory(rows: list[Coverage], *, form: str, by) -> exports.Export:
    require(by, Permission.REPORT_DOWNLOAD)
    taken = exports.inventory(rows, approvals.counted(viewer=by), form, timezone.now())
    record(Event.INVENTORY_EXPORTED, on=by.organization, by=by, format=form, digest=digest(taken.content))
    return taken
