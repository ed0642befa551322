"""Where what happens now comes from: said once by the way in, and written into every record and every line of the log.

A request has an identifier that the portal makes itself: what a client sends of that kind is read by nobody. Work of a
worker says which row and try it is, which code does it and who started it; the portal's own chores and its commands say
just that."""

import hashlib
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.http import HttpRequest

PAGE, REST, JOB, COMMAND, CHORE = "page", "rest", "job", "command", "chore"
_origin: ContextVar[dict[str, Any]] = ContextVar("origin", default={})  # noqa: B039  never changed in place


def origin() -> dict[str, Any]:
    """Of what happens now: {"door": …} and what that door knows; empty where nobody said."""
    return _origin.get()


@contextmanager
def coming_from(door: str, **known: Any) -> Iterator[None]:
    """Inside, `origin` answers with this."""
    before = _origin.get()
    _origin.set({"door": door, **known})
    try:
        yield
    finally:
        _origin.set(before)


def new_request() -> str:
    """An identifier that nobody guesses and that can be read out on the telephone."""
    return secrets.token_hex(8)


def shape(request) -> str:
    """The address of a request without what its sender wrote into it: the log is nobody's, and holds nobody's words."""
    return f"/{request.resolver_match.route}" if request.resolver_match else "an address not yet looked up"


@cache
def code() -> str:
    """The portal's version, and the digest of the source that this process was started from."""
    apps, sha256 = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(apps.rglob("*.py")):
        sha256.update(path.relative_to(apps).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{version('assay')}+apps.{sha256.hexdigest()[:12]}"


class Named(logging.Filter):
    """Adds `origin` to a line of the log: the request's identifier, or the job. Django's own lines about a request, of
    which some come when it is over, end in its address: they name the shape."""

    def filter(self, line: logging.LogRecord) -> bool:
        known, request = _origin.get(), getattr(line, "request", None)
        number = known.get("request")
        if isinstance(request, HttpRequest):
            number = number or getattr(request, "number", None)
            if line.args and isinstance(line.args, tuple):
                line.args = (*line.args[:-1], shape(request))
        line.origin = number or known.get("job") or known.get("door") or "-"
        return True
