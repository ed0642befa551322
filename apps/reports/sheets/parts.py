"""What a report's page and its document are made of: sections of words, charts and tables, numbered through."""

from dataclasses import dataclass, field

from apps.common.charts import Chart
from apps.common.numbers import interval, number, rounded


@dataclass(frozen=True)
class Cell:
    """A value with what stands small beneath it: its interval, its n."""

    text: str
    small: str = ""


@dataclass(frozen=True)
class Table:
    """Lines of cells; the first `words` columns are words, the others numbers."""

    caption: str
    columns: tuple[str, ...]
    lines: tuple[tuple[Cell, ...], ...]
    words: int = 1


@dataclass(frozen=True)
class Section:
    title: str
    text: tuple[str, ...] = ()
    parts: tuple[Chart | Table, ...] = ()


@dataclass(frozen=True)
class Part:
    """A chart or a table in its place, with its number among its like."""

    number: int
    chart: Chart | None = None
    table: Table | None = None


@dataclass(frozen=True)
class Numbered:
    title: str
    text: tuple[str, ...]
    parts: tuple[Part, ...] = field(default=())


def numbered(sections, *, first_table: int = 1) -> tuple[Numbered, ...]:
    """The sections with their charts and tables counted from 1 (tables from `first_table`)."""
    charts, tables = iter(range(1, 1000)), iter(range(first_table, 1000))

    def placed(part):
        return Part(next(tables), table=part) if isinstance(part, Table) else Part(next(charts), chart=part)

    return tuple(Numbered(one.title, one.text, tuple(placed(part) for part in one.parts)) for one in sections)


def plain(text) -> Cell:
    return Cell(number(text) if isinstance(text, int | float) and not isinstance(text, bool) else str(text))


def measured(figure: dict | None, *, with_n: bool = False) -> Cell:
    """A value over its interval, and its n where the table has no column for it."""
    if figure is None or figure.get("value") is None:
        return Cell("–")
    low, high, n = figure.get("low"), figure.get("high"), figure.get("n")
    beneath = [interval(low, high), f"n {number(n)}" if with_n else ""]
    return Cell(rounded(figure["value"], low, high, n), ", ".join(part for part in beneath if part))
