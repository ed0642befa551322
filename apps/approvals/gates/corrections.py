"""Several comparisons under one rule: how far an interval must be widened so that all of them hold together.

Reports give each figure by group with a 95 % interval, made on the scale on which it is nearly normal: differences as
they are, ratios on the logarithm. Widening to the level a correction asks for is done on that same scale: each end is
moved outwards by (z(1 - 0.05 / 2k) / z(0.975) - 1) times the larger half of the interval, z being the normal quantile
and k the number of comparisons that share the error. This is a normal approximation from the interval itself, not a
second measurement. It errs on the careful side: the intervals of a report already hold for all pairs of groups at once,
and quantiles of a largest of several deviations grow more slowly than those of one.

Bonferroni: k is the number of comparisons m, for each. Holm (1979): the comparison that clears its line by most is
held to k = m, the next to m - 1, and so on; the first that does not clear ends it, and those after it are undecided.
Comparisons that pass and comparisons that fail are ordered each on their own side, 2.5 % to a side.

All comparisons of a rule must pass, so that many of them do not make a wrong pass likelier. What the correction guards
is the joint statement: that all of them hold, or that this one fails, at 95 % together. The database does the same
arithmetic (`approvals_gates_hold`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf, log
from statistics import NormalDist

from apps.approvals.gates.policy import Rule
from apps.reports.figures import BETTER_HIGH, LOG_SCALE

MOST = 1000  # comparisons of one family; with more nothing is decided
EXACT = 1e-12  # a half interval below this is none
LARGEST = 1e6  # and figures beyond this are not corrected


def _extra(k: int) -> float:
    """By how many half intervals an end moves for k comparisons; rounded up, so that every machine has one number."""
    normal = NormalDist()
    return ceil((normal.inv_cdf(1 - 0.025 / k) / normal.inv_cdf(0.975) - 1) * 1e6) / 1e6 if k > 1 else 0.0


EXTRA = (inf, *(_extra(k) for k in range(1, MOST + 1)))  # EXTRA[k]


@dataclass(frozen=True)
class Reach:
    """How many half intervals the cautious end lies on the good side of the line, and the hopeful end on the bad."""

    good: float
    bad: float


UNKNOWN = Reach(-inf, -inf)


@dataclass(frozen=True)
class Judgement:
    """`side`: good, bad or empty for undecided; `k`: the comparisons that share the error at this place."""

    side: str
    k: int


def reach(rule: Rule, value: float, low: float, high: float) -> Reach | None:
    """None where the interval cannot be widened: a ratio of nothing has no logarithm."""
    numbers = (value, low, high, rule.threshold)
    if max(map(abs, numbers)) > LARGEST or (rule.figure in LOG_SCALE and min(numbers) <= 0):
        return None
    value, low, high, line = (log(x) for x in numbers) if rule.figure in LOG_SCALE else numbers
    half = max(value - low, high - value)
    good, bad = (low - line, line - high) if rule.direction == BETTER_HIGH else (line - high, low - line)
    if half < EXACT:
        return Reach(inf if good >= 0 else -inf, inf if bad > 0 else -inf)
    return Reach(good / half, bad / half)


def judge(correction: str, reaches: Sequence[Reach]) -> list[Judgement]:
    """One judgement for each comparison of a family, in the order given."""
    m = len(reaches)
    if m > MOST:
        return [Judgement("", m)] * m
    good = _side(correction, [one.good for one in reaches], strict=False)
    bad = _side(correction, [one.bad for one in reaches], strict=True)
    return [
        Judgement("good", g[1]) if g[0] else Judgement("bad", b[1]) if b[0] else
        Judgement("", g[1] if one.good >= one.bad else b[1])
        for one, g, b in zip(reaches, good, bad, strict=True)
    ]  # fmt: skip


def _side(correction: str, distances: Sequence[float], *, strict: bool) -> list[tuple[bool, int]]:
    m, answers, holding = len(distances), [(False, 0)] * len(distances), True
    for rank, at in enumerate(sorted(range(m), key=lambda at: -distances[at])):
        k = m if correction == "bonferroni" else m - rank
        cleared = distances[at] > EXTRA[k] if strict else distances[at] >= EXTRA[k]
        holding = cleared and (holding or correction == "bonferroni")
        answers[at] = (holding, k)
    return answers


def widened(rule: Rule, value: float, low: float, high: float, k: int) -> tuple[float, float]:
    """The interval at the level for k comparisons: what is shown beside the one the report gives."""
    if k > MOST:
        return -inf, inf
    if rule.figure in LOG_SCALE:
        wider = max(value / low, high / value) ** EXTRA[k]
        return low / wider, high * wider
    more = EXTRA[k] * max(value - low, high - value)
    return low - more, high + more


def level(k: int) -> float:
    """What the widened interval claims, in percent: 97.5 for two comparisons."""
    return round(100 * (1 - 0.05 / k), 3)
