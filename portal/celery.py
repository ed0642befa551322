"""The Celery app, and the pulse of a worker: it tells the database that it lives, and sweeps for lost work."""

import logging
import os
import threading

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

from celery import Celery, signals

PULSE_EVERY = 5.0  # seconds
log = logging.getLogger(__name__)

app = Celery("assay")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.worker_ready.connect
def start_pulse(sender, **kwargs) -> None:
    queues = sorted(sender.app.amqp.queues.consume_from)
    threading.Thread(target=_pulse, args=(queues,), daemon=True, name="pulse").start()


@signals.worker_process_init.connect
def one_thread_a_job(**kwargs) -> None:
    """Each job computes on as many threads as the settings say, before any library counts the cores itself."""
    from django.conf import settings

    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"):
        os.environ.setdefault(name, str(settings.TRAINING_THREADS))


def _pulse(queues: list[str]) -> None:
    from django.db import connection

    from apps.common.work import sweep
    from apps.training.actions import tell_worker
    from portal.machine import describe

    machine = describe()
    stop = threading.Event()
    while not stop.wait(0):
        try:
            tell_worker(queues=queues, **machine)
            sweep()
        except Exception:  # the database is away for a moment; the pulse must not die of it
            log.exception("The pulse could not reach the database; trying again.")
        finally:
            connection.close()
        stop.wait(PULSE_EVERY)
