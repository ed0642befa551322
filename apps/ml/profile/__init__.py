"""The profile of a table: what it holds, what is odd about it, what gives the answer away.

The file is read once, turned into one file for each column, and judged one column at a time, so that memory depends on
neither the number of rows nor the width. Up to 4,000,000 rows every figure is exact; beyond, quantiles, outliers,
histograms, commonest values and associations come from a uniform sample of 2,000,000 rows, and the profile says so.
"""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np

from apps.ml.profile import columns as figures
from apps.ml.profile import findings, giveaways, meaning
from apps.ml.profile.columns import MOST_EXACT, Rows
from apps.ml.profile.giveaways import Classes
from apps.ml.profile.store import BATCH_ROWS, Kept, csv_batches, keep, parquet_batches
from apps.ml.tables import Declaration, TableProblem

SEED = 20_240_607
MOST_AT_ONCE = 1_500_000
READING = 0.4  # the share of the work that reading is, for progress

Progress = Callable[[float, str], None]


def profile(
    path: str | Path,
    *,
    format: Literal["csv", "parquet"] = "csv",
    encoding: str = "utf-8",
    delimiter: str = ",",
    quote: str | None = '"',
    declaration: Declaration | None = None,
    on_progress: Progress = lambda share, doing: None,
) -> dict[str, Any]:
    """Plain JSON values; keys are explained in `method`. `on_progress(share, doing)` may raise to stop. Raises "
    "TableProblem."""
    missing = declaration.missing if declaration else ()
    with tempfile.TemporaryDirectory(prefix="profile-") as folder:
        if format == "parquet":
            batches = parquet_batches(path)
        else:
            batches = csv_batches(path, encoding=encoding, delimiter=delimiter, quote=quote or None)
        kept = keep(_told(batches, Path(path).stat().st_size, on_progress), missing, Path(folder))
        gc.collect()
        if not kept or not kept[0].rows:
            raise TableProblem("The file holds no rows. Upload a file with a header row and data.")
        return _judge(kept, declaration, on_progress)


def _told(batches, size: int, on_progress: Progress):
    def read(only):
        for frame, done in batches(only):
            on_progress(READING * min(1.0, done / max(size, 1)), "reading")
            yield frame, done

    return read


def _judge(kept: list[Kept], declaration: Declaration | None, on_progress: Progress) -> dict[str, Any]:
    rows = Rows.choose(kept[0].rows, seed=SEED)
    by_name = {column.name: column for column in kept}
    against, sensitive = [], []
    if declaration:
        target = meaning.target_classes(by_name, rows, declaration)
        sensitive = [meaning.group_classes(by_name, rows, attribute) for attribute in declaration.sensitive]
        against = [target, *sensitive]
    described, given_away = [], []
    for place, (facts, entries) in enumerate(_judged(kept, rows, against)):
        on_progress(READING + (1 - READING) * place / len(kept), facts["name"])
        described.append(facts)
        given_away += entries
    given_away.sort(key=lambda entry: -entry.get("score", -1.0))
    labels = meaning.balance(target, sensitive) if declaration else None
    identifiers = [facts["name"] for facts in described if findings.is_identifier(facts, rows.count)]
    result = {
        "rows": rows.count,
        "declared": declaration is not None,
        "columns": described,
        "duplicates": _duplicates(kept, identifiers),
        "balance": labels,
        "giveaways": given_away,
        "approximate": _approximate(rows),
        "method": METHOD,
    }
    result["findings"] = _findings(result, declaration)
    on_progress(1.0, "done")
    return result


def _judged(kept: list[Kept], rows: Rows, against: list[Classes]) -> Iterator[tuple[dict[str, Any], list]]:
    """Column by column; two at once where they fit in memory, since sorting leaves Python free."""
    if rows.used > MOST_AT_ONCE:
        yield from (_judge_column(column, rows, against) for column in kept)
        return
    with ThreadPoolExecutor(max_workers=2) as hands:
        yield from hands.map(lambda column: _judge_column(column, rows, against), kept)


def _judge_column(column: Kept, rows: Rows, against: list[Classes]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    facts = figures.describe(column, rows)
    return facts, giveaways.judge(column, rows, facts["distinct"], against, seed=SEED)


def _findings(result: dict[str, Any], declaration: Declaration | None) -> list[dict[str, str]]:
    """The gravest first."""
    found = []
    if declaration and result["balance"]:
        found += findings.of_target(result["balance"], declaration.target, declaration.favourable)
    left_out = set(declaration.left_out) if declaration else set()
    for entry in result["giveaways"]:
        found += findings.of_giveaway(entry, left_out)
    if sentence := _about_duplicates(result["duplicates"]):
        found.append({"column": "", "kind": "duplicates", "sentence": sentence})
    for facts in result["columns"]:
        if facts["name"] not in left_out:
            found += findings.of_column(facts, result["rows"])
    return sorted(found, key=lambda finding: findings.GRAVITY.index(finding["kind"]))


# --- duplicate rows --------------------------------------------------------------------------------------------------


def _duplicates(kept: Sequence[Kept], identifiers: Sequence[str]) -> dict[str, Any]:
    """Rows equal to an earlier row, in all columns and, where some columns only name rows, in the others."""
    described = [column for column in kept if column.name not in identifiers]
    whole = _repeats(kept)
    without = _repeats(described) if identifiers and described else whole
    return {"rows": whole, "without_identifiers": without, "identifiers": list(identifiers)}


def _repeats(kept: Sequence[Kept]) -> int:
    """Rows are compared by a 64-bit digest of their cells."""
    rows = kept[0].rows
    return rows - figures.distinct_of(lambda: _row_digests(kept), rows)


def _row_digests(kept: Sequence[Kept]) -> Iterator[np.ndarray]:
    for cells in zip(*(column.chunks(bits=True, size=BATCH_ROWS) for column in kept), strict=True):
        digest = np.full(len(cells[0]), 0x9E3779B97F4A7C15, dtype=np.uint64)
        for bits in cells:
            _mix(digest, bits)
        yield digest


def _mix(digest: np.ndarray, bits: np.ndarray) -> None:
    """One step of a multiply-xorshift hash for each row, in place."""
    digest ^= bits
    digest *= np.uint64(0xBF58476D1CE4E5B9)
    digest ^= digest >> np.uint64(29)


def _about_duplicates(duplicates: dict[str, Any]) -> str | None:
    if duplicates["without_identifiers"] > duplicates["rows"]:
        names = ", ".join(f"“{name}”" for name in duplicates["identifiers"])
        return f"{duplicates['without_identifiers']:,} rows repeat an earlier row if {names} is ignored."
    return f"{duplicates['rows']:,} rows repeat an earlier row." if duplicates["rows"] else None


def _approximate(rows: Rows) -> dict[str, Any] | None:
    if rows.sample is None:
        return None
    error = float(np.sqrt(np.log(2 / 0.05) / (2 * rows.used)))
    return {
        "rows": rows.used,
        "of": rows.count,
        "figures": ["quantiles", "outliers", "histogram", "top", "alone", "whole", "balance", "giveaways"],
        "sentence": (
            f"The table has more than {MOST_EXACT:,} rows: quantiles, outliers, histograms, commonest values, label "
            "balance and "
            f"associations are computed from {rows.used:,} rows drawn at random; with 95 % confidence the rank of "
            "every quantile is "
            f"off by at most {error:.2%} (Dvoretzky, Kiefer, Wolfowitz 1956; Massart 1990). All other figures are "
            "exact."
        ),
    }


METHOD = {
    "missing": "Empty cells, declared markers, and NaN in columns of numbers.",
    "distinct": "Different values, missing aside; texts are compared by a 64-bit digest.",
    "quantiles": "Linear interpolation between neighbours (Hyndman and Fan 1996, type 7).",
    "outliers": "Values farther outside the quartiles than 1.5 times their distance (Tukey 1977).",
    "duplicates": "Rows equal to an earlier row, compared by a 64-bit digest of their cells.",
    "balance": "Share of the favourable value with Wilson's 95 % interval; groups under 30 rows are marked.",
    "cramers_v": "Bias-corrected Cramér's V (Bergsma 2013) on at most 50 values or 20 quantile bins; 95 % bootstrap, "
    "200 draws.",
    "settled": "Share of rows whose value of the column settles the class in at least 99 % of its rows, against at "
    "least 10 expected "
    "to differ.",
    "auc": "Area under the ROC curve of the column as it is against the favourable outcome or second group; DeLong's "
    "95 % interval.",
}
