"""Pages of the record: what happened, one line of it, whether it is intact, and taking it away."""

import shlex

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404

from apps.audits import actions, forms, queries, rules
from apps.audits.addresses import address
from apps.audits.downloads import download
from apps.common.errors import ActionDenied
from apps.common.pages import listed, page


def record_list(request):
    viewer = request.membership
    form = forms.Filters(request.GET, people=queries.people(viewer=viewer))
    chosen = form.chosen if form.is_valid() else {}
    context = listed(request, queries.records(viewer=viewer, **chosen), key="seq")
    slug = viewer.organization.slug
    context |= {
        "lines": [(record, address(record, slug)) for record in context["rows"]],
        "form": form,
        "chosen": chosen,
        "formats": forms.FORMATS,
        "kept": [(name, value) for name, value in request.GET.items() if name in form.fields and value],
        "why_not_export": rules.why_not_export(by=viewer),
    }
    return page(request, "audits/record_list.html", part="lines", context=context)


def record_detail(request, seq):
    viewer = request.membership
    record = get_object_or_404(queries.record(viewer=viewer, seq=seq))
    context = {
        "record": record,
        "address": address(record, viewer.organization.slug),
        "command": _by_hand(record),
        "newest": queries.newest(viewer=viewer),
    }
    return page(request, "audits/record_detail.html", context=context)


def _by_hand(record) -> str:
    """A shell command that answers with the record's digest."""
    return f"(printf '%s' {record.previous_hex} | xxd -r -p; printf '%s' {shlex.quote(record.leaf)}) | sha256sum"


def verification(request):
    viewer = request.membership
    form = forms.KnownHead(request.POST if request.method == "POST" else None)  # an empty form is an answer too
    found = None
    if form.is_valid():
        try:
            found = actions.verify(by=viewer, known=form.cleaned_data["known"])
        except ActionDenied as denied:
            form.add_error(None, str(denied))
    context = {
        "form": form,
        "found": found,
        "last": queries.last_verification(viewer=viewer),
        "why_not": rules.why_not_verify(by=viewer),
    }
    return page(request, "audits/verification.html", context=context)


def export(request):
    form = forms.Export(request.GET, people=queries.people(viewer=request.membership))
    if not form.is_valid():
        return page(request, "audits/export_refused.html", context={"form": form}, status=400)
    try:
        return download(by=request.membership, **form.chosen)
    except ActionDenied as denied:
        raise PermissionDenied(str(denied)) from denied
