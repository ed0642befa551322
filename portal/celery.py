"""The Celery app, and the pulse of a worker: it says that it lives, and does the portal's chores: sweeps for lost work,
keeps the permits of what may serve, tells the record what fell by itself and which duties of an incident are near,
disposes of what is past its time."""

import logging
import os
import threading
from functools import partial

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

from celery import Celery, signals

from apps.common.origin import CHORE, coming_from

PULSE_EVERY = 5.0  # seconds
HALF_A_MINUTE, AN_HOUR, A_DAY = 6, 720, 17_280  # pulses
WATCH_EVERY = 10.0  # seconds
DELIVER_EVERY = 2.0  # seconds
log = logging.getLogger(__name__)

app = Celery("assay")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["portal.isolation"])


@signals.worker_ready.connect
def start_pulse(sender, **kwargs) -> None:
    queues = sorted(sender.app.amqp.queues.consume_from)
    threading.Thread(target=_pulse, args=(queues,), daemon=True, name="pulse").start()
    threading.Thread(target=_watch, daemon=True, name="watch").start()
    threading.Thread(target=_deliver, daemon=True, name="deliver").start()


@signals.worker_process_init.connect
def one_thread_a_job(**kwargs) -> None:
    """Each job computes on as many threads as the settings say, before any library counts the cores itself."""
    from django.conf import settings

    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"):
        os.environ.setdefault(name, str(settings.TRAINING_THREADS))


def _pulse(queues: list[str]) -> None:
    from django.db import connection

    chores, stop, pulses = _chores(queues), threading.Event(), 0
    due = [0] * len(chores)
    while not stop.wait(0):
        for place, (every, chore) in enumerate(chores):
            if pulses < due[place]:
                continue
            try:
                with coming_from(CHORE):
                    chore()
                due[place] = pulses + every
            except Exception:  # the database is away, or one chore fails: the others go on, this one is tried again
                log.exception("A chore of the pulse failed; it is tried again.")
        connection.close()
        pulses += 1
        stop.wait(PULSE_EVERY)


def _chores(queues: list[str]) -> tuple:
    """(every so many pulses, what is done then), in the order in which a worker that has just begun does them."""
    from apps.accounts.actions import tell_refused_sign_ins
    from apps.approvals.actions import notice
    from apps.audits.refusals import tell_repeated
    from apps.common.work import sweep
    from apps.controls.runs import dispose
    from apps.deployments.actions import keep_permits, tell_drills
    from apps.incidents.actions import remind
    from apps.training.actions import tell_worker
    from portal.machine import describe

    return (
        (1, partial(tell_worker, queues=queues, **describe())),
        (1, sweep),
        (1, keep_permits),
        (HALF_A_MINUTE, notice),
        (HALF_A_MINUTE, tell_repeated),
        (HALF_A_MINUTE, tell_refused_sign_ins),
        (AN_HOUR, tell_drills),
        (HALF_A_MINUTE, remind),
        (A_DAY, dispose),
    )


def _watch() -> None:
    """Make checkpoints and hand them to witnesses: apart from the pulse, because a witness may be slow."""
    from django.db import connection

    from apps.audits import witnesses

    stop = threading.Event()
    while not stop.wait(WATCH_EVERY):
        try:
            with coming_from(CHORE):
                witnesses.watch()
        except Exception:  # the database is away for a moment, or one organization's key cannot be opened
            log.exception("The witnesses could not be told; trying again.")
        finally:
            connection.close()


def _deliver() -> None:
    """Send the record to the destinations that organizations named: each in a thread of its own, as it may be slow."""
    from django.db import connection

    from apps.notifications.deliveries import Rounds

    stop, rounds = threading.Event(), Rounds()
    while not stop.wait(DELIVER_EVERY):
        try:
            with coming_from(CHORE):
                rounds.round()
        except Exception:  # the database is away for a moment
            log.exception("The destinations could not be looked at; trying again.")
        finally:
            connection.close()
