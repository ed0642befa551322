"""Columns that give the target or a sensitive attribute away, each judged alone.

Every column is turned into at most 52 levels (values, quantile bins of numbers, “missing”) and counted against the
classes. Three questions are asked of the table: how strongly they hang together (Cramér's V, bias-corrected after
Bergsma 2013, with a bootstrap interval), what share of rows lies in levels that settle the class almost surely, and,
for a column of numbers against two classes, how well it ranks them (ROC AUC with DeLong's interval).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from apps.ml import intervals
from apps.ml.profile.columns import Rows
from apps.ml.profile.store import CHUNK, Kept

MOST_LEVELS = 50
QUANTILE_BINS = 20
DRAWS = 200
SETTLED = 0.99  # a level settles the class if at least this share of its rows agree…
SURPRISE = 10  # …and at least this many rows would have disagreed if the column said nothing
STRONG = {"auc": 0.95, "cramers_v": 0.9, "settled": 0.3}
SUSPECT = {"auc": 0.8, "cramers_v": 0.5, "settled": 0.2}


@dataclass(frozen=True)
class Classes:
    """What a column may give away: a class for each used row, -1 where it is unknown."""

    name: str
    of: str  # "target" or "sensitive"
    labels: tuple[str, ...]
    codes: np.ndarray
    columns: tuple[str, ...]  # read from these, so never judged against it


@dataclass(frozen=True)
class Levels:
    labels: list[str]
    codes: np.ndarray


def judge(kept: Kept, rows: Rows, distinct: int, against: list[Classes], *, seed: int) -> list[dict[str, Any]]:
    """One entry for each set of classes the column is not part of."""
    wanted = [classes for classes in against if kept.name not in classes.columns]
    if not wanted:
        return []
    if not kept.number and distinct > max(MOST_LEVELS, rows.count // 2):
        return [_not_judged(kept, classes, f"{distinct:,} different texts: too many to judge") for classes in wanted]
    cells = rows.of(kept)
    levels = _levels_of_numbers(cells) if kept.number else _levels_of_text(kept, cells)
    found = []
    for classes in wanted:
        table = _count(levels, classes)
        if min((table.sum(axis=1) > 0).sum(), (table.sum(axis=0) > 0).sum()) < 2:
            found.append(_not_judged(kept, classes, "it never varies where both are known"))
            continue
        entry = _associate(table, levels.labels, classes, np.random.default_rng(seed))
        entry |= {"auc": _auc(cells, classes)} if kept.number and len(classes.labels) == 2 else {"auc": None}
        found.append(
            {"column": kept.name, "against": classes.name, "of": classes.of, "judged": True, **_verdict(entry)}
        )
    return found


def _not_judged(kept: Kept, classes: Classes, why: str) -> dict[str, Any]:
    return {
        "column": kept.name,
        "against": classes.name,
        "of": classes.of,
        "judged": False,
        "why": why,
        "strength": "none",
    }


# --- levels ----------------------------------------------------------------------------------------------------------


def _levels_of_numbers(cells: np.ndarray) -> Levels:
    ordered = np.sort(cells)
    ordered = ordered[: len(ordered) - int(np.isnan(ordered).sum())]
    if not len(ordered):
        return Levels(["(missing)"], np.zeros(len(cells), dtype=np.int16))
    changes = np.flatnonzero(ordered[1:] != ordered[:-1])
    if len(changes) < QUANTILE_BINS:
        values = ordered[np.concatenate(([0], changes + 1))]
        labels, edges = [f"{value:.12g}" for value in values], values
    else:
        places = (np.arange(1, QUANTILE_BINS) * len(ordered)) // QUANTILE_BINS
        edges = np.unique(np.concatenate(([ordered[0]], ordered[places])))
        tops = [*edges[1:], ordered[-1]]
        labels = [f"{low:.6g} to {high:.6g}" for low, high in zip(edges, tops, strict=True)]
    codes = np.empty(len(cells), dtype=np.int16)
    for start in range(0, len(cells), CHUNK):
        part = cells[start : start + CHUNK]
        place = np.searchsorted(edges, part, "right") - 1
        place[np.isnan(part)] = len(labels)
        codes[start : start + CHUNK] = place
    return Levels([*labels, "(missing)"], codes)


def _levels_of_text(kept: Kept, cells: np.ndarray) -> Levels:
    values, counts = np.unique(cells, return_counts=True)
    shown = values[np.argsort(-counts, kind="stable")][:MOST_LEVELS]
    labels = ["(missing)" if value == 0 else kept.words.get(value, "…") for value in shown.tolist()]
    order = np.argsort(shown)
    ranked = shown[order]
    codes = np.empty(len(cells), dtype=np.int16)
    for start in range(0, len(cells), CHUNK):
        part = cells[start : start + CHUNK]
        place = np.minimum(np.searchsorted(ranked, part), len(ranked) - 1)
        codes[start : start + CHUNK] = np.where(ranked[place] == part, order[place], len(labels))
    return Levels([*labels, "(all others)"], codes)


def _count(levels: Levels, classes: Classes) -> np.ndarray:
    """(levels, classes) of row counts, rows of unknown class left out."""
    width = len(classes.labels)
    cells = np.zeros(len(levels.labels) * width, dtype=np.int64)
    for start in range(0, len(levels.codes), CHUNK):
        level = levels.codes[start : start + CHUNK].astype(np.int64)
        group = classes.codes[start : start + CHUNK]
        known = group >= 0
        cells += np.bincount(level[known] * width + group[known], minlength=len(cells))
    return cells.reshape(-1, width)


# --- measures --------------------------------------------------------------------------------------------------------


def _associate(table: np.ndarray, labels: list[str], classes: Classes, random: np.random.Generator) -> dict[str, Any]:
    used = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    n = int(used.sum())
    value = float(cramers_v(used[None])[0])
    draws = cramers_v(random.multinomial(n, (used / n).ravel(), size=DRAWS).reshape(DRAWS, *used.shape))
    low, high = np.quantile(draws, [0.025, 0.975])
    return {
        "n": n,
        "cramers_v": {"value": value, "low": float(min(low, value)), "high": float(max(high, value))},
        "settled": _settled(table, labels, classes),
    }


def cramers_v(tables: np.ndarray) -> np.ndarray:
    """(t,) of bias-corrected Cramér's V for (t, r, c) tables of counts (Bergsma 2013, J. Korean Stat. Soc. 42:323)."""
    n = tables.sum(axis=(1, 2), dtype=np.float64)
    expected = tables.sum(axis=2, keepdims=True) * tables.sum(axis=1, keepdims=True) / n[:, None, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        chi2 = np.where(expected > 0, (tables - expected) ** 2 / expected, 0.0).sum(axis=(1, 2))
    r = (tables.sum(axis=2) > 0).sum(axis=1)
    c = (tables.sum(axis=1) > 0).sum(axis=1)
    one = np.maximum(n - 1, 1)
    phi2 = np.maximum(0.0, chi2 / n - (r - 1) * (c - 1) / one)
    least = np.minimum(r - (r - 1) ** 2 / one, c - (c - 1) ** 2 / one) - 1
    return np.sqrt(np.clip(np.divide(phi2, least, out=np.zeros_like(phi2), where=least > 0), 0.0, 1.0))


def _settled(table: np.ndarray, labels: list[str], classes: Classes) -> dict[str, Any]:
    """The share of rows in levels that settle the class, and the plainest of these levels."""
    sizes, overall = table.sum(axis=1), table.sum(axis=0) / table.sum()
    likeliest = table.argmax(axis=1)
    agreeing = table[np.arange(len(table)), likeliest]
    with np.errstate(invalid="ignore"):
        settles = (agreeing >= SETTLED * sizes) & (sizes * (1 - overall[likeliest]) >= SURPRISE)
    if not settles.any():
        return {"value": 0.0, "level": None}
    place = int(np.argmax(np.where(settles, sizes * (1 - overall[likeliest]), -1)))
    level = {
        "value": labels[place],
        "class": classes.labels[likeliest[place]],
        "share": float(agreeing[place] / sizes[place]),
        "n": int(sizes[place]),
    }
    return {"value": float(sizes[settles].sum() / sizes.sum()), "level": level}


def _auc(cells: np.ndarray, classes: Classes) -> dict[str, float] | None:
    """How well the number ranks class 1 above class 0, ties half, with DeLong's interval on the logit scale."""
    known = ~np.isnan(cells)
    ones, zeros = (np.sort(cells[known & (classes.codes == code)]) for code in (1, 0))
    if len(ones) < 2 or len(zeros) < 2:
        return None
    of_ones = _placements(ones, zeros)
    of_zeros = 1 - _placements(zeros, ones)
    value = float(of_ones.mean())
    if 0 < value < 1:
        error = np.sqrt(of_ones.var(ddof=1) / len(ones) + of_zeros.var(ddof=1) / len(zeros))
        low, high = intervals.on_logit(value, error)
    else:  # a perfect ranking shows no variance: as many successes as the smaller class has rows
        few = min(len(ones), len(zeros))
        low, high = intervals.wilson(round(value * few), few)
    return {"value": value, "low": float(low), "high": float(high)}


def _placements(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(len(values),): the share of the others below each value, ties half; both sorted."""
    below = np.searchsorted(others, values, "left").astype(np.float64)
    below += np.searchsorted(others, values, "right")
    below /= 2 * len(others)
    return below


def _verdict(entry: dict[str, Any]) -> dict[str, Any]:
    """strong: it all but is the answer; suspect: look at it; weak otherwise. AUC counts in either direction."""
    auc = entry["auc"]
    reached = {
        "cramers_v": entry["cramers_v"]["value"],
        "settled": entry["settled"]["value"],
        "auc": max(auc["value"], 1 - auc["value"]) if auc else 0.0,
    }
    strength = "weak"
    if any(reached[name] >= bound for name, bound in STRONG.items()):
        strength = "strong"
    elif any(reached[name] >= bound for name, bound in SUSPECT.items()):
        strength = "suspect"
    score = max((reached[name] / STRONG[name] if name != "auc" else (reached[name] - 0.5) / 0.45) for name in STRONG)
    return entry | {"strength": strength, "score": float(score)}
