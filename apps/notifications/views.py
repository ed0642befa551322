"""Pages of the destinations of events: which there are, how each fares, and what an owner does about it."""

from django.contrib import messages
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import listed, objections, page, see
from apps.notifications import actions, forms, queries, rules


def destination_list(request):
    viewer = request.membership
    context = listed(request, queries.destinations(viewer=viewer)) | {"why_not": rules.why_not_change(by=viewer)}
    return page(request, "notifications/destination_list.html", context=context)


@never_cache
def destination_new(request):
    viewer = request.membership
    form = forms.Made(request.POST or None)
    if form.is_valid():
        try:
            row, secret = actions.make(by=viewer, **form.cleaned_data)
        except (ActionDenied, BadInput) as refused:
            objections(form, refused)
        else:
            return _made(request, row, secret)
    context = {"form": form, "why_not": rules.why_not_change(by=viewer)}
    return page(request, "notifications/destination_new.html", context=context)


def destination_detail(request, pk):
    """How it fares; a POST changes its name and events."""
    row, viewer = _row(request, pk), request.membership
    form = forms.Changed(request.POST or None, initial={"name": row.name, "events": row.events})
    if form.is_valid():
        try:
            return see(actions.change(row, by=viewer, **form.cleaned_data))
        except (ActionDenied, BadInput) as refused:
            objections(form, refused)
    context = {
        "destination": row,
        "form": form,
        "token": forms.Token(),
        "overlap": rules.OVERLAP,
        "why_not": rules.why_not_change(by=viewer),
    }
    return page(request, "notifications/destination_detail.html", part="state", context=context)


@never_cache
@require_POST
def destination_secret(request, pk):
    row, form = _row(request, pk), forms.Token(request.POST)
    if not form.is_valid():
        return _said(request, row, form.errors["token"][0])
    try:
        row, secret = actions.rotate(row, by=request.membership, **form.cleaned_data)
    except (ActionDenied, BadInput) as refused:
        return _said(request, row, str(refused))
    return _made(request, row, secret)


@require_POST
def destination_test(request, pk):
    return _done(request, pk, actions.test)


@require_POST
def destination_pause(request, pk):
    return _done(request, pk, actions.pause)


@require_POST
def destination_resume(request, pk):
    return _done(request, pk, actions.resume)


@require_POST
def destination_remove(request, pk):
    return _done(request, pk, actions.remove)


def _row(request, pk):
    return get_object_or_404(queries.destinations(viewer=request.membership), pk=pk)


def _done(request, pk, action):
    row = _row(request, pk)
    try:
        action(row, by=request.membership)
    except ActionDenied as denied:
        return _said(request, row, str(denied))
    return see(row)


def _said(request, row, problem: str):
    messages.error(request, problem)
    return see(row)


def _made(request, row, secret: str):
    """The page that shows a new secret, once; where there is none to show, the destination."""
    if not secret and not row.verifier:
        return see(reverse("destination", args=[request.membership.organization.slug, row.pk]))
    context = {"destination": row, "secret": secret, "overlap": rules.OVERLAP}
    return page(request, "notifications/destination_made.html", context=context)
