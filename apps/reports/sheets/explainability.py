"""The explainability report, told: overall, column by column, row by row."""

from apps.common.charts import Row, importance_chart, interval_chart, scatter
from apps.common.numbers import number
from apps.reports.sheets.parts import Cell, Section, Table, measured, plain

SHOWN = 15
MOST_PARTS = 6
UNIT = "change of probability"


def sections(result):
    detail, method = result["detail"], result["method"]
    yield _overall(detail, method)
    yield _dependence(detail)
    yield _rows(detail)


def _overall(detail, method):
    exact = (
        "exactly, over all coalitions"
        if method["exact"]
        else f"over {number(method['coalitions'])} coalitions of columns"
    )
    text = (
        f"Shapley values of the original columns, {exact}: {number(method['rows'])} rows the model had not seen, "
        f"against "
        f"{number(method['background'])} background rows it learned from (seed {method['seed']}). A column left out "
        f"takes "
        f"the background's values (interventional). The mean prediction over the background is "
        f"{number(detail['base'], 3)}.",
    )
    top, rest = detail["importance"][:SHOWN], detail["importance"][SHOWN:]
    rows = [Row(row["column"], row["value"], row["low"], row["high"], n=row["n"]) for row in top]
    chart = importance_chart(
        rows,
        title="Importance of the columns",
        caption="Mean absolute Shapley value with its 95 % interval"
        + (f"; the {SHOWN} largest of {len(top) + len(rest)} columns." if rest else "."),
        measured="mean absolute change of probability",
    )
    lines = tuple(
        (
            Cell(row["column"], "declared sensitive" if row["sensitive"] else ""),
            measured(row),
            Cell(f"{100 * row['share']:.1f} %"),
            plain(round(row["with_other_background"], 4)),
        )
        for row in detail["importance"]
    )
    columns = ("Column", "importance", "share", "with the other background")
    caption = f"All {len(lines)} columns; n {number(method['rows'])} rows each."
    return Section("Overall", text, (chart, Table(caption, columns, lines)))


def _dependence(detail):
    return Section(
        "How the most important columns act",
        (
            "Each dot is a row: the column's value there, and how far it moved the answer. Spread at one value is "
            "interplay "
            "with other columns.",
        ),
        tuple(_acts(table) for table in detail["dependence"]),
    )


def _acts(table):
    name = table["column"]
    if table["kind"] == "number":
        points = [(point["value"], point["shapley"]) for point in table["points"]]
        return scatter(
            points,
            title=f"{name} and the answer",
            caption=f"Shapley value of {name} against its value.",
            x=name,
            y=UNIT,
        )
    rows = [Row(one["value"], one["mean"], one["low"], one["high"], n=one["n"]) for one in table["categories"]]
    return interval_chart(
        rows,
        title=f"{name} and the answer",
        caption=f"Mean Shapley value of {name} by its value, with 95 % t intervals; the commonest values.",
        measured=UNIT,
    )


def _rows(detail):
    text = (
        "The rows with the highest and the lowest probability, and those nearest to the threshold. Rows are counted "
        "from 1 "
        "among the rows the model had not seen.",
    )
    return Section("Row by row", text, tuple(_row(row, detail["base"]) for row in detail["rows"]))


def _row(row, base):
    shown, rest = row["columns"][:MOST_PARTS], row["columns"][MOST_PARTS:]
    lines = [(Cell(part["column"]), _value(part["value"]), _signed(part["shapley"])) for part in shown]
    if rest:
        lines.append((Cell(f"{len(rest)} other columns"), Cell(""), _signed(sum(part["shapley"] for part in rest))))
    caption = (
        f"{row['why'].capitalize()}: row {number(row['row'])}, probability {number(row['probability'], 3)} = "
        f"{number(base, 3)}"
    )
    return Table(f"{caption} + the parts below.", ("Column", "value", UNIT), tuple(lines))


def _value(value):
    return Cell("missing") if value is None else plain(value)


def _signed(value):
    return Cell(f"+{number(value, 3)}" if value > 0 else number(value, 3))
