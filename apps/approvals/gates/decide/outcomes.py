"""What gates are decided on, and what is decided: plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Any

from apps.approvals.gates.kinds import DECLARED, PROVENANCE, PROVENANCE_WORDS


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105  a verdict
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    MISSING = "missing"
    STALE = "stale"
    WAIVED = "waived"


# What a reader must know first, when several things are wrong.
_WORST_FIRST = (Verdict.FAIL, Verdict.MISSING, Verdict.STALE, Verdict.INCONCLUSIVE, Verdict.WAIVED)
OPEN = (Verdict.PASS, Verdict.WAIVED)  # the verdicts under which a dossier may be signed


@dataclass(frozen=True)
class Evidence:
    """One finished report. `outdated` says why it no longer speaks about this model, or is empty."""

    kind: str
    result: Mapping[str, Any]
    digest: str
    finished_at: datetime
    outdated: str = ""

    @property
    def provenance(self) -> str:
        """What the report says of itself, as one of three classes; whatever else it says counts as declared."""
        words = str(self.result.get("provenance", ""))
        return next((name for name in PROVENANCE if words in (name, PROVENANCE_WORDS[name])), DECLARED)


@dataclass(frozen=True)
class Paper:
    """A document the portal rendered, or a statement somebody made."""

    kind: str
    name: str = ""
    digest: str = ""
    valid_until: datetime | None = None


@dataclass(frozen=True)
class Waiver:
    """What takes the place of one rule, for a time."""

    place: int
    waiver: int
    until: datetime


@dataclass(frozen=True)
class Outcome:
    """One rule, or one attribute of a rule, decided. `place` counts the policy's rules from 1."""

    place: int
    rule: str
    fine_print: str
    verdict: str
    why: str
    report: str
    evidence: str = ""  # in words: fairness report, model card
    provenance: str | None = None
    figure: str | None = None
    of: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    smallest_group: int | None = None
    threshold: float | None = None
    direction: str | None = None
    report_digest: str | None = None
    correction: str | None = None
    comparisons: int | None = None  # of the rule, or of its family
    level: float | None = None  # in percent, of the interval it was decided on where that was corrected
    corrected_low: float | None = None
    corrected_high: float | None = None
    waiver: int | None = None
    waived_until: str | None = None
    instead_of: str | None = None  # the verdict that was waived

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def overall(outcomes: Sequence[Outcome]) -> Verdict:
    """Pass when there is something to pass and all of it did; else the worst that was found. Waived is not passed."""
    found = {outcome.verdict for outcome in outcomes}
    if found == {Verdict.PASS}:
        return Verdict.PASS
    return next((verdict for verdict in _WORST_FIRST if verdict in found), Verdict.MISSING)


def is_current(paper: Paper, now: datetime) -> bool:
    return paper.valid_until is None or paper.valid_until > now


def number(value: Any) -> float | None:
    """A finite number, or None for everything else (nothing, text, true, NaN, infinity)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return value
