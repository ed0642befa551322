"""What is predicted, and which rows are held back to judge the prediction."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from apps.ml.tables.cells import text_of
from apps.ml.tables.declarations import Declaration
from apps.ml.tables.grouping import groups, present
from apps.ml.tables.problems import FIRST_ROW, TableProblem, some


def check(frame: pl.DataFrame, declaration: Declaration) -> None:
    """Raise TableProblem if the declaration does not fit the table: absent columns, an unusable target or groups."""
    named = [declaration.target, *declaration.sensitive_columns(), *declaration.left_out]
    for column in named:
        present(frame, column)
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


def outcome(frame: pl.DataFrame, declaration: Declaration) -> np.ndarray:
    """(n,) bool, True where the target is favourable. Raises TableProblem if it is missing or never varies."""
    target = present(frame, declaration.target)
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
