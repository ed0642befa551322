"""The pieces every page is made of. These tags need no `{% load %}`:

    {% stamp "inconclusive" %}                         word, shape and colour; any verdict or state word
    {% measure_of figure %}                            a report's figure: value, interval, threshold, n on one scale
    {% measure 0.842 low=0.751 high=0.921 threshold=0.8 direction="at_least" n=597 %}
    {{ n|number }}  {{ rate|number:3 }}                1,989   0.123
    {% rounded value low high n %}  {% interval low high %}      rounded to what the interval (or n) supports
    {{ version.size|size }}  {{ run.seconds|duration }}          158 MB   2 min 4 s
    {% digest version.digest %}                        twelve characters, the whole on click
    {% moment run.started_at %}  {% moment token.expires_at "day" %}     local time, exact UTC on hover

    {% rail stops %}        stops: dicts {name, state: done|open|shut|"" , note, url, current}
    {% facts pairs %}       pairs: [(label, value)]; or write <dl class="facts"> by hand
    {% next_button "Sign" why_not %}     the page's one filled button; with a reason it is shut and says why
    {% next_link "Upload data" url why_not %}
    {% form_errors form %}  {% field form.name %}  {% fields form %}     label, help, widget, error, joined for readers
    {% pager %}             newer and older, from the context that `pages.listed` gives
    {% progress value max "epoch 7 of 20, 31 s left" %}   announced; no measure yet: {% progress None None "waits" %}
    {% empty "No datasets yet" "A dataset is what a model learns from." url "Upload one" %}
    {% figure chart 3 %}    a chart of apps.common.charts with its number, caption and table
    {% crumb "Datasets" url %}    one step of the path, inside {% block path %}; no url: this page. Organization and
                            project stand there already, and so does the rail on each page of a project

Classes worth knowing (static/assay.css): .answer (first sentence), .beside (text and aside), .sheet, .why, .lead,
.figures, .filters, table.list and table.rules (rows become lists on a narrow screen; give cells data-label), .number
(columns of numbers), .record, .signers, .log, .said, .form, .actions, .pair, .row; buttons .next .grave .plain .small.
A wide table: <div class="scroll" tabindex="0" role="region" aria-label="…">. An upload: <form data-upload> with
{% upload_progress %}. A part that polls: <div id="…" hx-get hx-trigger="every 2s" hx-swap="outerHTML" data-say="…">.
"""

import datetime as dt

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from apps.common import numbers
from apps.common.measures import drawing, spoken

register = template.Library()

TONES = {
    "pass": "pass, signed, approved, serving, finished, accepted, active, published, intact, valid, live, current",
    "fail": "fail, failed, revoked, rejected, broken, refused, lost",
    "unsure": "inconclusive, returned, sent back, waits, expiring",
    "waived": "waived",
    "stale": "stale, superseded, expired",
    "busy": "running, queued, open, in review",
}
TONE_OF = {word: tone for tone, words in TONES.items() for word in words.split(", ")}


@register.simple_tag
def stamp(word, tone=""):
    """A verdict or a state. A word without a tone of its own is printed in the quiet one: nothing is left out."""
    word = str(word or "missing").lower()
    return format_html('<span class="stamp {}">{}</span>', tone or TONE_OF.get(word, "void"), word.replace("_", " "))


@register.filter
def number(value, places=None):
    return numbers.number(value, places)


@register.filter
def size(octets):
    return numbers.size(octets or 0)


@register.filter
def duration(seconds):
    return numbers.duration(seconds.total_seconds() if isinstance(seconds, dt.timedelta) else seconds)


@register.simple_tag
def rounded(value, low=None, high=None, n=None):
    return numbers.rounded(value, low, high, n)


@register.simple_tag
def interval(low, high):
    return numbers.interval(low, high)


@register.simple_tag
def measure(value, low=None, high=None, *, threshold=None, n=None, direction=None, smallest_group=None, note=""):
    """A value beside its interval, threshold and sample size, drawn to one scale."""
    said = spoken(value, low, high, threshold, direction)
    beside = [numbers.interval(low, high), _sample(n, smallest_group), note]
    return format_html(
        '<div class="measure"><span class="value">{}</span>{}<small>{}</small></div>',
        numbers.rounded(value, low, high, n),
        drawing(value, low, high, threshold=threshold, direction=direction, said=said) if value is not None else "",
        " · ".join(part for part in beside if part),
    )


@register.simple_tag
def measure_of(figure):
    """`measure` of one figure of a report's result."""
    known = ("value", "low", "high", "threshold", "n", "direction", "smallest_group", "note")
    return measure(**{name: figure.get(name) for name in known})


@register.simple_tag
def digest(whole):
    if not whole:
        return "none"
    return format_html('<code class="digest" data-digest="{}" title="{}">{}</code>', whole, whole, whole)


@register.simple_tag
def moment(at, grain="minute"):
    """A moment: UTC as written, local once the script runs, exact on hover."""
    if not at:
        return "never"
    if isinstance(at, str):
        at = dt.datetime.fromisoformat(at)
    if not isinstance(at, dt.datetime):
        at = dt.datetime(at.year, at.month, at.day, tzinfo=dt.UTC)
    at = at.astimezone(dt.UTC) if timezone.is_aware(at) else at.replace(tzinfo=dt.UTC)
    shown = f"{at.day} {at:%b %Y}" if grain == "day" else f"{at.day} {at:%b %Y, %H:%M} UTC"
    stamp = "<time datetime='{}' title='{} UTC' data-local='{}'>{}</time>".replace("'", '"')
    return format_html(stamp, at.strftime("%Y-%m-%dT%H:%M:%SZ"), f"{at:%Y-%m-%d %H:%M:%S}", grain, shown)


@register.simple_tag
def next_button(label, why_not=None, name="", value="", grave=False):
    """The one next step of a page; where it is shut, the reason stands beside it and is read with it."""
    kind = "grave" if grave else "next"
    named = format_html(' name="{}" value="{}"', name, value) if name else ""
    if not why_not:
        return format_html('<button class="{}"{}>{}</button>', kind, named, label)
    reason_id = f"why-{abs(hash((label, str(why_not)))) % 10**8}"
    return format_html(
        '<button class="{}" disabled aria-describedby="{}">{}</button><p class="why" id="{}">{}</p>',
        kind, reason_id, label, reason_id, why_not,
    )  # fmt: skip


@register.simple_tag
def next_link(label, url, why_not=None):
    """`next_button` for a step that begins on another page."""
    return (
        next_button(label, why_not) if why_not else format_html('<a class="button next" href="{}">{}</a>', url, label)
    )


@register.simple_tag
def facts(pairs):
    lines = format_html_join("", "<dt>{}</dt><dd>{}</dd>", ((label, value) for label, value in pairs))
    return format_html('<dl class="facts">{}</dl>', lines)


@register.simple_tag
def crumb(label, url=""):
    if url:
        return format_html('<li><a href="{}" title="{}">{}</a></li>', url, label, label)
    return format_html('<li title="{}" aria-current="page">{}</li>', label, label)


@register.inclusion_tag("pieces/rail.html")
def rail(stops):
    return {"stops": stops}


@register.inclusion_tag("pieces/field.html")
def field(bound, classes=""):
    """One field of a form. Sets of choices become a fieldset, a single checkbox stands before its label."""
    kind = getattr(bound.field.widget, "input_type", "")
    return {"field": bound, "classes": classes, "single": kind == "checkbox" and not bound.use_fieldset}


@register.inclusion_tag("pieces/fields.html")
def fields(form):
    return {"form": form}


@register.inclusion_tag("pieces/form_errors.html")
def form_errors(form):
    """What stands against the whole form, said first."""
    return {"form": form}


@register.inclusion_tag("pieces/pager.html", takes_context=True)
def pager(context):
    """The neighbours of a page of a list, from the context that `pages.listed` gives."""
    return {"next": context.get("next_url"), "previous": context.get("previous_url")}


@register.inclusion_tag("pieces/progress.html")
def progress(value, most, words, name="Progress"):
    return {"value": value, "most": most, "words": words, "name": name}


@register.inclusion_tag("pieces/upload_progress.html")
def upload_progress():
    return {}


@register.inclusion_tag("pieces/empty.html")
def empty(title, text="", url="", label="", why_not=None):
    return {"title": title, "text": text, "url": url, "label": label, "why_not": why_not}


@register.inclusion_tag("pieces/figure.html")
def figure(chart, counted=None):
    return {
        "chart": chart,
        "counted": counted,
        "wide": mark_safe(chart.svg()),  # noqa: S308  drawn by us; every text in it was escaped by the drawing
        "narrow": mark_safe(chart.svg(narrow=True)),  # noqa: S308
    }


@register.inclusion_tag("pieces/house.html", takes_context=True)
def house(context):
    """What the organization keeps, with the present place marked."""
    request = context["request"]
    root = f"/{request.membership.organization.slug}/"
    return {"places": [(name, root + path, _inside(request, root, path, *beside)) for name, path, *beside in HOUSE]}


def _inside(request, root, path, *beside) -> bool:
    if path:
        return request.path.startswith(tuple(root + one for one in (path, *beside)))
    in_project = getattr(request, "project", None) is not None
    return in_project or request.path == root or request.path.startswith(f"{root}projects/")


# name, address, and those beside it whose pages lead back to it
HOUSE = (
    ("Projects", ""),
    ("Policies", "policies/"),
    ("Waivers", "waivers/"),
    ("Controls", "controls/", "frameworks/", "retention/", "holds/"),
    ("Incidents", "incidents/"),
    ("Record", "records/", "checkpoints/", "witnesses/", "keys/", "destinations/", "attestations/"),
    ("Workers", "workers/"),
    ("Members", "members/", "emergencies/", "access-reviews/"),
)


def _sample(n, smallest_group):
    sizes = {"n": n, "smallest group n": smallest_group}
    return " · ".join(f"{words} {numbers.number(size)}" for words, size in sizes.items() if size is not None)
