"""How well a model predicts, on rows it has not seen. Positive means favourable throughout."""

import numpy as np
from scipy import special
from sklearn import metrics

from apps.ml import intervals
from apps.ml.figures import CONFIDENCE, NO_LIMITS, Figure, Measured, judge, plain

BINS = 10
DRAWS = 2000
CURVE_POINTS = 200
CLIP = 1e-9
METHOD = {
    "accuracy, rates": "Wilson score intervals (Wilson 1927)",
    "balanced_accuracy": "mean of the true positive and true negative rate; MOVER from their Wilson intervals "
    "(Zou and Donner 2008)",
    "roc_auc": "DeLong, DeLong and Clarke-Pearson 1988, interval on the logit scale",
    "average_precision": "step-wise, as scikit-learn; logit interval of Boyd, Eng and Page 2013",
    "log_loss, brier": "mean loss of a row; t interval",
    "calibration": "bins of equal size by predicted probability; Wilson interval in each",
    "calibration_error": "mean over rows of |observed share - mean prediction| of their bin; basic interval of "
    "binomial draws in each bin; it is above 0 by chance alone, as it is of a model that is perfectly calibrated",
    "calibration_slope, calibration_intercept": "logistic regression of the outcome on the logit of the prediction, "
    "the intercept with the slope held at 1 (Van Calster 2019); Wald intervals",
}


class MeasurementProblem(ValueError):
    """The rows do not allow this measurement; the message says why and what to do."""


def measure(outcome, probability, *, threshold=0.5, limits=NO_LIMITS, seed=0):
    """outcome (n,) bool, True = favourable; probability (n,) of the favourable outcome. Raises MeasurementProblem."""
    outcome, probability = _checked(outcome, probability)
    predicted = probability >= threshold
    cells = _cells(outcome, predicted)
    calibration = _calibration(outcome, probability, np.random.default_rng(seed))
    figures = [*_rates(cells), *_ranking(outcome, probability), *_losses(outcome, probability), *calibration["figures"]]
    return Measured(
        figures=tuple(judge(figure, limits) for figure in figures),
        detail=plain(
            {
                "confusion": cells,
                "base_rate": float(outcome.mean()),
                "threshold": threshold,
                "calibration": calibration["curve"],
                "expected_if_calibrated": calibration["expected"],
                "roc": _roc(outcome, probability),
                "precision_recall": _precision_recall(outcome, probability),
                "thresholds": _thresholds(outcome, probability),
                "probabilities": _histogram(outcome, probability),
            }
        ),
        method=METHOD | {"confidence": CONFIDENCE, "draws": DRAWS, "seed": seed, "bins": BINS},
        caveats=_caveats(outcome, predicted),
    )


def _checked(outcome, probability):
    outcome, probability = np.asarray(outcome, bool), np.asarray(probability, float)
    if outcome.shape != probability.shape:
        raise MeasurementProblem(f"{outcome.size} outcomes but {probability.size} predictions: give one each.")
    if outcome.size == 0 or outcome.all() or not outcome.any():
        raise MeasurementProblem("Every row has the same outcome: bring rows with both outcomes.")
    if not np.isfinite(probability).all():
        row = int(np.flatnonzero(~np.isfinite(probability))[0])
        raise MeasurementProblem(f"The prediction for row {row + 1} is not a number: train the model again.")
    return outcome, probability


def _cells(outcome, predicted):
    return {
        "true_positive": int((outcome & predicted).sum()),
        "false_negative": int((outcome & ~predicted).sum()),
        "false_positive": int((~outcome & predicted).sum()),
        "true_negative": int((~outcome & ~predicted).sum()),
    }


def _rates(cells):
    tp, fn, fp, tn = cells.values()
    n = tp + fn + fp + tn
    shares = {
        "accuracy": (tp + tn, n),
        "true_positive_rate": (tp, tp + fn),
        "true_negative_rate": (tn, tn + fp),
        "precision": (tp, tp + fp),
        "selection_rate": (tp + fp, n),
    }
    figures = {name: _proportion(name, *share) for name, share in shares.items()}
    halves = figures["true_positive_rate"], figures["true_negative_rate"]
    low, high = intervals.mean_of_two(*([getattr(half, part) for half in halves] for part in ("value", "low", "high")))
    balanced = Figure(
        "balanced_accuracy",
        (halves[0].value + halves[1].value) / 2,
        low,
        high,
        n,
        smallest_group=min(half.n for half in halves),
    )
    return [figures.pop("accuracy"), balanced, *figures.values()]


def _proportion(name, successes, n):
    low, high = (float(bound) for bound in intervals.wilson(successes, n))
    if n == 0:
        return Figure(name, None, None, None, 0, note="No row was predicted favourable.")
    return Figure(name, successes / n, low, high, n)


def _ranking(outcome, probability):
    fewer = int(min(outcome.sum(), (~outcome).sum()))
    area = intervals.roc_auc(outcome, probability)
    precision = metrics.average_precision_score(outcome, probability)
    return [
        Figure("roc_auc", *area, outcome.size, smallest_group=fewer),
        Figure(
            "average_precision",
            precision,
            *intervals.average_precision(precision, int(outcome.sum())),
            outcome.size,
            smallest_group=int(outcome.sum()),
        ),
    ]


def _losses(outcome, probability):
    clipped = np.clip(probability, np.finfo(float).eps, 1 - np.finfo(float).eps)
    rows = {"log_loss": -np.log(np.where(outcome, clipped, 1 - clipped)), "brier": (probability - outcome) ** 2}
    return [Figure(name, *intervals.mean(losses), outcome.size) for name, losses in rows.items()]


def _calibration(outcome, probability, rng):
    """Curve over bins of equal size, the calibration error, and how it would look were the model calibrated."""
    bins = np.array_split(np.argsort(probability, kind="stable"), min(BINS, outcome.size))
    n = np.array([rows.size for rows in bins])
    predicted = np.array([probability[rows].mean() for rows in bins])
    hits = np.array([outcome[rows].sum() for rows in bins])
    low, high = intervals.wilson(hits, n)

    def error(observed):
        return np.abs(observed - predicted) @ n / n.sum()

    value = float(error(hits / n))
    drawn = error(rng.binomial(n, hits / n, (DRAWS, n.size)) / n)
    by_chance = error(rng.binomial(n, np.clip(predicted, 0, 1), (DRAWS, n.size)) / n)
    lower, upper = 2 * value - np.quantile(drawn, [(1 + CONFIDENCE) / 2, (1 - CONFIDENCE) / 2])
    curve = [
        {"predicted": p, "observed": h / k, "low": lo, "high": hi, "n": k}
        for p, h, k, lo, hi in zip(predicted, hits, n, low, high, strict=True)
    ]
    figures = [
        Figure(
            "calibration_error", value, max(lower, 0.0), max(upper, value), outcome.size, smallest_group=int(n.min())
        ),
        *_recalibration(outcome, probability),
    ]
    return {"curve": curve, "expected": float(by_chance.mean()), "figures": figures}


def _recalibration(outcome, probability):
    logit = special.logit(np.clip(probability, CLIP, 1 - CLIP))
    intercept = _logistic(np.ones((outcome.size, 1)), outcome, offset=logit)
    both = _logistic(np.column_stack([np.ones_like(logit), logit]), outcome)
    figures = []
    for name, fitted in (("calibration_intercept", intercept), ("calibration_slope", both)):
        value, low, high = (None, None, None) if fitted is None else fitted[-1]
        note = "" if fitted is not None else "The predictions separate the outcomes: the fit does not exist."
        figures.append(Figure(name, value, low, high, outcome.size, note=note))
    return figures


def _logistic(design, outcome, offset=0.0, rounds=50):
    """Maximum likelihood by Newton's method: [(coefficient, low, high)], or None where it does not converge."""
    weights = np.zeros(design.shape[1])
    for _ in range(rounds):
        share = special.expit(design @ weights + offset)
        information = (design * (share * (1 - share))[:, None]).T @ design
        if np.linalg.cond(information) > 1e12:
            return None
        step = np.linalg.solve(information, design.T @ (outcome - share))
        weights = weights + step
        if np.abs(step).max() < 1e-10:
            half = intervals.quantile() * np.sqrt(np.diag(np.linalg.inv(information)))
            return list(zip(weights, weights - half, weights + half, strict=True))
    return None


def _thinned(*columns, points=CURVE_POINTS):
    """At most `points` rows, evenly along the curve's length, first and last kept."""
    columns = [np.asarray(column, float) for column in columns]
    if columns[0].size > points:
        length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(columns[0]), np.diff(columns[1])))])
        kept = np.unique(np.searchsorted(length, np.linspace(0, length[-1], points)).clip(0, length.size - 1))
        kept = np.unique(np.concatenate([[0], kept, [length.size - 1]]))
        columns = [column[kept] for column in columns]
    return columns


def _roc(outcome, probability):
    false, true, _ = metrics.roc_curve(outcome, probability)
    false, true = _thinned(false, true)
    return [{"false_positive_rate": x, "true_positive_rate": y} for x, y in zip(false, true, strict=True)]


def _precision_recall(outcome, probability):
    precision, recall, _ = metrics.precision_recall_curve(outcome, probability)
    recall, precision = _thinned(recall, precision)
    return [{"recall": x, "precision": y} for x, y in zip(recall, precision, strict=True)]


def _thresholds(outcome, probability):
    return [
        {"threshold": at, "n": outcome.size}
        | {
            figure.name: {"value": figure.value, "low": figure.low, "high": figure.high, "n": figure.n}
            for figure in _rates(_cells(outcome, probability >= at))
        }
        for at in np.round(np.arange(0.1, 0.95, 0.1), 2).tolist()
    ]


def _histogram(outcome, probability, bars=20):
    edges = np.linspace(0, 1, bars + 1)
    count = {name: np.histogram(probability[rows], edges)[0] for name, rows in (("yes", outcome), ("no", ~outcome))}
    return [
        {"from": edges[i], "to": edges[i + 1], "favourable": count["yes"][i], "unfavourable": count["no"][i]}
        for i in range(bars)
    ]


def _caveats(outcome, predicted):
    caveats = ["Intervals hold for new rows drawn like these; they say nothing about other times or places."]
    fewer = int(min(outcome.sum(), (~outcome).sum()))
    if fewer < 30:
        caveats.append(f"Only {fewer} rows have the rarer outcome: every figure that depends on it is uncertain.")
    if predicted.all() or not predicted.any():
        caveats.append("The model gives every row the same answer at this threshold.")
    return tuple(caveats)
