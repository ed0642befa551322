"""One theme for every chart: a Vega-Lite spec becomes SVG that follows the page's light or dark theme, or paper.

Specs are plain dicts; the tests check each against Altair's schema (importing Altair here would cost every process
0.3 s). A pen draws them in a process of its own: 0.5 s to start, then about 40 ms a chart, nothing for one drawn
before. Colours in a spec are tokens, written as hexadecimal numbers no one else uses; drawing replaces them by CSS
variables for pages, or by the light theme's values for paper.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape

from apps.common.charts.pen import pen

WIDE, NARROW = 640, 320  # pixels; the page shows whichever fits, so text keeps its size

TOKENS = {  # a spec's colour: (the page's variable, the same on paper)
    "#a55a01": ("--ink", "#1c1e21"),
    "#a55a02": ("--quiet", "#565b63"),
    "#a55a03": ("--hair", "#dcd8cd"),
    "#a55a04": ("--accent", "#1f4f8f"),
    "#a55a05": ("--sheet", "#ffffff"),
    "#a55a06": ("--fail", "#a3262a"),
    "#a55a11": ("--series-1", "#1f4f8f"),
    "#a55a12": ("--series-2", "#a34a10"),
    "#a55a13": ("--series-3", "#6b4fa0"),
    "#a55a14": ("--series-4", "#17706c"),
}
_BY_NAME = {variable.removeprefix("--"): colour for colour, (variable, _) in TOKENS.items()}
INK, QUIET, HAIR, ACCENT, SHEET, FAIL = (_BY_NAME[n] for n in ("ink", "quiet", "hair", "accent", "sheet", "fail"))
SERIES = [_BY_NAME[f"series-{n}"] for n in (1, 2, 3, 4)]
DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3]]
PAPER_FONT = "Libertinus Serif"

AXIS = {
    "labelColor": QUIET,
    "labelFontSize": 12,
    "labelPadding": 6,
    "labelLimit": 260,
    "titleColor": QUIET,
    "titleFontSize": 12,
    "titleFontWeight": "normal",
    "titlePadding": 8,
    "gridColor": HAIR,
    "domainColor": HAIR,
    "tickColor": HAIR,
}
LEGEND = {
    "labelColor": INK,
    "labelFontSize": 12,
    "labelLimit": 220,
    "title": None,
    "orient": "top",
    "symbolStrokeWidth": 2,
    "symbolSize": 300,
    "offset": 4,
    "columnPadding": 16,
}
CONFIG = {
    "font": "Roboto",  # shipped inside vl-convert: text is measured alike on every machine
    "background": "transparent",
    "view": {"stroke": None},
    "axis": AXIS,
    "axisY": {"ticks": False, "domain": False},
    "legend": LEGEND,
    "text": {"fontSize": 12, "color": INK},
    "rule": {"color": INK},
}


@dataclass(frozen=True)
class Chart:
    """A picture with what it shows in words, and the table behind it."""

    title: str
    caption: str
    text: str
    wide: dict = field(repr=False)
    narrow: dict = field(repr=False)
    columns: tuple = ()
    rows: tuple = ()

    def svg(self, *, narrow: bool = False) -> str:
        """For a page: colours are its CSS variables."""
        return self._picture(self.narrow if narrow else self.wide, {c: f"var({v})" for c, (v, _) in TOKENS.items()})

    def print_svg(self) -> str:
        """For paper: the light theme's colours, the document's own letters."""
        drawn = self._picture(self.wide, {colour: paper for colour, (_, paper) in TOKENS.items()})
        return re.sub(r'font-family="[^"]*"', f'font-family="{PAPER_FONT}"', drawn)

    def _picture(self, spec, colours):
        return _labelled(_coloured(_drawn(json.dumps(spec, sort_keys=True)), colours), self.title, self.text)


def picture(spec: dict, *, width: int, **around) -> dict:
    """A whole spec: the theme, the size, and the room around."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "config": CONFIG,
        "width": width,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": {"left": 2, "right": 12, "top": 6, "bottom": 2},
        **spec,
        **around,
    }


def layer(mark: dict, *, data: list | None = None, only: str = "", **encoding) -> dict:
    """One layer of a spec: what is drawn, of which rows, where."""
    spec: dict[str, object] = {"mark": mark, "encoding": encoding}
    if data is not None:
        spec["data"] = {"values": data}
    if only:
        spec["transform"] = [{"filter": f"isValid(datum.{only})"}]
    return spec


def amount(field: str, title: str | None = None, *, domain=None, ticks: int = 5, **more) -> dict:
    """A channel that shows a quantity; without a domain the scale holds the values, rounded outwards."""
    scale = {"domain": list(domain), "nice": False} if domain else {"zero": False, "nice": True}
    axis = {"axis": {"title": title, "tickCount": ticks, "grid": True}} if title else {}
    return {"field": field, "type": "quantitative", "scale": scale, **axis, **more}


def at(number: float, *, domain) -> dict:
    """A channel that stands at one number of a scale. (Without the scale's domain Vega-Lite would add zero to it.)"""
    return {"datum": number, "type": "quantitative", "scale": {"domain": list(domain), "nice": False}}


def words(field: str, **more) -> dict:
    """A channel that shows a name or a text."""
    return {"field": field, "type": "nominal", **more}


@lru_cache(maxsize=256)
def _drawn(spec: str) -> str:
    return _bare(pen.draw(spec))


def _bare(svg: str) -> str:
    """Without what Vega says about each mark (the whole is one image with a text), with ids of its own."""
    svg = re.sub(r' (?:role|aria-[a-z]+|xmlns:xlink|class|pointer-events|version)="[^"]*"', "", svg)
    svg = re.sub(r'<path d=""[^>]*/>|<path d="M0,0h0v0h0Z"[^>]*/>', "", svg)
    mine = "c" + hashlib.sha256(svg.encode()).hexdigest()[:10]
    return re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{mine}-", svg)


def _coloured(svg: str, colours: dict) -> str:
    return re.sub("#a55a[01][0-9]", lambda found: colours[found.group()], svg)


def _labelled(svg: str, title: str, text: str) -> str:
    own = "t" + hashlib.sha256((svg + title + text).encode()).hexdigest()[:10]
    names = f'role="img" aria-labelledby="{own} {own}d"'
    words = f'<title id="{own}">{escape(title)}</title><desc id="{own}d">{escape(text)}</desc>'
    return re.sub(r"^<svg([^>]*)>", lambda found: f"<svg{found.group(1)} {names}>{words}", svg, count=1)
