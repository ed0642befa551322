"""Intervals around measured values. Every function takes and returns plain arrays and works element by element."""

from functools import cache

import numpy as np
from scipy import special, stats

from apps.ml.figures import CONFIDENCE


@cache
def quantile(confidence=CONFIDENCE):
    """Two-sided standard normal quantile: 1.96 for 95 %."""
    return float(stats.norm.ppf(0.5 + confidence / 2))


def wilson(successes, n, confidence=CONFIDENCE):
    """Score interval of a proportion (Wilson 1927). Where n is 0 nothing is known: 0 to 1."""
    successes, n = np.asarray(successes, float), np.asarray(n, float)
    z = quantile(confidence)
    many = np.maximum(n, 1)
    share = successes / many
    middle = (share + z**2 / (2 * many)) / (1 + z**2 / many)
    half = z / (1 + z**2 / many) * np.sqrt(share * (1 - share) / many + z**2 / (4 * many**2))
    low = np.where(successes == 0, 0.0, np.maximum(middle - half, 0))
    high = np.where(successes == n, 1.0, np.minimum(middle + half, 1))
    return np.where(n == 0, 0.0, low), np.where(n == 0, 1.0, high)


def mean_of_two(values, lows, highs):
    """Interval of the mean of two independent estimates from their own intervals (Zou and Donner 2008, MOVER)."""
    values, lows, highs = (np.asarray(part, float) for part in (values, lows, highs))
    middle = values.mean()
    return middle - 0.5 * np.hypot(*(values - lows)), middle + 0.5 * np.hypot(*(highs - values))


def mean(values, confidence=CONFIDENCE):
    """Mean of independent values with its t interval: (mean, low, high). One value has no interval."""
    values = np.asarray(values, float)
    middle = values.mean()
    if values.size < 2:
        return middle, np.nan, np.nan
    half = stats.t.ppf(0.5 + confidence / 2, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size)
    return middle, middle - half, middle + half


def on_logit(value, error, confidence=CONFIDENCE):
    """Interval of a value in (0, 1) whose standard error is known on its own scale, taken on the logit scale."""
    half = quantile(confidence) * error / (value * (1 - value))
    return special.expit(special.logit(value) - half), special.expit(special.logit(value) + half)


def roc_auc(outcome, score, confidence=CONFIDENCE):
    """Area under the ROC curve with DeLong's interval on the logit scale: (area, low, high).

    DeLong, DeLong and Clarke-Pearson 1988, by midranks (Sun and Xu 2014): n log n. A perfect or perfectly wrong
    ranking has no estimated variance; its interval is that of k successes out of k, k the smaller class.
    """
    outcome, score = np.asarray(outcome, bool), np.asarray(score, float)
    above, below = score[outcome], score[~outcome]
    m, n = above.size, below.size
    if not m or not n:
        return np.nan, np.nan, np.nan
    ranks = stats.rankdata(np.concatenate([above, below]))
    beats_below = (ranks[:m] - stats.rankdata(above)) / n
    beaten_by_above = 1 - (ranks[m:] - stats.rankdata(below)) / m
    area = beats_below.mean()
    if m < 2 or n < 2 or not 0 < area < 1:
        low, high = wilson(round(area * min(m, n)), min(m, n), confidence)
        return area, float(low), float(high)
    error = np.sqrt(beats_below.var(ddof=1) / m + beaten_by_above.var(ddof=1) / n)
    return area, *on_logit(area, error, confidence)


def average_precision(value, positives, confidence=CONFIDENCE):
    """Logit interval of average precision (Boyd, Eng and Page 2013): its error is that of a proportion of positives."""
    if not 0 < value < 1:
        return tuple(float(bound) for bound in wilson(round(value * positives), positives, confidence))
    return on_logit(value, np.sqrt(value * (1 - value) / positives), confidence)


def holm(p_values):
    """Holm's (1979) step-down adjusted p-values; NaN stays NaN and is not counted."""
    p_values = np.asarray(p_values, float)
    adjusted = np.full(p_values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    steps = p_values[order] * np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1) if order.size else steps
    return adjusted
