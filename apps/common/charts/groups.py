"""Charts of things with names: groups, columns, classes. Each takes plain values and returns a `Chart`."""

from dataclasses import dataclass

from apps.common.charts.drawing import ACCENT, HAIR, INK, NARROW, QUIET, WIDE, Chart, amount, at, layer, picture, words
from apps.common.numbers import interval, number, rounded, threshold

AROUND = {"left": 2, "right": 6, "bottom": 2}
DASHED = {"type": "rule", "color": ACCENT, "strokeDash": [4, 3], "strokeWidth": 1.5}


@dataclass(frozen=True)
class Row:
    """A named value. `value` None is drawn as its `note` ("too few to judge"), in its place."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    note: str = ""

    @property
    def shown(self) -> str:
        if self.value is None:
            return self.note or "not measured"
        return rounded(self.value, self.low, self.high, self.n)

    @property
    def said(self) -> str:
        ends = f" ({interval(self.low, self.high)})" if self.low is not None else ""
        return f"{self.name} {self.shown}{ends}" + (f", n {number(self.n)}" if self.n is not None else "")

    @property
    def cells(self) -> tuple:
        return (self.name, number(self.n) if self.n is not None else "", self.shown, interval(self.low, self.high))


def interval_chart(rows, *, title, caption, measured, limit=None, limit_label="threshold", domain=None) -> Chart:
    """A dot with its interval for each row, on one scale, with the threshold and, where it lies inside, zero."""
    rows = list(rows)
    domain = domain or _domain([v for row in rows for v in (row.value, row.low, row.high)] + [limit])

    def marks(y, ticks):
        x = amount("value", measured, domain=domain, ticks=ticks)
        yield from _lines(domain, limit, limit_label)
        yield layer(
            {"type": "rule", "strokeWidth": 2.5}, only="low", y=y, x={**x, "field": "low"}, x2={"field": "high"}
        )
        yield layer({"type": "circle", "size": 80, "opacity": 1, "color": INK}, only="value", y=y, x=x)

    also = f"{limit_label} at {threshold(limit)}" if limit is not None else ""
    return _named(rows, marks, title=title, caption=caption, measured=measured, name="Group", also=also)


def bar_chart(rows, *, title, caption, measured, signed=False, most=0.0, name="Name") -> Chart:
    """A bar from zero for each row, in the caller's order; intervals are drawn where rows have them. The scale reaches
    at least to `most`: 1 where a share is told."""
    rows = list(rows)
    least = min([0.0, *(v for row in rows for v in (row.value, row.low) if v is not None)]) if signed else 0.0
    most = max([most, *(v for row in rows for v in (row.value, row.high) if v is not None)])
    domain = [least, most] if most > least else [0, 1]

    def marks(y, ticks):
        x = amount("value", measured, domain=domain, ticks=ticks)
        yield layer({"type": "bar", "color": ACCENT, "height": 12}, only="value", y=y, x=x)
        yield layer(
            {"type": "rule", "strokeWidth": 1.5}, only="low", y=y, x={**x, "field": "low"}, x2={"field": "high"}
        )

    return _named(rows, marks, title=title, caption=caption, measured=measured, name=name)


def importance_chart(rows, *, title, caption, measured="mean |SHAP|, in log odds") -> Chart:
    """How much each original column moves the answer, greatest first."""
    ranked = sorted(rows, key=lambda row: -(row.value or 0))
    return bar_chart(ranked, title=title, caption=caption, measured=measured, name="Column")


def grid_chart(cells, *, title, caption, down, across, share_of="all") -> Chart:
    """A table drawn as shaded squares: `cells` maps (row, column) to a count; a confusion matrix, a heat map.

    Shade is the share of the row when `share_of` is "row", else of all."""
    rows = list(dict.fromkeys(row for row, _ in cells))
    columns = list(dict.fromkeys(column for _, column in cells))
    shape = {
        "height": 64 * len(rows),
        "data": {"values": [_square(cells, row, column, share_of) for row, column in cells]},
        "layer": _squares(rows, columns, down, across),
    }
    return Chart(
        title=title,
        caption=caption,
        text="; ".join(f"{down} {row}, {across} {column}: {number(n)}" for (row, column), n in cells.items()) + ".",
        wide=picture(shape, width=min(WIDE, 180 + 110 * len(columns))),
        narrow=picture(shape, width=NARROW),
        columns=(f"{down} \\ {across}", *columns),
        rows=tuple((row, *(number(cells.get((row, column), 0)) for column in columns)) for row in rows),
    )


def _named(rows, marks, *, title, caption, measured, name, also="") -> Chart:
    """The frame that charts of named rows share: names beside the marks, or above them where the page is narrow."""
    data = [_datum(row) for row in rows]
    labels = [datum["label"] for datum in data]
    top = 20 if also else 6
    beside, above = _beside(labels), words("label", sort=labels, axis=None)
    wide = {"height": 36 * len(rows), "layer": [*marks(beside, 5), *_texts(beside, 330)]}
    narrow = {"height": 46 * len(rows), "layer": [*marks(above, 3), *_texts(above, 300), _label_above(above)]}
    said = "; ".join(part for part in (*(row.said for row in rows), also) if part)
    return Chart(
        title=title,
        caption=caption,
        text=f"{measured}: {said}.",
        wide=picture({**wide, "data": {"values": data}}, width=WIDE, padding={**AROUND, "top": top}),
        narrow=picture(
            {**narrow, "data": {"values": data}},
            width=NARROW - 6 - 54,
            autosize={"type": "none"},  # nothing stands beside the marks, so their width is known
            padding={"left": 6, "right": 54, "top": top, "bottom": 44},
        ),
        columns=(name, "n", measured, "Interval"),
        rows=tuple(row.cells for row in rows),
    )


def _datum(row):
    n = f"n {number(row.n)}" if row.n is not None else ""
    datum = {"label": f"{row.name}\n{n}" if n else row.name, "line": f"{row.name}, {n}".removesuffix(", ")}
    if row.value is None:
        return {**datum, "note": row.shown}
    ends = {"low": row.low, "high": row.high} if row.low is not None and row.high is not None else {}
    return {**datum, "value": row.value, "shown": row.shown, **ends}


def _beside(labels):
    """Names down the side, each with its n beneath."""
    two = any("\n" in label for label in labels)
    lines = {"labelExpr": "split(datum.label, '\\n')", "labelLineHeight": 14, "labelOffset": -6 if two else 0}
    return words("label", sort=labels, axis={"title": None, "labelColor": INK, "labelLimit": 260, **lines})


def _label_above(y):
    return layer({"type": "text", "align": "left", "dy": -15}, y=y, x={"value": 0}, text=words("line"))


def _texts(y, room):
    """The value in figures at the right end of its row, or why there is none in the row's place."""
    yield layer(
        {"type": "text", "align": "left", "dx": 8}, only="shown", y=y, x={"value": "width"}, text=words("shown")
    )
    note = {"type": "text", "align": "left", "dx": 4, "color": QUIET, "limit": room}
    yield layer(note, only="note", y=y, x={"value": 0}, text=words("note"))


def _lines(domain, limit, label):
    """Zero where the scale holds it, and the threshold with its words above it, on the side that has room."""
    if domain[0] < 0 < domain[1]:
        yield layer({"type": "rule", "color": QUIET}, data=[{}], x=at(0, domain=domain))
    if limit is not None:
        align = "right" if limit > (domain[0] + domain[1]) / 2 else "left"
        text = {"type": "text", "text": f"{label} {threshold(limit)}", "y": -8, "align": align, "color": ACCENT}
        yield layer(DASHED, data=[{}], x=at(limit, domain=domain))
        yield layer(text, data=[{}], x=at(limit, domain=domain))


def _domain(values):
    """The scale's ends: every value, with a little room; shares stay between 0 and 1."""
    known = [v for v in values if v is not None]
    if not known:
        return [0, 1]
    least, most = min(known), max(known)
    room = (most - least) * 0.06 or abs(most) * 0.1 or 0.1
    return [max(0, least - room) if least >= 0 else least - room, min(1, most + room) if most <= 1 else most + room]


def _square(cells, row, column, share_of):
    whole = sum(n for (r, _), n in cells.items() if share_of != "row" or r == row)
    share = cells[row, column] / whole if whole else 0
    return {
        "down": row,
        "across": column,
        "n": number(cells[row, column]),
        "share": share,
        "of": f"{100 * share:.1f} %",
    }


def _squares(rows, columns, down, across):
    top = {"title": across, "orient": "top", "labelAngle": 0, "labelColor": INK, "ticks": False, "domain": False}
    place = {
        "x": words("across", sort=columns, axis=top),
        "y": words("down", sort=rows, axis={"title": down, "labelColor": INK}),
    }
    shade = {
        "field": "share",
        "type": "quantitative",
        "scale": {"domain": [0, 1], "range": [0.03, 0.4]},
        "legend": None,
    }
    return [
        layer({"type": "rect", "color": ACCENT, "stroke": HAIR}, **place, fillOpacity=shade),
        layer({"type": "text", "dy": -8, "fontSize": 15}, **place, text=words("n")),
        layer({"type": "text", "dy": 10, "color": QUIET}, **place, text=words("of")),
    ]
