"""The tables of New York City's rule on automated employment decision tools (6 RCNY 5-301), from counts of people.

A category's rate over the highest rate is its impact ratio. Four fifths is a rule of thumb (29 CFR 1607.4(D)), printed
as advice beside the significance of the difference: the rule itself has no threshold."""

import numpy as np
from scipy import stats

from apps.ml import intervals
from apps.ml.cells import MISSING
from apps.ml.figures import plain

SMALL_SHARE = 0.02  # 5-301(d): a category below may be left out of the ratios, its count and rate still shown
FEW = 30
FOUR_FIFTHS = 0.8
METHOD = {
    "selection rate": "people of a category for whom the outcome is favourable, over all people of it",
    "scoring rate": "people of a category whose score is above the median score of the full sample, over all of it",
    "impact ratio": "a category's rate over the highest rate among the categories that are not left out",
    "interval": "Wilson score interval of the rate, 95 %, each by itself",
    "p": "Fisher's exact test, two-sided, against the category with the highest rate; adjusted by Holm 1979",
}


def categories(labels):
    """Labels (n,) of text -> (category, rows of it as (n,) bool), missing ones left out, in order of name."""
    return [(name, labels == name) for name in sorted(set(labels.tolist())) if MISSING not in name.split(" & ")]


def above_median(score):
    """(n,) bool: whose score is above the median of the full sample."""
    score = np.asarray(score, float)
    return score > np.median(score)


def table(chosen, labels, *, small_share=SMALL_SHARE):
    """`chosen` (n,) bool, `labels` (n,) of text: one line a category, with how many people are of none."""
    chosen, labels = np.asarray(chosen, bool), np.asarray(labels, str)
    found = [(name, int(rows.sum()), int(chosen[rows].sum())) for name, rows in categories(labels)]
    return of_counts(found, assessed=chosen.size, small_share=small_share)


def of_counts(counts, *, assessed=None, small_share=SMALL_SHARE):
    """`counts`: (category, people, chosen) of each; `assessed`: all people, those of no known category included."""
    known = sum(n for _, n, _ in counts)
    assessed = known if assessed is None else assessed
    kept = [n >= small_share * assessed and n > 0 for _, n, _ in counts]
    rates = [k / n if n else None for _, n, k in counts]
    highest = max((rate for rate, keep in zip(rates, kept, strict=True) if keep), default=None)
    best = rates.index(highest) if highest is not None else None
    p_values = _tested(counts, kept, best)
    lines = [
        _line(*count, share=count[1] / assessed if assessed else None, rate=rate, keep=keep, highest=highest, p=p)
        for count, rate, keep, p in zip(counts, rates, kept, p_values, strict=True)
    ]
    return plain({"assessed": assessed, "unknown": assessed - known, "categories": lines})


def _line(name, n, chosen, *, share, rate, keep, highest, p):
    low, high = intervals.wilson(chosen, n)
    ratio = rate / highest if keep and highest else None
    return {
        "category": name, "n": n, "share": share, "chosen": chosen,
        "rate": rate, "low": float(low), "high": float(high),
        "impact_ratio": ratio, "p": p, "left_out": not keep, "few": n < FEW,
        "below_four_fifths": None if ratio is None else bool(ratio < FOUR_FIFTHS),
    }  # fmt: skip


def _tested(counts, kept, best):
    """Holm's p of each kept category against the best one; None for the others."""
    others = [at for at, keep in enumerate(kept) if keep and at != best]
    found: list[float | None] = [None] * len(counts)
    if best is None:
        return found
    _, n, k = counts[best]
    raw = [stats.fisher_exact([[counts[at][2], counts[at][1] - counts[at][2]], [k, n - k]]).pvalue for at in others]
    for at, adjusted in zip(others, intervals.holm(raw), strict=True):
        found[at] = float(adjusted)
    return found
