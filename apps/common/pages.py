"""How a page answers: whole, or the part htmx asked for; lists by cursor; redirects that say See Other."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render

from apps.common.errors import ActionDenied, BadInput

PAGE_SIZE = 25


def page(request, template: str, *, part: str = "", context: dict | None = None, status: int = 200, about=None):
    """Render `template`; when htmx asks for its block, only the partial named `part`.

    `about`: the model version the page speaks of, for the rail to stand for; without one it stands for the newest."""
    request.about = about
    if part and request.htmx and not request.htmx.boosted:
        template = f"{template}#{part}"
    return render(request, template, context or {}, status=status)


def told(make: Callable[[], dict]) -> JsonResponse:
    """For a script of ours: what `make` returns, or its refusal as {"detail": the sentence}."""
    try:
        return JsonResponse(make())
    except BadInput as refused:
        return JsonResponse({"detail": str(refused)}, status=400)


def attempt(form, act: Callable, *args, **kwargs):
    """What the action gives; or None, with its objections in the form."""
    try:
        return act(*args, **kwargs)
    except (ActionDenied, BadInput) as refused:
        objections(form, refused)
    return None


def objections(form, refused: ActionDenied | BadInput) -> None:
    """Each where it was typed; what belongs to no field of the form, above it."""
    for name, sentence in getattr(refused, "problems", {"": str(refused)}).items():
        form.add_error(name if name in form.fields else None, sentence)


class Later(HttpResponse):
    """An answer that is made once the request's transaction has ended: it may take long, and holds nothing."""

    streaming = True  # there is no content yet for an idempotency key to keep

    def __init__(self, made: Callable[[], HttpResponse]):
        super().__init__()
        self.made = made


def see(where):
    """After a change: 303 See Other to an address, or to a thing that has one."""
    address = where if isinstance(where, str) else where.get_absolute_url()
    response = HttpResponseRedirect(address)
    response.status_code = 303
    return response


@dataclass(frozen=True)
class Slice:
    """One page of a list. `next` and `previous` are cursors or None."""

    rows: list
    next: str | None
    previous: str | None


def cursor_slice(
    queryset, after: str | None = None, before: str | None = None, *, key: str = "pk", size=PAGE_SIZE
) -> Slice:
    """The rows after (older than) or before (newer than) a cursor, newest first by the unique integer `key`.

    A cursor that is not a number is taken as none: an old bookmark leads to the first page."""
    forward = not row_number(before)
    if cursor := row_number(after if forward else before):
        queryset = queryset.filter(**{f"{key}__{'lt' if forward else 'gt'}": cursor})
    rows = list(queryset.order_by(f"{'-' if forward else ''}{key}")[: size + 1])
    more, rows = len(rows) > size, rows[:size]
    if not forward:
        rows.reverse()
    at_start = forward and not row_number(after)
    return Slice(
        rows=rows,
        next=str(_value(rows[-1], key)) if rows and (more or not forward) else None,
        previous=str(_value(rows[0], key)) if rows and not at_start and (forward or more) else None,
    )


def listed(request, queryset, *, key: str = "pk", size: int = PAGE_SIZE) -> dict:
    """Context of a list page: `rows`, and `next_url` and `previous_url` that keep the filters of the address.

    Inside a project the rows are of that project, and need not fetch it."""
    part = cursor_slice(queryset, request.GET.get("after"), request.GET.get("before"), key=key, size=size)
    for row in part.rows:
        if request.project and getattr(row, "project_id", None) == request.project.pk:
            row.project = request.project
    kept = {name: value for name, value in request.GET.items() if name not in ("after", "before")}
    return {
        "rows": part.rows,
        "next_url": "?" + urlencode({**kept, "after": part.next}) if part.next else None,
        "previous_url": "?" + urlencode({**kept, "before": part.previous}) if part.previous else None,
    }


def row_number(text: str | None) -> int | None:
    """The number of a row, as an address names it; None for what no row can have."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def _value(row, key: str):
    return row[key] if isinstance(row, dict) else getattr(row, key)
