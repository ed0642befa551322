"""Files as frames, every column a number or a category."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pyarrow as pa
import pyarrow.csv

from apps.ml.tables.cells import number_or_category
from apps.ml.tables.problems import TableProblem


def read_table(
    path: str | Path,
    *,
    format: Literal["csv", "parquet"] = "csv",
    encoding: str = "utf-8",
    delimiter: str = ",",
    quote: str | None = '"',
    missing: Sequence[str] = (),
) -> pl.DataFrame:
    """The whole table, every column a number or a category. Raises TableProblem."""
    if format == "parquet":
        raw = _read_parquet(path)
    else:
        raw = _read_csv(path, encoding=encoding, delimiter=delimiter, quote=quote)
    return pl.DataFrame([number_or_category(raw[name], missing) for name in raw.columns])


def csv_options(
    *, encoding: str, delimiter: str, quote: str | None, block_bytes: int = 1 << 23, threads: bool = True
) -> dict[str, Any]:
    """How Arrow reads a CSV as Python's csv module does: quotes only at a field's start, blank lines skipped."""
    return {
        "read_options": pa.csv.ReadOptions(
            encoding=encoding.replace("-sig", ""), block_size=block_bytes, use_threads=threads
        ),
        "parse_options": pa.csv.ParseOptions(
            delimiter=delimiter, quote_char=quote or False, double_quote=True, newlines_in_values=bool(quote)
        ),
    }


def _read_csv(path: str | Path, *, encoding: str, delimiter: str, quote: str | None) -> pl.DataFrame:
    options = csv_options(encoding=encoding, delimiter=delimiter, quote=quote)
    try:
        names = pa.csv.open_csv(path, **options).schema.names
        table = pa.csv.read_csv(path, convert_options=as_text(names), **options)
    except (pa.ArrowInvalid, UnicodeError) as problem:
        raise TableProblem(
            f"The file cannot be read as a CSV: {problem}. Upload it again with the right settings."
        ) from problem
    return pl.DataFrame(pl.from_arrow(table))


def as_text(names: Sequence[str]) -> pa.csv.ConvertOptions:
    """Every column as text; an empty cell is null, quoted or not; nothing else is."""
    return pa.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""], check_utf8=True
    )


def _read_parquet(path: str | Path) -> pl.DataFrame:
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as problem:
        raise TableProblem(
            f"The file cannot be read as Parquet: {problem}. Write it again and upload it anew."
        ) from problem
    return frame.select(plain(frame[name]) for name in frame.columns)


def plain(values: pl.Series) -> pl.Series:
    """Any flat Parquet type as Float64, Float32 or String; raises TableProblem for nested and binary types."""
    kind = values.dtype
    if kind.is_nested() or kind in (pl.Binary, pl.Object):
        raise TableProblem(
            f"Column “{values.name}” holds {kind}, not one value a row. Flatten it to plain columns and upload the "
            "file again.",
            column=values.name,
        )
    if kind in (pl.Float32, pl.String):
        return values
    return values.cast(pl.Float64) if kind.is_numeric() else values.cast(pl.String)
