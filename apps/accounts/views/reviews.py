"""Pages of the review of who has access."""

from django.contrib import messages
from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import actions, forms, queries, rules
from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import listed, page, see


def access_reviews(request):
    """Every review there was; POST begins the next."""
    viewer = request.membership
    found, due = queries.access_reviews(viewer=viewer), queries.review_due(viewer=viewer)
    open_one = found.filter(finished_at=None).first()
    if request.method == "POST":
        try:
            return see(actions.reviews.start(by=viewer))
        except ActionDenied as denied:
            messages.error(request, str(denied))
    context = listed(request, found) | {
        "due": due,
        "overdue": due <= timezone.now(),
        "open_one": open_one,
        "why_not": rules.why_not_start_review(open_one, by=viewer),
    }
    return page(request, "accounts/access_review_list.html", context=context)


def access_review(request, pk):
    review, by = _review(request, pk), request.membership
    lines = queries.access(review)
    undecided = sum(line.decision is None for line in lines)
    context = {
        "review": review,
        "lines": [(line, rules.why_not_decide(review, by=by, about=line.member)) for line in lines],
        "undecided": undecided,
        "removed": sum(1 for line in lines if line.decision and not line.decision.keep),
        "why_not_finish": rules.why_not_finish_review(review, undecided, by=by),
    }
    return page(request, "accounts/access_review_detail.html", context=context)


@require_POST
def access_review_decide(request, pk):
    review, form = _review(request, pk), forms.AccessDecision(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was changed: keep or remove one line.")
        return see(review)
    return _done(request, review, actions.reviews.decide, "", **form.chosen)


@require_POST
def access_review_finish(request, pk):
    return _done(request, _review(request, pk), actions.reviews.finish, "The review is finished and signed.")


@require_safe
def access_review_attestation(request, pk):
    """The signed result, to take away."""
    review = _review(request, pk)
    if reason := rules.why_not_take_attestation(review):
        messages.error(request, reason)
        return see(review)
    name = f"access-review-{review.organization.slug}-{review.pk}.dsse.json"
    return JsonResponse(review.envelope, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _done(request, review, act, words, **given):
    try:
        act(review, by=request.membership, **given)
        if words:
            messages.success(request, words)
    except (ActionDenied, BadInput) as denied:
        messages.error(request, str(denied))
    return see(review)


def _review(request, pk):
    return get_object_or_404(queries.access_reviews(viewer=request.membership), pk=pk)
