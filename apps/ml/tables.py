"""Tables as the laboratory sees them: what is read, what is predicted, who is compared with whom.

A frame has two kinds of columns only: numbers (Float64, finite or null) and categories (String or null). A column is a
number if every value that is not missing parses as one. A cell is missing if it is empty, is one of the declared
markers, or is "NaN" in a column of numbers. Rows are counted as a spreadsheet counts them: the header is row 1, the
first data row is row 2.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv

MISSING_GROUP = "(missing)"
MOST_GROUPS = 60
FIRST_ROW = 2

SET_FLAGS = ("1", "true", "yes", "y", "t")
UNSET_FLAGS = ("0", "false", "no", "n", "f")


class TableProblem(ValueError):
    """A table cannot be used as declared: one sentence saying what, where and what to do."""

    def __init__(self, message: str, *, row: int | None = None, column: str | None = None):
        super().__init__(message)
        self.message, self.row, self.column = message, row, column


@dataclass(frozen=True)
class Column:
    name: str
    kind: Literal["number", "category"]


@dataclass(frozen=True)
class Attribute:
    """A sensitive attribute: a column as it is, numbers cut into ranges, or several 0/1 flags read as one."""

    name: str
    kind: Literal["column", "cuts", "flags"] = "column"
    column: str | None = None
    cuts: tuple[float, ...] = ()
    flags: tuple[tuple[str, str], ...] = ()  # (column, label)
    otherwise: str = ""  # the label of a row on which no flag is set

    def columns(self) -> tuple[str, ...]:
        """The columns of the table it is read from."""
        if self.kind == "flags":
            return tuple(column for column, _ in self.flags)
        return (self.column or self.name,)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "column": self.column,
            "cuts": list(self.cuts),
            "flags": [list(flag) for flag in self.flags],
            "otherwise": self.otherwise,
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Attribute:
        return cls(
            name=fields["name"],
            kind=fields.get("kind", "column"),
            column=fields.get("column"),
            cuts=tuple(float(cut) for cut in fields.get("cuts", ())),
            flags=tuple((column, label) for column, label in fields.get("flags", ())),
            otherwise=fields.get("otherwise", ""),
        )


@dataclass(frozen=True)
class Declaration:
    """What the columns of one dataset version mean."""

    target: str
    favourable: str
    sensitive: tuple[Attribute, ...] = ()
    left_out: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def sensitive_columns(self) -> tuple[str, ...]:
        """Every column a sensitive attribute is read from, each once, in declared order."""
        return tuple(dict.fromkeys(column for attribute in self.sensitive for column in attribute.columns()))

    def inputs(self, columns: Iterable[str], *, with_sensitive: bool) -> tuple[str, ...]:
        """The columns a model may learn from, in table order."""
        barred = {self.target, *self.left_out, *(() if with_sensitive else self.sensitive_columns())}
        return tuple(column for column in columns if column not in barred)

    def to_json(self) -> dict[str, Any]:
        return {
            "target": self.target,
            "favourable": self.favourable,
            "sensitive": [attribute.to_json() for attribute in self.sensitive],
            "left_out": list(self.left_out),
            "missing": list(self.missing),
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Declaration:
        return cls(
            target=fields["target"],
            favourable=fields["favourable"],
            sensitive=tuple(Attribute.from_json(attribute) for attribute in fields.get("sensitive", ())),
            left_out=tuple(fields.get("left_out", ())),
            missing=tuple(fields.get("missing", ())),
        )


# --- reading ----------------------------------------------------------------------------------------------------------


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


# --- numbers, categories, missing -------------------------------------------------------------------------------------


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
    markers = ["", *(marker.strip() for marker in missing)]
    return values.set(values.str.strip_chars().is_in(markers).fill_null(False), None)


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


# --- what is predicted ------------------------------------------------------------------------------------------------


def check(frame: pl.DataFrame, declaration: Declaration) -> None:
    """Raise TableProblem if the declaration does not fit the table: absent columns, an unusable target or groups."""
    named = [declaration.target, *declaration.sensitive_columns(), *declaration.left_out]
    for column in named:
        _present(frame, column)
    if declaration.target in declaration.sensitive_columns():
        raise TableProblem(
            f"“{declaration.target}” is declared both as target and as sensitive. A model cannot be judged by what it "
            "predicts: "
            "choose another sensitive column.",
            column=declaration.target,
        )
    outcome(frame, declaration)
    for attribute in declaration.sensitive:
        groups(frame, attribute)


def _present(frame: pl.DataFrame, column: str) -> pl.Series:
    if column not in frame.columns:
        raise TableProblem(
            f"The table has no column “{column}”. Its columns are: {some(frame.columns)}.", column=column
        )
    return frame[column]


def outcome(frame: pl.DataFrame, declaration: Declaration) -> np.ndarray:
    """(n,) bool, True where the target is favourable. Raises TableProblem if it is missing or never varies."""
    target = _present(frame, declaration.target)
    if gaps := target.null_count():
        row = int(target.is_null().arg_max() or 0) + FIRST_ROW
        raise TableProblem(
            f"The target “{target.name}” is missing in {gaps:,} rows, first in row {row}. Fill them in or remove these "
            "rows.",
            row=row,
            column=target.name,
        )
    favourable = equal_to(target, declaration.favourable)
    if favourable.all() or not favourable.any():
        values = some(text_of(target).unique(maintain_order=True).head(6).to_list())
        raise TableProblem(
            f"The target “{target.name}” must take the favourable value “{declaration.favourable}” in some rows and "
            "another value in "
            f"others; it holds {values}.",
            column=target.name,
        )
    return favourable


def equal_to(values: pl.Series, wanted: str) -> np.ndarray:
    """(n,) bool: the column says what a person typed, as a number in a column of numbers, as text otherwise."""
    if not values.dtype.is_numeric():
        return (values == wanted).fill_null(False).to_numpy()
    try:
        return (values == float(wanted)).fill_null(False).to_numpy()
    except ValueError:
        return np.zeros(len(values), dtype=bool)


# --- who is compared --------------------------------------------------------------------------------------------------


def groups(frame: pl.DataFrame, attribute: Attribute) -> np.ndarray:
    """(n,) of str: each row's group. A row whose attribute is missing is in “(missing)”. Raises TableProblem."""
    if attribute.kind == "cuts":
        found = _cut(_present(frame, attribute.columns()[0]), attribute)
    elif attribute.kind == "flags":
        found = _combined_flags(frame, attribute)
    else:
        found = text_of(_present(frame, attribute.columns()[0])).fill_null(MISSING_GROUP)
    if (count := found.n_unique()) > MOST_GROUPS:
        raise TableProblem(
            f"“{attribute.name}” makes {count:,} groups; at most {MOST_GROUPS} can be compared. Cut it into ranges.",
            column=attribute.columns()[0],
        )
    return found.to_numpy().astype(str)


def cut_labels(cuts: Sequence[float]) -> list[str]:
    """“<25”, “25–60” (25 included, 60 not), “≥60”."""
    edges = [f"{cut:.12g}" for cut in sorted(cuts)]
    between = [f"{low}–{high}" for low, high in itertools.pairwise(edges)]
    return [f"<{edges[0]}", *between, f"≥{edges[-1]}"]


def _cut(values: pl.Series, attribute: Attribute) -> pl.Series:
    if not attribute.cuts:
        raise TableProblem(
            f"“{attribute.name}” is to be cut into ranges, but no cut is given. Name at least one.", column=values.name
        )
    if not values.dtype.is_numeric():
        raise TableProblem(
            f"“{attribute.name}” cuts the column “{values.name}”, which holds text. Use its values as they are.",
            column=values.name,
        )
    numbers = values.to_numpy()
    labels = np.array([*cut_labels(attribute.cuts), MISSING_GROUP], dtype=object)
    place = np.searchsorted(np.sort(attribute.cuts), numbers, side="right")
    place[np.isnan(numbers)] = len(labels) - 1
    return pl.Series(values.name, labels[place], dtype=pl.String)


def _combined_flags(frame: pl.DataFrame, attribute: Attribute) -> pl.Series:
    """Labels of all set flags joined by “and”; a row with any flag missing is in “(missing)”."""
    if not attribute.flags:
        raise TableProblem(
            f"“{attribute.name}” combines flags, but names none. Name at least one column and its label."
        )
    flags = [_flag(_present(frame, column)) for column, _ in attribute.flags]
    unknown = np.any([missing for _, missing in flags], axis=0)
    pattern = np.sum([is_set.astype(np.int64) << place for place, (is_set, _) in enumerate(flags)], axis=0)
    pattern[unknown] = -1
    names = {code: _flag_label(int(code), attribute) for code in np.unique(pattern)}
    return pl.Series(attribute.name, [names[code] for code in pattern], dtype=pl.String)


def _flag_label(pattern: int, attribute: Attribute) -> str:
    if pattern < 0:
        return MISSING_GROUP
    labels = [label for place, (_, label) in enumerate(attribute.flags) if pattern >> place & 1]
    return " and ".join(labels) or attribute.otherwise or "none of " + ", ".join(label for _, label in attribute.flags)


def _flag(values: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """(is set, is missing), each (n,) bool. Raises TableProblem for a column that is no flag."""
    text = text_of(values).str.strip_chars().str.to_lowercase()
    odd = ~text.is_in([*SET_FLAGS, *UNSET_FLAGS]).fill_null(True)
    if odd.any():
        row = int(odd.arg_max() or 0) + FIRST_ROW
        raise TableProblem(
            f"Column “{values.name}” is declared as a flag but holds “{text_of(values)[row - FIRST_ROW]}” in row "
            f"{row}; a flag "
            "is 0 or 1.",
            row=row,
            column=values.name,
        )
    return text.is_in(list(SET_FLAGS)).fill_null(False).to_numpy(), values.is_null().to_numpy()


def intersection(parts: Sequence[np.ndarray]) -> np.ndarray:
    """(n,) of str: “Female & ≥25”, in the order given."""
    joined = parts[0].astype(object)
    for part in parts[1:]:
        joined = joined + " & " + part.astype(object)
    return joined.astype(str)


# --- which rows are held back -----------------------------------------------------------------------------------------


def split(outcome: np.ndarray, *, test_share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(train rows, test rows) as scikit-learn's stratified train_test_split draws them. Raises TableProblem."""
    from sklearn.model_selection import train_test_split  # half a second that reading and profiling need not pay

    n, smallest = len(outcome), int(min(outcome.sum(), (~outcome).sum()))
    if smallest < 2 or math.ceil(n * test_share) < 2 or n - math.ceil(n * test_share) < 2:
        raise TableProblem(
            f"{n:,} rows with {smallest:,} of the rarer outcome cannot be split so that training and test rows hold "
            "both outcomes. "
            "Bring more rows."
        )
    train, test = train_test_split(np.arange(n), test_size=test_share, random_state=seed, stratify=outcome)
    for part, name in ((train, "training"), (test, "test")):
        if len(np.unique(outcome[part])) < 2:
            raise TableProblem(
                f"The {len(part):,} {name} rows would hold only one outcome: it is too rare ({smallest:,} of {n:,} "
                "rows). "
                "Choose another test share or bring more rows."
            )
    return train, test


def some(names: Sequence[Any], most: int = 8) -> str:
    """“a”, “b”, “c” and 4 more: a list short enough for a sentence."""
    shown = ", ".join(f"“{name}”" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"
