"""Dispose of what is past its time and nothing forbids: bytes of withdrawn data, kept answers. Each is remembered."""

from collections import Counter
from datetime import datetime
from itertools import islice

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.permissions import Permission, require
from apps.audits import holds
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.refusals import action
from apps.common import storage
from apps.common.tenancy import as_organization
from apps.controls.models import Disposal, DisposalRun
from apps.controls.queries import disposal as queries
from apps.controls.rules.retention import Period
from apps.datasets.models import DatasetVersion

ROUND = 1000  # things in one round; the rest waits for the next
LOST_ROUND = 100  # files that no row names


@action
def dispose_now(*, by) -> DisposalRun:
    """One round, because an owner asked for it."""
    require(by, Permission.RETENTION_SET)
    return _round(by.organization, by=by, now=timezone.now())


@transaction.atomic
def dispose_daily(organization, *, now: datetime | None = None) -> DisposalRun | None:
    """The portal's own round of the day; None where another worker made it already. Needs the tenant to be set."""
    now = now or timezone.now()
    if queries.runs(viewer=organization).filter(day=now.date(), started_by=None).exists():
        return None
    try:
        with transaction.atomic():
            return _round(organization, by=None, now=now)
    except IntegrityError:  # at the same moment
        return None


def _round(organization, *, by, now: datetime) -> DisposalRun:
    disposed: Counter[str] = Counter()
    spared: Counter[str] = Counter()
    held = list(holds.in_force(organization.pk))
    schedule = queries.schedule_in_force(viewer=organization)
    for version in queries.withdrawn(viewer=organization)[:ROUND]:
        period = queries.periods(version.project, schedule)["data"]
        if reason := why_not_dispose(version, period, held, now):
            spared[reason] += 1
        else:
            _dispose(version, period, by)
            disposed["data"] += 1
    _forget_keys(organization, held, now, disposed, spared)
    _forget_lost(organization, held, now, disposed, spared)
    result = {"disposed": dict(disposed), "spared": dict(spared)}
    made = DisposalRun.objects.create(organization=organization, day=now.date(), started_by=by, at=now, result=result)
    if disposed or spared:
        record(Event.DISPOSAL_RUN, on=organization, by=by, **result)
    return made


def why_not_dispose(version: DatasetVersion, period: Period, held, now: datetime) -> str | None:
    """What spares the bytes of a withdrawn version; `version` came from `queries.withdrawn`."""
    if reason := holds.why_not_dispose_under(held, version.project_id):
        return reason
    if version.signed:
        return "A sign-off rests on it."
    if version.twin:
        return "The same bytes are another version's, which is in use."
    ends = period.ends(version.withdrawn_at)
    if ends is None:
        return f"No time is stated for it. {period.because}"
    return "Its time has not passed yet." if ends > now else None


def _dispose(version: DatasetVersion, period: Period, by) -> None:
    """The row goes first, with the record; the bytes once both are committed."""
    why = f"Withdrawn on {version.withdrawn_at:%-d %B %Y} and kept for {period.days} days. {period.because}"
    Disposal.objects.create(
        organization_id=version.organization_id,
        project=version.project,
        version=version,
        digest=version.digest,
        size=version.size,
        why=why,
    )
    record(Event.DATASET_DISPOSED, on=version, by=by, digest=version.digest, size=version.size, why=why)
    # a store that is away now changes nothing of what was decided: the bytes, which no row names, go as lost ones
    transaction.on_commit(lambda: _forget(version.organization_id, version.digest), robust=True)


def _forget(organization_id: int, digest: str) -> None:
    """Remove bytes, unless a row names them by now: who uploads the same meanwhile is waited for."""
    with as_organization(organization_id):
        storage.alone(digest)
        if digest not in queries.named(organization_id):
            storage.forget(organization_id, digest)


def _forget_keys(organization, held, now, disposed: Counter, spared: Counter) -> None:
    old = queries.old_keys(viewer=organization, now=now)
    if reason := holds.why_not_dispose_under(held, None):
        if count := old.count():
            spared[reason] += count
        return
    count, _ = old.delete()
    if count:
        disposed["kept_answers"] += count


def _forget_lost(organization, held, now, disposed: Counter, spared: Counter) -> None:
    """Bytes that no row names: the commit that was to name them was lost, or the deletion after one was.

    Whoever stores bytes makes them new and is alone with them until the row that names them is committed: an upload
    under way is waited for, or is not old. Nothing is removed while anything is under a legal hold."""
    named = queries.named(organization.pk)
    lost = list(islice((name for name in storage.old(organization.pk, now) if name not in named), LOST_ROUND))
    if lost and held:
        spared["No row names it, and a legal hold is in force."] += len(lost)
        return
    for digest in lost:
        storage.alone(digest)
        if storage.is_old(organization.pk, digest, now) and digest not in queries.named(organization.pk):
            storage.forget(organization.pk, digest)
            disposed["lost_files"] += 1
    if not held and (broken := storage.forget_broken(organization.pk, now)):
        disposed["broken_uploads"] += broken
