"""Who is compared with whom."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import polars as pl

from apps.ml.tables.cells import text_of
from apps.ml.tables.declarations import Attribute
from apps.ml.tables.problems import FIRST_ROW, TableProblem, some

MISSING_GROUP = "(missing)"
MOST_GROUPS = 60
SET_FLAGS = ("1", "true", "yes", "y", "t")
UNSET_FLAGS = ("0", "false", "no", "n", "f")


def present(frame: pl.DataFrame, column: str) -> pl.Series:
    if column not in frame.columns:
        raise TableProblem(
            f"The table has no column “{column}”. Its columns are: {some(frame.columns)}.", column=column
        )
    return frame[column]


def groups(frame: pl.DataFrame, attribute: Attribute) -> np.ndarray:
    """(n,) of str: each row's group. A row whose attribute is missing is in “(missing)”. Raises TableProblem."""
    if attribute.kind == "cuts":
        found = _cut(present(frame, attribute.columns()[0]), attribute)
    elif attribute.kind == "flags":
        found = _combined_flags(frame, attribute)
    else:
        found = text_of(present(frame, attribute.columns()[0])).fill_null(MISSING_GROUP)
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
    flags = [_flag(present(frame, column)) for column, _ in attribute.flags]
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
