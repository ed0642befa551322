"""Slow work: the row is the truth, the broker only the doorbell.

A row is queued by an action, claimed by a worker under a lease that its pulse renews, and finished once. A worker that
dies stops renewing; the next sweep of any worker rings for the row again, and it is taken up where it was left."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from celery import current_app
from django.db import OperationalError, connection, models, transaction
from django.utils import timezone

from apps.common.errors import WorkProblem
from apps.common.origin import JOB, code, coming_from
from apps.common.tenancy import TenantModel, as_organization, organization_ids

LEASE = timedelta(seconds=30)
RENEW_EVERY = 5.0  # seconds
RING_AGAIN = timedelta(minutes=2)  # for a row that is queued and that nobody took up
ATTEMPTS = 5  # a row whose worker died this often is given up
log = logging.getLogger(__name__)


class WorkState(models.TextChoices):
    QUEUED = "queued", "waiting"
    RUNNING = "running", "running"
    FINISHED = "finished", "finished"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


UNDER_WAY = (WorkState.QUEUED, WorkState.RUNNING)
OVER = (WorkState.FINISHED, WorkState.FAILED, WorkState.CANCELLED)


class Queue(models.TextChoices):
    DEFAULT = "default"
    CPU = "cpu"
    GPU = "gpu"


class Work(TenantModel):
    """A row that stands for slow work. A room's table inherits it and names its Celery task in `task`."""

    task = ""
    state = models.CharField(max_length=10, choices=WorkState, default=WorkState.QUEUED)
    queue = models.CharField(max_length=10, choices=Queue, default=Queue.DEFAULT)
    queued_at = models.DateTimeField(default=timezone.now)
    rung_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=200, blank=True)
    progress = models.JSONField(default=dict)
    problem = models.TextField(blank=True)
    cancel_requested = models.BooleanField(default=False)
    started_by = models.ForeignKey("accounts.Membership", on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    @property
    def waits_since(self):
        return self.queued_at if self.state == WorkState.QUEUED else None


class Cancelled(Exception):
    """Somebody asked for the work to be stopped."""


class LeaseLost(Exception):
    """Another worker holds this row now; whatever this one still does must not be stored."""


def enqueue(work: Work) -> None:
    """Ring for a queued row once the transaction that wrote it is committed."""
    transaction.on_commit(lambda: _ring(work))


def _ring(work: Work) -> None:
    try:
        current_app.send_task(
            work.task, kwargs={"organization_id": work.organization_id, "work_id": work.pk}, queue=work.queue
        )
    except Exception:  # the broker is away; the sweep rings again
        log.exception("The broker did not take %s %s; a worker will find it.", work.task, work.pk)


def carry_out(
    model: type[Work],
    organization_id: int,
    work_id: int,
    do: Callable[[Work, "Pulse"], None],
    *,
    fail: Callable[[Work, str], None] | None = None,
    cancel: Callable[[Work], None] | None = None,
) -> None:
    """Claim a row and do it: `do(work, pulse)` stores its own answer with `finish`.

    Safe to call twice: who comes second finds the row taken or over and leaves. What `do` raises becomes the end of
    the row: Cancelled, a WorkProblem's sentence, lack of memory; an error of disk or database puts it back."""
    work = claim(model, organization_id, work_id)
    if work is None:
        return
    fail = fail or (lambda work, sentence: finish(work, state=WorkState.FAILED, problem=sentence))
    cancel = cancel or (lambda work: finish(work, state=WorkState.CANCELLED))
    job = f"{model._meta.model_name} {work.pk}.{work.attempt}"
    with coming_from(JOB, job=job, started_by=work.started_by.user_id, code=code()):
        _carry_out(work, do, fail, cancel)


def _carry_out(work: Work, do: Callable, fail: Callable, cancel: Callable) -> None:
    kind = type(work).__name__
    if work.attempt > ATTEMPTS:
        sentence = f"Its worker died or failed {ATTEMPTS} times at this; it is not tried again. {work.problem}"
        _end(work, fail, sentence.strip())
        return
    try:
        with Pulse(work) as pulse:
            do(work, pulse)
    except Cancelled:
        _end(work, cancel)
    except LeaseLost:
        log.warning("%s %s was taken up by another worker.", kind, work.pk)
    except WorkProblem as problem:
        _end(work, fail, str(problem))
    except MemoryError:
        _end(work, fail, "The worker ran out of memory. Use a worker with more, or fewer rows or columns.")
    except (OperationalError, OSError) as error:
        log.exception("%s %s is put back.", kind, work.pk)
        _put_back(work, f"The worker could not read or write ({type(error).__name__}: {error}). It is tried again.")
    except Exception as error:
        log.exception("%s %s failed.", kind, work.pk)
        _end(work, fail, f"The portal itself failed here ({type(error).__name__}); its log says where.")


def claim(model: type[Work], organization_id: int, work_id: int) -> Work | None:
    """Take the row for this worker, or None if it is over, held by a living worker, or gone."""
    with as_organization(organization_id):
        found = model._default_manager.select_related("started_by").select_for_update(of=("self",))
        work = found.filter(pk=work_id).first()
        now = timezone.now()
        if work is None or work.is_over or (work.lease_until and work.lease_until > now):
            return None
        work.state, work.started_at = WorkState.RUNNING, work.started_at or now
        work.attempt, work.worker, work.lease_until = work.attempt + 1, worker_name(), now + LEASE
        work.save()
        return work


def finish(work: Work, *, state: str = WorkState.FINISHED, **fields) -> None:
    """End a row that this worker holds, inside the caller's transaction. Raises LeaseLost if it holds it no more."""
    fields = {"problem": "", **fields, "state": state, "finished_at": timezone.now(), "lease_until": None}
    held = type(work)._default_manager.filter(pk=work.pk, state=WorkState.RUNNING, attempt=work.attempt)
    if not held.update(**fields):
        raise LeaseLost
    for name, value in fields.items():
        setattr(work, name, value)


def _end(work: Work, end: Callable[..., None], *sentence: str) -> None:
    try:
        with as_organization(work.organization_id):
            end(work, *sentence)
    except LeaseLost:
        log.warning("%s %s was taken up by another worker.", type(work).__name__, work.pk)


def _put_back(work: Work, sentence: str) -> None:
    """Let the lease run out at once; the sweep rings again, or gives up after ATTEMPTS."""
    try:
        with as_organization(work.organization_id):
            type(work)._default_manager.filter(pk=work.pk, state=WorkState.RUNNING, attempt=work.attempt).update(
                problem=sentence, lease_until=timezone.now() + timedelta(seconds=10)
            )
    except OperationalError:
        log.exception("The database is away; the lease runs out by itself.")


class Pulse:
    """Shows that a worker is alive at a row: renews its lease from a thread, stores progress, hears of a cancel."""

    def __init__(self, work: Work):
        self.work, self._stop, self._lost, self._last = work, threading.Event(), threading.Event(), 0.0
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self):
        if not connection.in_atomic_block:  # else nobody but this transaction sees the row, nor could renew its lease
            self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._stop.set()
        if self._thread.ident:
            self._thread.join()

    def progress(self, *, at_once: bool = False, **facts) -> None:
        """Store how far the work is, at most twice a second. Raises Cancelled or LeaseLost."""
        if self._lost.is_set():
            raise LeaseLost
        if time.monotonic() - self._last < 0.5 and not at_once:
            return
        self._last = time.monotonic()
        self.work.progress = {**self.work.progress, **facts}
        with as_organization(self.work.organization_id):
            held = self._held()
            if not held.update(progress=self.work.progress, lease_until=timezone.now() + LEASE):
                raise LeaseLost
            cancelled = held.filter(cancel_requested=True).exists()
        if cancelled:
            raise Cancelled

    def _held(self):
        work = self.work
        return type(work)._default_manager.filter(pk=work.pk, state=WorkState.RUNNING, attempt=work.attempt)

    def _beat(self) -> None:
        while not self._stop.wait(RENEW_EVERY):
            try:
                with as_organization(self.work.organization_id):
                    if not self._held().update(lease_until=timezone.now() + LEASE):
                        self._lost.set()
            except OperationalError:
                log.exception("The lease could not be renewed; trying again.")
            finally:
                connection.close()


def sweep() -> int:
    """Ring again for rows that nobody holds: their worker died, or the broker forgot them. Returns how many."""
    found = 0
    for organization_id in organization_ids():
        for model in Work.__subclasses__():
            with as_organization(organization_id):
                unheld = _unheld(model)
                for work in unheld:
                    _ring_again(work)
            found += len(unheld)
    return found


def _unheld(model: type[Work]):
    now = timezone.now()
    lost = models.Q(state=WorkState.RUNNING, lease_until__lt=now)
    forgotten = models.Q(state=WorkState.QUEUED, rung_at__lt=now - RING_AGAIN)
    return list(model._default_manager.select_for_update(skip_locked=True, of=("self",)).filter(lost | forgotten)[:100])


def _ring_again(work: Work) -> None:
    type(work)._default_manager.filter(pk=work.pk).update(
        state=WorkState.QUEUED, lease_until=None, rung_at=timezone.now()  # the next sweep does not ring at once
    )  # fmt: skip
    enqueue(work)


def worker_name() -> str:
    """This worker process, as people know it."""
    return f"{os.environ.get('ASSAY_WORKER_NAME', socket.gethostname())}/{os.getpid()}"
