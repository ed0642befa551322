"""Which columns move a model's answer: Shapley values of the original columns, globally and row by row.

The answer explained is the probability of the favourable outcome; what a Shapley value is here, `apps.ml.shapley` says.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from apps.ml import intervals
from apps.ml.figures import CONFIDENCE, NO_LIMITS, Figure, Measured, judge, plain
from apps.ml.shapley import BUDGET, EXACT, Layered, coalitions, shapley

__all__ = ["Columns", "Layered", "measure", "shapley"]

ROWS = 200
BACKGROUND = 50
EACH = 3
TOP = 6
FEW = 6  # values of a number: as many are shown one by one
DRAWS = 300
METHOD = {
    "values": "Shapley values (Lundberg and Lee 2017), one player for each original column; exact by enumeration of "
    f"all coalitions where there are at most {EXACT}, else weighted least squares on coalitions enumerated from the "
    "smallest and largest sizes inwards, the rest drawn in complementary pairs (Covert and Lee 2021)",
    "absent": "a column left out takes the values of background rows (interventional)",
    "output": "probability of the favourable outcome",
    "importance": "mean absolute Shapley value over the sampled rows; t interval",
    "additivity_residual": "largest |base + sum of values - prediction| over the explained rows",
    "stability": "share of importance that two backgrounds, each with its own draw of coalitions, give to the same "
    "columns; interval by resampling rows",
    "sensitive_share": "share of all importance that falls on declared sensitive columns; delta-method interval",
}
CAVEATS = (
    "A Shapley value says what the model does with a column, not what the column does in the world.",
    "Columns that carry the same information share the credit: a low value does not show that a column is harmless.",
    "Mixing a row with background values can make rows that do not occur; the model is asked about those too.",
)


@dataclasses.dataclass(frozen=True)
class Columns:
    """Original columns: names, encoded column indices of each, values by name for display, and which are sensitive."""

    names: tuple[str, ...]
    encoded: tuple[Sequence[int], ...]
    values: dict[str, list]
    sensitive: frozenset[str] = frozenset()

    def owner(self):
        """The player each encoded column belongs to (d,)."""
        owner = np.empty(sum(map(len, self.encoded)), int)
        for player, indices in enumerate(self.encoded):
            owner[list(indices)] = player
        return owner


def measure(predict, rows, pool, columns, *, limits=NO_LIMITS, seed=0, sample=ROWS, background=BACKGROUND, **how):
    """predict: (k, d) -> (k,) probability; rows (n, d) unseen; pool (b, d) to draw backgrounds from.

    `how` is handed to `shapley`: budget, and progress, called with the share done.
    """
    rng = np.random.default_rng(seed)
    probability = np.asarray(predict(rows), float)
    sampled = np.sort(rng.choice(len(rows), min(sample, len(rows)), replace=False))
    singled = _singled_out(probability)
    asked = np.concatenate([sampled, [at for _, at in singled]]).astype(int)
    order = rng.permutation(len(pool))
    halves = pool[order[:background]], pool[order[-background:]]
    runs = _twice(predict, rows[asked], halves, columns, seed, **how)
    values, base = runs[0]
    size, other = (np.abs(found[: sampled.size]) for found, _ in runs)
    residual = np.abs(base + values.sum(axis=1) - probability[asked]).max()
    figures = [
        Figure("additivity_residual", *[residual] * 3, asked.size, note=f"the largest of {asked.size} rows"),
        _stability(size, other, rng),
        *_sensitive_share(size, columns),
        _base_shift(runs, asked.size),
    ]
    detail = {
        "base": base,
        "importance": _importance(size, other, columns),
        "dependence": _dependence(values[: sampled.size], sampled, size, columns),
        "rows": _explained(singled, values[sampled.size :], probability, base, columns),
    }
    made = {"confidence": CONFIDENCE, "seed": seed, "rows": sampled.size, "background": len(halves[0])}
    judged = tuple(judge(figure, limits) for figure in figures)
    return Measured(judged, plain(detail), METHOD | made | _effort(columns, how.get("budget", BUDGET)), CAVEATS)


def _twice(predict, rows, backgrounds, columns, seed, *, budget=BUDGET, progress=lambda share: None):
    """Values and base against each background, each with its own draw of coalitions."""
    return [
        shapley(
            predict,
            rows,
            background,
            columns.owner(),
            seed=[seed, number],
            budget=budget,
            progress=lambda share, number=number: progress((number + share) / len(backgrounds)),
        )
        for number, background in enumerate(backgrounds)
    ]


def _effort(columns, budget):
    players = len(columns.names)
    masks, _ = coalitions(players, budget, np.random.default_rng(0))
    return {"coalitions": len(masks), "exact": 2**players <= EXACT}


def _singled_out(probability):
    """Rows a reader asks about first: the highest, the lowest, and those nearest to the threshold."""
    order = np.argsort(probability, kind="stable")
    near = np.argsort(np.abs(probability - 0.5), kind="stable")
    each = min(EACH, len(order))
    return [
        *(("highest", at) for at in order[::-1][:each]),
        *(("lowest", at) for at in order[:each]),
        *(("borderline", at) for at in near[:each]),
    ]


def _importance(size, other, columns):
    mean, total, by_other = size.mean(axis=0), max(size.mean(axis=0).sum(), 1e-300), other.mean(axis=0)
    table = []
    for player in np.argsort(-mean, kind="stable"):
        value, low, high = intervals.mean(size[:, player])
        table.append(
            {
                "column": columns.names[player],
                "value": value,
                "low": max(low, 0.0),
                "high": high,
                "n": len(size),
                "share": mean[player] / total,
                "with_other_background": by_other[player],
                "sensitive": columns.names[player] in columns.sensitive,
            }
        )
    return table


def _stability(size, other, rng):
    """Share of importance that both runs give to the same columns: one minus half the difference of their shares."""

    def shared(at):
        first, second = (part[at].mean(axis=0) for part in (size, other))
        if first.sum() == 0 or second.sum() == 0:
            return float(first.sum() == second.sum())
        return 1 - np.abs(first / first.sum() - second / second.sum()).sum() / 2

    everyone = np.arange(len(size))
    drawn = [shared(rng.choice(everyone, everyone.size)) for _ in range(DRAWS)]
    value = float(shared(everyone))
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Figure("stability", value, min(float(low), value), max(float(high), value), len(size))


def _sensitive_share(size, columns):
    """Ratio of means with the delta method's error."""
    chosen = [player for player, name in enumerate(columns.names) if name in columns.sensitive]
    if not chosen:
        return
    part, whole = size[:, chosen].sum(axis=1), size.sum(axis=1)
    share = part.mean() / max(whole.mean(), 1e-300)
    _, low, high = intervals.mean((part - share * whole) / max(whole.mean(), 1e-300))
    half = (high - low) / 2
    yield Figure(
        "sensitive_share",
        share,
        max(share - half, 0.0),
        min(share + half, 1.0),
        len(size),
        note="importance on declared sensitive columns that are inputs",
    )


def _base_shift(runs, n):
    shift = abs(runs[0][1] - runs[1][1])
    return Figure(
        "background_shift", shift, shift, shift, n, note="how far the mean prediction moves between the two backgrounds"
    )


def _dependence(values, sampled, size, columns):
    """For the most important columns: value against Shapley value, as points or as means of categories."""
    tables = []
    for player in np.argsort(-size.mean(axis=0), kind="stable")[:TOP]:
        name = columns.names[player]
        points = [(columns.values[name][at], value) for at, value in zip(sampled, values[:, player], strict=True)]
        drawn = {"points": [{"value": value, "shapley": part} for value, part in points]}
        number = _varies(points)
        kind = "number" if number else "category"
        tables.append({"column": name, "kind": kind} | (drawn if number else {"categories": _by_category(points)}))
    return tables


def _varies(points):
    """Whether a column is one of numbers with enough of them to draw a cloud."""
    seen = {value for value, _ in points if value is not None}
    return len(seen) > FEW and all(isinstance(value, int | float) for value in seen)


def _by_category(points):
    groups = {}
    for value, part in points:
        groups.setdefault("(missing)" if value is None else _named(value), []).append(part)
    rows = [
        {"value": value, "n": len(parts)} | dict(zip(("mean", "low", "high"), intervals.mean(parts), strict=True))
        for value, parts in groups.items()
    ]
    return sorted(rows, key=lambda row: (-row["n"], row["value"]))[:12]


def _named(value):
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _explained(singled, values, probability, base, columns):
    return [
        {
            "why": why,
            "row": int(at) + 1,
            "probability": probability[at],
            "base": base,
            "columns": [
                {
                    "column": columns.names[player],
                    "value": columns.values[columns.names[player]][at],
                    "shapley": part[player],
                }
                for player in np.argsort(-np.abs(part), kind="stable")
            ],
        }
        for (why, at), part in zip(singled, values, strict=True)
    ]
