"""A connection of one's own, beside the transaction one is in: what is written through it stays, whatever becomes of
that transaction. For counting what must not be forgotten when a request is refused."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections


@contextmanager
def apart() -> Iterator:
    """A cursor that commits each statement at once. It takes nothing from the pool, so that it waits for nobody."""
    mine = connections["default"]
    options = {name: value for name, value in mine.settings_dict["OPTIONS"].items() if name != "pool"}
    own = type(mine)({**mine.settings_dict, "OPTIONS": options}, "default")
    try:
        with own.cursor() as cursor:
            yield cursor
    finally:
        own.close()
