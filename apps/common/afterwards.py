"""What is done once a transaction has ended, however it ended: `on_commit` forgets what was asked of it in one that is
rolled back, and what a refusal leaves must outlive exactly that."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_waiting: ContextVar[list[Callable[[], None]] | None] = ContextVar("waiting", default=None)
log = logging.getLogger(__name__)


@contextmanager
def ended() -> Iterator[None]:
    """Put around a whole transaction: what is put off inside is done when it is over, committed or rolled back."""
    if _waiting.get() is not None:
        yield
        return
    _waiting.set([])
    try:
        yield
    finally:
        waiting = _waiting.get() or []
        _waiting.set(None)
        for do in waiting:
            _done(do)


def afterwards(do: Callable[[], None]) -> None:
    """Put `do` off until the transaction has ended; where nothing is around, it is done at once. It never raises."""
    waiting = _waiting.get()
    if waiting is None:
        _done(do)
    else:
        waiting.append(do)


def _done(do: Callable[[], None]) -> None:
    try:
        do()
    except Exception:  # the answer is made already: what comes after it spoils it no more
        log.exception("What was to be done after a transaction failed: %s", do)
