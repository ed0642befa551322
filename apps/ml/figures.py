"""What a measurement answers: figures with their intervals, the tables behind them, and how they were made."""

import dataclasses
import math

import numpy as np

CONFIDENCE = 0.95
NO_LIMITS: dict[str, tuple[str, float]] = {}


@dataclasses.dataclass(frozen=True)
class Figure:
    """One number with everything needed to judge it. `of` names the attribute it concerns, or is empty."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    of: str = ""
    smallest_group: int | None = None
    threshold: float | None = None
    direction: str | None = None
    verdict: str | None = None
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Measured:
    """The answer of every `measure`: figures, the tables behind them, the method in words, and what to beware of."""

    figures: tuple[Figure, ...]
    detail: dict
    method: dict
    caveats: tuple[str, ...]

    def to_json(self):
        """Plain values only: no NaN, no infinity, no NumPy, so that the result has one canonical form."""
        return plain(dataclasses.asdict(self))

    def figure(self, name, of=""):
        return next(figure for figure in self.figures if (figure.name, figure.of) == (name, of))


def judge(figure, limits):
    """The figure with its limit and verdict. `limits` maps a name to ("at_least" | "at_most", threshold).

    It passes where the whole interval keeps the limit, fails where the whole interval breaks it, and is inconclusive
    where the limit lies inside the interval. A figure without an interval is judged on its value.
    """
    if figure.name not in limits or figure.value is None:
        return figure
    direction, threshold = limits[figure.name]
    low = figure.value if figure.low is None else figure.low
    high = figure.value if figure.high is None else figure.high
    kept, broken = (
        (low >= threshold, high < threshold) if direction == "at_least" else (high <= threshold, low > threshold)
    )
    verdict = "pass" if kept else "fail" if broken else "inconclusive"
    return dataclasses.replace(figure, threshold=threshold, direction=direction, verdict=verdict)


def overall(figures):
    """The verdict over judged figures: one failure fails, one doubt leaves doubt, nothing judged decides nothing."""
    verdicts = {figure.verdict for figure in figures if figure.verdict}
    if "fail" in verdicts:
        return "fail"
    return "pass" if verdicts == {"pass"} else "inconclusive"


def plain(thing):
    """Dictionaries, lists, text, integers and finite floats; what is not a number becomes None."""
    if isinstance(thing, dict):
        return {str(key): plain(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [plain(value) for value in thing]
    if isinstance(thing, np.ndarray | np.generic):
        return plain(thing.tolist())
    if isinstance(thing, float):
        return thing if math.isfinite(thing) else None
    return thing
