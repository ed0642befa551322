"""One trial of the walls: everything of the first organization, sought by everybody of the second, in every way.

It happens in one transaction that is rolled back, with files that are removed."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from celery import Celery, current_app, signals
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection, transaction

from apps.common.apart import nothing_stays
from apps.common.tenancy import organization_ids
from portal.isolation import attempts, canaries, elsewhere
from portal.isolation.addresses import Address, inside
from portal.isolation.canaries import Canary
from portal.isolation.tally import Tally

LIMIT = 1800.0  # seconds, after which a trial is given up: it holds a transaction open


class TookTooLong(RuntimeError):
    """The trial did not end within LIMIT."""


class Stopped(RuntimeError):
    """Whoever asked for the trial no longer waits for it."""


@dataclass
class Trial:
    """`theirs` is the organization whose things are sought; `ours` the one whose people seek them."""

    theirs: Canary
    ours: Canary
    addresses: list[Address]
    heard: Callable[[str], None]
    tally: Tally = field(default_factory=Tally)
    seen: set[str] = field(default_factory=set)  # words of theirs that they were shown themselves
    messages: list[str] = field(default_factory=list)  # what the broker would be given if all this stayed
    lines: list[str] = field(default_factory=list)  # of the portal's log
    now: str = ""

    def say(self, words: str) -> None:
        self.now = words
        self.go_on()

    def go_on(self) -> None:
        """Say how far it is. Raises TookTooLong, and Stopped where nobody waits any more."""
        self.heard(f"{self.now} · {self.tally.responses:,} answers")


def run(
    heard: Callable[[str], None] = lambda words: None,
    *,
    only: str = "",
    founded: Callable[[list[int]], None] = lambda ids: None,
) -> Trial:
    """Make the two organizations, try everything, undo it all."""
    with prepared(heard, only=only, founded=founded) as trial:
        everything(trial)
        if not only:
            elsewhere.shown_to_their_own(trial)
    return trial


def everything(trial: Trial) -> None:
    attempts.all_of(trial)
    elsewhere.all_of(trial)


@contextlib.contextmanager
def prepared(
    heard: Callable[[str], None] = lambda words: None,
    *,
    only: str | tuple[str, ...] = "",
    founded: Callable[[list[int]], None] = lambda ids: None,
) -> Iterator[Trial]:
    """Two organizations with everything, for as long as it takes; then they never were.

    `heard` is told what is done; `founded` the two organizations' ids, whose folders a dying process leaves behind;
    `only` leaves all but the addresses whose name begins so, for looking into one room."""
    ids: list[int] = []
    began = time.monotonic()

    def timely(words: str) -> None:
        if time.monotonic() - began > LIMIT:
            raise TookTooLong(f"The trial was given up after {LIMIT:.0f} s, while {words}.")
        heard(words)

    def known(organization_id: int) -> None:
        ids.append(organization_id)
        founded(ids)

    _pages_can_be_made()
    chosen = [address for address in inside() if address.name.removeprefix("api-").startswith(only)]
    try:
        with _undone(), nothing_stays(), _no_broker() as messages, _log() as lines:
            theirs, ours = canaries.both(timely, known)
            yield Trial(theirs, ours, chosen, timely, messages=messages, lines=lines)
    finally:
        forget(ids)


def _pages_can_be_made() -> None:
    """A page names its static files by their digests; a worker's machine may never have collected them."""
    if getattr(staticfiles_storage, "hashed_files", None) == {}:
        call_command("collectstatic", verbosity=0, interactive=False)
        staticfiles_storage.hashed_files, _ = staticfiles_storage.load_manifest()


def forget(ids: list[int]) -> None:
    """Remove the folders of organizations that were never committed; never those of one that is there."""
    for organization_id in set(ids) - set(organization_ids()):
        _remove(str(organization_id))


def _remove(folder: str) -> None:
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in files:
        default_storage.delete(f"{folder}/{name}")
    for name in folders:
        _remove(f"{folder}/{name}")
    default_storage.delete(folder)  # a folder of a disk; in a bucket there is none


@contextlib.contextmanager
def _undone() -> Iterator[None]:
    with transaction.atomic():
        waiting = connection.run_on_commit
        try:
            yield
        finally:
            connection.run_on_commit = waiting  # what the trial would have done once it is committed never happens
            transaction.set_rollback(True)


@contextlib.contextmanager
def _no_broker() -> Iterator[list[str]]:
    """Messages of this thread go nowhere; their bytes are kept."""
    sent: list[str] = []

    def keep(sender=None, body=None, headers=None, properties=None, **_more):
        sent.append(repr((sender, body, headers, properties)))

    before = current_app._get_current_object()
    nowhere = Celery("isolation", broker="memory://localhost", set_as_current=False)
    nowhere.set_current()
    signals.before_task_publish.connect(keep)
    try:
        yield sent
    finally:
        signals.before_task_publish.disconnect(keep)
        before.set_current()


@contextlib.contextmanager
def _log() -> Iterator[list[str]]:
    """Every line that the portal logs meanwhile."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(handler.format(record))  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        yield lines
    finally:
        logging.getLogger().removeHandler(handler)
