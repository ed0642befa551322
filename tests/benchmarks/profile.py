"""The profile of a large CSV, against pandas; and its memory for a file of a gigabyte."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.benchmarks.clock import megabytes
from tests.benchmarks.table import Row

ROWS, COLUMNS, LARGE = 1_000_000, 20, 10**9  # the last: bytes
LIMIT = 512 * 2**20
OURS = "from apps.ml.profile import profile; profile(PATH)"
PANDAS = """
import pandas
table = pandas.read_csv(PATH)
table.isna().sum(), table.nunique(), table.describe(include="all"), table.duplicated().sum()
numbers = table.select_dtypes("number")
numbers.quantile([0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]), numbers.skew()
first, third = numbers.quantile(0.25), numbers.quantile(0.75)
((numbers < first - 1.5 * (third - first)) | (numbers > third + 1.5 * (third - first))).sum()
[table[name].value_counts().head(20) for name in table.columns]
"""


def measure(*, small: bool):
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder:
        path = Path(folder) / "table.csv"
        rows = ROWS // 100 if small else ROWS
        _write(path, rows)
        (ours, memory), (theirs, other) = _run(OURS, path), _run(PANDAS, path)
        yield Row(
            f"profile of a {rows:,} × {COLUMNS} CSV ({megabytes(path.stat().st_size)})",
            "pandas: read, missing, distinct, quantiles, skew, outliers, duplicates, most frequent",
            f"{ours:.1f} s, {megabytes(memory)} against {theirs:.1f} s, {megabytes(other)}: **{theirs / ours:.2f}×**"
            " as quick",
            "no slower",
            ours <= theirs,
        )
        _repeat(path, LARGE // 100 if small else LARGE)
        ours, memory = _run(OURS, path)
        yield Row(
            f"profile of a CSV of {megabytes(path.stat().st_size)}", "a bound on memory, whatever the rows",
            f"{ours:.0f} s in **{megabytes(memory)}**", "at most 512 MiB", memory <= LIMIT,
        )  # fmt: skip


def _write(path: Path, rows: int) -> None:
    """Twelve columns of numbers and eight of words, some missing."""
    import polars as pl

    drawn = np.random.default_rng(0)
    table = {f"number {at}": np.round(drawn.normal(size=rows) * 10**at, 3) for at in range(6)}
    table |= {f"count {at}": drawn.integers(0, 10 ** (at + 1), rows) for at in range(6)}
    table |= {f"word {at}": np.char.add("value ", drawn.integers(0, 4**at + 2, rows).astype(str)) for at in range(8)}
    frame = pl.DataFrame(table)
    blank = [pl.when(pl.Series(drawn.random(rows) < 0.05)).then(None).otherwise(pl.col(name)).alias(name)
             for name in ("number 1", "count 3", "word 2")]  # fmt: skip
    frame.with_columns(blank).write_csv(path)


def _repeat(path: Path, size: int) -> None:
    """The same rows again and again, until the file is that large."""
    header, body = path.read_bytes().split(b"\n", 1)
    with path.open("wb") as file:
        file.write(header + b"\n")
        while file.tell() < size:
            file.write(body)


def _run(program: str, path: Path) -> tuple[float, int]:
    """(seconds, bytes at the highest) of a Python process of its own, its start not counted. The process reads its own
    high-water mark, because what `wait4` tells begins with that of the process it was forked from."""
    timed = (
        f"import time; PATH = {str(path)!r}; began = time.perf_counter()\n{program}\nprint(time.perf_counter() - began)"
        "\nprint(*(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    said = subprocess.run([sys.executable, "-c", timed], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    return float(said[-2]), int(said[-1]) * 1024
