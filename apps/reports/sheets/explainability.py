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
    top, rest = detail["importance"][:SHOWN], detail["importance"][SHOWN:]
    n = number(method["rows"])
    chart = importance_chart(
        [Row(row["column"], row["value"], row["low"], row["high"]) for row in top],
        title="Importance of the columns",
        caption=f"Mean absolute Shapley value over {n} rows, with its 95 % interval"
        + (f"; the {SHOWN} largest of {len(top) + len(rest)} columns." if rest else "."),
        measured="mean absolute change of probability",
    )
    return Section("Overall", (_how(detail, method),), (chart, _importance(top, rest, n)))


def _how(detail, method):
    over = "exactly" if method["exact"] else f"over {number(method['coalitions'])} coalitions of columns"
    return (
        f"Shapley values of the original columns, {over}, of {number(method['rows'])} rows the model had not seen, "
        f"against {number(method['background'])} background rows it learned from. A column left out takes the "
        f"background's values (interventional). The mean prediction over the background is {number(detail['base'], 3)}."
    )


def _importance(top, rest, n):
    lines = [
        (
            Cell(row["column"], "declared sensitive" if row["sensitive"] else ""),
            measured(row),
            Cell(f"{100 * row['share']:.1f} %"),
            Cell(number(row["with_other_background"], 4)),
        )
        for row in [*top, *(row for row in rest if row["sensitive"])]
    ]
    if left := [row for row in rest if not row["sensitive"]]:
        others = (sum(row[part] for row in left) for part in ("value", "share", "with_other_background"))
        value, share, other = others
        together = Cell(f"{len(left)} other columns", "added up; each by itself in the JSON")
        lines.append((together, Cell(number(value, 4)), Cell(f"{100 * share:.1f} %"), Cell(number(other, 4))))
    columns = ("Column", "importance", "share", "with the other background")
    return Table(f"Importance by column, with 95 % intervals; n {n} rows each.", columns, tuple(lines))


def _dependence(detail):
    text = ("How far a column's value moves the answer. Spread at one value is interplay with other columns.",)
    return Section("How the most important columns act", text, tuple(_acts(table) for table in detail["dependence"]))


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
        "from 1 among the rows the model had not seen.",
    )
    return Section("Row by row", text, tuple(_row(row, detail["base"]) for row in detail["rows"]))


def _row(row, base):
    shown, rest = row["columns"][:MOST_PARTS], row["columns"][MOST_PARTS:]
    lines = [(Cell(part["column"]), _value(part["value"]), _signed(part["shapley"])) for part in shown]
    if rest:
        lines.append((Cell(f"{len(rest)} other columns"), Cell(""), _signed(sum(part["shapley"] for part in rest))))
    sum_of = f"probability {number(row['probability'], 3)} = {number(base, 3)} + the parts below"
    caption = f"{row['why'].capitalize()}: row {number(row['row'])}, {sum_of}."
    return Table(caption, ("Column", "value", UNIT), tuple(lines))


def _value(value):
    return Cell("missing") if value is None else plain(value)


def _signed(value):
    return Cell(f"+{number(value, 3)}" if value > 0 else number(value, 3))
