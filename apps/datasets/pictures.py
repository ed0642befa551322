"""A profile as charts: each takes the stored result and returns an `apps.common.charts.Chart`, or None if it is "
"empty."""

from apps.common.charts import Chart, Row, bar_chart, histogram, interval_chart
from apps.common.numbers import number
from apps.datasets.rules import shown

MOST_ROWS = 14
SHORT = 40


def balance_charts(result: dict, target: str, favourable: str) -> list[Chart]:
    """How often the outcome is favourable, for each sensitive attribute and their combination."""
    told = result.get("balance")
    if not told:
        return []
    whole = _share(told["overall"] | {"group": "everybody"})
    return [
        interval_chart(
            [whole, *(_share(group) for group in _in_order(by["groups"])[:MOST_ROWS])],
            title=f"Favourable outcomes by {by['attribute']}",
            caption=f"Share of rows with {target} = {favourable} by {by['attribute']}, with Wilson's 95 % interval."
            + _left_over(by["groups"]),
            measured="share favourable",
        )
        for by in told["by"]
    ]


def _in_order(groups: list[dict]) -> list[dict]:
    """As they are, but those with something missing last: nobody compares with them."""
    return sorted(groups, key=lambda group: "(missing)" in group["group"])


def _share(group: dict) -> Row:
    note = "too few to judge (under 30 rows)" if group.get("few") else ""
    return Row(_short(group["group"]), group["share"], group["low"], group["high"], group["n"], note)


def _left_over(groups: list) -> str:
    more = len(groups) - MOST_ROWS
    return f" {more:,} more groups stand in the profile's JSON." if more > 0 else ""


def giveaway_charts(result: dict) -> list[Chart]:
    """Which columns know most of the target, and of each sensitive attribute."""
    charts = []
    asked = dict.fromkeys((entry["of"], entry["against"]) for entry in result["giveaways"])
    for against in sorted(asked, key=lambda pair: pair[0] != "target"):
        entries = [e for e in result["giveaways"] if (e["of"], e["against"]) == against and e["judged"]]
        entries.sort(key=lambda entry: -entry["cramers_v"]["value"])
        if entries:
            charts.append(_giveaway_chart(against, entries[:10], len(entries)))
    return charts


def _giveaway_chart(against: tuple[str, str], entries: list[dict], judged: int) -> Chart:
    of, name = against
    what = "the target" if of == "target" else "the sensitive attribute"
    rows = [
        Row(_short(e["column"]), e["cramers_v"]["value"], e["cramers_v"]["low"], e["cramers_v"]["high"], e["n"])
        for e in entries
    ]
    return bar_chart(
        rows,
        title=f"What knows {name}",
        caption=f"How strongly single columns hang together with {what} {name}: bias-corrected Cramér's V, 0 nothing, "
        f"1 everything, with a 95 % bootstrap interval. The first {len(rows)} of {judged:,} columns.",
        measured="Cramér's V",
        name="Column",
    )


def missing_chart(result: dict) -> Chart | None:
    gaps = [facts for facts in result["columns"] if facts["missing"]]
    gaps.sort(key=lambda facts: -facts["missing"])
    if not gaps:
        return None
    rows = [Row(_short(facts["name"]), facts["missing"] / result["rows"], n=facts["missing"]) for facts in gaps]
    return bar_chart(
        rows[:MOST_ROWS],
        title="Missing values",
        caption=f"Share of the {number(result['rows'])} rows in which a column is missing; n counts them. "
        f"{len(gaps):,} of {len(result['columns']):,} columns have gaps.",
        measured="share missing",
        name="Column",
    )


def column_chart(facts: dict) -> Chart | None:
    """The values of one column: a histogram, or its commonest values."""
    drawn = facts.get("histogram")
    if drawn and "edges" in drawn:
        outside = drawn["below"] + drawn["above"]
        return histogram(
            drawn["edges"],
            drawn["counts"],
            title=f"Values of {facts['name']}",
            caption=f"Rows by {facts['name']}, from its 1st to its 99th percentile"
            + (f"; {number(outside)} rows lie outside." if outside else "."),
            x=_short(facts["name"]),
        )
    pairs = list(zip(drawn["values"], drawn["counts"], strict=True)) if drawn else facts["top"]
    if not pairs:
        return None
    return bar_chart(
        [Row(_short(shown(value, digits=6)) or "(blank)", count) for value, count in pairs[:30]],
        title=f"Values of {facts['name']}",
        caption=f"Rows by value of {facts['name']}: "
        + (
            f"the {len(pairs)} commonest of {number(facts['distinct'])} values."
            if facts["distinct"] > len(pairs)
            else "all its values."
        ),
        measured="rows",
        name="Value",
    )


def _short(text: str) -> str:
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"
