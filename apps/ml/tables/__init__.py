"""Tables as the laboratory sees them: what is read, what is predicted, who is compared with whom.

A frame has two kinds of columns only: numbers (Float64, finite or null) and categories (String or null). A column is a
number if every value that is not missing parses as one. A cell is missing if it is empty, is one of the declared
markers, or is "NaN" in a column of numbers. Rows are counted as a spreadsheet counts them: the header is row 1, the
first data row is row 2.
"""

from apps.ml.tables.cells import (
    Column,
    as_numbers,
    blank_numbers,
    blank_text,
    blank_texts,
    columns_of,
    number_markers,
    number_or_category,
    text_of,
)
from apps.ml.tables.declarations import Attribute, Declaration
from apps.ml.tables.grouping import MISSING_GROUP, MOST_GROUPS, cut_labels, groups, intersection
from apps.ml.tables.outcomes import check, equal_to, outcome, split
from apps.ml.tables.problems import FIRST_ROW, TableProblem, some
from apps.ml.tables.reading import as_text, csv_options, plain, read_table

__all__ = [
    "FIRST_ROW",
    "MISSING_GROUP",
    "MOST_GROUPS",
    "Attribute",
    "Column",
    "Declaration",
    "TableProblem",
    "as_numbers",
    "as_text",
    "blank_numbers",
    "blank_text",
    "blank_texts",
    "check",
    "columns_of",
    "csv_options",
    "cut_labels",
    "equal_to",
    "groups",
    "intersection",
    "number_markers",
    "number_or_category",
    "outcome",
    "plain",
    "read_table",
    "some",
    "split",
    "text_of",
]
