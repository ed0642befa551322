"""What each rule asks for, and what was found for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations, permutations
from typing import Any

from apps.approvals.gates.decide.outcomes import Evidence, Verdict
from apps.approvals.gates.kinds import PROVENANCE, PROVENANCE_WORDS
from apps.approvals.gates.policy import Rule
from apps.reports.figures import EACH, EACH_PAIR, REPORTS


@dataclass(frozen=True)
class Asked:
    """One thing a rule asks for, with what was found for it."""

    place: int
    rule: Rule
    names: tuple[str, ...]  # under which a report may hold it
    found: Evidence | None
    objection: tuple[Verdict, str] | None
    figures: tuple[Mapping[str, Any], ...] = field(default=())
    comparisons: int = 1


def asked_of(
    place: int, rule: Rule, report: Evidence | None, attributes: Sequence[str], now: datetime
) -> Iterator[Asked]:
    unusable = _unusable(rule, report, now)
    named = list(_names(rule, attributes))
    if report is None or unusable or rule.figure is None or not named:
        whole = unusable or (
            (Verdict.PASS, _presence(report)) if rule.figure is None else (Verdict.MISSING, _NOTHING_DECLARED[rule.of])
        )
        yield Asked(place, rule, (rule.of,), report, whole, comparisons=len(named))
        return
    for names in named:
        figures = tuple(_figures(report, rule, names))
        absent = None if figures else (Verdict.MISSING, _absent(rule, names[0]))
        yield Asked(place, rule, names, report, absent, figures)


def _names(rule: Rule, attributes: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The names under which a report may hold what the rule asks for; one entry for each thing asked."""
    if rule.of == EACH:
        yield from ((name,) for name in attributes)
    elif rule.of == EACH_PAIR:
        yield from (tuple(" & ".join(order) for order in permutations(pair)) for pair in combinations(attributes, 2))
    else:
        yield (rule.of,)


def _figures(report: Evidence, rule: Rule, names: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    for figure in report.result.get("figures", ()):
        if figure.get("name") == rule.figure and figure.get("of") in names:
            yield figure


def _absent(rule: Rule, of: str) -> str:
    label = REPORTS[rule.report][rule.figure or ""].label
    return f"The report holds no {label} of {of}." if of else f"The report holds no {label}."


def _presence(report: Evidence | None) -> str:
    """A rule that asks for a report does not judge it; a reader should know how the report judged itself."""
    own = report.result.get("verdict") if report else None
    return "It is finished and speaks about exactly this model." + (f" Its own verdict: {own}." if own else "")


_NOTHING_DECLARED = {
    EACH: "The data declares no sensitive attribute, so nothing could be measured by group.",
    EACH_PAIR: "The data declares fewer than two sensitive attributes, so there is no pair to measure.",
}


def _unusable(rule: Rule, report: Evidence | None, now: datetime) -> tuple[Verdict, str] | None:
    if report is None:
        return Verdict.MISSING, f"No {rule.report} report of this model is finished; start one."
    if report.outdated:
        return Verdict.STALE, report.outdated
    if rule.max_age_days is not None and now - report.finished_at > timedelta(days=rule.max_age_days):
        return (
            Verdict.STALE,
            f"It was finished on {report.finished_at:%-d %B %Y}, more than {rule.max_age_days} days ago.",
        )
    if rule.provenance and PROVENANCE.index(report.provenance) > PROVENANCE.index(rule.provenance):
        return Verdict.MISSING, (
            f"The {rule.report} report is {PROVENANCE_WORDS[report.provenance]}; this rule counts only figures "
            f"{PROVENANCE_WORDS[rule.provenance]}."
        )
    return None
