"""How long each kind of thing is kept: the longest minimum that applies, or what the organization states if that is
longer; a shorter legal maximum for personal data wins for the personal part. What nobody stated a time for stays."""

import datetime as dt
from dataclasses import dataclass
from functools import cache

import yaml

from apps.controls.catalogue import FOLDER

KEPT = {  # what the portal keeps: its name, and whether it is disposed of when its time has passed
    "data": ("Bytes of withdrawn dataset versions", True),
    "logs": ("Lines of training logs", False),
    "documents": ("Statements and documents", False),
    "reports": ("Reports", False),
    "models": ("Model files", False),
    "sign_offs": ("Sign-offs and dossiers", False),
    "record": ("The record", False),
}
PERSONAL = ("data", "logs")  # what may hold personal data; the rest holds digests, aggregates and names of members
MOST = 36525  # days
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Minimum:
    """One source that asks for something to be kept."""

    id: str
    title: str
    days: int
    counted_from: str
    source: str
    covers: tuple[str, ...]
    risk_levels: tuple[str, ...]
    applies_when: tuple[str, ...]
    basis: str


@dataclass(frozen=True)
class Period:
    """How long one kind is kept; `days` None: until somebody states a time."""

    kind: str
    days: int | None
    because: str
    minimums: tuple[Minimum, ...] = ()

    @property
    def name(self) -> str:
        return KEPT[self.kind][0]

    @property
    def is_disposed_of(self) -> bool:
        return KEPT[self.kind][1]

    def ends(self, begun: dt.datetime) -> dt.datetime | None:
        return None if self.days is None else begun + self.days * DAY


@cache
def minimums() -> tuple[Minimum, ...]:
    rows = yaml.safe_load((FOLDER / "retention.yaml").read_text("utf-8"))
    lists = ("covers", "risk_levels", "applies_when")
    return tuple(
        Minimum(**{("counted_from" if key == "from" else key): tuple(value) if key in lists else value
                   for key, value in row.items()})
        for row in rows
    )  # fmt: skip


def applicable(kind: str, risk_class: str, flags: dict[str, bool | None]) -> tuple[Minimum, ...]:
    """The minimums for a kind, the longest first. An unanswered flag counts as if it held: to keep harms nobody."""
    found = [
        minimum
        for minimum in minimums()
        if kind in minimum.covers
        and risk_class in minimum.risk_levels
        and all(flags.get(flag) is not False for flag in minimum.applies_when)
    ]
    return tuple(sorted(found, key=lambda minimum: -minimum.days))


def effective(kind: str, risk_class: str, flags: dict[str, bool | None], schedule: dict | None) -> Period:
    """`schedule`: the body of the organization's retention schedule."""
    asked = applicable(kind, risk_class, flags)
    stated = (schedule or {}).get("periods", {}).get(kind)
    most = (schedule or {}).get("maximum_personal")
    days = max((minimum.days for minimum in asked), default=0)
    because = f"{asked[0].source} asks for {days} days." if asked else "No law of the catalogue asks for a time."
    if stated is None:
        return _shortened(Period(kind, None, f"{because} The organization has stated none.", asked), flags, most)
    if stated > days:
        days, because = stated, f"The organization states {stated} days."
    return _shortened(Period(kind, days, because, asked), flags, most)


def _shortened(period: Period, flags, most: int | None) -> Period:
    """With the legal maximum for personal data, where the thing may hold some."""
    personal = period.kind in PERSONAL and flags.get("personal_data") is True
    if not personal or most is None or (period.days is not None and period.days <= most):
        return period
    because = f"Personal data are kept for at most {most} days (GDPR, Art. 5(1)(e)), whatever else asks for longer."
    return Period(period.kind, most, because, period.minimums)


def problems(periods: dict, maximum_personal) -> dict[str, str]:
    """What is wrong with a schedule, by field."""
    found = {kind: "There is no such kind of thing." for kind in periods if kind not in KEPT}
    for kind, days in periods.items():
        if kind in KEPT and not _days(days):
            found[kind] = f"Give whole days, from 1 to {MOST:,}."
    if maximum_personal is not None and not _days(maximum_personal):
        found["maximum_personal"] = f"Give whole days, from 1 to {MOST:,}, or none."
    return found


def _days(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST
