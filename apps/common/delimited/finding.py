"""How is this file written? Encoding, quote and delimiter, judged by a sample."""

from __future__ import annotations

import codecs
import csv
from collections import Counter

from apps.common.delimited.problems import DelimitedProblem

SAMPLE = 1 << 18
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


def refuse_other_formats(sample: bytes) -> None:
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


def find_encoding(sample: bytes) -> str:
    """UTF-8 unless the sample begins with another mark or cannot be UTF-8. Raises DelimitedProblem."""
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        if found := guess(sample):
            return found
        raise DelimitedProblem(
            "The encoding of the file cannot be recognised. Choose the encoding it was written in."
        ) from None
    return "utf-8"


def guess(sample: bytes) -> str | None:
    """The likeliest encoding; of several as likely, or that read the sample alike, the first of the list."""
    from charset_normalizer import from_bytes

    matches = from_bytes(sample, cp_isolation=[name for name in ENCODINGS if name != "utf-16"])
    best = matches.best()
    if best is None:
        return None
    likeliest = {
        sample.decode(match.encoding, "replace")
        for match in matches
        if (match.chaos, match.coherence) == (best.chaos, best.coherence)
    }
    return next(name for name in ENCODINGS if sample.decode(name, "replace") in likeliest)


def sample_text(sample: bytes, encoding: str) -> str:
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
        return list(csv.reader(text.split("\n")[:200], **dialect(delimiter, quote, strict=False)))
    except csv.Error:
        return []


def dialect(delimiter: str, quote: str, *, strict: bool) -> dict:
    if len(delimiter) != 1 or delimiter in "\r\n" or delimiter == quote or not delimiter.isascii():
        raise DelimitedProblem("A delimiter is one character, such as a comma, and differs from the quote.")
    how = {"quoting": csv.QUOTE_MINIMAL, "quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    return {"delimiter": delimiter, "doublequote": True, "strict": strict, **how}
