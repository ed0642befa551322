"""Charts of one number against another: curves, calibration, histograms, dependence. Each returns a `Chart`."""

from itertools import pairwise

from apps.common.charts.drawing import (
    ACCENT,
    CONFIG,
    DASHES,
    INK,
    LEGEND,
    NARROW,
    QUIET,
    SERIES,
    WIDE,
    Chart,
    amount,
    at,
    layer,
    picture,
    words,
)  # fmt: skip
from apps.common.numbers import interval, number

UNIT = (0, 1)
MOST_POINTS = 400  # a curve or cloud of more is thinned evenly: the eye sees no more, the page weighs less
MOST_ROWS = 40  # of the table behind a curve
DASHED = {"strokeDash": [4, 3], "strokeWidth": 1.5}


def line_chart(series, *, title, caption, x, y, diagonal=False, x_domain=None, y_domain=None) -> Chart:
    """Curves by name: `series` maps a name to its [(x, y)], at most four. Loss by epoch, ROC, precision and recall."""
    series = {name: _thinned(_known(points)) for name, points in series.items()}
    data = [{"series": name, "x": px, "y": py} for name, points in series.items() for px, py in points]
    few = len(data) <= 2 * len(series)
    curve = layer(
        {"type": "line", "strokeWidth": 2, "point": {"size": 24} if few else False},
        x=amount("x", x, domain=x_domain),
        y=amount("y", y, domain=y_domain),
        color=_by_series(list(series), SERIES),
        strokeDash=_by_series(list(series), DASHES),
    )
    drawn = [(name, px, py) for name, points in series.items() for px, py in _thinned(points, MOST_ROWS)]
    return Chart(
        title=title,
        caption=caption,
        text=f"{y} against {x}. " + " ".join(_course(name, points) for name, points in series.items()),
        **_both(data, [*_diagonal(diagonal), curve], height=280, square=diagonal),
        columns=("Series", x, y),
        rows=tuple((name, number(px), number(py)) for name, px, py in drawn),
    )


def calibration_chart(bins, *, title, caption, x="mean predicted probability", y="share observed") -> Chart:
    """`bins`: dicts of predicted, observed, low, high, n. Dots with intervals; the diagonal is a calibrated model."""
    bins = [each for each in bins if each["n"]]
    data = [{key: each[key] for key in ("predicted", "observed", "low", "high")} for each in bins]
    across = amount("predicted", x, domain=UNIT)
    layers = [
        *_diagonal(True),
        layer({"type": "rule", "strokeWidth": 2}, x=across, y=amount("low", y, domain=UNIT), y2={"field": "high"}),
        layer(
            {"type": "circle", "size": 70, "opacity": 1, "color": INK}, x=across, y=amount("observed", y, domain=UNIT)
        ),
    ]
    cells = [(each["predicted"], each["observed"], each) for each in bins]
    return Chart(
        title=title,
        caption=caption,
        text="; ".join(f"{number(p, 2)} predicted, {number(o, 2)} observed (n {number(b['n'])})" for p, o, b in cells)
        + ".",
        **_both(data, layers, height=280, square=True),
        columns=(x, y, "Interval", "n"),
        rows=tuple((number(p, 3), number(o, 3), interval(b["low"], b["high"]), number(b["n"])) for p, o, b in cells),
    )


def histogram(edges, counts, *, title, caption, x, y="rows", overlay=None, limit=None) -> Chart:
    """`counts[i]` rows lie between `edges[i]` and `edges[i + 1]`; `limit` draws a line, such as a model's threshold.

    `overlay` maps a second name to counts over the same edges; the first is then named "all"."""
    sets = {"all": list(counts), **(overlay or {})}
    spans = list(pairwise(edges))
    data = [
        {"set": name, "from": start, "to": end, "n": n}
        for name, ns in sets.items()
        for (start, end), n in zip(spans, ns, strict=True)
    ]
    bars = layer(
        {"type": "bar", "binSpacing": 1, "opacity": 0.55 if overlay else 1},
        x=amount("from", x, domain=(edges[0], edges[-1]), bin={"binned": True}),
        x2={"field": "to"},
        y={**amount("n", y), "scale": {"zero": True, "nice": True}, "stack": None},
        color=_by_series(list(sets), SERIES, field="set"),
    )
    line = (
        [layer({"type": "rule", **DASHED}, data=[{}], x=at(limit, domain=(edges[0], edges[-1])))]
        if limit is not None
        else []
    )
    most, (start, end) = max(zip(counts, spans, strict=True))
    return Chart(
        title=title,
        caption=caption,
        text=f"{number(sum(counts))} {y} over {x}, from {number(edges[0])} to {number(edges[-1])};"
        f" most, {number(most)}, between {number(start)} and {number(end)}.",
        **_both(data, [bars, *line], height=180),
        columns=(f"{x}, from", "to", *sets),
        rows=tuple((number(a), number(b), *map(number, ns)) for (a, b), *ns in zip(spans, *sets.values(), strict=True)),
    )


def scatter(points, *, title, caption, x, y) -> Chart:
    """A cloud of (x, y), such as a column's value against its SHAP value; zero is drawn."""
    drawn = _thinned(_known(points))
    layers = [
        layer({"type": "rule", "color": QUIET}, data=[{"zero": 0}], y=amount("zero")),
        layer({"type": "circle", "size": 18, "opacity": 0.5, "color": ACCENT}, x=amount("x", x), y=amount("y", y)),
    ]
    of_all = f", {number(len(drawn))} of them drawn" if len(drawn) < len(points) else ""
    return Chart(
        title=title,
        caption=caption,
        text=f"{y} against {x}: {number(len(points))} points{of_all}.",
        **_both([{"x": px, "y": py} for px, py in drawn], layers, height=220),
        columns=(x, y),
        rows=tuple((number(px), number(py)) for px, py in _thinned(drawn, MOST_ROWS)),
    )


def _both(data, layers, *, height, square=False):
    """The wide and the narrow spec of the same layers; a square one is not stretched."""
    shape = {"height": height, "data": {"values": data}, "layer": layers}
    wide = picture({**shape, "height": 320}, width=400) if square else picture(shape, width=WIDE)
    stacked = {**CONFIG, "legend": {**LEGEND, "columns": 1}}
    return {"wide": wide, "narrow": picture(shape, width=NARROW, config=stacked)}


def _by_series(names, range_, field="series"):
    """Colour or dash by name, in the caller's order; one series alone needs no legend."""
    scale = {"domain": names, "range": range_[: len(names)]}
    return words(field, sort=names, scale=scale, **({"legend": None} if len(names) == 1 else {}))


def _diagonal(wanted):
    line = {"type": "line", "color": QUIET, "strokeDash": [4, 3], "strokeWidth": 1}
    ends = {"x": amount("at", domain=UNIT), "y": amount("at", domain=UNIT)}
    return [layer(line, data=[{"at": 0}, {"at": 1}], **ends)] if wanted else []


def _known(points):
    return [(px, py) for px, py in points if px is not None and py is not None]


def _thinned(points, most=MOST_POINTS):
    """At most `most` points, evenly taken, the first and the last among them."""
    if len(points) <= most:
        return list(points)
    step = (len(points) - 1) / (most - 1)
    return [points[round(i * step)] for i in range(most)]


def _course(name, points):
    if not points:
        return f"{name}: no points."
    (x0, y0), (x1, y1), least = points[0], points[-1], min(py for _, py in points)
    return f"{name}: from {number(y0)} at {number(x0)} to {number(y1)} at {number(x1)}, least {number(least)}."
