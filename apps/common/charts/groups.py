"""Charts of things with names: groups, columns, classes. Each takes plain values and returns a `Chart`."""

from dataclasses import dataclass

from apps.common.charts.drawing import ACCENT, HAIR, INK, NARROW, QUIET, WIDE, Chart, picture
from apps.common.numbers import interval, number, rounded, threshold

ROW = 38  # pixels of height a named row takes


@dataclass(frozen=True)
class Row:
    """A named value. `value` None is drawn as its `note` ("too few to judge"), in its place."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    note: str = ""


def interval_chart(rows, *, title, caption, measured, limit=None, limit_label="threshold", domain=None) -> Chart:
    """A dot with its interval for each row, on one scale, with the threshold and, where it lies inside, zero."""
    rows = list(rows)
    ends = domain or _domain([v for row in rows for v in (row.value, row.low, row.high)] + [limit])
    data = [_datum(index, row) for index, row in enumerate(rows)]

    def spec(width):
        layers = [*_lines(ends, limit, limit_label), *_marks(measured, ends)]
        shape = {"height": ROW * len(rows), "data": {"values": data}, "layer": layers}
        room = {"left": 2, "right": 52, "top": 20 if limit is not None else 6, "bottom": 2}
        return picture(shape, width=width, padding=room)

    words = "; ".join(_said(row) for row in rows)
    at = f" {limit_label} at {threshold(limit)}." if limit is not None else ""
    return Chart(
        title=title,
        caption=caption,
        text=f"{measured}: {words}.{at}",
        wide=spec(WIDE),
        narrow=spec(NARROW),
        columns=("Group", "n", measured, "Interval"),
        rows=tuple(_cells(row) for row in rows),
    )


def bar_chart(rows, *, title, caption, measured, signed=False, name="Name") -> Chart:
    """A bar from zero for each row, longest where the caller put it; intervals are drawn where rows have them."""
    rows = list(rows)
    data = [_datum(index, row) for index, row in enumerate(rows)]
    least = min([0.0, *(v for r in rows for v in (r.value, r.low) if v is not None)]) if signed else 0.0
    most = max([v for r in rows for v in (r.value, r.high) if v is not None] or [1.0]) or 1.0
    x = {
        "field": "value",
        "type": "quantitative",
        "axis": _axis(measured),
        "scale": {"domain": [least, most], "nice": False},
    }
    y = _names()
    layers = [
        {"mark": {"type": "bar", "color": ACCENT, "height": 14}, "encoding": {"x": x, "y": y}},
        {"mark": {"type": "rule", "strokeWidth": 1.5, "color": INK},
         "encoding": {"y": y, "x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"}}},
        {"mark": {"type": "text", "align": "left", "dx": 8}, "encoding": {"y": y, "x": {"value": "width"}, "text": {"field": "shown", "type": "nominal"}}},
    ]  # fmt: skip

    def spec(width):
        shape = {"height": 28 * len(rows), "data": {"values": data}, "layer": layers}
        return picture(shape, width=width, padding={"left": 2, "right": 60, "top": 6, "bottom": 2})

    return Chart(
        title=title,
        caption=caption,
        text=f"{measured}: " + "; ".join(_said(row) for row in rows) + ".",
        wide=spec(WIDE),
        narrow=spec(NARROW),
        columns=(name, "n", measured, "Interval"),
        rows=tuple(_cells(row) for row in rows),
    )


def importance_chart(rows, *, title, caption, measured="mean |SHAP|, in log odds") -> Chart:
    """How much each original column moves the answer, greatest first."""
    ranked = sorted(rows, key=lambda row: -(row.value or 0))
    return bar_chart(ranked, title=title, caption=caption, measured=measured, name="Column")


def grid_chart(cells, *, title, caption, down, across, share_of="all") -> Chart:
    """A table drawn as shaded squares: `cells` maps (row, column) to a count; a confusion matrix, a heat map.

    Shade is the share of the row when `share_of` is "row", else of all."""
    rows = list(dict.fromkeys(row for row, _ in cells))
    columns = list(dict.fromkeys(column for _, column in cells))
    totals = {
        row: sum(cells.get((row, c), 0) for c in columns) if share_of == "row" else sum(cells.values()) for row in rows
    }
    data = [
        {"down": row, "across": column, "n": number(count), "share": count / totals[row] if totals[row] else 0,
         "of": f"{100 * count / totals[row]:.1f} %" if totals[row] else ""}
        for (row, column), count in cells.items()
    ]  # fmt: skip
    place = {
        "x": {"field": "across", "type": "nominal", "sort": columns, "axis": {"title": across, "orient": "top", "labelAngle": 0, "labelColor": INK, "ticks": False, "domain": False}},
        "y": {"field": "down", "type": "nominal", "sort": rows, "axis": {"title": down, "labelColor": INK}},
    }  # fmt: skip
    shade = {
        "field": "share",
        "type": "quantitative",
        "scale": {"domain": [0, 1], "range": [0.03, 0.4]},
        "legend": None,
    }
    layers = [
        {"mark": {"type": "rect", "color": ACCENT, "stroke": HAIR}, "encoding": {**place, "fillOpacity": shade}},
        {
            "mark": {"type": "text", "dy": -8, "fontSize": 15},
            "encoding": {**place, "text": {"field": "n", "type": "nominal"}},
        },
        {
            "mark": {"type": "text", "dy": 10, "color": QUIET},
            "encoding": {**place, "text": {"field": "of", "type": "nominal"}},
        },
    ]

    def spec(width):
        return picture({"height": 64 * len(rows), "data": {"values": data}, "layer": layers}, width=width)

    said = "; ".join(f"{down} {row}, {across} {column}: {number(n)}" for (row, column), n in cells.items())
    return Chart(
        title=title,
        caption=caption,
        text=f"{said}.",
        wide=spec(min(WIDE, 180 + 110 * len(columns))),
        narrow=spec(NARROW),
        columns=(f"{down} \\ {across}", *columns),
        rows=tuple((row, *(number(cells.get((row, c), 0)) for c in columns)) for row in rows),
    )


def _datum(index, row):
    label = f"{row.name}\n" + (f"n {number(row.n)}" if row.n is not None else "")
    if row.value is None:
        return {"label": label, "at": index, "note": row.note or "not measured"}
    shown = {"value": row.value, "shown": rounded(row.value, row.low, row.high, row.n)}
    ends = {"low": row.low, "high": row.high} if row.low is not None and row.high is not None else {}
    return {"label": label, "at": index, **shown, **ends}


def _marks(measured, ends):
    y = _names()
    x = {"type": "quantitative", "scale": {"domain": ends, "nice": False, "clamp": True}, "axis": _axis(measured)}
    return [
        {"transform": [{"filter": "isValid(datum.low)"}], "mark": {"type": "rule", "strokeWidth": 2.5},
         "encoding": {"y": y, "x": {"field": "low", **x}, "x2": {"field": "high"}}},
        {"transform": [{"filter": "isValid(datum.value)"}], "mark": {"type": "circle", "size": 80, "opacity": 1, "color": INK},
         "encoding": {"y": y, "x": {"field": "value", **x}}},
        {"mark": {"type": "text", "align": "left", "dx": 8}, "encoding": {"y": y, "x": {"value": "width"}, "text": {"field": "shown", "type": "nominal"}}},
        {"transform": [{"filter": "isValid(datum.note)"}], "mark": {"type": "text", "align": "left", "dx": 4, "color": QUIET, "limit": 420},
         "encoding": {"y": y, "x": {"value": 0}, "text": {"field": "note", "type": "nominal"}}},
    ]  # fmt: skip


def _lines(ends, limit, limit_label):
    """Zero where the scale holds it, and the threshold with its words above it, on the side that has room."""
    x = {"type": "quantitative", "scale": {"domain": ends, "nice": False}}
    lines = []
    if ends[0] < 0 < ends[1]:
        lines.append(
            {"data": {"values": [{}]}, "mark": {"type": "rule", "color": QUIET}, "encoding": {"x": {"datum": 0, **x}}}
        )
    if limit is not None:
        align = "right" if limit > (ends[0] + ends[1]) / 2 else "left"
        words = {"type": "text", "text": f"{limit_label} {threshold(limit)}", "y": -8, "align": align, "color": ACCENT}
        lines.append(
            {
                "data": {"values": [{}]},
                "mark": {"type": "rule", "color": ACCENT, "strokeDash": [4, 3], "strokeWidth": 1.5},
                "encoding": {"x": {"datum": limit, **x}},
            }
        )
        lines.append({"data": {"values": [{}]}, "mark": words, "encoding": {"x": {"datum": limit, **x}}})
    return lines  # fmt: skip


def _names():
    """Names down the side, each with its n beneath."""
    axis = {
        "title": None,
        "labelExpr": "split(datum.label, '\\n')",
        "labelColor": INK,
        "labelLimit": 170,
        "labelLineHeight": 14,
    }
    return {"field": "label", "type": "nominal", "sort": {"field": "at"}, "axis": axis}


def _axis(measured):
    return {"title": measured, "tickCount": 5, "grid": True}


def _domain(values):
    """The scale's ends: every value, with a little room; shares stay between 0 and 1."""
    known = [v for v in values if v is not None]
    if not known:
        return [0, 1]
    least, most = min(known), max(known)
    room = (most - least) * 0.06 or abs(most) * 0.1 or 0.1
    return [max(0, least - room) if least >= 0 else least - room, min(1, most + room) if most <= 1 else most + room]


def _said(row):
    if row.value is None:
        return f"{row.name}: {row.note or 'not measured'}"
    ends = f" ({interval(row.low, row.high)})" if row.low is not None else ""
    return f"{row.name} {rounded(row.value, row.low, row.high, row.n)}{ends}" + (
        f", n {number(row.n)}" if row.n is not None else ""
    )


def _cells(row):
    shown = rounded(row.value, row.low, row.high, row.n) if row.value is not None else row.note or "not measured"
    return (row.name, number(row.n) if row.n is not None else "", shown, interval(row.low, row.high))
