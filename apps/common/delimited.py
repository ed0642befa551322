"""Is this file a table? Finds how a CSV is written and checks its structure in one pass and constant memory.

Used by the web process at upload, so nothing heavy is imported: chunks without a quote are judged by counting delimiters line
by line, chunks with quotes by Python's csv module. Rows are counted as a spreadsheet counts them: the header is row 1, and
blank lines do not count. Parquet is judged by its footer.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

CHUNK = 1 << 22
SAMPLE = 1 << 18
LONGEST_LINE = 1 << 20
MOST_COLUMNS = 2_000
MOST_ROWS = 200_000_000
LONGEST_NAME = 200

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", " ": "blank"}
FOUND_DELIMITERS = (",", ";", "\t", "|")
QUOTES = {'"': "double quotes", "'": "single quotes", "": "no quotes"}
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "cp1252": "Windows-1252, western Europe",
    "iso8859-1": "ISO 8859-1, western Europe",
    "iso8859-15": "ISO 8859-15, western Europe with €",
    "cp1250": "Windows-1250, central Europe",
    "iso8859-2": "ISO 8859-2, central Europe",
    "cp1251": "Windows-1251, Cyrillic",
    "cp1253": "Windows-1253, Greek",
    "cp1254": "Windows-1254, Turkish",
    "shift_jis": "Shift JIS, Japanese",
    "gb18030": "GB 18030, Chinese",
    "big5": "Big5, Chinese",
    "euc_kr": "EUC-KR, Korean",
}

MAGIC = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"%PDF", "a PDF document"),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file"),
    (b"\x89PNG", "an image"),
    (b"GIF8", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x89HDF", "an HDF5 file"),
    (b"ARROW1", "an Arrow file"),
    (b"\x7fELF", "a program"),
    (b"\x80\x04\x95", "a Python pickle"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"{\\rtf", "a rich-text document"),
)


class DelimitedProblem(ValueError):
    """A file is no table we can keep: one sentence saying what, where and what to do."""

    def __init__(self, message: str, *, row: int | None = None, column: str | None = None):
        super().__init__(message)
        self.message, self.row, self.column = message, row, column


class EncodingProblem(DelimitedProblem):
    """A byte that the encoding does not know; `around` holds the bytes next to it."""

    def __init__(self, message: str, *, row: int, around: bytes):
        super().__init__(message, row=row)
        self.around = around


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
        return _examine_parquet(path)
    with open(path, "rb") as file:
        return examine_csv(file, encoding=encoding, delimiter=delimiter, quote=quote)


def format_of(filename: str) -> Literal["csv", "parquet"]:
    return "parquet" if filename.lower().endswith((".parquet", ".pq")) else "csv"


def examine_csv(
    file: BinaryIO, *, encoding: str | None = None, delimiter: str | None = None, quote: str | None = None
) -> Structure:
    """As `examine`, for an open file."""
    sample = file.read(SAMPLE)
    _refuse_other_formats(sample)
    try:
        return _examine_as(file, sample, encoding or find_encoding(sample), delimiter, quote)
    except EncodingProblem as problem:
        if encoding:
            raise
        # The beginning looked like UTF-8, a later byte is not: ask again with the bytes around it.
        guess = _guess(sample[: SAMPLE // 4] + b"\n" + problem.around)
        if guess is None:
            raise
        return _examine_as(file, sample, guess, delimiter, quote)


def _examine_as(file: BinaryIO, sample: bytes, encoding: str, delimiter: str | None, quote: str | None) -> Structure:
    text = _sample_text(sample, encoding)
    if quote is None:
        quote = find_quote(text, delimiter)
    if delimiter is None:
        delimiter = find_delimiter(text, quote)
    file.seek(0)
    columns, rows = _check_structure(_Feed(_chunks(file, encoding, quote)), delimiter, quote)
    return Structure("csv", tuple(columns), rows, encoding, delimiter, quote)


def _refuse_other_formats(sample: bytes) -> None:
    if not sample.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n"):
        raise DelimitedProblem("The file is empty. Choose a file with a header row and at least one row of data.")
    for magic, name in MAGIC:
        if sample.lstrip()[: len(magic)] == magic:
            hint = (
                "Choose the format Parquet."
                if magic == b"PAR1"
                else "Export the table as CSV or Parquet and upload that."
            )
            raise DelimitedProblem(f"The file is {name}, whatever its name says. {hint}")


# --- finding out ------------------------------------------------------------------------------------------------------


def find_encoding(sample: bytes) -> str:
    """UTF-8 unless the sample begins with another mark or cannot be UTF-8. Raises DelimitedProblem."""
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        if guess := _guess(sample):
            return guess
        raise DelimitedProblem(
            "The encoding of the file cannot be recognised. Choose the encoding it was written in."
        ) from None
    return "utf-8"


def _guess(sample: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=[name for name in ENCODINGS if name != "utf-16"]).best()
    return best.encoding if best else None


def _sample_text(sample: bytes, encoding: str) -> str:
    """The whole lines of the sample; undecodable bytes are left to the full check, which knows where they are."""
    try:
        text = codecs.getincrementaldecoder(encoding)("replace").decode(sample)
    except LookupError:
        raise DelimitedProblem(f"There is no encoding called “{encoding}”. Choose one of the list.") from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    whole, _, rest = text.rpartition("\n")
    return whole or rest


def find_quote(text: str, delimiter: str | None = None) -> str:
    """Single quotes only where fields clearly begin and end with them; double quotes otherwise."""
    if '"' in text:
        return '"'
    delimiters = (delimiter,) if delimiter else FOUND_DELIMITERS
    return "'" if any(f"'{mark}'" in text for mark in delimiters) else '"'


def find_delimiter(text: str, quote: str) -> str:
    """The mark that cuts most lines of the sample into the same number of fields, and into the most."""

    def evenness(mark: str) -> tuple[float, int]:
        widths = [len(row) for row in _rows_of(text, mark, quote) if row]
        width, times = Counter(widths).most_common(1)[0] if widths else (1, 0)
        return (times / len(widths), width) if width > 1 else (0.0, 1)

    return max(FOUND_DELIMITERS, key=evenness)


def _rows_of(text: str, delimiter: str, quote: str) -> list[list[str]]:
    try:
        return list(csv.reader(text.split("\n")[:200], **_dialect(delimiter, quote, strict=False)))
    except csv.Error:
        return []


def _dialect(delimiter: str, quote: str, *, strict: bool) -> dict:
    if len(delimiter) != 1 or delimiter in "\r\n" or delimiter == quote or not delimiter.isascii():
        raise DelimitedProblem("A delimiter is one character, such as a comma, and differs from the quote.")
    how = {"quoting": csv.QUOTE_MINIMAL, "quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    return {"delimiter": delimiter, "doublequote": True, "strict": strict, **how}


# --- the pass over the file -------------------------------------------------------------------------------------------


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


def _check_structure(feed: _Feed, delimiter: str, quote: str) -> tuple[list[str], int]:
    """(column names, data rows). Raises DelimitedProblem."""
    csv.field_size_limit(LONGEST_LINE)
    reader = csv.reader(feed, **_dialect(delimiter, quote, strict=True))
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


def check_names(names: Sequence[str]) -> None:
    """Refuse a header that cannot name columns: too many, blank, repeated, too long or with control characters."""
    if len(names) > MOST_COLUMNS:
        raise DelimitedProblem(
            f"The header names {len(names):,} columns; at most {MOST_COLUMNS:,} are taken. Keep the ones that matter.",
            row=1,
        )
    seen: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        if fault := _fault_of_name(name, place, seen):
            raise DelimitedProblem(f"{fault} Name every column once.", row=1, column=name.strip() or str(place))
        seen[name.strip()] = place


def _fault_of_name(name: str, place: int, seen: dict[str, int]) -> str | None:
    plain = name.strip()
    if not plain:
        return f"Column {place:,} has no name."
    if plain in seen:
        return f"Columns {seen[plain]:,} and {place:,} are both called “{plain[:LONGEST_NAME]}”."
    if len(name) > LONGEST_NAME:
        return f"The name of column {place:,} is longer than {LONGEST_NAME} characters."
    if not name.isprintable():
        return f"The name of column {place:,} holds a line break or a control character."
    return None


# --- Parquet ----------------------------------------------------------------------------------------------------------


def _examine_parquet(path: str | Path) -> Structure:
    import pyarrow as pa
    from pyarrow import parquet

    with open(path, "rb") as file:
        magic = file.read(4)
    if magic != b"PAR1":
        raise DelimitedProblem(
            "The file is empty."
            if not magic
            else "The file is no Parquet file. Choose the format CSV, or write it again."
        )
    try:
        with parquet.ParquetFile(path) as table:
            schema, rows = table.schema_arrow, table.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError) as problem:
        raise DelimitedProblem(
            f"The Parquet file cannot be read: {problem}. It may be cut off; write it again and upload it anew."
        ) from None
    _check_schema(schema, rows)
    return Structure("parquet", tuple(schema.names), rows)


def _check_schema(schema, rows: int) -> None:
    from pyarrow import types

    check_names(schema.names)
    if len(schema.names) == 1:
        raise DelimitedProblem("The file has one column; a table needs a target and something to learn from.")
    if not 0 < rows <= MOST_ROWS:
        raise DelimitedProblem(f"The file has {rows:,} rows; between 1 and {MOST_ROWS:,} are taken.")
    for field in schema:
        kind = field.type.value_type if types.is_dictionary(field.type) else field.type
        if types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind):
            raise DelimitedProblem(
                f"Column “{field.name}” holds {field.type}, not one plain value a row. Flatten it into columns of its "
                "own.",
                column=field.name,
            )
