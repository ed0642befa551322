"""Members' pages about shares: who is shown what, until when, and what they looked at."""

from django.contrib import messages
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.bundles import actions, forms, queries, rules
from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import listed, page, row_number, see


@require_safe
def shares(request):
    rows = queries.shares(viewer=request.membership)
    context = listed(request, rows) | {"why_not": rules.why_not_share(by=request.membership)}
    return page(request, "bundles/share_list.html", context=context)


@never_cache
def share_new(request):
    """Choose what is shown, to whom and until when; the link is on the page that answers, once."""
    offered, chosen = _offered(request)
    until = timezone.now().date() + rules.USUAL
    form = forms.Sharing(request.POST or None, offered=offered, chosen=chosen, initial={"until": until})
    if form.is_valid():
        given = dict(form.cleaned_data)
        try:
            share, secret = actions.share(given.pop("approvals"), by=request.membership, **given)
        except ActionDenied as denied:
            form.add_error(None, str(denied))
        except BadInput as bad:
            form.add_error("until" if "until" in bad.problems else None, str(bad))
        else:
            link = request.build_absolute_uri(reverse("shared", args=[secret]))
            return page(request, "bundles/share_made.html", context={"share": share, "link": link})
    context = {"form": form, "offered": offered, "why_not": rules.why_not_share(by=request.membership)}
    return page(request, "bundles/share_new.html", context=context)


def _offered(request):
    """The sign-offs the form offers, and those the address chooses beforehand."""
    found = queries.to_choose(viewer=request.membership)
    newest, asked = list(found[: queries.OFFERED]), row_number(request.GET.get("approval"))
    chosen = found.filter(pk=asked).first() if asked else None
    if chosen and chosen not in newest:
        newest.insert(0, chosen)
    return newest, [chosen.pk] if chosen else []


def share_detail(request, pk):
    share = get_object_or_404(queries.shares(viewer=request.membership), pk=pk)
    context = listed(request, queries.log(share, viewer=request.membership), key="seq") | {
        "share": share,
        "shown": queries.shown(share),
        "why_not": rules.why_not_revoke(share, by=request.membership),
    }
    return page(request, "bundles/share_detail.html", context=context)


@require_POST
def share_revoke(request, pk):
    share = get_object_or_404(queries.shares(viewer=request.membership), pk=pk)
    try:
        actions.revoke(share, by=request.membership)
        messages.success(request, f"The link of {share.addressee} opens nothing any more.")
    except ActionDenied as denied:
        messages.error(request, str(denied))
    return see(share)
