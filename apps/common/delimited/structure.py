"""One pass over a CSV: does every row have the header's fields, and is every byte text?"""

from __future__ import annotations

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from apps.common.delimited.finding import dialect
from apps.common.delimited.names import check_names
from apps.common.delimited.problems import DelimitedProblem, EncodingProblem

CHUNK = 1 << 22
LONGEST_LINE = 1 << 20


def check_structure(file: BinaryIO, *, encoding: str, delimiter: str, quote: str) -> tuple[list[str], int]:
    """(column names, data rows). Raises DelimitedProblem."""
    csv.field_size_limit(LONGEST_LINE)
    feed = _Feed(_chunks(file, encoding, quote))
    reader = csv.reader(feed, **dialect(delimiter, quote, strict=True))
    columns = _header(reader)
    row = 1
    while feed.more():
        if feed.quoted:
            row = _check_record(reader, row, len(columns))
        else:
            row = _check_plain_lines(feed.rest_of_chunk(), row, len(columns), delimiter)
    if row == 1:
        raise DelimitedProblem("The file holds a header row and no data. Choose a file with at least one row below it.")
    return columns, row - 1


@dataclass
class _Chunk:
    lines: list[str]
    quoted: bool


def _chunks(file: BinaryIO, encoding: str, quote: str) -> Iterator[_Chunk]:
    """Whole lines, decoded, about 4 MB at a time. Raises DelimitedProblem with the line for what cannot be text."""
    codec = codecs.getincrementaldecoder(encoding)()
    decoder = io.IncrementalNewlineDecoder(codec, translate=True)
    rest, lines_before, bytes_read = "", 0, 0
    while True:
        block = file.read(CHUNK)
        bytes_read += len(block)
        try:
            text = rest + decoder.decode(block, final=not block)
        except UnicodeDecodeError as problem:
            raise _undecodable(problem, encoding, bytes_read, lines_before + 1) from None
        if "\0" in text:
            line = lines_before + text.count("\n", 0, text.index("\0")) + 1
            raise DelimitedProblem(
                f"Line {line:,} holds a NUL byte, so the file is no text in {encoding}. Write it again as UTF-8.",
                row=line,
            )
        lines = text.split("\n")
        rest = lines.pop() if block else ""
        _refuse_long_lines([*lines, rest], lines_before)
        lines_before += len(lines)
        yield _Chunk(lines, bool(quote) and quote in text)
        if not block:
            return


def _undecodable(problem: UnicodeDecodeError, encoding: str, bytes_read: int, line: int) -> EncodingProblem:
    offset = bytes_read - len(problem.object) + problem.start
    line += problem.object.count(b"\n", 0, problem.start)
    return EncodingProblem(
        f"Byte {offset:,} in line {line:,} (0x{problem.object[problem.start]:02x}) is not {encoding}. "
        "Choose the encoding the file was written in.",
        row=line,
        around=problem.object[max(0, problem.start - 8_192) : problem.start + 8_192],
    )


def _refuse_long_lines(lines: Sequence[str], lines_before: int) -> None:
    if max(map(len, lines)) <= LONGEST_LINE:
        return
    line = lines_before + 1 + next(place for place, text in enumerate(lines) if len(text) > LONGEST_LINE)
    raise DelimitedProblem(
        f"Line {line:,} is longer than {LONGEST_LINE:,} characters, so this is hardly a table of rows. "
        "Check that lines end in line breaks.",
        row=line,
    )


class _Feed:
    """Hands lines to csv.reader and knows, between two records, what is left of the chunk."""

    def __init__(self, chunks: Iterator[_Chunk]):
        self.chunks, self.lines, self.quoted = chunks, deque[str](), False

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        while not self.lines:
            self._take(next(self.chunks))
        return self.lines.popleft() + "\n"

    def more(self) -> bool:
        """Are there lines left? Fetches the next chunk if need be."""
        while not self.lines:
            chunk = next(self.chunks, None)
            if chunk is None:
                return False
            self._take(chunk)
        return True

    def rest_of_chunk(self) -> list[str]:
        lines, self.lines = list(self.lines), deque()
        return lines

    def _take(self, chunk: _Chunk) -> None:
        self.lines, self.quoted = deque(chunk.lines), chunk.quoted


def _header(reader: Iterator[list[str]]) -> list[str]:
    try:
        header = next((record for record in reader if record), [])
    except csv.Error as problem:
        raise _unreadable(problem, 1) from None
    check_names(header)
    if len(header) == 1:
        raise DelimitedProblem(
            "Only one column was found; a table needs a target and something to learn from. Choose the delimiter.",
            row=1,
        )
    if all(_is_number(name) for name in header):
        raise DelimitedProblem("The first row holds numbers, not column names. Add a header row.", row=1)
    return header


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_record(reader: Iterator[list[str]], row: int, width: int) -> int:
    """Read one record; the number of the row reached."""
    try:
        record = next(reader, [])
    except csv.Error as problem:
        raise _unreadable(problem, row + 1) from None
    if not record:
        return row
    if len(record) != width:
        raise _ragged(row + 1, width, len(record))
    return row + 1


def _check_plain_lines(lines: list[str], row: int, width: int, delimiter: str) -> int:
    """Count the delimiters of lines that hold no quote; the number of the row reached."""
    found = [line.count(delimiter) for line in lines]
    if found.count(width - 1) == len(lines):
        return row + len(lines)
    for line, delimiters in zip(lines, found, strict=True):
        if not line:
            continue
        row += 1
        if delimiters != width - 1:
            raise _ragged(row, width, delimiters + 1)
    return row


def _ragged(row: int, expected: int, found: int) -> DelimitedProblem:
    return DelimitedProblem(
        f"Row {row:,} has {found:,} fields where the header has {expected:,}. "
        "Correct the row, or choose another delimiter or quote.",
        row=row,
    )


def _unreadable(problem: csv.Error, row: int) -> DelimitedProblem:
    if "field larger" in str(problem) or "unexpected end" in str(problem):
        what = "opens a quote that is not closed"
    else:
        what = "goes on after a closing quote"
    return DelimitedProblem(f"Row {row:,} {what}. Correct the row, or choose another quote.", row=row)
