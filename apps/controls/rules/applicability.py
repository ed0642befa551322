"""Which clauses concern a project: its risk class and the flags that people answered decide, and nothing else."""

from dataclasses import dataclass

from apps.controls.catalogue import Control
from apps.controls.rules.facts import said


@dataclass(frozen=True)
class Applies:
    """Yes, no, or None where a flag that decides is unanswered; with the sentence why."""

    answer: bool | None
    why: str = ""
    unanswered: tuple[str, ...] = ()


def applies(control: Control, risk_class: str, flags: dict[str, bool | None]) -> Applies:
    """A false flag settles it whatever else is unknown; an unknown one never counts as false."""
    if risk_class not in control.risk_levels:
        return Applies(False, f"It is for {_or(control.risk_levels)} risk; this project is of {risk_class} risk.")
    if denied := [flag for flag in control.applies_when if flags.get(flag) is False]:
        return Applies(False, f"Answered no: {said(denied[0])}")
    if unknown := tuple(flag for flag in control.applies_when if flags.get(flag) is None):
        return Applies(None, f"Unanswered: {said(unknown[0])}", unknown)
    return Applies(True)


def _or(words) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
