"""What is said of a table that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

FIRST_ROW = 2


class TableProblem(ValueError):
    """A table cannot be used as declared: one sentence saying what, where and what to do."""

    def __init__(self, message: str, *, row: int | None = None, column: str | None = None):
        super().__init__(message)
        self.message, self.row, self.column = message, row, column


def some(names: Sequence[Any], most: int = 8) -> str:
    """“a”, “b”, “c” and 4 more: a list short enough for a sentence."""
    shown = ", ".join(f"“{name}”" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"
