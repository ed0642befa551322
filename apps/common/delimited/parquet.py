"""What a Parquet file says of itself in its footer."""

from __future__ import annotations

from pathlib import Path

from apps.common.delimited.names import check_names
from apps.common.delimited.problems import DelimitedProblem

MOST_ROWS = 200_000_000


def examine_parquet(path: str | Path) -> tuple[list[str], int]:
    """(column names, rows). Raises DelimitedProblem."""
    import pyarrow as pa  # only when a Parquet file comes: it is large
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
    return schema.names, rows


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
