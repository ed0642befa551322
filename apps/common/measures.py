"""The small drawing beside a measured value: its interval and threshold on one scale. Numbers in, SVG out."""

import math

from django.utils.html import format_html
from django.utils.safestring import mark_safe

from apps.common import numbers

WIDTH, MIDDLE = 160, 8
WORDS = {"at_least": "at least", "at_most": "at most"}


def spoken(value, low, high, threshold, direction):
    """The same in words, for who does not see the drawing."""
    parts = [numbers.rounded(value, low, high)]
    if low is not None or high is not None:
        parts.append(f"interval {numbers.interval(low, high)}")
    if threshold is not None:
        parts.append(f"threshold {WORDS.get(direction, '')} {numbers.threshold(threshold)}".replace("  ", " "))
    return ", ".join(parts)


def scale(*values):
    """The ends of the axis: 0 to 1 for shares; otherwise round numbers that hold every value, zero among them."""
    known = [v for v in values if v is not None and math.isfinite(v)] or [0]
    least, most = min(known), max(known)
    if least >= 0 and most <= 1:
        return 0.0, 1.0
    if least >= -1 and most <= 1:
        return -1.0, 1.0
    return (0.0 if least >= 0 else -_round_up(-least)), (_round_up(most) if most > 0 else 0.0)


def drawing(value, low, high, *, threshold, direction, said):
    """SVG with presentation attributes and classes only, so that a strict content policy lets it through."""
    start, end = scale(value, low, high, threshold)

    def at(number):
        return round(WIDTH * (min(max(number, start), end) - start) / (end - start), 1)

    return format_html(
        '<svg viewBox="0 0 {} 16" preserveAspectRatio="none" role="img" aria-label="{}">{}{}{}</svg>',
        WIDTH, said, _axis(), _limit(threshold, direction, at), _mark(value, low, high, at),
    )  # fmt: skip


def _axis():
    ends = f'<path class="axis" fill="none" d="M0.5 5v6M{WIDTH - 0.5} 5v6M0 {MIDDLE}h{WIDTH}"/>'
    return mark_safe(ends)  # noqa: S308  constants


def _limit(threshold, direction, at):
    """The threshold, with the side that does not hold shaded."""
    if threshold is None:
        return ""
    x = at(threshold)
    from_, width = (0, x) if direction == "at_least" else (x, WIDTH - x)
    shade = format_html('<rect class="beyond" x="{}" y="1" width="{}" height="14"/>', from_, width) if direction else ""
    return format_html('{}<line class="limit" x1="{}" x2="{}" y1="0" y2="16"/>', shade, x, x)


def _mark(value, low, high, at):
    dot = (
        format_html('<circle class="dot" cx="{}" cy="{}" r="3.5"/>', at(value), MIDDLE) if math.isfinite(value) else ""
    )
    if low is None or high is None:
        return dot
    bar = '<line class="bar" x1="{}" x2="{}" y1="{}" y2="{}"/>{}'
    return format_html(bar, at(low), at(high), MIDDLE, MIDDLE, dot)


def _round_up(value):
    """The next of 1, 2, 5 times a power of ten."""
    power = 10 ** math.floor(math.log10(value))
    return next((step * power for step in (1, 2, 5, 10) if value <= step * power), value)  # else it is next to nothing
