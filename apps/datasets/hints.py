"""What a profile suggests to whoever declares: examples, marks of missing values, columns to leave out."""

import re
from dataclasses import dataclass, field

from apps.datasets.rules import shown

USELESS = {"empty": "always missing", "constant": "never varies", "identifier": "names rows"}
SOUNDS_SENSITIVE = re.compile(
    r"\b(sex|gender|male|female|race|ethnic\w*|black|hispan\w*|white|asian|age|old|birth\w*|marital|married|marriage|"
    r"nation\w*|native|country|foreign\w*|citizen\w*|relig\w*|disab\w*|pregnan\w*|orientation|personal)\b"
)
EXAMPLES = 4


@dataclass(frozen=True)
class ColumnHint:
    type: str = ""
    examples: tuple[str, ...] = ()
    missing: int = 0
    distinct: int | None = None
    note: str = ""

    @property
    def is_number(self) -> bool:
        return self.type in ("", "number")


@dataclass(frozen=True)
class Hints:
    """Empty while no profile is finished: then nothing is suggested, and nothing is said of the columns."""

    columns: dict[str, ColumnHint] = field(default_factory=dict)
    markers: tuple[tuple[str, str, bool], ...] = ()  # (marker, where it stands, whether it is likely)
    leave_out: frozenset[str] = frozenset()
    values: dict[str, list[tuple[str, int]]] = field(default_factory=dict)  # the commonest values of each column

    def of(self, name: str) -> ColumnHint:
        return self.columns.get(name, ColumnHint())


def hints(result: dict | None) -> Hints:
    """From a finished profile, or from None."""
    if result is None:
        return Hints()
    useless = {f["column"]: USELESS[f["kind"]] for f in result["findings"] if f["kind"] in USELESS}
    return Hints(
        columns={facts["name"]: _column(facts, useless) for facts in result["columns"]},
        markers=_markers(result["findings"]),
        leave_out=frozenset(useless),
        values={facts["name"]: [(shown(value), count) for value, count in facts["top"]] for facts in result["columns"]},
    )


def _column(facts: dict, useless: dict[str, str]) -> ColumnHint:
    examples = [shown(value, digits=6) for value, _ in facts["top"][:EXAMPLES]]
    if not examples and facts.get("min") is not None:
        examples = [f"{facts['min']:.6g} to {facts['max']:.6g}"]
    note = useless.get(facts["name"], "")
    if not note and SOUNDS_SENSITIVE.search(re.sub(r"[^a-z]+", " ", facts["name"].lower())):
        note = "sounds sensitive"
    return ColumnHint(facts["type"], tuple(examples), facts["missing"], facts["distinct"], note)


def _markers(findings: list[dict]) -> tuple[tuple[str, str, bool], ...]:
    """One entry for each suspected marker, with the columns it stands in; texts are likely, numbers may be values."""
    where: dict[str, list[str]] = {}
    for finding in findings:
        if finding["kind"] == "suspected missing":
            where.setdefault(finding["marker"], []).append(finding["column"])
    return tuple(
        (marker, f"{marker} in {_some(columns)}", not _is_number(marker)) for marker, columns in sorted(where.items())
    )


def _some(names: list[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more columns" if len(names) > most else "")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
