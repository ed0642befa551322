"""A table turned on its side: a file of eight bytes a cell for each column, so that one column at a time is in memory.

Numbers are kept as they are, missing as NaN. Text is kept as a 64-bit digest, missing as 0; the words themselves are
kept beside it until there are too many. Two different texts share a digest once in 10¹⁹ pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv
from pyarrow import parquet

from apps.ml import tables
from apps.ml.tables import TableProblem

MOST_WORDS = 20_000
LONGEST_WORD = 200
BATCH_ROWS = 65_536
BLOCK_BYTES = 1 << 20  # Arrow reads dozens of blocks ahead, whatever their size
TOGETHER = 4  # blocks in a frame: what is done with it takes a while to begin
CHUNK = 1 << 20  # cells held at a time where a column is read piece by piece

Batches = Callable[[list[str] | None], Iterator[tuple[pl.DataFrame, int]]]


@dataclass
class Kept:
    """One column in the store. `words` maps digests to texts and is whole only while `all_words`."""

    name: str
    path: Path
    number: bool = True
    rows: int = 0
    words: dict[int, str] = field(default_factory=dict)
    all_words: bool = True

    @property
    def dtype(self) -> type:
        return np.float64 if self.number else np.uint64

    def chunks(self, *, bits: bool = False, size: int | None = None) -> Iterator[np.ndarray]:
        """All cells in order, at most `size` (CHUNK) at a time, as they are or as bare 64-bit patterns."""
        part: np.ndarray
        with self.path.open("rb") as file:
            while len(part := np.fromfile(file, np.uint64 if bits else self.dtype, size or CHUNK)):
                yield part

    def cells(self, sample: np.ndarray | None = None) -> np.ndarray:
        """(rows,) or, given sorted places, (sample,) of a fresh array."""
        if sample is None:
            return np.fromfile(self.path, self.dtype)
        ends = np.searchsorted(sample, np.arange(0, self.rows + CHUNK, CHUNK))
        found: np.ndarray = np.empty(len(sample), self.dtype)
        for turn, part in enumerate(self.chunks()):
            found[ends[turn] : ends[turn + 1]] = part[sample[ends[turn] : ends[turn + 1]] - turn * CHUNK]
        return found

    def texts(self, cells: np.ndarray) -> pl.Series:
        """The few given cells as a frame would hold them. Raises TableProblem if their words were too many to keep."""
        if self.number:
            return pl.Series(self.name, cells.astype(np.float64)).fill_nan(None)
        unknown = [cell for cell in cells.tolist() if cell and cell not in self.words]
        if unknown:
            raise TableProblem(
                f"Column “{self.name}” has more than {MOST_WORDS:,} different texts, too many to make groups of.",
                column=self.name,
            )
        return pl.Series(self.name, [self.words.get(cell) for cell in cells.tolist()], dtype=pl.String)


def digest_of(words: Sequence[str]) -> np.ndarray:
    return pl.Series(words, dtype=pl.String).hash(seed=0).to_numpy()


def keep(batches: Batches, missing: Sequence[str], folder: Path) -> list[Kept]:
    """Write the whole table into the folder. A column that turns out to hold text late is written again, as text."""
    columns: dict[str, Kept] = {}
    late = _write(batches(None), missing, folder, columns)
    if late:
        for name in late:
            columns[name] = Kept(name, columns[name].path, number=False)
        _write(batches(late), missing, folder, {name: columns[name] for name in late})
    return list(columns.values())


def _write(batches, missing: Sequence[str], folder: Path, columns: dict[str, Kept]) -> list[str]:
    """Append every batch to the files; the names of columns of numbers in which text was met."""
    late: list[str] = []
    with ExitStack() as opened:
        files: dict[str, BinaryIO] = {}
        for frame, _ in batches:
            for name in frame.columns:
                if name not in columns:
                    columns[name] = _begin(frame[name], missing, folder / f"{len(columns)}.column")
                if name not in files:
                    files[name] = opened.enter_context(columns[name].path.open("wb"))
            wanted = [columns[name] for name in frame.columns if name not in late]
            for kept, cells in (*_of_numbers(frame, wanted, missing), *_of_text(frame, wanted, missing)):
                if cells is None:
                    late.append(kept.name)
                else:
                    cells.tofile(files[kept.name])
                    kept.rows += len(cells)
    return late


def _begin(values: pl.Series, missing: Sequence[str], path: Path) -> Kept:
    numbers = _checked(values, values.cast(pl.Float64, strict=False), missing)
    return Kept(values.name, path, number=numbers is not None)


def _of_numbers(frame: pl.DataFrame, wanted: list[Kept], missing: Sequence[str]):
    """Each column of numbers with its cells of this batch, or None if it holds text."""
    kept = [column for column in wanted if column.number]
    cast = frame.select(pl.col([column.name for column in kept]).cast(pl.Float64, strict=False))
    found = [_checked(frame[column.name], cast[column.name], missing) for column in kept]
    cells = pl.DataFrame([numbers for numbers in found if numbers is not None])
    if missing:
        cells = pl.DataFrame([tables.blank_numbers(numbers, missing) for numbers in cells])
    cells = cells.select(pl.all().fill_nan(None).fill_null(float("nan")))
    for column, numbers in zip(kept, found, strict=True):
        # one NaN for all that is missing, and 0.0 for -0.0: equal means equal bits
        yield column, None if numbers is None else cells[column.name].to_numpy() + 0.0


def _checked(values: pl.Series, cast: pl.Series, missing: Sequence[str]) -> pl.Series | None:
    """The batch as Float64, or None if it holds text; tables.number_or_category without its refusals, and quicker."""
    if values.dtype != pl.String or cast.null_count() == values.null_count():
        return cast
    return tables.as_numbers(tables.blank_text(values, missing))


def _of_text(frame: pl.DataFrame, wanted: list[Kept], missing: Sequence[str]):
    """Each column of text with the digests of its cells, 0 where they are missing."""
    kept = [column for column in wanted if not column.number]
    texts = tables.blank_texts(frame.select(pl.col([column.name for column in kept]).cast(pl.String)), missing)
    digests = texts.select(pl.when(pl.all().is_null()).then(0).otherwise(pl.all().hash(seed=0)).name.keep())
    for column in kept:
        _learn_words(column, texts[column.name], digests[column.name])
        yield column, digests[column.name].to_numpy()


def _learn_words(kept: Kept, text: pl.Series, digests: pl.Series) -> None:
    if not kept.all_words:
        return
    fresh = set(np.unique(digests.to_numpy()).tolist()) - kept.words.keys() - {0}
    if not fresh:  # as nearly always
        return
    met = pl.DataFrame([digests.alias("digest"), text.alias("word")]).unique("digest")
    kept.words |= {digest: word[:LONGEST_WORD] for digest, word in met.iter_rows() if digest in fresh}
    if len(kept.words) > MOST_WORDS:
        kept.all_words = False


# --- batches ---------------------------------------------------------------------------------------------------------


def csv_batches(path: str | Path, *, encoding: str, delimiter: str, quote: str | None) -> Batches:
    """Frames of a few thousand rows, all text, each with the bytes read so far."""

    def read(only: list[str] | None) -> Iterator[tuple[pl.DataFrame, int]]:
        options = tables.csv_options(
            encoding=encoding, delimiter=delimiter, quote=quote, block_bytes=BLOCK_BYTES, threads=False
        )
        read_bytes = 0
        try:
            with pa.csv.open_csv(path, **options) as header:
                names = header.schema.names
            convert = tables.as_text(names)
            if only is not None:
                convert.include_columns = only
            with pa.csv.open_csv(path, convert_options=convert, **options) as reader:
                while batches := list(islice(reader, TOGETHER)):
                    read_bytes += BLOCK_BYTES * len(batches)
                    yield pl.DataFrame(pl.from_arrow(pa.Table.from_batches(batches))), read_bytes
        except (pa.ArrowInvalid, UnicodeError) as problem:
            raise TableProblem(f"The file cannot be read as a CSV: {problem}.") from problem

    return read


def parquet_batches(path: str | Path) -> Batches:
    def read(only: list[str] | None) -> Iterator[tuple[pl.DataFrame, int]]:
        rows = 0
        try:
            with parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=only):
                    frame = pl.DataFrame(pl.from_arrow(batch))
                    rows += len(frame)
                    yield frame.select(tables.plain(frame[name]) for name in frame.columns), rows
        except (pa.ArrowException, OSError) as problem:
            raise TableProblem(f"The file cannot be read as Parquet: {problem}.") from problem

    return read
