"""Can these names name columns?"""

from __future__ import annotations

from collections.abc import Sequence

from apps.common.delimited.problems import DelimitedProblem

MOST_COLUMNS = 2_000
LONGEST_NAME = 200


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
