"""A connection of one's own, beside the transaction one is in: what is written through it stays, whatever becomes of
that transaction. For counting what must not be forgotten when a request is refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connections

_nothing_stays: ContextVar[bool] = ContextVar("nothing_stays", default=False)


@contextmanager
def nothing_stays() -> Iterator[None]:
    """Inside, `apart` is the transaction one is in: for a trial that shall leave nothing behind."""
    token = _nothing_stays.set(True)
    try:
        yield
    finally:
        _nothing_stays.reset(token)


@contextmanager
def apart() -> Iterator:
    """A cursor that commits each statement at once. It takes nothing from the pool, so that it waits for nobody."""
    mine = connections["default"]
    if _nothing_stays.get():
        with mine.cursor() as cursor:
            yield cursor
        return
    options = {name: value for name, value in mine.settings_dict["OPTIONS"].items() if name != "pool"}
    own = type(mine)({**mine.settings_dict, "OPTIONS": options}, "default")
    try:
        with own.cursor() as cursor:
            yield cursor
    finally:
        own.close()
