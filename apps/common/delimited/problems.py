"""What is said about a file that is no table."""

from __future__ import annotations


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
