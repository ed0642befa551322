"""The verdict on one measured figure. What was not measured, or on too little, is inconclusive."""

from collections.abc import Mapping
from typing import Any

from apps.approvals.gates import corrections
from apps.approvals.gates.decide.outcomes import Verdict, number
from apps.approvals.gates.policy import Rule
from apps.reports.figures import BETTER_HIGH


def judge(rule: Rule, figure: Mapping[str, Any], shared: corrections.Judgement | None) -> tuple[Verdict, str]:
    """The verdict on one measured figure. Whatever was not measured, or on too little, is inconclusive."""
    if objection := objection_to(rule, figure):
        return Verdict.INCONCLUSIVE, objection
    value, low, high = (number(figure.get(key)) for key in ("value", "low", "high"))
    assert value is not None, "else there was an objection"
    if rule.bound == "value":
        return _on_value(rule, value)
    assert low is not None and high is not None, "else there was an objection"
    if shared:
        return _on_corrected(rule, value, low, high, shared)
    return _on_interval(rule, low, high)


def objection_to(rule: Rule, figure: Mapping[str, Any]) -> str:
    """Why a figure says nothing about its rule, or nothing."""
    value, low, high = (number(figure.get(key)) for key in ("value", "low", "high"))
    if value is None:
        return figure.get("note") or "The report gives no value for it."
    if (number(figure.get("n")) or 0) < 1:
        return "The report does not say on how many rows it was measured."
    if objection := _group_objection(rule, figure):
        return objection
    if rule.bound == "value":
        return ""
    if low is None or high is None:
        return "The report gives no interval, and this rule is decided on its end."
    if not low <= value <= high:
        return f"The interval {low:.3g} to {high:.3g} does not hold its own value {value:.3g}."
    if rule.correction and corrections.reach(rule, value, low, high) is None:
        return f"The interval {low:.3g} to {high:.3g} cannot be widened for several comparisons."
    return ""


def _group_objection(rule: Rule, figure: Mapping[str, Any]) -> str:
    if rule.minimum_group_size is None:
        return ""
    smallest = number(figure.get("smallest_group"))
    if smallest is None:
        return "The report does not say how large the smallest group is."
    if smallest < rule.minimum_group_size:
        return f"The smallest group has {smallest:g} rows; the rule asks for at least {rule.minimum_group_size}."
    return ""


def _on_value(rule: Rule, value: float) -> tuple[Verdict, str]:
    if _clears(rule, value):
        return Verdict.PASS, f"{value:.3g} clears {rule.threshold:g}."
    return Verdict.FAIL, f"{value:.3g} does not clear {rule.threshold:g}."


def _on_interval(rule: Rule, low: float, high: float, what: str = "interval") -> tuple[Verdict, str]:
    """Pass when the whole interval clears the threshold, fail when none of it does."""
    cautious, hopeful = (low, high) if rule.direction == BETTER_HIGH else (high, low)
    if _clears(rule, cautious):
        return Verdict.PASS, f"The whole {what}, {low:.3g} to {high:.3g}, clears {rule.threshold:g}."
    if _clears(rule, hopeful):
        return Verdict.INCONCLUSIVE, (
            f"The {what}, {low:.3g} to {high:.3g}, reaches across {rule.threshold:g}: too few rows to tell."
        )
    return Verdict.FAIL, f"None of the {what}, {low:.3g} to {high:.3g}, clears {rule.threshold:g}."


def _on_corrected(
    rule: Rule, value: float, low: float, high: float, shared: corrections.Judgement
) -> tuple[Verdict, str]:
    verdict = {"good": Verdict.PASS, "bad": Verdict.FAIL}.get(shared.side, Verdict.INCONCLUSIVE)
    low, high = corrections.widened(rule, value, low, high, shared.k)
    alone, why = _on_interval(rule, low, high, f"interval at {corrections.level(shared.k):g} %")
    if verdict == Verdict.INCONCLUSIVE and alone != verdict:
        return verdict, "By Holm’s order a comparison before it is undecided, so this one is too."
    return verdict, why


def _clears(rule: Rule, number: float) -> bool:
    return number >= rule.threshold if rule.direction == BETTER_HIGH else number <= rule.threshold
