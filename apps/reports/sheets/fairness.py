"""The fairness report, told attribute by attribute."""

from apps.common.charts import Row, interval_chart
from apps.common.numbers import number, rounded, threshold
from apps.reports.sheets.parts import Cell, Section, Table, measured, plain

MOST_DRAWN = 30
TOO_FEW = "too few to judge"
NO_VALUE = "no value recorded: shown, never compared"


def sections(result):
    limit = result["parameters"]["limits"]["demographic_parity_ratio"][1]
    figures = {(figure["name"], figure["of"]): figure for figure in result["figures"]}
    for table in result["detail"]["attributes"]:
        yield _attribute(table, figures, limit)


def _attribute(table, figures, limit):
    of = table["of"]
    text = tuple(part for part in (_ratio(figures["demographic_parity_ratio", of], table), _by_chance(table)) if part)
    return Section(
        f"By {of}", text, (_selection_chart(table, limit), _selection(table), _errors_chart(table), _errors(table))
    )


def _ratio(figure, table):
    if figure["value"] is None:
        return figure["note"]
    return (
        f"{table['reference']} is selected most often. The group selected least reaches "
        f"{rounded(figure['value'], figure['low'], figure['high'])} of its rate."
    )


def _by_chance(table):
    expected = table["gaps_if_groups_were_alike"].get("demographic_parity_difference")
    if expected is None:
        return ""
    return (
        f"With groups of these sizes, chance alone would show a difference of about {number(expected, 3)} between the "
        "groups selected most and least, were all treated alike."
    )


def _selection_chart(table, limit):
    rows = [
        Row(group["group"], *_if_judged(group, "selection_rate"), n=group["n"], note=_why_not(group))
        for group in _largest(table)
    ]
    judged = [row.value for row in rows if row.value is not None]
    return interval_chart(
        rows,
        title=f"Selection rate by {table['of']}",
        caption=f"Share predicted favourable in each group by {table['of']}, with 95 % Wilson intervals, each by "
        f"itself.",
        measured="share predicted favourable",
        limit=round(limit * max(judged), 3) if judged else None,
        limit_label=f"{threshold(limit)} of the highest:",
    )


def _largest(table):
    """The groups a chart has room for, in their order; the table holds all."""
    kept = sorted(table["groups"], key=lambda group: -group["n"])[:MOST_DRAWN]
    return [group for group in table["groups"] if group in kept]


def _errors_chart(table):
    rows = [
        Row(
            group["group"],
            *_if_judged(group, "true_positive_rate"),
            n=group["true_positive_rate"]["n"],
            note=_why_not(group, "true_positive_rate"),
        )
        for group in _largest(table)
    ]
    return interval_chart(
        rows,
        title=f"True positive rate by {table['of']}",
        caption="Of those truly favourable, the share predicted so, with 95 % Wilson intervals; n counts them.",
        measured="true positive rate",
    )


def _if_judged(group, rate):
    shown = group[rate]
    return (shown["value"], shown["low"], shown["high"]) if shown["judged"] else (None, None, None)


def _why_not(group, rate="selection_rate"):
    return NO_VALUE if group["missing"] else "" if group[rate]["judged"] else TOO_FEW


def _errors_not_judged(group):
    if not group["judged"]:
        return _why_not(group)
    few = [rate for rate in ("true_positive_rate", "false_positive_rate") if not group[rate]["judged"]]
    return f"{TOO_FEW}: {', '.join(few).replace('_', ' ')}" if few else ""


def _selection(table):
    lines = tuple(
        (
            Cell(group["group"], _why_not(group) or ("the reference" if group["group"] == table["reference"] else "")),
            plain(group["n"]),
            measured(group["base_rate"]),
            measured(group["selection_rate"]),
            _impact(group),
            _p_value(group.get("p_value")),
        )
        for group in table["groups"]
    )
    columns = ("Group", "n", "truly favourable", "predicted favourable", "of the reference's rate", "p, Holm")
    caption = (
        f"Selection by {table['of']}. Ratios hold together at 95 %; p is that of equal rates with the reference, "
        "adjusted over the groups."
    )
    return Table(caption, columns, lines)


def _impact(group):
    ratio = group.get("impact_ratio")
    return measured(ratio) if ratio and ratio["low"] is not None else Cell("1" if ratio else "–")


def _p_value(p):
    return Cell("–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}")


def _errors(table):
    names = ("true_positive_rate", "false_positive_rate", "precision", "accuracy")
    lines = tuple(
        (Cell(group["group"], _errors_not_judged(group)), *(measured(group[n], with_n=True) for n in names))
        for group in table["groups"]
    )
    columns = ("Group", "true positive rate", "false positive rate", "precision", "accuracy")
    return Table(f"Errors by {table['of']}; each with its 95 % interval and the rows behind it.", columns, lines)
