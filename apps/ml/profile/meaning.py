"""The declaration applied to stored columns: who is favoured, who belongs to which group, without a frame of all "
"rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from apps.ml import tables
from apps.ml.intervals import wilson
from apps.ml.profile.columns import Rows
from apps.ml.profile.giveaways import Classes
from apps.ml.profile.store import CHUNK, Kept, digest_of
from apps.ml.tables import Attribute, Declaration

FEW = 30  # rows below which a group's share is hardly an estimate


def target_classes(columns: dict[str, Kept], rows: Rows, declaration: Declaration) -> Classes:
    """Class 1 is the favourable outcome, 0 any other, -1 missing."""
    kept = _found(columns, declaration.target)
    cells = rows.of(kept)
    if kept.number:
        favourable = tables.equal_to(pl.Series(kept.name, cells), declaration.favourable)
        missing = np.isnan(cells)
    else:
        favourable, missing = cells == digest_of([declaration.favourable])[0], cells == 0
    codes = favourable.astype(np.int16)
    codes[missing] = -1
    return Classes(kept.name, "target", ("other", declaration.favourable), codes, (kept.name,))


def group_classes(columns: dict[str, Kept], rows: Rows, attribute: Attribute) -> Classes:
    """Groups as tables.groups makes them, worked out on the distinct combinations of the columns read only."""
    needed = [_found(columns, name) for name in attribute.columns()]
    values, codes = [], np.zeros(rows.used, dtype=np.int64)
    for kept in needed:
        distinct, places = _encode(rows.of(kept))
        values.append(distinct)
        codes = codes * len(distinct) + places
    combinations, places = _encode(codes)
    frame = _frame(needed, values, combinations)
    try:
        groups = tables.groups(frame, attribute)
    except tables.TableProblem as problem:
        raise _where_it_stands(problem, places, rows) from None
    labels = tuple(sorted(set(groups.tolist())))
    of_combination = np.array([labels.index(group) for group in groups], dtype=np.int16)
    return Classes(attribute.name, "sensitive", labels, of_combination[places], attribute.columns())


def _where_it_stands(problem: tables.TableProblem, places: np.ndarray, rows: Rows) -> tables.TableProblem:
    """A complaint about one of the combinations, said of the first row of the file that has it."""
    if problem.row is None:
        return problem
    first = int(np.argmax(places == problem.row - tables.FIRST_ROW))
    row = (first if rows.sample is None else int(rows.sample[first])) + tables.FIRST_ROW
    message = problem.message.replace(f"in row {problem.row}", f"in row {row:,}")
    return tables.TableProblem(message, row=row, column=problem.column)


def _found(columns: dict[str, Kept], name: str) -> Kept:
    if name not in columns:
        raise tables.TableProblem(f"The table has no column “{name}”.", column=name)
    return columns[name]


def _encode(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(distinct values sorted with NaN last, place of each row's value among them)."""
    distinct = np.unique(cells)  # one NaN only, the last
    places = np.empty(len(cells), dtype=np.int64)
    for start in range(0, len(cells), CHUNK):
        places[start : start + CHUNK] = np.searchsorted(distinct, cells[start : start + CHUNK])
    return distinct, places


def _frame(needed: Sequence[Kept], values: Sequence[np.ndarray], combinations: np.ndarray) -> pl.DataFrame:
    series, rest = [], combinations
    for kept, distinct in zip(reversed(needed), reversed(values), strict=True):
        series.append(kept.texts(distinct[rest % len(distinct)]))
        rest = rest // len(distinct)
    return pl.DataFrame(series[::-1])


# --- label balance ---------------------------------------------------------------------------------------------------


def balance(target: Classes, sensitive: Sequence[Classes]) -> dict[str, Any]:
    """How often the outcome is favourable, overall, in each group and in each combination of all attributes."""
    by = [
        {"attribute": classes.name, "groups": _shares(target, classes.codes, classes.labels)} for classes in sensitive
    ]
    if len(sensitive) > 1:
        codes = np.zeros(len(target.codes), dtype=np.int64)
        for classes in sensitive:
            codes = codes * len(classes.labels) + classes.codes
        labels = [""]
        for classes in sensitive:
            labels = [f"{label} & {other}" if label else other for label in labels for other in classes.labels]
        name = " & ".join(classes.name for classes in sensitive)
        by.append({"attribute": name, "groups": _shares(target, codes, labels)})
    known = int((target.codes >= 0).sum())
    whole = _share("", known, int((target.codes == 1).sum()))
    return {"overall": whole | {"missing": len(target.codes) - known}, "by": by}


def _shares(target: Classes, codes: np.ndarray, labels: Sequence[str]) -> list[dict[str, Any]]:
    known = target.codes >= 0
    sizes = np.bincount(codes[known], minlength=len(labels))
    favoured = np.bincount(codes[target.codes == 1], minlength=len(labels))
    return [_share(label, int(n), int(k)) for label, n, k in zip(labels, sizes, favoured, strict=True) if n]


def _share(label: str, n: int, favoured: int) -> dict[str, Any]:
    low, high = _wilson(favoured, n) if n else (None, None)
    share = favoured / n if n else None
    return {"group": label, "n": n, "favourable": favoured, "share": share, "low": low, "high": high, "few": n < FEW}


def _wilson(successes: int, n: int) -> tuple[float, float]:
    low, high = wilson(np.array([successes]), np.array([n]))
    return float(low[0]), float(high[0])
