"""Charts of one number against another: curves, calibration, histograms, dependence. Each returns a `Chart`."""

from apps.common.charts.drawing import ACCENT, DASHES, INK, NARROW, QUIET, SERIES, WIDE, Chart, picture
from apps.common.numbers import interval, number

HEIGHT = 280
MOST_POINTS = 400  # a curve or cloud of more is thinned evenly: the eye sees no more, the page weighs less


def line_chart(series, *, title, caption, x, y, diagonal=False, x_domain=None, y_domain=None) -> Chart:
    """Curves by name: `series` maps a name to its [(x, y)], at most four. Loss by epoch, ROC, precision and recall."""
    named = {
        name: _thinned([p for p in points if p[0] is not None and p[1] is not None]) for name, points in series.items()
    }
    data = [{"series": name, "x": px, "y": py} for name, points in named.items() for px, py in points]
    names = list(named)
    colour = {
        "field": "series",
        "type": "nominal",
        "sort": names,
        "scale": {"domain": names, "range": SERIES[: len(names)]},
    }
    dash = {
        "field": "series",
        "type": "nominal",
        "sort": names,
        "scale": {"domain": names, "range": DASHES[: len(names)]},
    }
    legend = {} if len(names) > 1 else {"legend": None}
    encoding = {
        "x": _axis("x", x, x_domain),
        "y": _axis("y", y, y_domain),
        "color": {**colour, **legend},
        "strokeDash": {**dash, **legend},
    }
    mark = {"type": "line", "strokeWidth": 2, "point": {"size": 24} if 0 < len(data) <= 2 * len(names) else False}
    layers = [*(_diagonal() if diagonal else []), {"mark": mark, "encoding": encoding}]
    return Chart(
        title=title,
        caption=caption,
        text=f"{y} against {x}. " + " ".join(_course(name, points) for name, points in named.items()),
        **_both({"height": HEIGHT, "data": {"values": data}, "layer": layers}, square=diagonal),
        columns=("Series", x, y),
        rows=tuple((name, number(px), number(py)) for name, points in named.items() for px, py in _thinned(points, 40)),
    )


def calibration_chart(bins, *, title, caption, x="mean predicted probability", y="share observed") -> Chart:
    """`bins`: dicts of predicted, observed, low, high, n. Dots with intervals; a calibrated model lies on the diagonal."""
    shown = [b for b in bins if b["n"]]
    unit = {"domain": [0, 1]}
    place = {"x": _axis("predicted", x, [0, 1])}
    layers = [
        *_diagonal(),
        {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": {**place, "y": {"field": "low", "type": "quantitative", "scale": unit}, "y2": {"field": "high"}}},
        {"mark": {"type": "circle", "size": 70, "opacity": 1, "color": INK}, "encoding": {**place, "y": _axis("observed", y, [0, 1])}},
    ]  # fmt: skip
    data = [{key: b[key] for key in ("predicted", "observed", "low", "high")} for b in shown]
    said = "; ".join(
        f"{number(b['predicted'], 2)} predicted, {number(b['observed'], 2)} observed (n {number(b['n'])})"
        for b in shown
    )
    return Chart(
        title=title,
        caption=caption,
        text=f"{said}.",
        **_both({"height": HEIGHT, "data": {"values": data}, "layer": layers}, square=True),
        columns=(x, y, "Interval", "n"),
        rows=tuple(
            (number(b["predicted"], 3), number(b["observed"], 3), interval(b["low"], b["high"]), number(b["n"]))
            for b in shown
        ),
    )


def histogram(edges, counts, *, title, caption, x, y="rows", overlay=None, limit=None) -> Chart:
    """`counts[i]` rows lie between `edges[i]` and `edges[i + 1]`; `limit` draws a line, such as a model's threshold.

    `overlay` maps a second name to counts over the same edges; the first is then named "all"."""
    sets = {"all": counts, **(overlay or {})}
    names = list(sets)
    data = [
        {"set": name, "from": edges[i], "to": edges[i + 1], "n": n}
        for name, ns in sets.items()
        for i, n in enumerate(ns)
    ]
    encoding = {
        "x": {**_axis("from", x, [edges[0], edges[-1]]), "bin": {"binned": True}},
        "x2": {"field": "to"},
        "y": {**_axis("n", y), "stack": None},
        "color": {
            "field": "set",
            "type": "nominal",
            "scale": {"domain": names, "range": SERIES[: len(names)]},
            **({} if overlay else {"legend": None}),
        },
    }
    mark = {"type": "bar", "binSpacing": 1, "opacity": 0.55 if overlay else 1}
    line = {
        "data": {"values": [{}]},
        "mark": {"type": "rule", "strokeDash": [4, 3], "strokeWidth": 1.5},
        "encoding": {"x": {"datum": limit}},
    }
    layers = [{"mark": mark, "encoding": encoding}, *([line] if limit is not None else [])]
    fullest = max(range(len(counts)), key=lambda i: counts[i])
    return Chart(
        title=title,
        caption=caption,
        text=f"{number(sum(counts))} {y} over {x}, from {number(edges[0])} to {number(edges[-1])}; most, {number(counts[fullest])}, between {number(edges[fullest])} and {number(edges[fullest + 1])}.",
        **_both({"height": 180, "data": {"values": data}, "layer": layers}),
        columns=(f"{x}, from", "to", *names),
        rows=tuple(
            (number(edges[i]), number(edges[i + 1]), *(number(ns[i]) for ns in sets.values()))
            for i in range(len(counts))
        ),
    )


def scatter(points, *, title, caption, x, y) -> Chart:
    """A cloud of (x, y), such as a column's value against its SHAP value; zero is drawn where it lies inside."""
    thin = _thinned([p for p in points if p[0] is not None and p[1] is not None], MOST_POINTS)
    layers = [
        {"data": {"values": [{}]}, "mark": {"type": "rule", "color": QUIET}, "encoding": {"y": {"datum": 0}}},
        {
            "mark": {"type": "circle", "size": 18, "opacity": 0.5, "color": ACCENT},
            "encoding": {"x": _axis("x", x), "y": _axis("y", y)},
        },
    ]
    data = [{"x": px, "y": py} for px, py in thin]
    sampled = f", {number(len(thin))} of {number(len(points))} drawn" if len(thin) < len(points) else ""
    return Chart(
        title=title,
        caption=caption,
        text=f"{y} against {x}: {number(len(points))} points{sampled}.",
        **_both({"height": 220, "data": {"values": data}, "layer": layers}),
        columns=(x, y),
        rows=tuple((number(px), number(py)) for px, py in _thinned(thin, 40)),
    )


def _both(shape, *, square=False):
    """The wide and the narrow spec of a shape; a square one is not stretched."""
    wide = 400 if square else WIDE
    tall = {**shape, "height": 320} if square else shape
    return {"wide": picture(tall, width=wide), "narrow": picture(shape, width=NARROW)}


def _axis(field, title, domain=None):
    scale = {"domain": domain, "nice": False} if domain else {"zero": False, "nice": True}
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "scale": scale,
        "axis": {"tickCount": 5, "grid": True},
    }


def _diagonal():
    ends = {
        "data": {"values": [{"at": 0}, {"at": 1}]},
        "mark": {"type": "line", "color": QUIET, "strokeDash": [4, 3], "strokeWidth": 1},
    }
    return [
        {
            **ends,
            "encoding": {"x": {"field": "at", "type": "quantitative"}, "y": {"field": "at", "type": "quantitative"}},
        }
    ]


def _thinned(points, most=MOST_POINTS):
    """At most `most` points, evenly taken, the first and the last among them."""
    if len(points) <= most:
        return list(points)
    step = (len(points) - 1) / (most - 1)
    return [points[round(i * step)] for i in range(most)]


def _course(name, points):
    if not points:
        return f"{name}: no points."
    (x0, y0), (x1, y1) = points[0], points[-1]
    return f"{name}: from {number(y0)} at {number(x0)} to {number(y1)} at {number(x1)}, least {number(min(p[1] for p in points))}."
