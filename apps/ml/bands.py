"""Bounds that hold for all pairs of groups at once, from draws of the counts of group x outcome x prediction."""

import itertools
from dataclasses import dataclass

import numpy as np
from scipy import stats

from apps.ml.cells import fraction
from apps.ml.figures import CONFIDENCE

DRAWS = 2000
MOST_GROUPS = 100  # compared by draws; with more, Bonferroni takes their place


@dataclass(frozen=True)
class Band:
    """Simultaneous bounds of a contrast for each ordered pair of judged groups (i, j)."""

    pairs: np.ndarray
    low: np.ndarray
    high: np.ndarray


def bands(cells, judged, rng):
    """Bands on the selection rate's differences and log ratios, and on the error rates together as equalized odds."""
    smooth = cells.counts + 0.5
    drawn = _draw(smooth, rng) if judged["selection_rate"].sum() <= MOST_GROUPS else None
    contrasts = {
        "demographic_parity_difference": [("selection_rate", _share)],
        "demographic_parity_ratio": [("selection_rate", _log_share)],
        "equal_opportunity_difference": [("true_positive_rate", _share)],
        "equalized_odds_difference": [("true_positive_rate", _share), ("false_positive_rate", _share)],
    }
    return {figure: _band(smooth, drawn, judged, parts) for figure, parts in contrasts.items()}


def _draw(smooth, rng):
    """DRAWS tables (draws, groups, 4) of as many rows, smoothed as the observed one is."""
    total = round(smooth.sum() - smooth.size / 2)
    return rng.multinomial(total, (smooth / smooth.sum()).ravel(), DRAWS).reshape(-1, *smooth.shape) + 0.5


def _share(top, bottom):
    share = top / bottom
    return share, share * (1 - share) / bottom


def _log_share(top, bottom):
    return np.log(top / bottom), (1 - top / bottom) / top


def _band(smooth, drawn, judged, parts):
    """One critical value for all pairs of all parts: the 95 % quantile of the largest studentized deviation."""
    observed = [_pairs(fraction(smooth, rate), scale, judged[rate]) for rate, scale in parts]
    if any(pairs.size == 0 for pairs, _, _ in observed):
        return None
    pairs, value, error = (np.concatenate([one[part] for one in observed], axis=0) for part in range(3))
    if drawn is None:
        reach = stats.norm.isf((1 - CONFIDENCE) / len(pairs))  # Bonferroni: a pair and its mirror are one comparison
    else:
        reach = np.quantile(_largest(drawn, judged, parts, observed), CONFIDENCE)
    return Band(pairs, value - reach * error, value + reach * error)


def _largest(drawn, judged, parts, observed):
    """The largest studentized deviation over all pairs of all parts, in each draw."""
    largest = np.zeros(len(drawn))
    for (rate, scale), (_, value, _) in zip(parts, observed, strict=True):
        _, values, errors = _pairs(fraction(drawn, rate), scale, judged[rate])
        largest = np.maximum(largest, (np.abs(values - value) / errors).max(axis=-1))
    return largest


def _pairs(counted, scale, judged):
    """Contrasts of all ordered pairs of judged groups: pairs (p, 2), values (..., p), standard errors (..., p)."""
    value, variance = scale(*counted)
    pairs = np.array(list(itertools.permutations(np.flatnonzero(judged), 2)), int).reshape(-1, 2)
    left, right = pairs.T
    return pairs, value[..., left] - value[..., right], np.sqrt(variance[..., left] + variance[..., right])
