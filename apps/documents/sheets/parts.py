"""What a document is made of, as plain values: sections of facts, figures, tables, people's words, and gaps.

Numbers come from evidence alone: each figure and each cell that shows one keeps it raw, with the slot it was taken from
and the place in that JSON (a JSON Pointer, RFC 6901), so that anybody can look it up."""

import unicodedata
from collections.abc import Iterable
from typing import Any

from apps.common import documents, numbers
from apps.documents.rules import GIVEN
from apps.reports.rules import name_of

ANSWERED = {"unknown": "Unknown.", "not applicable": "Not applicable:"}


def section(number: str, title: str, reference: str, *parts) -> dict:
    """`parts`: parts, or iterables of them."""
    flat = [part for found in parts for part in ([found] if isinstance(found, dict) else found)]
    slots = dict.fromkeys(part["slot"] for part in flat if "slot" in part)
    return {
        "number": number, "title": title, "reference": reference, "filled": _filled(flat), "evidence": list(slots),
        "parts": flat,
    }  # fmt: skip


def _filled(parts) -> str:
    """Whether people or the portal filled it."""
    ways = {"authored" if "words" in part else "generated" for part in parts if not {"gap", "heading"} & set(part)}
    return " and ".join(way for way in ("authored", "generated") if way in ways) or "empty"


def text(words: str) -> dict:
    return {"text": words}


def heading(words: str) -> dict:
    return {"heading": words}


def facts(pairs: Iterable[tuple[str, Any]]) -> dict:
    return {"facts": [[label, str(value)] for label, value in pairs if value not in ("", None)]}


def gap(item) -> dict:
    return {"gap": item.gap, "slot": item.slot, "state": str(item.state)}


def needs(item, fill) -> list[dict]:
    """What `fill` makes of an item's content; or, where it is not there, the line that says so."""
    if not item.is_current:
        return [gap(item)]
    found = fill(item.content)
    made = [{"slot": item.slot} | part for part in ([found] if isinstance(found, dict) else found)]
    if not item.sampled or not made:
        return made
    return [{"note": f"{item.name}: {item.sampled}", "state": "sampled", "slot": item.slot}, *made]


def words(item, *names: str) -> list[dict]:
    """What people answered to the questions of those names, or to all."""
    return needs(item, lambda said: [_answer(item, one) for name, one in said.items() if not names or name in names])


def _answer(item, one) -> dict:
    lead = "" if one["answer"] == GIVEN else ANSWERED[one["answer"]]
    lines = one["text"].split("\n") if one["text"] else []
    return {
        "words": [lead, *lines] if lead else lines,
        "title": one["title"],
        "asked": one["asked"],
        "reference": one["reference"],
        "answer": one["answer"],
        "slot": item.slot,
        "by": item.by,
        "rtl": _from_right(one["text"]),
    }


def _from_right(words: str) -> bool:
    """Whether the first letter that has a direction goes from right to left (Unicode Bidirectional Algorithm, P2)."""
    strong = (unicodedata.bidirectional(letter) for letter in words)
    return next((way in ("R", "AL") for way in strong if way in ("L", "R", "AL")), False)


# --- numbers --------------------------------------------------------------------------------------------------------

RAW = ("value", "low", "high", "n")


def figures(item, caption: str, names=None) -> list[dict]:
    """The figures of a report as it has them, or those of some names."""

    def fill(result):
        found = [
            (figure, {"slot": item.slot, "at": f"/figures/{place}"})
            for place, figure in enumerate(result["figures"])
            if names is None or figure["name"] in names
        ]
        said = documents.measured([figure | {"name": name_of(figure["name"])} for figure, _ in found])
        raw = [{part: figure.get(part) for part in (*RAW, "threshold")} for figure, _ in found]
        lines = [
            line | {"raw": number, "source": source} for line, number, (_, source) in zip(said, raw, found, strict=True)
        ]
        return {"figures": lines, "caption": caption} if lines else []

    return needs(item, fill)


def table(caption: str, columns: list[str], lines: list[list[dict]], *, named: int = 1) -> dict:
    """`named`: how many of the first columns are words."""
    return {"table": {"caption": caption, "columns": columns, "lines": lines, "named": named}}


def cell(words, small: str = "") -> dict:
    return {"text": str(words), "small": small}


def number(value, slot: str, at: str) -> dict:
    """A count, as it stands at a place of a slot's JSON."""
    shown = "–" if value is None else numbers.number(value)
    return cell(shown) | {"raw": {"value": value}, "source": {"slot": slot, "at": at}}


def rate(found: dict | None, slot: str, at: str, *, with_n=False) -> dict:
    """A rate with its interval beneath, and the rows behind it."""
    if found is None or found.get("value") is None:
        return cell("–")
    low, high, n = found.get("low"), found.get("high"), found.get("n")
    beneath = [numbers.interval(low, high), f"n {numbers.number(n)}" if with_n and n is not None else ""]
    raw = {part: found.get(part) for part in RAW if part in found}
    shown = cell(numbers.rounded(found["value"], low, high, n), ", ".join(part for part in beneath if part))
    return shown | {"raw": raw, "source": {"slot": slot, "at": at}}
