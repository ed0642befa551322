"""Who may send the record elsewhere, and what a destination may be."""

import datetime as dt
import random

from apps.accounts.permissions import Permission, why_not
from apps.audits.events import Event
from apps.common import outside
from apps.notifications.models import Kind

MOST = 10  # destinations of one organization that are not removed
OVERLAP = dt.timedelta(days=1)  # for which a webhook's old secret signs beside its new one
FIRST_WAIT, LONGEST_WAIT = dt.timedelta(seconds=5), dt.timedelta(hours=6)  # between two tries
LONGEST_ASKED = dt.timedelta(days=1)  # that a receiver may ask the portal to wait
LONG = dt.timedelta(days=3)  # of failing, after which the record is told


def why_not_change(*, by) -> str | None:
    return why_not(by, Permission.DESTINATION_CHANGE)


def why_not_live(destination) -> str | None:
    return f"{destination} was removed: nothing is sent there any more." if destination.removed_at else None


def why_not_address(address: str) -> str | None:
    return outside.why_not_reach(address)


def why_not_token(kind: str, token: str) -> str | None:
    if kind in (Kind.WEBHOOK, Kind.WEBHOOK_PAIR):
        return "The portal makes a webhook’s secret itself; leave this empty." if token else None
    if not token:
        return "Give the token by which the SIEM knows who sends."
    if len(token) < 8 or not token.isascii() or not token.isprintable() or " " in token:
        return "A token has at least 8 characters, printable ASCII and no spaces."
    return None


def why_not_events(events: list[str]) -> str | None:
    unknown = sorted(set(events) - set(Event.values))
    return f"No event is called {', '.join(unknown)}." if unknown else None


def wait(attempts: int, asked: dt.timedelta, jitter: float | None = None) -> dt.timedelta:
    """How long until the next try: twice as long each time, up to hours, and never all at once; or as long as the
    receiver asks. `jitter`: 0 to 1, drawn if not given."""
    drawn = random.random() if jitter is None else jitter  # noqa: S311  no secret
    grown = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempts - 1, 20))
    return max(grown * (0.75 + drawn / 2), min(asked, LONGEST_ASKED))
