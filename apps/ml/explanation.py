"""Which columns move a model's answer: Shapley values of the original columns, globally and row by row.

A column is one player, however many encoded columns it became. Leaving a player out means putting background rows'
values in its place (interventional, or marginal, Shapley values; TreeSHAP's interventional form answers the same
question, its path-dependent form another). The answer explained is the probability of the favourable outcome.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from apps.ml import intervals
from apps.ml.figures import CONFIDENCE, NO_LIMITS, Figure, Measured, judge, plain

ROWS = 200
BACKGROUND = 50
BUDGET = 512
EXACT = 2048
CHUNK = 2**19  # encoded values evaluated at once: small enough to stay in the processor's cache
LAYERED_CHUNK = 2**17  # the same after the first layer
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
class Layered:
    """A model whose first step is linear in the encoded columns: weights (d, h), bias (h,), rest: (k, h) -> (k,).

    Known to be so, a coalition costs additions of what each column contributes instead of a product over all columns.
    """

    weights: np.ndarray
    bias: np.ndarray
    rest: Callable

    def __call__(self, rows):
        return self.rest(np.asarray(rows, self.weights.dtype) @ self.weights + self.bias)

    def parts(self, rows, owner):
        """What each player contributes to the first step: (n, players, h)."""
        member = np.eye(owner.max() + 1, dtype=self.weights.dtype)[owner].T
        return np.einsum("nd,pd,dh->nph", np.asarray(rows, self.weights.dtype), member, self.weights, optimize=True)


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


def measure(
    predict,
    rows,
    pool,
    columns,
    *,
    limits=NO_LIMITS,
    seed=0,
    sample=ROWS,
    background=BACKGROUND,
    budget=BUDGET,
    progress=lambda share: None,
):
    """predict: (k, d) -> (k,) probability; rows (n, d) unseen; pool (b, d) to draw backgrounds from."""
    rng = np.random.default_rng(seed)
    probability = np.asarray(predict(rows), float)
    sampled = np.sort(rng.choice(len(rows), min(sample, len(rows)), replace=False))
    singled = _singled_out(probability)
    asked = np.concatenate([sampled, [at for _, at in singled]]).astype(int)
    order = rng.permutation(len(pool))
    halves = order[:background], order[-background:]
    runs = [
        shapley(
            predict,
            rows[asked],
            pool[half],
            columns.owner(),
            seed=[seed, number],
            budget=budget,
            progress=lambda share, number=number: progress((number + share) / 2),
        )
        for number, half in enumerate(halves)
    ]
    values, base = runs[0]
    size = np.abs(values[: sampled.size])
    residual = np.abs(base + values.sum(axis=1) - probability[asked]).max()
    other = np.abs(runs[1][0][: sampled.size])
    figures = [
        Figure("additivity_residual", *[residual] * 3, asked.size, note=f"the largest of {asked.size} rows"),
        _stability(size, other, rng),
        *_sensitive_share(size, columns),
        _base_shift(runs, asked.size),
    ]
    return Measured(
        figures=tuple(judge(figure, limits) for figure in figures),
        detail=plain(
            {
                "base": base,
                "importance": _importance(size, other, columns),
                "dependence": _dependence(values[: sampled.size], sampled, size, columns),
                "rows": _explained(singled, values[sampled.size :], probability, base, columns),
            }
        ),
        method=METHOD
        | {
            "confidence": CONFIDENCE,
            "seed": seed,
            "rows": sampled.size,
            "background": len(halves[0]),
            "coalitions": len(coalitions(len(columns.names), budget, rng)[0]),
            "exact": 2 ** len(columns.names) <= EXACT,
        },
        caveats=CAVEATS,
    )


# Shapley values


def shapley(predict, rows, background, owner, *, seed=0, budget=BUDGET, progress=lambda share: None):
    """Values (n, players) and the base, the mean prediction over the background. Deterministic for a seed.

    `progress` is called with the share done and may raise to stop.
    """
    rows, background = np.asarray(rows), np.asarray(background)
    masks, weights = coalitions(owner.max() + 1, budget, np.random.default_rng(seed))
    base = float(np.mean(predict(background), dtype=float))
    total = np.asarray(predict(rows), float) - base
    if masks.shape[1] == 1:
        return total[:, None], base
    solve, share = _solution(masks, weights)
    ask = _layered_worth if isinstance(predict, Layered) else _worth
    worth = ask(predict, rows, background, masks, owner, progress=progress) - base
    return worth @ solve.T + total[:, None] * share, base


def coalitions(players, budget, rng):
    """Masks (c, players) and kernel weights (c,): all proper ones where few, else sizes from both ends inwards."""
    if 2**players <= EXACT:
        sizes, left = range(1, players), 0
    else:
        sizes, left = _whole_sizes(players, budget)
    masks = [_of_size(players, size) for size in sizes]
    weights = [np.full(len(part), _kernel(players, size) / len(part)) for part, size in zip(masks, sizes, strict=True)]
    inner = [size for size in range(1, players) if size not in sizes]
    if inner:
        drawn = _paired(players, inner, max(left, 2 * players), rng)
        masks.append(drawn)
        weights.append(np.full(len(drawn), sum(_kernel(players, size) for size in inner) / len(drawn)))
    return np.concatenate(masks) if masks else np.zeros((0, players), bool), np.concatenate(weights or [np.zeros(0)])


def _kernel(players, size):
    """Weight of all coalitions of one size together, up to a factor."""
    return (players - 1) / (size * (players - size))


def _whole_sizes(players, budget):
    """Sizes taken whole, as long as drawing would spend as much on them, and what is left of the budget."""
    sizes, left = [], budget
    for size in range(1, players // 2 + 1):
        both = {size, players - size}
        cost = sum(math.comb(players, one) for one in both)
        rest = sum(_kernel(players, one) for one in range(1, players) if one not in sizes)
        if cost > left * sum(_kernel(players, one) for one in both) / rest:
            break
        sizes += sorted(both)
        left -= cost
    return sizes, left


def _of_size(players, size):
    masks = np.zeros((math.comb(players, size), players), bool)
    for mask, members in zip(masks, itertools.combinations(range(players), size), strict=True):
        mask[list(members)] = True
    return masks


def _paired(players, sizes, count, rng):
    """Random coalitions of the given sizes by kernel weight, each with its complement."""
    chance = np.array([_kernel(players, size) for size in sizes])
    drawn = rng.choice(sizes, count // 2, p=chance / chance.sum())
    ranks = rng.random((drawn.size, players)).argsort(axis=1).argsort(axis=1)
    masks = ranks < drawn[:, None]
    return np.concatenate([masks, ~masks])


def _solution(masks, weights):
    """Linear maps from coalition worths (c,) and the total to values: solve (players, c), share (players,)."""
    design = masks.astype(float)
    inverse = np.linalg.pinv(design.T @ (weights[:, None] * design))
    free = inverse @ (design * weights[:, None]).T
    ones = inverse.sum(axis=1)
    return free - np.outer(ones, free.sum(axis=0)) / ones.sum(), ones / ones.sum()


def _worth(predict, rows, background, masks, owner, *, progress):
    """Mean prediction over the background for every row and coalition (n, c), in chunks of one forward pass each."""
    step = max(CHUNK // background.size, 1)
    worth, masks = np.empty((len(rows), len(masks))), masks[:, owner]
    for at, row in enumerate(rows):
        progress(at / len(rows))
        for start in range(0, len(masks), step):
            mask = masks[start : start + step, None, :]
            mixed = np.where(mask, row, background[None])
            answers = np.asarray(predict(mixed.reshape(-1, row.size)))
            worth[at, start : start + step] = answers.reshape(len(mask), -1).mean(axis=1, dtype=float)
    return worth


def _layered_worth(predict, rows, background, masks, owner, *, progress):
    """The same for a Layered model: background sums are made once, a row adds its own to them."""
    present = masks.astype(predict.weights.dtype)
    absent = np.einsum("cp,bph->cbh", 1 - present, predict.parts(background, owner), optimize=True) + predict.bias
    step = max(LAYERED_CHUNK // (absent[0].size), 1)
    worth = np.empty((len(rows), len(masks)))
    for start in range(0, len(masks), step):
        progress(start / len(masks))
        chunk = slice(start, start + step)
        mixed = np.empty_like(absent[chunk])
        for at, parts in enumerate(predict.parts(rows, owner)):
            np.add(absent[chunk], (present[chunk] @ parts)[:, None], out=mixed)
            answers = predict.rest(mixed.reshape(-1, parts.shape[1]))
            worth[at, chunk] = answers.reshape(len(mixed), -1).mean(axis=1, dtype=float)
    return worth


# What is reported


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
