"""Cells as numbers, categories or missing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from apps.ml.tables.problems import FIRST_ROW, TableProblem


@dataclass(frozen=True)
class Column:
    name: str
    kind: Literal["number", "category"]


def number_or_category(values: pl.Series, missing: Sequence[str]) -> pl.Series:
    """The column as finite Float64 or as String, with markers, empty cells and NaN as null."""
    if values.dtype == pl.String:
        values = blank_text(values, missing)
        numbers = as_numbers(values)
        if numbers is None:
            return values
    else:
        numbers = values.cast(pl.Float64)
    return _finite(blank_numbers(numbers, missing))


def blank_text(values: pl.Series, missing: Sequence[str]) -> pl.Series:
    """Null where the text, blanks around it aside, is empty or one of the markers."""
    return blank_texts(values.to_frame(), missing).to_series()


def blank_texts(frame: pl.DataFrame, missing: Sequence[str]) -> pl.DataFrame:
    """The same of columns of text, all in one go."""
    markers = ["", *(marker.strip() for marker in missing)]
    blank = pl.all().str.strip_chars().is_in(markers)
    return frame.select(pl.when(blank).then(None).otherwise(pl.all()).name.keep())


def as_numbers(values: pl.Series) -> pl.Series | None:
    """Float64 if every value that is not null parses (“NaN” becomes null), else None."""
    numbers = values.cast(pl.Float64, strict=False)
    if numbers.null_count() > values.null_count():
        numbers = values.str.strip_chars().cast(pl.Float64, strict=False)
    return None if numbers.null_count() > values.null_count() else numbers.fill_nan(None)


def blank_numbers(numbers: pl.Series, missing: Sequence[str]) -> pl.Series:
    """Null where a number equals a marker, or the marker as a 4-byte float keeps it (999999.4 is then 999999.375)."""
    markers = number_markers(missing)
    numbers = numbers.fill_nan(None)
    return numbers.set(numbers.is_in(markers).fill_null(False), None) if markers else numbers


def number_markers(missing: Sequence[str]) -> list[float]:
    found: set[float] = set()
    for marker in missing:
        try:
            value = float(marker)
        except ValueError:
            continue
        with np.errstate(over="ignore"):
            found |= {value, float(np.float32(value))}
    return sorted(value for value in found if not math.isnan(value))


def _finite(numbers: pl.Series) -> pl.Series:
    infinite = numbers.is_infinite().fill_null(False)
    if not infinite.any():
        return numbers
    row = int(infinite.arg_max() or 0) + FIRST_ROW
    raise TableProblem(
        f"Column “{numbers.name}” holds an infinite number in row {row}. Declare it as a mark of missing values, or "
        "correct the file.",
        row=row,
        column=numbers.name,
    )


def columns_of(frame: pl.DataFrame) -> tuple[Column, ...]:
    return tuple(Column(name, "number" if kind.is_numeric() else "category") for name, kind in frame.schema.items())


def text_of(values: pl.Series) -> pl.Series:
    """Values as people write them: 1.0 is “1”, 2.5 is “2.5”; null stays null."""
    if not values.dtype.is_numeric():
        return values.cast(pl.String)
    text = values.cast(pl.String)
    return text.str.strip_suffix(".0")
