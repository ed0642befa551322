"""What one column holds: missing, distinct, quantiles, outliers, the commonest values, and a picture of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from apps.ml.profile.store import CHUNK, Kept

MOST_EXACT = 4_000_000  # rows up to which a column is sorted whole; beyond, quantiles come from a sample
SAMPLED = 2_000_000
SLICE = 2_000_000  # patterns sorted at a time when distinct ones are counted in a long column
Chunks = Callable[[], Iterator[np.ndarray]]
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
BINS = 30
TOP = 10
FENCE = 1.5  # Tukey (1977): outside the quartiles by more than 1.5 times their distance


@dataclass(frozen=True)
class Rows:
    """Which rows quantiles and associations come from: all, or one drawn from each of SAMPLED equal stretches."""

    count: int
    sample: np.ndarray | None  # sorted places, or None for all

    @classmethod
    def choose(cls, count: int, *, seed: int) -> Rows:
        if count <= MOST_EXACT:
            return cls(count, None)
        within = np.random.default_rng(seed).random(SAMPLED)
        return cls(count, ((np.arange(SAMPLED) + within) * (count / SAMPLED)).astype(np.int64))

    def of(self, kept: Kept) -> np.ndarray:
        return kept.cells(self.sample)

    @property
    def used(self) -> int:
        return self.count if self.sample is None else len(self.sample)


def describe(kept: Kept, rows: Rows) -> dict[str, Any]:
    """The figures of one column, as plain JSON values."""
    return _describe_numbers(kept, rows) if kept.number else _describe_text(kept, rows)


def _describe_numbers(kept: Kept, rows: Rows) -> dict[str, Any]:
    ordered = rows.of(kept)
    ordered.sort()  # NaN goes last
    ordered = ordered[: np.searchsorted(ordered, np.nan)]
    missing, infinite, moments = _moments(kept)
    finite = ordered[np.isfinite(ordered)] if infinite else ordered
    facts = {
        "name": kept.name,
        "type": "number",
        "missing": missing,
        "distinct": _distinct(kept, ordered, rows),
        "infinite": infinite,
        **moments,
    }
    if not len(finite):
        return facts | {"type": "empty" if missing == kept.rows else "number", "top": [], "histogram": None}
    return facts | {
        "whole": bool(_all_whole(finite)),
        "quantiles": _quantiles(finite),
        "outliers": _outliers(finite, rows),
        "top": _top_numbers(finite),
        "histogram": _histogram(finite),
        "alone": _alone(finite),
    }


def _all_whole(ordered: np.ndarray) -> bool:
    return all((part == np.floor(part)).all() for part in _chunks(ordered))


def _chunks(values: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


def _moments(kept: Kept) -> tuple[int, int, dict[str, float | None]]:
    """(missing, infinite, {min, max, mean, sd, zeros, negative}) over every row; sd with n - 1, as pandas."""
    missing = infinite = count = zeros = negative = 0
    low, high, total, shift, squares = np.inf, -np.inf, 0.0, None, 0.0
    for part in kept.chunks():
        gaps = np.isnan(part)
        missing += int(gaps.sum())
        known = part[~gaps] if gaps.any() else np.asarray(part)
        bounded = np.isfinite(known)
        if not bounded.all():
            infinite += int((~bounded).sum())
            known = known[bounded]
        if not len(known):
            continue
        shift = float(known.mean()) if shift is None else shift
        centred = known - shift
        count += len(known)
        total += float(centred.sum())
        squares += float(np.dot(centred, centred))
        low, high = min(low, float(known.min())), max(high, float(known.max()))
        zeros += int((known == 0).sum())
        negative += int((known < 0).sum())
    if not count:
        return missing, infinite, dict.fromkeys(("min", "max", "mean", "sd", "zeros", "negative"))
    spread = max(0.0, squares - total * total / count)
    facts = {"min": low, "max": high, "mean": (shift or 0.0) + total / count}
    sd = float(np.sqrt(spread / (count - 1))) if count > 1 else None
    return missing, infinite, facts | {"sd": sd, "zeros": zeros, "negative": negative}


def _quantiles(ordered: np.ndarray) -> dict[str, float]:
    """Linear between neighbours, as numpy and pandas do by default."""
    places = np.array(QUANTILES) * (len(ordered) - 1)
    below = np.floor(places).astype(np.int64)
    above = np.minimum(below + 1, len(ordered) - 1)
    values = ordered[below] + (ordered[above] - ordered[below]) * (places - below)
    return {f"{quantile:g}": float(value) for quantile, value in zip(QUANTILES, values, strict=True)}


def _outliers(ordered: np.ndarray, rows: Rows) -> dict[str, Any]:
    """Values outside Tukey's fences; not judged where the middle half is a single value."""
    quantiles = _quantiles(ordered)
    low_quartile, high_quartile = quantiles["0.25"], quantiles["0.75"]
    reach = FENCE * (high_quartile - low_quartile)
    if reach == 0:
        return {"judged": False, "low": None, "high": None, "below": 0, "above": 0}
    low, high = low_quartile - reach, high_quartile + reach
    below = int(np.searchsorted(ordered, low, "left"))
    above = len(ordered) - int(np.searchsorted(ordered, high, "right"))
    scale = rows.count / rows.used
    return {"judged": True, "low": low, "high": high, "below": round(below * scale), "above": round(above * scale)}


def _runs(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(distinct values, how often) of a sorted array."""
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    return ordered[starts], np.diff(np.append(starts, len(ordered)))


def _top_numbers(ordered: np.ndarray) -> list[list[Any]]:
    values, counts = _runs(ordered)
    if len(values) > len(ordered) // 2:
        return []  # hardly anything repeats
    commonest = np.argsort(-counts, kind="stable")[:TOP]
    return [[float(values[place]), int(counts[place])] for place in commonest]


def _histogram(ordered: np.ndarray) -> dict[str, Any]:
    """Counts in equal bins between the 1st and 99th percentile, with what lies outside counted beside it."""
    values, counts = _runs(ordered)
    if len(values) <= BINS:
        return {"values": values.tolist(), "counts": counts.tolist()}
    quantiles = _quantiles(ordered)
    low, high = quantiles["0.01"], quantiles["0.99"]
    if low == high:
        low, high = float(ordered[0]), float(ordered[-1])
    edges = _edges(low, high, whole=_all_whole(ordered))
    places = np.searchsorted(ordered, edges, "left")
    places[-1] = np.searchsorted(ordered, edges[-1], "right")
    return {
        "edges": edges.tolist(),
        "counts": np.diff(places).tolist(),
        "below": int(places[0]),
        "above": int(len(ordered) - places[-1]),
    }


def _edges(low: float, high: float, *, whole: bool) -> np.ndarray:
    """Of BINS equal bins; of whole numbers each bin holds equally many, so that none looks empty for no reason."""
    if not whole or high - low < BINS:
        return np.linspace(low, high, BINS + 1)
    width = np.ceil((high - low + 1) / BINS)
    return np.arange(np.ceil((high - low + 1) / width) + 1) * width + low - 0.5


def _alone(ordered: np.ndarray) -> list[list[Any]]:
    """[value, count, gap] of the largest and smallest value if its gap to the rest exceeds the reach of all others.

    The gap is in units of that reach.
    """
    values, counts = _runs(ordered)
    if len(values) < 3:
        return []
    above = (values[-1] - values[-2]) / max(values[-2] - values[0], 1.0)
    below = (values[1] - values[0]) / max(values[-1] - values[1], 1.0)
    ends = ((-1, float(above)), (0, float(below)))
    return [[float(values[end]), int(counts[end]), gap] for end, gap in ends if gap > 1]


# --- text ------------------------------------------------------------------------------------------------------------


def _describe_text(kept: Kept, rows: Rows) -> dict[str, Any]:
    missing = sum(int((part == 0).sum()) for part in kept.chunks())
    ordered = rows.of(kept)
    ordered.sort()
    ordered = ordered[np.searchsorted(ordered, 1) :]
    facts = {"name": kept.name, "type": "category", "missing": missing, "distinct": _distinct(kept, ordered, rows)}
    if not len(ordered):
        return facts | {"type": "empty", "top": []}
    values, counts = _runs(ordered)
    known = np.argsort(-counts, kind="stable")[: 4 * TOP]
    top: list[list[Any]] = [[kept.words.get(int(values[place])), int(counts[place])] for place in known]
    named = sorted((entry for entry in top if entry[0] is not None), key=lambda entry: (-entry[1], entry[0]))
    repeats = len(values) < len(ordered) or len(values) <= TOP
    return facts | {"top": named[:TOP] if repeats else [], "top_is_whole": kept.all_words}


def _distinct(kept: Kept, ordered: np.ndarray, rows: Rows) -> int:
    """How many different values, missing aside; exact whatever the rows."""
    if rows.sample is None:
        return int(np.count_nonzero(ordered[1:] != ordered[:-1])) + 1 if len(ordered) else 0
    missing = np.float64("nan").view(np.uint64) if kept.number else np.uint64(0)
    return distinct_of(lambda: kept.chunks(bits=True), rows.count, skip=missing)


def distinct_of(chunks: Chunks, rows: int, *, skip: np.uint64 | None = None) -> int:
    """How many different 64-bit patterns, `skip` aside; exact whatever the rows, in bounded memory."""
    if rows <= MOST_EXACT:
        return _different(np.concatenate(list(chunks())), skip)
    few = _if_few(chunks)
    return _many_different(chunks, rows, skip) if few is None else _different(few, skip)


def _different(patterns: np.ndarray, skip: np.uint64 | None) -> int:
    patterns.sort()
    found = int(np.count_nonzero(patterns[1:] != patterns[:-1])) + 1 if len(patterns) else 0
    place = np.searchsorted(patterns, skip) if skip is not None else len(patterns)
    return found - int(place < len(patterns) and patterns[place] == skip)


def _if_few(chunks: Chunks) -> np.ndarray | None:
    """All different patterns, or None once they are more than fit in memory."""
    known, waiting, waiting_rows = np.empty(0, np.uint64), [], 0
    for part in chunks():
        waiting.append(np.unique(part))
        waiting_rows += len(waiting[-1])
        if waiting_rows > SLICE:
            known, waiting, waiting_rows = np.unique(np.concatenate([known, *waiting])), [], 0
            if len(known) > SLICE:
                return None
    known = np.unique(np.concatenate([known, *waiting]))
    return known if len(known) <= SLICE else None


def _many_different(chunks: Chunks, rows: int, skip: np.uint64 | None) -> int:
    """Patterns are dealt to files by their hash, so that equal ones meet in one file that fits in memory."""
    count = -(-rows // SLICE)
    with ExitStack() as opened:
        files = [opened.enter_context(tempfile.TemporaryFile(prefix="profile-")) for _ in range(count)]
        for part in chunks():
            patterns = np.unique(part)
            turn = ((patterns * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)) % np.uint64(count)
            for place, file in enumerate(files):
                patterns[turn == place].tofile(file)
        return sum(_different(_all_of(file), skip) for file in files)


def _all_of(file: BinaryIO) -> np.ndarray:
    file.seek(0)
    return np.fromfile(file, np.uint64)
