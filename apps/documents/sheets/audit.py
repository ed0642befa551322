"""The tables of a New York City bias audit (6 RCNY 5-301), recomputed by the portal: a rehearsal, never the audit."""

from apps.common.numbers import number, rounded
from apps.documents.sheets import parts, quantities
from apps.documents.sheets.parts import cell, section

RULE = "6 RCNY "
TABLES = (("sex", "sex"), ("race", "race or ethnicity"), ("both", "sex and race or ethnicity"))
WAYS = {
    "selection": (
        "Selection rates",
        "selected",
        "Selected is whom the model predicts the favourable outcome for.",
    ),
    "scoring": ("Scoring rates", "above the median", "The score is the model’s probability of the favourable outcome."),
}


def sections(e, measured):
    """`measured`: what the worker counted, or None with the reason in its place."""
    notes = e["bias_audit_notes"]
    return [
        section("1", "What this is", RULE + "5-300, 5-303", parts.text(REHEARSAL),
                parts.words(notes, "tool", "auditor"), parts.words(e["intended_purpose"], "uses", "affected")),
        section("2", "Data", RULE + "5-302", parts.words(notes, "source"),
                quantities.data(e["test_data"], e["test_declaration"]), _rows(measured)),
        *(section(str(place), title, RULE + clause, parts.text(words), *_way(measured, way, chosen))
          for place, (clause, (way, (title, chosen, words))) in enumerate(
              zip(("5-301(b)", "5-301(c)"), WAYS.items(), strict=True), start=3)),
        section("5", "How to read it", "29 CFR 1607.4(D)", parts.text(ADVICE), parts.words(notes, "small"),
                _bound(parts.facts(measured.get("method", {}).items()), "/method")),
    ]  # fmt: skip


REHEARSAL = (
    "These tables are computed by the portal for the organization that built the tool. They are a rehearsal: the rule "
    "asks for an independent auditor, and has no threshold."
)
ADVICE = (
    "A rate under four fifths of the highest is generally regarded as a sign of adverse impact, read together with the "
    "significance of the difference and the size of the sample. It is advice, no verdict: many large differences by "
    "chance occur in small groups, and small differences in large groups can matter."
)


def _rows(measured):
    if "inputs" not in measured:
        return []
    inputs = measured["inputs"]
    told = parts.facts([
        ("People assessed", number(inputs["n"])), ("Which rows", inputs["rows"]), ("Model", inputs["artifact"]),
        ("Score at which one is selected", rounded(measured["threshold"])),
    ])  # fmt: skip
    return _bound(told, "/inputs")


def _bound(part: dict, at: str) -> dict:
    """A part with the place among the counts that it was taken from."""
    return part | {"source": {"slot": "measured", "at": at}}


def _way(measured, way, chosen):
    for name, words in TABLES:
        table = measured.get(way, {}).get(name)
        if table is None:
            yield {"gap": f"{_title(words)}: {measured['absent'][name]}", "slot": name, "state": "missing"}
            continue
        at = f"/{way}/{name}/categories"
        lines = [_line(one, f"{at}/{place}") for place, one in enumerate(table["categories"])]
        caption = (
            f"By {words}: {number(table['assessed'])} people assessed; the category of {number(table['unknown'])} of "
            "them is unknown."
        )
        columns = ["Category", "people", chosen, "rate", "impact ratio", "p, Holm"]
        yield parts.table(caption, columns, lines)
        yield _bound(_advice(table, words), f"/{way}/{name}")


def _title(words: str) -> str:
    return words[0].upper() + words[1:]


def _line(one, at):
    note = "under 2 %: left out of the ratios" if one["left_out"] else "fewer than 30 people" if one["few"] else ""
    found = {"value": one["rate"], "low": one["low"], "high": one["high"], "n": one["n"]}
    ratio, under = one["impact_ratio"], "under four fifths" if one["below_four_fifths"] else ""
    return [
        cell(one["category"], note),
        _counted(one["n"], f"{at}/n"),
        _counted(one["chosen"], f"{at}/chosen"),
        cell("–") if one["rate"] is None else _rate(found, at),
        _bound(cell("–" if ratio is None else f"{ratio:.2f}", under), at) | {"raw": {"impact_ratio": ratio}},
        _bound(cell(_p(one["p"])), at) | {"raw": {"p": one["p"]}},
    ]


def _rate(found, at):
    told = parts.rate(found, "measured", at)
    return told | {"raw": {"rate": found["value"], "low": found["low"], "high": found["high"], "n": found["n"]}}


def _counted(value, at):
    return parts.number(value, "measured", at)


def _p(value) -> str:
    return "–" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _advice(table, words):
    """Who lies under four fifths, whether by chance or not, and how sure one can be."""
    below = [one for one in table["categories"] if one["below_four_fifths"]]
    if not below:
        return parts.text(f"By {words}, no category that is compared lies under four fifths of the highest rate.")
    sure = [one["category"] for one in below if one["p"] is not None and one["p"] < 0.05]
    few = [one["category"] for one in below if one["few"]]
    said = f"By {words}, under four fifths of the highest rate: {', '.join(one['category'] for one in below)}."
    said += f" Hardly by chance (p under 0.05): {', '.join(sure)}." if sure else " Chance alone could explain each."
    return parts.text(said + (f" Small samples: {', '.join(few)}." if few else ""))
