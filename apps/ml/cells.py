"""What happened in each group, as counts of outcome x prediction, and the rates that are made of them."""

import itertools
from dataclasses import dataclass

import numpy as np
import polars as pl

MISSING = "(missing)"

# A rate is a sum of cells over a sum of cells: true positive, false negative, false positive, true negative.
RATES = {
    "base_rate": ((1, 1, 0, 0), (1, 1, 1, 1)),
    "selection_rate": ((1, 0, 1, 0), (1, 1, 1, 1)),
    "true_positive_rate": ((1, 0, 0, 0), (1, 1, 0, 0)),
    "false_positive_rate": ((0, 0, 1, 0), (0, 0, 1, 1)),
    "precision": ((1, 0, 0, 0), (1, 0, 1, 0)),
    "accuracy": ((1, 0, 0, 1), (1, 1, 1, 1)),
}


@dataclass(frozen=True)
class Cells:
    """Counts (groups, 4) of one attribute, with the groups' names and which of them hold a missing value."""

    of: str
    names: tuple[str, ...]
    missing: np.ndarray
    counts: np.ndarray


def count(outcome, prediction, groups):
    """Cells of each attribute, then of each pair of attributes ("a & b"), from one pass over the rows."""
    rows = pl.DataFrame(
        {"outcome": np.asarray(outcome, bool), "prediction": np.asarray(prediction, bool)}
        | {f"group {name}": pl.Series(np.asarray(labels), dtype=pl.String) for name, labels in groups.items()}
    )
    cell = (2 * (~pl.col("outcome")).cast(pl.Int64) + (~pl.col("prediction")).cast(pl.Int64)).alias("cell")
    tally = rows.group_by([*(f"group {name}" for name in groups), cell]).len()
    singles = [(name,) for name in groups]
    return [_cells_of(tally, names) for names in (*singles, *itertools.combinations(groups, 2))]


def _cells_of(tally, names):
    columns = [f"group {name}" for name in names]
    table = tally.group_by([*columns, "cell"]).agg(pl.col("len").sum()).pivot(on="cell", index=columns, values="len")
    table = table.sort(columns).with_columns(
        pl.lit(0).alias(str(cell)) for cell in range(4) if str(cell) not in table.columns
    )
    labels = table.select(columns).rows()
    counts = table.select([str(cell) for cell in range(4)]).fill_null(0).to_numpy().astype(np.int64)
    return Cells(
        " & ".join(names),
        tuple(" & ".join(parts) for parts in labels),
        np.array([MISSING in parts for parts in labels], bool),
        counts,
    )


def fraction(counts, rate):
    """Numerator and denominator of one rate in every group, over the last axis of counts (..., groups, 4)."""
    top, bottom = RATES[rate]
    return counts @ np.array(top), counts @ np.array(bottom)


def rates(counts):
    """Every rate of every group: name -> (numerator, denominator)."""
    return {name: fraction(counts, name) for name in RATES}
