"""The one sentence each report answers its question with, made from what was measured and kept with it."""

from datetime import date

from apps.common.numbers import interval, number, rounded, threshold
from apps.reports.models import Kind
from apps.reports.rules import name_of

WORST_FIRST = ("fail", "inconclusive", "pass", None)


def answer(kind: str, measured: dict) -> str:
    """`measured` as the laboratory gives it: figures, detail, method, caveats."""
    return SENTENCES[Kind(kind)](measured["figures"], measured["detail"])


def in_operation(kind: str, measured: dict, rows: str) -> str:
    """The same, of rows from operation. `rows`: which, in words."""
    if kind == Kind.PERFORMANCE:
        return performance(measured["figures"], measured["detail"], rows=f"rows from operation ({rows})")
    return f"In operation ({rows}): {answer(kind, measured)}"


def performance(figures, detail, rows="rows it had not seen"):
    accuracy, area, balanced = (_named(figures, name) for name in ("accuracy", "roc_auc", "balanced_accuracy"))
    return (
        f"On {number(accuracy['n'])} {rows}, it was right for {_with_interval(accuracy)} of them; a "
        f"favourable row ranks above an unfavourable one with chance {_with_interval(area)}.{_limit(balanced)}"
    )


def fairness(figures, detail):
    ratios = [figure for figure in figures if figure["name"] == "demographic_parity_ratio"]
    judged = [figure for figure in figures if figure["verdict"]]
    if not ratios:
        return "Nothing was declared sensitive, so nobody was compared."
    if not judged:
        return "We cannot tell: no attribute has two groups large enough to compare."
    worst = min(judged, key=lambda figure: WORST_FIRST.index(figure["verdict"]))
    attributes = {table["of"]: table for table in detail["attributes"]}
    alone = [figure for figure in judged if figure["verdict"] == worst["verdict"] and figure["of"] in attributes]
    ratio = min((f for f in alone if f in ratios), key=lambda f: (" & " in f["of"], f["value"]), default=None)
    lead = {"fail": "No.", "inconclusive": "We cannot tell.", "pass": "Within the limits."}[worst["verdict"]]
    return f"{lead} {_impact(ratio, attributes[ratio['of']]) if ratio else _gap(worst)}"


def privacy(figures, detail):
    attack, proof = _named(figures, "membership_auc"), guaranteed(detail["guarantee"])
    if attack["value"] is None:
        return f"{proof} There are too few rows to attack the model."
    return (
        f"{proof} An attacker tells learned rows from unseen ones with chance {_with_interval(attack)}, where 0.5 is "
        f"blind guessing.{_limit(attack)}"
    )


def submitted(figures, measured):
    """Of a report whose figures were measured elsewhere: the first of them, and by whom."""
    first, *more = figures
    exact = first["low"] == first["value"] == first["high"]
    shown = number(first["value"]) if exact or first["low"] is None else _with_interval(first)
    of = f" by {first['of']}" if first["of"] else ""
    and_more = f", and {len(more)} more figure{'s' if len(more) > 1 else ''}" if more else ""
    day = date.fromisoformat(measured["on"])
    return (
        f"Submitted, not recomputed: {name_of(first['name'])}{of} {shown} on {number(first['n'])} rows{and_more}, "
        f"measured by {measured['by']} on {day:%-d %B %Y}."
    )


def guaranteed(guarantee):
    """What is proved, with its δ, or that nothing is."""
    if not guarantee["given"]:
        return guarantee["sentence"]
    return f"ε is at most {number(guarantee['epsilons']['epsilon'], 2)} at δ = {threshold(guarantee['delta'])}."


def explainability(figures, detail):
    top = [row for row in detail["importance"] if row["value"] > 0][:3]
    if not top:
        return "No column moves the answers: the model gives every row the same."
    names = ", ".join(f"{row['column']} ({100 * row['share']:.0f} %)" for row in top)
    residual = _named(figures, "additivity_residual")
    share = next((figure for figure in figures if figure["name"] == "sensitive_share"), None)
    sensitive = f" Declared sensitive columns carry {_per_cent(share)} of it." if share else ""
    return (
        f"Most of the movement comes from {names}.{sensitive} The parts add up to each prediction within "
        f"{number(residual['value'])}."
    )


SENTENCES = {
    Kind.PERFORMANCE: performance,
    Kind.FAIRNESS: fairness,
    Kind.PRIVACY: privacy,
    Kind.EXPLAINABILITY: explainability,
}


def _named(figures, name):
    return next(figure for figure in figures if figure["name"] == name)


def _with_interval(figure):
    shown = rounded(figure["value"], figure["low"], figure["high"], figure["n"])
    return f"{shown} ({interval(figure['low'], figure['high'])})"


def _per_cent(figure):
    value, low, high = (100 * figure[part] for part in ("value", "low", "high"))
    return f"{value:.1f} % ({low:.1f} to {high:.1f})"


def _limit(figure):
    if figure["verdict"] is None:
        return ""
    word = {"at_least": "at least", "at_most": "at most"}[figure["direction"]]
    name = figure["name"].replace("_", " ").replace("auc", "AUC")
    how = {"pass": "keeps", "fail": "breaks", "inconclusive": "may or may not keep"}[figure["verdict"]]
    of = f" ({interval(figure['low'], figure['high'])})" if figure["low"] is not None else ""
    value = rounded(figure["value"], figure["low"], figure["high"], figure["n"])
    return f" {name[0].upper()}{name[1:]} {value}{of} {how} its limit, {word} {threshold(figure['threshold'])}."


def _impact(ratio, table):
    """The group selected least, against the reference."""
    compared = [row for row in table["groups"] if row.get("impact_ratio") and row["impact_ratio"]["value"] is not None]
    least = min(compared, key=lambda row: row["impact_ratio"]["value"])
    return (
        f"By {ratio['of']}, {least['group']} ({number(least['n'])} rows) is selected at "
        f"{rounded(ratio['value'], ratio['low'], ratio['high'])} of the rate of {table['reference']}; anything from "
        f"{interval(ratio['low'], ratio['high'])} is compatible with what we saw, and the limit is "
        f"{threshold(ratio['threshold'])}."
    )


def _gap(figure):
    name = figure["name"].replace("_", " ")
    return (
        f"By {figure['of']}, the {name} is {_with_interval(figure)}, with {number(figure['smallest_group'])} rows "
        f"behind the smallest rate; the limit is {threshold(figure['threshold'])}."
    )
