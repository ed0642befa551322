"""Shapley values of the original columns of a model, exact or nearly so, many coalitions in one forward pass.

A column is one player, however many encoded columns it became. Leaving a player out means putting background rows'
values in its place (interventional, or marginal, Shapley values; TreeSHAP's interventional form answers the same
question, its path-dependent form another).
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

BUDGET = 512  # coalitions, where not all of them are asked
EXACT = 2048  # coalitions that are all asked
CHUNK = 2**19  # encoded values evaluated at once: small enough to stay in the processor's cache
LAYERED_CHUNK = 2**17  # the same after the first layer


@dataclass(frozen=True)
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
