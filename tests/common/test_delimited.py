"""Is this file a table? Every refusal names its row or column, and every table is counted as pandas counts it."""

from __future__ import annotations

import codecs
import csv
import io
import zipfile

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from pyarrow import parquet

from apps.common import delimited
from apps.common.delimited import DelimitedProblem, examine, examine_csv, structure
from apps.common.delimited.finding import ENCODINGS


def examined(content: bytes, **chosen):
    return examine_csv(io.BytesIO(content), **chosen)


def refusal(content: bytes, **chosen) -> DelimitedProblem:
    with pytest.raises(DelimitedProblem) as caught:
        examined(content, **chosen)
    assert caught.value.message.endswith(".")
    return caught.value


def a_zip() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("table.csv", "a,b\n1,2\n")
    return target.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quote", ['"', "'"])
def test_it_finds_delimiter_and_quote(delimiter, quote):
    rows = [["name", "note", "sum"], [f"A{delimiter}B", "x, y; z", "1"], ["C", "two\nlines", "2"]]
    target = io.StringIO()
    csv.writer(target, delimiter=delimiter, quotechar=quote, quoting=csv.QUOTE_ALL).writerows(rows)
    found = examined(target.getvalue().encode())
    assert (found.delimiter, found.quote, found.columns, found.rows) == (delimiter, quote, tuple(rows[0]), 2)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "cp1251"])
def test_it_finds_the_encoding(encoding):
    word = "Москва и Санкт-Петербург" if encoding == "cp1251" else "Zürich, Genève und Sankt Gallen"
    text = "city;rows\n" + f"{word};1\n" * 200
    found = examined(text.encode(encoding))
    assert (found.encoding, found.rows, found.columns) == (encoding, 200, ("city", "rows"))


def test_it_finds_the_encoding_when_only_a_late_byte_gives_it_away():
    content = b"city,rows\n" + b"Bern,1\n" * 200_000 + ("Zürich Genève Müller,2\n" * 20).encode("cp1252")
    assert examined(content).encoding in ("cp1252", "iso8859-1")
    problem = refusal(content, encoding="utf-8")
    assert problem.row == 200_002
    assert f"Byte {content.index(0xFC):,}" in problem.message


def test_every_offered_encoding_has_the_name_python_gives_it():
    assert all(codecs.lookup(name).name == name for name in ENCODINGS)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_it_reads_all_line_ends_and_skips_blank_lines(ending):
    content = ending.join(["a,b", "1,2", "", "3,4", "", ""]).encode()
    assert examined(content).rows == 2


@pytest.mark.parametrize(
    ("content", "words", "row", "column"),
    [
        (b"", "is empty", None, None),
        (b"\xef\xbb\xbf \r\n\n", "is empty", None, None),
        (b"a,b,c\n", "no data", None, None),
        (b"a,b,c\n\n\n", "no data", None, None),
        (b"a,b\n1,2\n3\n", "Row 3 has 1 fields where the header has 2", 3, None),
        (b'a,b\n1,2\n"3",4,5\n', "Row 3 has 3 fields where the header has 2", 3, None),
        (b"a,b\n\n1,2\n\n3,4,5\n", "Row 3 has 3 fields", 3, None),
        (b"a,b,a\n1,2,3\n", "Columns 1 and 3 are both called “a”", 1, "a"),
        (b"a, ,c\n1,2,3\n", "Column 2 has no name", 1, "2"),
        (b"a,b\n1,\x002\n", "Line 2 holds a NUL byte", 2, None),
        (b"1,2\n3,4\n", "numbers, not column names", 1, None),
        (b"a\n1\n", "Only one column", 1, None),
        (b'a,b\n1,"2\n3,4\n', "Row 2 opens a quote that is not closed", 2, None),
        (b'a,b\n1,"2"x\n3,4\n', "Row 2 goes on after a closing quote", 2, None),
        (b'a,"b\nc"\n1,2\n', "control character", 1, "b\nc"),
        (b"%PDF-1.7 a,b\n1,2\n", "a PDF document", None, None),
        (b"PAR1....", "Choose the format Parquet", None, None),
        (b"\x80\x04\x95a,b", "a Python pickle", None, None),
        (b"<!DOCTYPE html><p>a,b", "a web page", None, None),
    ],
)
def test_it_refuses_what_is_no_table_and_says_where(content, words, row, column):
    problem = refusal(content)
    assert words in problem.message
    assert (problem.row, problem.column) == (row, column)


def test_it_refuses_a_zip_named_csv():
    assert "a ZIP archive" in refusal(a_zip()).message


def test_it_refuses_more_columns_than_anyone_can_read():
    names = ",".join(f"c{place}" for place in range(50_000))
    assert "50,000 columns" in refusal(f"{names}\n{names}\n".encode()).message


def test_it_refuses_the_wrong_encoding_by_byte_and_line():
    content = "a,b\n1,2\nß,3\n".encode("cp1252")
    problem = refusal(content, encoding="utf-8")
    assert problem.row == 3
    assert "Byte 8 in line 3 (0xdf) is not utf-8" in problem.message


def test_it_refuses_an_encoding_or_delimiter_that_does_not_exist():
    assert "no encoding called “klingon”" in refusal(b"a,b\n1,2\n", encoding="klingon").message
    assert "one character" in refusal(b"a,b\n1,2\n", delimiter="::").message


class EndlessLine(io.RawIOBase):
    """A line of 2 GB that would be noticed if anyone read much of it."""

    def __init__(self):
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        assert size > 0 and self.given < 64 << 20, "the whole line was read"
        self.given += size
        return b"x" * size

    def seek(self, *_):
        return 0


def test_it_refuses_a_line_of_two_gigabytes_without_reading_it():
    line = EndlessLine()
    with pytest.raises(DelimitedProblem, match="Line 1 is longer than 1,048,576"):
        examine_csv(line)
    assert line.given <= 2 * structure.CHUNK


def test_it_refuses_a_long_line_among_short_ones():
    problem = refusal(b"a,b\n1,2\n" + b"y" * (structure.LONGEST_LINE + 1) + b",2\n")
    assert problem.row == 3


field = some.text(some.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=("Cs",)), max_size=12)


@settings(max_examples=150, deadline=None)
@given(rows=some.lists(some.tuples(field, field, field), min_size=1, max_size=30), chunk=some.integers(5, 60))
def test_it_counts_rows_as_the_csv_module_does_wherever_chunks_end(rows, chunk):
    target = io.StringIO()
    csv.writer(target).writerows([("one", "two", "three"), *rows])
    original = structure.CHUNK
    structure.CHUNK = chunk
    try:
        found = examined(target.getvalue().encode(), encoding="utf-8", delimiter=",", quote='"')
    finally:
        structure.CHUNK = original
    assert found.rows == len(rows)


def test_it_agrees_with_pandas_on_real_files(shared_data):
    for path in sorted(shared_data.glob("*.csv")):
        found, table = examine(path), pd.read_csv(path)
        assert (found.rows, found.columns) == (len(table), tuple(table.columns)), path.name


def test_it_reads_a_parquet_footer(tmp_path):
    parquet.write_table(pa.table({"a": [1, 2, 3], "b": ["x", "y", None]}), tmp_path / "t.parquet")
    found = examine(tmp_path / "t.parquet", format="parquet")
    assert (found.columns, found.rows, found.format) == (("a", "b"), 3, "parquet")


@pytest.mark.parametrize(
    ("columns", "words", "column"),
    [
        ({"a": [1], "b": [[1, 2]]}, "not one plain value", "b"),
        ({"a": [1], "b": [{"x": 1}]}, "not one plain value", "b"),
        ({"a": [1], "b": [b"\0"]}, "not one plain value", "b"),
        ({"a": [], "b": []}, "0 rows", None),
        ({"a": [1]}, "one column", None),
        ({"a": [1], " ": [2]}, "Column 2 has no name", "2"),
    ],
)
def test_it_refuses_a_parquet_file_that_is_no_plain_table(tmp_path, columns, words, column):
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    with pytest.raises(DelimitedProblem, match=words) as caught:
        examine(tmp_path / "t.parquet", format="parquet")
    assert caught.value.column == column


def test_it_refuses_a_parquet_file_that_is_cut_off_or_none(tmp_path):
    parquet.write_table(pa.table({"a": [1, 2], "b": [1, 2]}), tmp_path / "t.parquet")
    content = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(content[: len(content) // 2])
    (tmp_path / "csv.parquet").write_bytes(b"a,b\n1,2\n")
    (tmp_path / "none.parquet").write_bytes(b"")
    for name, words in (("cut", "cut off"), ("csv", "no Parquet file"), ("none", "is empty")):
        with pytest.raises(DelimitedProblem, match=words):
            examine(tmp_path / f"{name}.parquet", format="parquet")


def test_the_format_follows_the_name():
    assert [delimited.format_of(name) for name in ("a.csv", "a.PARQUET", "a.pq", "parquet")] == [
        "csv",
        "parquet",
        "parquet",
        "csv",
    ]
