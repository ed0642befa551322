"""Each rule of a policy against what was measured. Only a figure that was measured and clears its line passes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import combinations, permutations
from math import isfinite
from types import MappingProxyType
from typing import Any

from apps.approvals.gates.figures import BETTER_HIGH, EACH, EACH_PAIR, REPORTS
from apps.approvals.gates.policy import Policy, Rule


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105  a verdict
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    MISSING = "missing"
    STALE = "stale"


# What a reader must know first, when several things are wrong.
_WORST_FIRST = (Verdict.FAIL, Verdict.MISSING, Verdict.STALE, Verdict.INCONCLUSIVE)


@dataclass(frozen=True)
class Evidence:
    """One finished report. `outdated` says why it no longer speaks about this model, or is empty."""

    kind: str
    result: Mapping[str, Any]
    digest: str
    finished_at: datetime
    outdated: str = ""


@dataclass(frozen=True)
class Outcome:
    """One rule, or one attribute of a rule, decided. `place` counts the policy's rules from 1."""

    place: int
    rule: str
    fine_print: str
    verdict: str
    why: str
    report: str
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

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def decide(
    policy: Policy, evidence: Iterable[Evidence], *, attributes: Sequence[str], now: datetime
) -> tuple[Outcome, ...]:
    """Every rule of `policy`, in order. `attributes` are the sensitive attributes the data declares: a rule about
    each of them asks for each of them, whatever a report happens to hold."""
    by_kind: dict[str, Evidence] = {}
    for report in sorted(evidence, key=lambda report: (not report.outdated, report.finished_at)):
        by_kind[report.kind] = report  # the newest that is current; failing that, the newest
    return tuple(
        outcome
        for place, rule in enumerate(policy.rules, start=1)
        for outcome in _decide_rule(place, rule, by_kind.get(rule.report), attributes, now)
    )


def overall(outcomes: Sequence[Outcome]) -> Verdict:
    """Pass when there is something to pass and all of it did; else the worst that was found."""
    found = {outcome.verdict for outcome in outcomes}
    if found == {Verdict.PASS}:
        return Verdict.PASS
    return next((verdict for verdict in _WORST_FIRST if verdict in found), Verdict.MISSING)


def _decide_rule(
    place: int, rule: Rule, report: Evidence | None, attributes: Sequence[str], now: datetime
) -> Iterator[Outcome]:
    unusable = _unusable(rule, report, now)
    if report is None or unusable or rule.figure is None:
        judgement = unusable or (Verdict.PASS, _presence(report))
        yield _outcome(place, rule, report, rule.of, judgement)
        return
    asked = list(_asked(rule, attributes))
    if not asked:
        yield _outcome(place, rule, report, rule.of, (Verdict.MISSING, _NOTHING_DECLARED[rule.of]))
    for names in asked:
        figures = [f for f in report.result.get("figures", ()) if f.get("name") == rule.figure and f.get("of") in names]
        if not figures:
            yield _outcome(place, rule, report, names[0], (Verdict.MISSING, _absent(rule, names[0])))
        for figure in figures:
            yield _outcome(place, rule, report, names[0], _judge(rule, figure), measured=figure)


def _absent(rule: Rule, of: str) -> str:
    label = REPORTS[rule.report][rule.figure or ""].label
    return f"The report holds no {label} of {of}." if of else f"The report holds no {label}."


def _presence(report: Evidence | None) -> str:
    """A rule that asks for a report does not judge it; a reader should know how the report judged itself."""
    said = report.result.get("verdict") if report else None
    return "It is finished and speaks about exactly this model." + (f" Its own verdict: {said}." if said else "")


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
    return None


def _asked(rule: Rule, attributes: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The names under which a report may hold what the rule asks for; one entry for each thing asked."""
    if rule.of == EACH:
        yield from ((name,) for name in attributes)
    elif rule.of == EACH_PAIR:
        yield from (tuple(" & ".join(order) for order in permutations(pair)) for pair in combinations(attributes, 2))
    else:
        yield (rule.of,)


def _judge(rule: Rule, figure: Mapping[str, Any]) -> tuple[Verdict, str]:
    """The verdict on one measured figure. Whatever was not measured, or on too little, is inconclusive."""
    value, low, high = (_number(figure.get(key)) for key in ("value", "low", "high"))
    if value is None:
        return Verdict.INCONCLUSIVE, figure.get("note") or "The report gives no value for it."
    if (_number(figure.get("n")) or 0) < 1:
        return Verdict.INCONCLUSIVE, "The report does not say on how many rows it was measured."
    if objection := _group_objection(rule, figure):
        return Verdict.INCONCLUSIVE, objection
    if rule.bound == "value":
        return _on_value(rule, value)
    if low is None or high is None:
        return Verdict.INCONCLUSIVE, "The report gives no interval, and this rule is decided on its end."
    if not low <= value <= high:
        return Verdict.INCONCLUSIVE, f"The interval {low:.3g} to {high:.3g} does not hold its own value {value:.3g}."
    return _on_interval(rule, low, high)


def _group_objection(rule: Rule, figure: Mapping[str, Any]) -> str:
    if rule.minimum_group_size is None:
        return ""
    smallest = _number(figure.get("smallest_group"))
    if smallest is None:
        return "The report does not say how large the smallest group is."
    if smallest < rule.minimum_group_size:
        return f"The smallest group has {smallest:g} rows; the rule asks for at least {rule.minimum_group_size}."
    return ""


def _on_value(rule: Rule, value: float) -> tuple[Verdict, str]:
    if _clears(rule, value):
        return Verdict.PASS, f"{value:.3g} clears {rule.threshold:g}."
    return Verdict.FAIL, f"{value:.3g} does not clear {rule.threshold:g}."


def _on_interval(rule: Rule, low: float, high: float) -> tuple[Verdict, str]:
    """Pass when the whole interval clears the threshold, fail when none of it does."""
    cautious, hopeful = (low, high) if rule.direction == BETTER_HIGH else (high, low)
    if _clears(rule, cautious):
        return Verdict.PASS, f"The whole interval, {low:.3g} to {high:.3g}, clears {rule.threshold:g}."
    if _clears(rule, hopeful):
        return Verdict.INCONCLUSIVE, (
            f"The interval, {low:.3g} to {high:.3g}, reaches across {rule.threshold:g}: too few rows to tell."
        )
    return Verdict.FAIL, f"None of the interval, {low:.3g} to {high:.3g}, clears {rule.threshold:g}."


def _clears(rule: Rule, number: float) -> bool:
    return number >= rule.threshold if rule.direction == BETTER_HIGH else number <= rule.threshold


def _number(value: Any) -> float | None:
    """A finite number, or None for everything else (nothing, text, true, NaN, infinity)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return value


def _outcome(
    place: int,
    rule: Rule,
    report: Evidence | None,
    of: str,
    judgement: tuple[Verdict, str],
    *,
    measured=MappingProxyType({}),
) -> Outcome:
    verdict, why = judgement
    numbers: dict[str, Any] = {
        key: _number(measured.get(key)) for key in ("value", "low", "high", "n", "smallest_group")
    }
    return Outcome(
        place=place, rule=rule.sentence(of), fine_print=rule.fine_print, verdict=verdict.value, why=why,
        report=rule.report, figure=rule.figure, of=of,
        **numbers,
        threshold=rule.threshold if rule.figure else None, direction=rule.direction if rule.figure else None,
        report_digest=report.digest if report else None,
    )  # fmt: skip
