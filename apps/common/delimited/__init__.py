"""Is this file a table? Finds how a CSV is written and checks its structure in one pass and constant memory.

Used by the web process at upload, so nothing heavy is imported: chunks without a quote are judged by counting
delimiters line by line, chunks with quotes by Python's csv module. Rows are counted as a spreadsheet counts them: the
header is row 1, and blank lines do not count. Parquet is judged by its footer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from apps.common.delimited import finding
from apps.common.delimited.finding import DELIMITERS, ENCODINGS, QUOTES
from apps.common.delimited.parquet import examine_parquet
from apps.common.delimited.problems import DelimitedProblem, EncodingProblem
from apps.common.delimited.structure import check_structure

__all__ = ["DELIMITERS", "ENCODINGS", "QUOTES", "DelimitedProblem", "Structure", "examine", "examine_csv", "format_of"]


@dataclass(frozen=True)
class Structure:
    format: Literal["csv", "parquet"]
    columns: tuple[str, ...]
    rows: int
    encoding: str = ""
    delimiter: str = ""
    quote: str = ""


def examine(
    path: str | Path,
    *,
    format: Literal["csv", "parquet"] = "csv",
    encoding: str | None = None,
    delimiter: str | None = None,
    quote: str | None = None,
) -> Structure:
    """The structure of a file; whatever is None is found, "" as quote means none. Raises DelimitedProblem."""
    if format == "parquet":
        columns, rows = examine_parquet(path)
        return Structure("parquet", tuple(columns), rows)
    with open(path, "rb") as file:
        return examine_csv(file, encoding=encoding, delimiter=delimiter, quote=quote)


def format_of(filename: str) -> Literal["csv", "parquet"]:
    return "parquet" if filename.lower().endswith((".parquet", ".pq")) else "csv"


def examine_csv(
    file: BinaryIO, *, encoding: str | None = None, delimiter: str | None = None, quote: str | None = None
) -> Structure:
    """As `examine`, for an open file."""
    sample = file.read(finding.SAMPLE)
    finding.refuse_other_formats(sample)
    try:
        return _examine_as(file, sample, encoding or finding.find_encoding(sample), delimiter, quote)
    except EncodingProblem as problem:
        if encoding:
            raise
        # The beginning looked like UTF-8, a later byte is not: ask again with the bytes around it.
        guess = finding.guess(sample[: finding.SAMPLE // 4] + b"\n" + problem.around)
        if guess is None:
            raise
        return _examine_as(file, sample, guess, delimiter, quote)


def _examine_as(file: BinaryIO, sample: bytes, encoding: str, delimiter: str | None, quote: str | None) -> Structure:
    text = finding.sample_text(sample, encoding)
    if quote is None:
        quote = finding.find_quote(text, delimiter)
    if delimiter is None:
        delimiter = finding.find_delimiter(text, quote)
    file.seek(0)
    columns, rows = check_structure(file, encoding=encoding, delimiter=delimiter, quote=quote)
    return Structure("csv", tuple(columns), rows, encoding, delimiter, quote)
