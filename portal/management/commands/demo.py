"""Start the portal, do the whole story on real data as its people would, and leave it running."""

import threading
import time
import urllib.error
import urllib.request

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from portal import embedded, processes
from portal.demo import people
from portal.management.commands.up import add_arguments, machine, prepare


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser):
        add_arguments(parser)
        parser.add_argument("--leave", action="store_true", help="stop when the story is told")

    def handle(self, *, leave, **options):
        began = time.monotonic()
        stop = processes.stop_on_signals()
        address, running = machine(**options)
        prepare()
        watcher = threading.Thread(target=processes.watch, args=(running, stop))
        watcher.start()
        try:
            self._tell(address, began)
            if not leave:
                self.stdout.write("The portal keeps running; Ctrl-C stops it, and `make up` finds everything again.")
                stop.wait()
        finally:
            stop.set()
            watcher.join()
            if not settings.DATABASE_URL:
                embedded.stop(settings.HOME / "postgres")

    def _tell(self, address: str, began: float) -> None:
        wait_for(address)
        known = people.known()
        if known:
            self.stdout.write("The demo was told before in this folder; everything is still there.")
        else:
            known = people.make()
            self._story(address, known, began)
        self._sign_ins(address, known)

    def _story(self, address: str, known, began: float) -> None:
        from portal.demo.story import Story

        for number, step in enumerate(Story(address, known).tell(), start=1):
            seconds = time.monotonic() - began
            self.stdout.write(
                f"{seconds:5.0f} s  {number:2}. {step.title}\n           {step.where}\n           {step.result}"
            )

    def _sign_ins(self, address: str, known) -> None:
        self.stdout.write(f"\nSign in at {address}/accounts/login/ with the password {known[0].password}")
        for person in known:
            self.stdout.write(f"  {person.email:24} {person.name}, {person.role} of {person.organization}")
        builder = next(person for person in known if person.role == "builder")
        self.stdout.write(f"A program may use the token {builder.token} ({builder.name}), on {address}/api/v1/docs\n")


def wait_for(address: str, seconds: float = 60) -> None:
    """Until the pages answer. Raises CommandError if they do not."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(f"{address}/health/ready", timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                raise CommandError(f"The portal did not answer on {address} within {seconds:.0f} s.") from None
            time.sleep(0.1)
