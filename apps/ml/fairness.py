"""Does a model treat groups alike? Rates by group, the gaps between them, and what the sample allows one to say.

Everything is computed from the counts of group x outcome x prediction: four cells a group. Intervals draw those
counts, not the rows, which is the same multinomial experiment at a ten-thousandth of the work.
"""

import numpy as np
from scipy import stats

from apps.ml import intervals
from apps.ml.bands import DRAWS, bands
from apps.ml.cells import RATES, count, fraction, rates
from apps.ml.figures import CONFIDENCE, NO_LIMITS, Figure, Measured, judge, plain

LEAST_ROWS = 30
LEAST_CASES = 10
METHOD = {
    "definitions": "as fairlearn 0.15: demographic parity difference and ratio are the largest minus, and the smallest "
    "over, the largest selection rate; equal opportunity difference is that of true positive rates; equalized odds "
    "difference is the larger of those of true and of false positive rates",
    "positive": "the favourable outcome, as declared with the data",
    "rates": "Wilson score intervals, each at 95 % by itself",
    "differences": "simultaneous intervals on all pairs of groups, the largest deviation over pairs taken from draws "
    "of the counts of group x outcome x prediction (multinomial, half a count added to each cell as Agresti and Caffo "
    "2000; Bonferroni's for more than a hundred groups); the interval of largest minus smallest runs from the largest "
    "lower to the largest upper bound over pairs. A plain bootstrap of largest minus smallest would be biased upwards. "
    "Ratios the same on the logarithm",
    "comparisons": "all pairs within an attribute hold together at 95 %; attributes are judged one by one. Each group "
    "is tested against the reference group by a two-proportion test, p-values adjusted by Holm 1979",
    "reference": "the judged group with the highest selection rate; never missing values, never a group too small",
    "too_small": f"fewer than {LEAST_ROWS} rows; for true and false positive rates, fewer than {LEAST_CASES} rows with "
    "that outcome. Such groups are shown and do not enter a difference or ratio",
}
NO_FREE_LUNCH = (
    "Equal rates are not the same as justice: where base rates differ between groups, no model can "
    "equalize selection, error rates and precision at once (Kleinberg 2016, Chouldechova 2017)."
)
NOT_COMPARED = "Fewer than two groups are large enough to compare, or nobody was selected."


def measure(outcome, prediction, groups, *, limits=NO_LIMITS, seed=0, least_rows=LEAST_ROWS, least_cases=LEAST_CASES):
    """outcome, prediction (n,) bool, True = favourable; groups: attribute -> (n,) text. Pairs are crossed."""
    figures, tables, caveats = [], [], []
    for number, cells in enumerate(count(outcome, prediction, groups)):
        judged = _judged(cells, least_rows, least_cases)
        bounds = bands(cells, judged, np.random.default_rng([seed, number]))
        figures += [judge(figure, limits) for figure in _gaps(cells, judged, bounds)]
        tables.append(_table(cells, judged, bounds))
        caveats += _caveats(cells, judged, least_rows)
    return Measured(
        figures=tuple(figures),
        detail=plain({"attributes": tables}),
        method=METHOD
        | {
            "confidence": CONFIDENCE,
            "draws": DRAWS,
            "seed": seed,
            "least_rows": least_rows,
            "least_cases": least_cases,
        },
        caveats=(*caveats, NO_FREE_LUNCH),
    )


def _judged(cells, least_rows, least_cases):
    """Which groups may enter a comparison, rate by rate: (groups,) bool."""
    enough = (cells.counts.sum(axis=1) >= least_rows) & ~cells.missing
    return {
        name: enough & (bottom >= (least_cases if name.startswith(("true", "false")) else 1))
        for name, (_, bottom) in rates(cells.counts).items()
    }


def _spread(counted, judged):
    """Largest minus smallest rate over the judged groups."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share = counted[0][judged] / counted[1][judged]
    share = share[~np.isnan(share)]
    return float(share.max() - share.min()) if share.size else np.nan


def gaps(counts, judged):
    """The four measures between the judged groups, as fairlearn defines them: name -> value."""
    rate = rates(counts)
    selected, rows = (part[judged["selection_rate"]] for part in rate["selection_rate"])
    highest = (selected / rows).max() if rows.size else 0
    odds = [_spread(rate[name], judged[name]) for name in ("true_positive_rate", "false_positive_rate")]
    return {
        "demographic_parity_difference": _spread(rate["selection_rate"], judged["selection_rate"]),
        "demographic_parity_ratio": float((selected / rows).min() / highest) if highest else np.nan,
        "equalized_odds_difference": max(odds),
        "equal_opportunity_difference": odds[0],
    }


_RATES_OF = {
    "equal_opportunity_difference": ("true_positive_rate",),
    "equalized_odds_difference": ("true_positive_rate", "false_positive_rate"),
}


def _gaps(cells, judged, bounds):
    for name, value in gaps(cells.counts, judged).items():
        used = _RATES_OF.get(name, ("selection_rate",))
        n = int(cells.counts[judged[used[0]]].sum())
        band = bounds[name]
        if band is None or np.isnan(value):
            yield Figure(name, None, None, None, n, of=cells.of, note=NOT_COMPARED)
            continue
        smallest = min(int(fraction(cells.counts, rate)[1][judged[rate]].min()) for rate in used)
        low, high = _bounds(band, ratio=name.endswith("ratio"))
        yield Figure(name, value, min(low, value), max(high, value), n, of=cells.of, smallest_group=smallest)


def _bounds(band, *, ratio):
    """Bounds of largest minus smallest (or smallest over largest) from bounds that hold for all pairs at once."""
    if ratio:
        return float(np.exp(band.low.min())), float(min(np.exp(band.high.min()), 1))
    return float(max(band.low.max(), 0)), float(min(band.high.max(), 1))


def _table(cells, judged, bounds):
    """The attribute as a table: a row a group, the gaps over all groups, and the gap to expect from chance alone."""
    selected, rows = fraction(cells.counts, "selection_rate")
    eligible = np.flatnonzero(judged["selection_rate"])
    reference = eligible[np.argmax(selected[eligible] / rows[eligible])] if eligible.size else None
    everyone = dict.fromkeys(RATES, np.ones(len(rows), bool))
    compared = _against(cells, judged, reference, bounds["demographic_parity_ratio"])
    return {
        "of": cells.of,
        "n": int(rows.sum()),
        "reference": None if reference is None else cells.names[reference],
        "groups": [_row(cells, judged, at) | compared.get(at, {}) for at in range(len(cells.names))],
        "gaps_over_all_groups": gaps(cells.counts, everyone),
        "gaps_if_groups_were_alike": _by_chance(cells, judged),
    }


def _row(cells, judged, at):
    row = {
        "group": cells.names[at],
        "missing": bool(cells.missing[at]),
        "n": int(cells.counts[at].sum()),
        "judged": bool(judged["selection_rate"][at]),
    }
    for name, (top, bottom) in rates(cells.counts[at]).items():
        low, high = intervals.wilson(top, bottom)
        value, enough = (top / bottom if bottom else None), judged[name][at]
        row[name] = {"value": value, "low": low, "high": high, "n": bottom, "judged": enough}
    return row


def _against(cells, judged, reference, band):
    """Impact ratio of each judged group to the reference, with the simultaneous interval and Holm's p-value."""
    if band is None:
        return {}
    selected, rows = fraction(cells.counts, "selection_rate")
    share = selected / np.maximum(rows, 1)
    others = [at for at in np.flatnonzero(judged["selection_rate"]) if at != reference]
    adjusted = intervals.holm([_two_proportions(selected[[at, reference]], rows[[at, reference]]) for at in others])
    compared = {reference: {"impact_ratio": {"value": 1.0, "low": None, "high": None}, "p_value": None}}
    against = np.flatnonzero(band.pairs[:, 1] == reference)  # in the order of the judged groups
    for at, pair, p_value in zip(others, against, adjusted, strict=True):
        compared[at] = {
            "impact_ratio": {
                "value": share[at] / share[reference] if share[reference] else None,
                "low": np.exp(band.low[pair]),
                "high": np.exp(band.high[pair]),
            },
            "p_value": p_value,
        }
    return compared


def _two_proportions(selected, rows):
    """Two-sided p-value of equal shares, pooled normal approximation; 1 where both shares are all or nothing."""
    pooled = selected.sum() / rows.sum()
    error = np.sqrt(pooled * (1 - pooled) * (1 / rows).sum())
    return float(2 * stats.norm.sf(abs(np.subtract(*(selected / rows))) / error)) if error else 1.0


def _by_chance(cells, judged):
    """The gap one would see on average were all groups treated alike: differences of extremes are never below zero."""
    rng = np.random.default_rng(0)
    expected = {}
    for name, rate in (
        ("demographic_parity_difference", "selection_rate"),
        ("equal_opportunity_difference", "true_positive_rate"),
    ):
        top, bottom = (part[judged[rate]] for part in fraction(cells.counts, rate))
        if bottom.size > 1:
            drawn = rng.binomial(bottom, top.sum() / bottom.sum(), (DRAWS, bottom.size)) / bottom
            expected[name] = float(np.ptp(drawn, axis=1).mean())
    return expected


def _caveats(cells, judged, least_rows):
    n = cells.counts.sum(axis=1)
    small = [
        f"{name} ({rows})"
        for name, rows, missing in zip(cells.names, n, cells.missing, strict=True)
        if rows < least_rows and not missing
    ]
    if small:
        yield f"{cells.of}: too small to judge, fewer than {least_rows} rows: {', '.join(small)}."
    few = judged["selection_rate"] & ~(judged["true_positive_rate"] & judged["false_positive_rate"])
    if few.any():
        names = ", ".join(np.array(cells.names)[few])
        yield f"{cells.of}: too few rows of one outcome to judge error rates: {names}."
    if cells.missing.any():
        yield (
            f"{cells.of}: {int(n[cells.missing].sum())} rows without a value are shown as their own group and never "
            "compared."
        )
