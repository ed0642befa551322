"""What a person should look at before training on a table, each in one sentence."""

from __future__ import annotations

import re
from typing import Any

IDENTIFIER = (
    0.95  # share of distinct values among those present, from which a column names rows rather than describing them
)
MOSTLY_MISSING = 0.5
MANY_OUTLIERS = 0.05
FEW_VALUES = 20  # a column with no more is a scale or a code, not a measurement with outliers
RARE_OUTCOME = 0.05
GRAVITY = (
    "leak", "target", "proxy", "infinite", "empty", "constant", "identifier", "suspected missing", "duplicates",
    "possible leak", "possible proxy", "mostly missing", "small groups", "outliers",
)  # fmt: skip
SUSPECTED = {
    "?",
    "??",
    "-",
    "--",
    ".",
    "na",
    "n/a",
    "#n/a",
    "nan",
    "null",
    "none",
    "nil",
    "unknown",
    "missing",
    "not known",
}
REPEATED_DIGIT = re.compile(r"^-?(\d)\1+(\.\d+)?$")


def of_column(facts: dict[str, Any], rows: int) -> list[dict[str, str]]:
    """Findings of one column, the gravest first."""
    found = []

    def say(kind: str, sentence: str, **more: str) -> None:
        found.append({"column": facts["name"], "kind": kind, "sentence": sentence, **more})

    name, missing, distinct = facts["name"], facts["missing"], facts["distinct"]
    present = rows - missing
    if not present:
        say("empty", f"“{name}” is missing in every row. Leave it out.")
        return found
    if distinct == 1:
        say("constant", f"“{name}” has the same value in every row where it is known. Leave it out.")
    if is_identifier(facts, rows):
        say(
            "identifier",
            f"“{name}” has {distinct:,} different values in {present:,} rows: it names rows. Leave it out.",
        )
    if missing > MOSTLY_MISSING * rows:
        say("mostly missing", f"“{name}” is missing in {missing:,} of {rows:,} rows ({missing / rows:.0%}).")
    if facts.get("infinite"):
        say(
            "infinite",
            f"“{name}” holds {facts['infinite']:,} infinite values. Declare them as missing or leave it out.",
        )
    for marker, count in suspected_markers(facts):
        sentence = f"“{name}” holds “{marker}” in {count:,} rows. If that means missing, declare it so."
        say("suspected missing", sentence, marker=marker)
    outliers = facts.get("outliers") or {}
    outside = outliers.get("below", 0) + outliers.get("above", 0)
    if facts["distinct"] > FEW_VALUES and outliers.get("judged") and outside > MANY_OUTLIERS * present:
        say(
            "outliers",
            f"“{name}” has {outside:,} of {present:,} values ({outside / present:.1%}) outside "
            f"{outliers['low']:.6g} to {outliers['high']:.6g} (1.5 × the interquartile range).",
        )
    return found


def is_identifier(facts: dict[str, Any], rows: int) -> bool:
    """Nearly every row has its own value; for numbers only if they are whole, since a measurement rarely repeats "
    "either."""
    present = rows - facts["missing"]
    if present < 20 or facts["distinct"] < IDENTIFIER * present:
        return False
    return facts["type"] == "category" or (bool(facts.get("whole")) and facts["distinct"] == present)


def suspected_markers(facts: dict[str, Any]) -> list[tuple[str, int]]:
    """Values that often stand for “missing” and were not declared so."""
    if facts["type"] == "category":
        return [(value, count) for value, count in facts["top"] if value.strip().lower() in SUSPECTED]
    found = []
    for value, count, gap in facts.get("alone", ()):
        text = f"{value:.12g}"
        if REPEATED_DIGIT.match(text) or (count > 1 and gap > 2):
            found.append((text, count))
    return found


def of_target(balance: dict[str, Any], target: str, favourable: str) -> list[dict[str, str]]:
    overall = balance["overall"]
    found, small = [], []
    if overall["missing"]:
        found.append(f"The target “{target}” is missing in {overall['missing']:,} rows. They cannot be trained on.")
    if overall["share"] in (0.0, 1.0, None):
        found.append(
            f"The target “{target}” never varies: “{favourable}” in {overall['favourable']:,} of {overall['n']:,} rows."
        )
    elif not RARE_OUTCOME <= overall["share"] <= 1 - RARE_OUTCOME:
        found.append(
            f"One outcome of “{target}” is rare: “{favourable}” in {overall['share']:.1%} of {overall['n']:,} rows."
        )
    for by in balance["by"]:
        few = [group for group in by["groups"] if group["few"]]
        if few:
            names = ", ".join(f"{group['group']} ({group['n']})" for group in few[:6])
            more = f" and {len(few) - 6} more" if len(few) > 6 else ""
            small.append(f"Groups of “{by['attribute']}” too small to judge (under 30 rows): {names}{more}.")
    said = [("target", sentence) for sentence in found] + [("small groups", sentence) for sentence in small]
    return [{"column": target, "kind": kind, "sentence": sentence} for kind, sentence in said]


def of_giveaway(entry: dict[str, Any], left_out: set[str]) -> list[dict[str, str]]:
    """A sentence for each column that gives something away and is not left out already."""
    if entry["strength"] not in ("strong", "suspect") or entry["column"] in left_out:
        return []
    sure = entry["strength"] == "strong"
    how = "gives away" if sure else "says much about"
    kind, what = ("leak", "the target") if entry["of"] == "target" else ("proxy", "the sensitive attribute")
    advice = (
        "If it is known only after the decision, leave it out."
        if kind == "leak"
        else "Leaving the attribute out of the inputs does not hide it from a model that sees this column."
    )
    sentence = f"“{entry['column']}” {how} {what} “{entry['against']}”: {evidence(entry)}. {advice}"
    return [{"column": entry["column"], "kind": kind if sure else f"possible {kind}", "sentence": sentence}]


def _share(share: float) -> str:
    return "all of" if share == 1 else f"{min(share, 0.9999):.2%} of"


def evidence(entry: dict[str, Any]) -> str:
    """The measures, with value, interval and n, in words."""
    v = entry["cramers_v"]
    parts = [f"Cramér's V {v['value']:.2f} (95 % {v['low']:.2f}–{v['high']:.2f})"]
    if auc := entry["auc"]:
        parts.append(f"AUC {auc['value']:.3f} (95 % {auc['low']:.3f}–{auc['high']:.3f})")
    if level := entry["settled"]["level"]:
        parts.append(
            f"{_share(level['share'])} the {level['n']:,} rows with “{level['value']}” are “{level['class']}”, "
            f"and such values cover {entry['settled']['value']:.0%} of rows"
        )
    return "; ".join(parts) + f"; n = {entry['n']:,}"
