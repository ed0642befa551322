"""Pages of emergency access: who has it, asking for it, agreeing, ending, reviewing."""

from django.contrib import messages
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from apps.accounts import actions, forms, queries, rules
from apps.accounts.permissions import Permission
from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import listed, objections, page, see


def emergencies(request):
    viewer = request.membership
    context = listed(request, queries.emergencies(viewer=viewer)) | {
        "overdue": queries.emergencies_overdue(viewer=viewer),
        "why_not": rules.why_not_ask_emergency(by=viewer),
    }
    return page(request, "accounts/emergency_list.html", context=context)


def emergency_new(request):
    by = request.membership
    form = forms.Emergency(request.POST or None)
    if form.is_valid():
        try:
            return see(actions.emergencies.ask(by=by, **form.cleaned_data))
        except (ActionDenied, BadInput) as refused:
            objections(form, refused)
    context = {"form": form, "why_not": rules.why_not_ask_emergency(by=by)}
    return page(request, "accounts/emergency_new.html", context=context)


def emergency_detail(request, pk):
    access, by = _access(request, pk), request.membership
    context = {
        "access": access,
        "rights": [Permission(word).label for word in access.words],
        "done": queries.done_under(access),
        "form": forms.Finding(),
        "why_not_agree": rules.why_not_agree(access, by=by),
        "why_not_end": rules.why_not_end(access, by=by),
        "why_not_review": rules.why_not_review_emergency(access, by=by),
    }
    return page(request, "accounts/emergency_detail.html", context=context)


@require_POST
def emergency_agree(request, pk):
    return _done(request, pk, actions.emergencies.agree, "It has begun; it ends by itself.")


@require_POST
def emergency_end(request, pk):
    return _done(request, pk, actions.emergencies.end, "It is over.")


@require_POST
def emergency_review(request, pk):
    access, form = _access(request, pk), forms.Finding(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was changed: write what you found.")
        return see(access)
    return _done(request, pk, actions.emergencies.review, "The review is recorded.", **form.cleaned_data)


def _done(request, pk, act, words, **given):
    access = _access(request, pk)
    try:
        act(access, by=request.membership, **given)
        messages.success(request, words)
    except (ActionDenied, BadInput) as denied:
        messages.error(request, str(denied))
    return see(access)


def _access(request, pk):
    return get_object_or_404(queries.emergencies(viewer=request.membership), pk=pk)
