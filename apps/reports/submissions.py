"""Figures that were measured elsewhere: what is wrong with them, by field and row, and the report they become.

The portal did not compute them and opens no file that comes with them. It can only ask that they are whole: known
names, finite numbers where such a figure can lie, values inside their intervals, rows behind each."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from math import isfinite
from typing import Any

from apps.common.canonical import can_be_kept
from apps.common.numbers import number
from apps.reports import answers
from apps.reports.figures import REPORTS, Figure
from apps.reports.models import Provenance

TEXTS = {"measured_by": 200, "method": 4000, "data": 4000}
LACKING = {
    "measured_by": "Say who measured.",
    "method": "Say by which method: the tool and its version, the split, how the intervals were made.",
    "data": "Say on which data.",
}
NUMBERS = ("value", "low", "high", "n", "smallest_group")
COLUMNS = ("name", "of", *NUMBERS)  # of a pasted table
MOST_FIGURES = 200
MOST_ROWS = 10**12
LONGEST_DAY = timedelta(hours=14)  # by so much it is another day somewhere


def asked(kind: str, attributes: Sequence[str]) -> list[tuple[str, str, Figure]]:
    """Every figure that a report of this kind may hold for these sensitive attributes: (name, of, what it is)."""
    of_groups = [*attributes, *(" & ".join(pair) for pair in combinations(attributes, 2))]
    return [
        (name, of, figure) for name, figure in REPORTS[kind].items() for of in (of_groups if figure.by_group else [""])
    ]


# --- what is wrong ---------------------------------------------------------------------------------------------------


def problems(kind: str, given: Mapping[str, Any], *, attributes: Sequence[str], registered: datetime) -> dict[str, str]:
    """What is wrong with a submission: {field, or figures.<place>.<field>: sentence}. `attributes`: the sensitive ones
    that the data declares; `registered`: since when there are bytes to measure."""
    found = {name: LACKING[name] for name in TEXTS if not given.get(name, "").strip()}
    for name, most in TEXTS.items():
        if len(given.get(name, "")) > most:
            found[name] = f"At most {most:,} characters."
    on, now = given["measured_on"], datetime.now(UTC)
    if on > (now + LONGEST_DAY).date():
        found["measured_on"] = f"{_day(on)} is still to come."
    elif on < (registered - LONGEST_DAY).date():
        found["measured_on"] = f"This model version is of {_day(registered)}; nothing was measured of it before."
    if (digest := given.get("data_digest", "")) and not _is_digest(digest):
        found["data_digest"] = "A SHA-256 has 64 hexadecimal digits. Leave it out if you have none."
    figures = given["figures"]
    if not figures:
        found["figures"] = "Give at least one figure."
    elif len(figures) > MOST_FIGURES:
        found["figures"] = f"At most {MOST_FIGURES} figures are taken."
    return found if "figures" in found else found | _figure_problems(kind, figures, attributes)


def _figure_problems(kind: str, figures: Sequence[Mapping], attributes: Sequence[str]) -> dict[str, str]:
    known, seen, found = REPORTS[kind], set(), {}
    for place, row in enumerate(figures):
        figure = known.get(row["name"])
        if figure is None:
            what = {"name": f"No {kind} report has “{row['name']}”. It may have {', '.join(known)}."}
        else:
            what = _wrong_with(row, figure, attributes)
            key = row["name"], _ordered(row.get("of") or "", attributes)
            if not what and key in seen:
                what = {"name": f"{_called(row)} was given before."}
            seen.add(key)
        found |= {f"figures.{place}.{name}": sentence for name, sentence in what.items()}
    return found


def _wrong_with(row: Mapping[str, Any], figure: Figure, attributes: Sequence[str]) -> dict[str, str]:
    """What is wrong with one figure, by its field."""
    of = row.get("of") or ""
    if figure.by_group and not _ordered(of, attributes):
        choice = ", ".join(attributes) if attributes else "nothing: the data declares no sensitive attribute"
        return {"of": f"“{of}” is no sensitive attribute, nor a pair of them. The data declares {choice}."}
    if of and not figure.by_group:
        return {"of": f"{figure.label} is a figure of the whole model, not of “{of}”."}
    return _wrong_ends(row, figure) or _wrong_counts(row)


def _wrong_ends(row: Mapping[str, Any], figure: Figure) -> dict[str, str]:
    ends = {name: row.get(name) for name in ("value", "low", "high")}
    for name, end in ends.items():
        if end is None and name == "value":
            return {"value": f"{_called(row)} has no value."}
        if end is not None and not _is_number(end):
            return {name: f"“{end}” is no finite number."}
        if end is not None and not figure.lowest <= end <= figure.highest:
            bounded = isfinite(figure.highest)
            reach = f"from {figure.lowest:g} to {figure.highest:g}" if bounded else f"at {figure.lowest:g} or above"
            return {name: f"{figure.label} lies {reach}; {end:g} does not."}
    value, low, high = ends["value"], ends["low"], ends["high"]
    if figure.exact and {low, high} - {None, value}:
        return {"low": f"{figure.label} is computed, not estimated from a sample: give it no interval."}
    if (low is None) != (high is None):
        return {"low" if low is None else "high": "An interval has two ends; give both, or neither."}
    if low is not None and not low <= value <= high:
        return {"value": f"{value:g} does not lie within its interval, {low:g} to {high:g}."}
    return {}


def _wrong_counts(row: Mapping[str, Any]) -> dict[str, str]:
    n, smallest = row.get("n"), row.get("smallest_group")
    if n is None:
        return {"n": "Say on how many rows it was measured."}
    for name, count in (("n", n), ("smallest_group", smallest)):
        if count is not None and not (_is_number(count) and float(count).is_integer() and 1 <= count <= MOST_ROWS):
            return {name: f"“{count}” is no whole number of rows, 1 or more."}
    if smallest is not None and smallest > n:
        return {"smallest_group": f"The smallest group cannot have more rows than all {number(n)}."}
    return {}


def _is_number(value) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _is_digest(text: str) -> bool:
    return len(text) == 64 and set(text.lower()) <= set("0123456789abcdef")


def _ordered(of: str, attributes: Sequence[str]) -> str | None:
    """The attribute, or the pair of them in the order in which the data declares them; None for what it does not."""
    if of in attributes:
        return of
    for one, two in combinations(attributes, 2):
        if of in (f"{one} & {two}", f"{two} & {one}"):
            return f"{one} & {two}"
    return None if of else ""


def _called(row: Mapping[str, Any]) -> str:
    return f"{row['name']} of {row['of']}" if row.get("of") else row["name"]


def _day(at: date) -> str:
    return f"{at:%-d %B %Y}"


# --- what it becomes -------------------------------------------------------------------------------------------------


def result(kind: str, given: Mapping[str, Any], *, version, attributes: Sequence[str], original: dict | None) -> dict:
    """The whole of a submitted report as plain values. `given` has no problems."""
    figures = [_figure(row, REPORTS[kind][row["name"]], attributes) for row in given["figures"]]
    measured = {
        "by": given["measured_by"].strip(),
        "on": given["measured_on"].isoformat(),
        "method": given["method"].strip(),
        "data": given["data"].strip(),
        "data_digest": given.get("data_digest", "").lower(),
    }
    return {
        "kind": kind,
        "answer": answers.submitted(figures, measured),
        "verdict": None,  # it brings no limits; a policy judges it
        "figures": figures,
        "detail": {},
        "method": {},
        "caveats": [NOT_OURS, KEPT if original else NO_FILE],
        "measured": measured,
        "original": original,
        "subject": {
            "organization": version.organization_id,
            "project": version.project.slug,
            "model": version.model.name,
            "version": version.number,
        },
        "inputs": {"artifact": version.artifact_digest},
        "provenance": Provenance.SUBMITTED.label,
    }


NOT_OURS = (
    "The portal did not compute these figures, and cannot say that they are of these bytes; who submitted them does."
)
KEPT = "The file they came with is kept as it was sent, and was not opened."
NO_FILE = "No file came with them."


def _figure(row: Mapping[str, Any], figure: Figure, attributes: Sequence[str]) -> dict[str, Any]:
    """As the laboratory writes one: what is exact has its value for both ends, and nothing is held to a limit."""
    ends = ("value",) * 3 if figure.exact else ("value", "low", "high")
    value, low, high = (None if row.get(end) is None else float(row[end]) for end in ends)
    smallest = row.get("smallest_group")
    return {
        "name": row["name"], "of": _ordered(row.get("of") or "", attributes), "value": value, "low": low,
        "high": high, "n": int(row["n"]), "smallest_group": None if smallest is None else int(smallest),
        "threshold": None, "direction": None, "verdict": None, "note": "",
    }  # fmt: skip


# --- what was typed or pasted ----------------------------------------------------------------------------------------


class Unreadable(ValueError):
    """What was pasted is no table of figures; the sentence says where and why."""


def pasted(text: str) -> list[dict[str, Any]]:
    """The figures of a pasted table: JSON (a list, or an object with “figures”), or CSV with a header. Raises
    Unreadable; whether the figures are right is asked afterwards."""
    if not text.strip():
        return []
    return _from_json(text) if text.lstrip()[0] in "[{" else _from_csv(text.strip())


def _from_json(text: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"This is no JSON: {error}.") from error
    if not can_be_kept(json.dumps(found, ensure_ascii=False)):
        raise Unreadable("The JSON holds half of a surrogate pair, which no text can keep.")
    rows = found.get("figures") if isinstance(found, dict) else found
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and isinstance(row.get("name"), str) for row in rows
    ):
        raise Unreadable("The JSON must be a list of figures, each an object with “name”, “value” and “n”.")
    return [_known(row, f"Figure {place}") for place, row in enumerate(rows, start=1)]


def _from_csv(text: str) -> list[dict[str, Any]]:
    delimiter = max("\t;,", key=text.partition("\n")[0].count)
    try:
        header, *lines = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise Unreadable(f"This is no CSV: {error}.") from error
    header = [name.strip() for name in header]
    if missing := [name for name in ("name", "value") if name not in header]:
        lacks = " and ".join(missing)
        raise Unreadable(f"The first line must name the columns {', '.join(COLUMNS)}; it lacks {lacks}.")
    rows = []
    for place, cells in enumerate(lines, start=2):
        if len(cells) > len(header):
            raise Unreadable(f"Line {place} has {len(cells)} cells, the header {len(header)}.")
        if any(cell.strip() for cell in cells):
            rows.append(_known({name: typed(cell) for name, cell in zip(header, cells, strict=False)}, f"Line {place}"))
    return rows


def _known(row: dict[str, Any], where: str) -> dict[str, Any]:
    """Without what every report of the portal says of a figure beside; nothing else is left out in silence."""
    if strangers := [name for name in row if name not in (*COLUMNS, "threshold", "direction", "verdict", "note")]:
        raise Unreadable(f"{where} has “{strangers[0]}”; the columns are {', '.join(COLUMNS)}.")
    named = {name: "" if row.get(name) is None else str(row[name]) for name in ("name", "of")}
    return {name: row.get(name) for name in COLUMNS} | named


def typed(cell: str) -> float | int | str | None:
    """What somebody typed as a number, or nothing; what is no number stays as it is, to be complained of."""
    text = cell.strip()
    for sort in (int, float):
        try:
            return sort(text)
        except ValueError:
            continue
    return text or None
