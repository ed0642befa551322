"""Figures that are judged together, because their rule or family corrects for several comparisons."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps.approvals.gates import corrections
from apps.approvals.gates.decide.asking import Asked
from apps.approvals.gates.decide.judging import objection_to
from apps.approvals.gates.decide.outcomes import number
from apps.approvals.gates.policy import Rule


def shared_by(asked: Sequence[Asked]) -> dict[int, corrections.Judgement]:
    """The place in `asked` of each comparison that is corrected for -> its judgement among its rule or family."""
    families: dict[tuple[str, str], list[int]] = {}
    for nth, one in enumerate(asked):
        if one.rule.correction:
            family = (one.rule.correction, one.rule.family or f"rule {one.place}")
            families.setdefault(family, []).extend([nth] * one.comparisons)
    return {
        nth: judgement
        for (correction, _), members in families.items()
        for nth, judgement in zip(
            members, corrections.judge(correction, [_reach(asked[nth]) for nth in members]), strict=True
        )
    }


def _reach(one: Asked) -> corrections.Reach:
    """The least of all that was found for it: a figure given twice must pass twice."""
    if one.objection:
        return corrections.UNKNOWN
    reaches = [_reach_of(one.rule, figure) for figure in one.figures]
    return corrections.Reach(min(r.good for r in reaches), min(r.bad for r in reaches))


def _reach_of(rule: Rule, figure: Mapping[str, Any]) -> corrections.Reach:
    if objection_to(rule, figure):
        return corrections.UNKNOWN
    value, low, high = (number(figure.get(key)) for key in ("value", "low", "high"))
    assert value is not None and low is not None and high is not None, "else there was an objection"
    return corrections.reach(rule, value, low, high) or corrections.UNKNOWN
