"""Behind a share's link: pages that can be read and nothing else, for whoever holds it.

The address holds the secret, so these pages are kept by no cache and no search engine, and no other site is told where
a reader came from. A link that opens nothing is answered alike whether it was mistyped, has ended or was taken back."""

from functools import wraps

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.approvals import queries as approvals
from apps.approvals import rules as sign_offs
from apps.audits import keys
from apps.bundles import actions, downloads, guessing, queries
from apps.bundles.contents import Contents, programs
from apps.common.errors import NothingThere
from apps.common.pages import page


def outside(view):
    """A page that is found by its secret alone."""

    @require_safe
    @never_cache
    @wraps(view)
    def answer(request, secret, **kwargs):
        response = _answered(view, request, secret, kwargs)
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        return response

    return answer


def _answered(view, request, secret, kwargs):
    if guessing.is_shut_to(request):
        response = page(request, "bundles/shut.html", status=429)
        response["Retry-After"] = str(guessing.WINDOW)
        return response
    share = queries.share_by_secret(secret)
    if share is None:
        guessing.missed(request)
        return page(request, "bundles/shut.html", status=404)
    if "pk" in kwargs:
        kwargs["approval"] = get_object_or_404(queries.shown(share), pk=kwargs.pop("pk"))
    return view(request, share, secret, **kwargs)


@outside
def shared(request, share, secret):
    """What is shared, with whom and until when."""
    actions.shown(share, "the list")
    context = {"share": share, "secret": secret, "shown": [_told(one) for one in queries.shown(share)]}
    return page(request, "bundles/shared.html", context=context)


@outside
def shared_sign_off(request, share, secret, approval):
    """One sign-off: how it was judged, who signed, and every file of its evidence."""
    actions.shown(share, f"sign-off {approval.pk}")
    case = approvals.case(approval)
    context = _told(approval, case) | {
        "share": share,
        "secret": secret,
        "case": case,
        "outcomes": _linked(case.outcomes, secret, approval),
        "members": Contents(case, viewer=share, files=share.files).members,
        "fingerprint": keys.in_use(share.organization_id).row.key_id,
        "programs": programs(),
    }
    return page(request, "bundles/shared_sign_off.html", context=context)


@outside
def shared_bundle(request, share, secret, approval):
    return downloads.attachment(actions.hand_out(share, approval))


@outside
def shared_file(request, share, secret, approval, name):
    try:
        return downloads.part(actions.hand_out_part(share, approval, name))
    except NothingThere as nothing:
        raise Http404 from nothing


def _linked(outcomes: list[dict], secret: str, approval) -> list[dict]:
    """The gates, each with the address of its report behind this link; what does not pass comes first."""
    linked = [outcome | {"url": _report(outcome, secret, approval)} for outcome in outcomes]
    return sorted(linked, key=lambda outcome: outcome["verdict"] == "pass")


def _report(outcome: dict, secret: str, approval) -> str | None:
    if not (digest := outcome.get("report_digest")):
        return None
    return reverse("shared-file", args=[secret, approval.pk, f"reports/{outcome['report']}-{digest[:12]}.json"])


def _told(approval, case=None) -> dict:
    case = case or approvals.case(approval)
    return {"approval": approval, "answer": sign_offs.answer(case), "status": case.status}
