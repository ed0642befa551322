"""From columns to numbers: what is learned from the training rows, and nothing else, to encode any row.

Two layouts. "one_hot" (linear models, networks): a number becomes its standardised value (median where missing) and,
where the training rows had gaps, a second column that says so; a category becomes one column for each value, missing
being a value of its own. "coded" (trees): numbers stay as they are, gaps included; a category becomes the rank of its
value when values are ordered by the share of favourable outcomes among the training rows, so that one cut of a tree
can part the favourable values from the others.

A value never seen in training is no value at all: zeros in every column (one_hot), a gap (coded).
"""

from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from apps.ml.tables import text_of

MOST_VALUES = 200  # of one category; the rarer ones count as unseen (trees take at most 255)


@dataclass(frozen=True)
class Input:
    """One input column as the model knows it; `values` are a category's, in code order, None standing for missing."""

    name: str
    kind: str
    gaps: bool
    values: tuple[str | None, ...] = ()
    complete: bool = True
    median: float = 0.0
    mean: float = 0.0
    scale: float = 1.0

    @property
    def needed(self):
        """Whether a row must carry it: true where no training row went without."""
        return not self.gaps


@dataclass(frozen=True)
class Preparation:
    layout: str
    columns: tuple[Input, ...]

    @property
    def groups(self):
        """[(original column, indices of its encoded columns)], in the order of the encoded columns."""
        ends = np.cumsum([self._width(column) for column in self.columns]).tolist()
        starts = [0, *ends[:-1]]
        return [
            (column.name, list(range(start, end)))
            for column, start, end in zip(self.columns, starts, ends, strict=True)
        ]

    @property
    def width(self):
        return sum(self._width(column) for column in self.columns)

    def encode(self, frame):
        """(n, width) float64, C-ordered, from a frame that has every input column."""
        encoded = np.zeros((frame.height, self.width))
        for column, (_, indices) in zip(self.columns, self.groups, strict=True):
            encoded[:, indices[0] : indices[-1] + 1] = self._encoded(column, frame[column.name])
        return encoded

    def to_json(self):
        return {"layout": self.layout, "columns": [asdict(column) for column in self.columns]}

    @classmethod
    def from_json(cls, said):
        columns = [Input(**{**column, "values": tuple(column["values"])}) for column in said["columns"]]
        return cls(said["layout"], tuple(columns))

    def _width(self, column):
        if self.layout == "coded":
            return 1
        return len(column.values) if column.kind == "category" else 1 + column.gaps

    def _encoded(self, column, series):
        if column.kind == "category":
            return _ranks(column, series) if self.layout == "coded" else _one_hot(column, series)
        values = _numbers(series)
        if self.layout == "coded":
            return values[:, None]
        missing = np.isnan(values)
        standard = (np.where(missing, column.median, values) - column.mean) / column.scale
        return np.stack([standard, missing], axis=1) if column.gaps else standard[:, None]


def fit(frame, names, *, layout, outcome):
    """Learn a Preparation of the columns `names` from training rows; `outcome` (n,) bool orders coded values."""
    columns = [_learned(frame[name], outcome if layout == "coded" else None) for name in names]
    return Preparation(layout, tuple(column for column in columns if column.kind == "number" or column.values))


def _learned(series, outcome):
    gaps = bool(_missing(series).any())
    if series.dtype.is_numeric():
        return _learned_number(series, gaps)
    kept, complete = _kept_values(series)
    if outcome is None:
        values = sorted(kept, key=_missing_last)
    else:
        share = _favourable_share(series, outcome)
        values = sorted(kept, key=lambda value: (share[value], _missing_last(value)))
    return Input(series.name, "category", gaps, tuple(values), complete)


def _learned_number(series, gaps):
    values = _numbers(series)
    present = values[~np.isnan(values)]
    median = float(np.median(present)) if present.size else 0.0
    filled = np.where(np.isnan(values), median, values)
    return Input(
        series.name, "number", gaps, median=median, mean=float(filled.mean()), scale=float(filled.std()) or 1.0
    )


def _kept_values(series):
    """The values that get a code (None included when present), and whether those are all there were."""
    counts = series.value_counts()
    by_count = sorted(
        zip(counts[series.name].to_list(), counts["count"].to_list(), strict=True),
        key=lambda pair: (-pair[1], _missing_last(pair[0])),
    )
    values = [value for value, _ in by_count]
    return values[:MOST_VALUES], len(values) <= MOST_VALUES


def _favourable_share(series, outcome):
    shares = pl.DataFrame({"value": series, "favourable": outcome.astype(float)})
    shares = shares.group_by("value").agg(pl.col("favourable").mean())
    return dict(zip(shares["value"].to_list(), shares["favourable"].to_list(), strict=True))


def _missing_last(value):
    return (value is None, value or "")


def _missing(series):
    return series.is_null() | series.is_nan() if series.dtype.is_float() else series.is_null()


def _numbers(series):
    return series.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _codes(column, series):
    """(n,) int: the position of each row's value in the column's values, -1 for a value not seen in training."""
    seen = [value for value in column.values if value is not None]
    positions = [code for code, value in enumerate(column.values) if value is not None]
    codes = text_of(series).replace_strict(seen, positions, default=-1, return_dtype=pl.Int64).to_numpy()
    missing = column.values.index(None) if None in column.values else -1
    return np.where(series.is_null().to_numpy(), missing, codes)


def _ranks(column, series):
    codes = _codes(column, series)
    return np.where(codes < 0, np.nan, codes)[:, None]


def _one_hot(column, series):
    return _codes(column, series)[:, None] == np.arange(len(column.values))
