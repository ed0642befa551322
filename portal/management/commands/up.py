"""Start the portal on one machine: database, pages, serving and a worker. Stopping it loses nothing."""

import gc
import os

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.utils import timezone

from apps.common import storage
from portal import embedded, processes


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser):
        add_arguments(parser)

    def handle(self, **options):
        stop = processes.stop_on_signals()
        address, running = machine(**options)
        prepare()
        self.stdout.write(f"Assay: {address}   (Ctrl-C stops it; nothing is lost)")
        processes.watch(running, stop)
        if not settings.DATABASE_URL:
            embedded.stop(settings.HOME / "postgres")


def add_arguments(parser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="port of the pages (8000)")
    parser.add_argument("--serving-port", type=int, default=8001, help="port of the models (8001)")
    parser.add_argument("--queues", default="default,cpu", help="what the worker takes; add gpu where one is")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="jobs side by side")


def machine(*, host: str, port: int, serving_port: int, queues: str, jobs: int, **options):
    """The address of the pages, and the processes that make up the portal on one machine.
    Raises CommandError where a port is not to be had."""
    for wanted in (port, serving_port):
        if refusal := processes.why_not_listen(host, wanted):
            raise CommandError(f'{refusal} Choose others with --port and --serving-port (make: OPTIONS="…").')
    address = f"http://{host}:{port}"
    os.environ.setdefault("ASSAY_URL", address)
    os.environ.setdefault("ASSAY_SERVING_URL", f"http://{host}:{serving_port}")
    return address, [
        processes.pages(host, port),
        processes.serving(host, serving_port),
        processes.worker(queues, jobs),
    ]


def prepare() -> None:
    """Tables and static files as this version of the code wants them."""
    gc.disable()  # migrations make classes by the thousand, all of them needed: a quarter of the time went into looking
    call_command("migrate", database="owner", verbosity=0)
    gc.enable()
    collect()


def collect() -> None:
    """Static files for the pages; and what a process that was killed left in the folder of uploads goes."""
    storage.clear_incoming(timezone.now())
    call_command("collectstatic", interactive=False, verbosity=0)
