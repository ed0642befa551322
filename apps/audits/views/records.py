"""Pages of the record: what happened, one line of it, whether it is intact, and taking it away."""

import shlex

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.audits import actions, checkpoints, forms, queries, rules
from apps.audits.addresses import address
from apps.audits.downloads import download
from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import listed, objections, page, see


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
        "proof": queries.inclusion(record),
    }
    return page(request, "audits/record_detail.html", context=context)


def _by_hand(record) -> str:
    """A shell command that answers with the record's digest."""
    return f"printf '\\0%s' {shlex.quote(record.leaf)} | sha256sum"


def verification(request):
    viewer = request.membership
    form = forms.Verification(request.POST if request.method == "POST" else None)  # an empty form is an answer too
    found = None
    if form.is_valid():
        try:
            known = checkpoints.kept(viewer.organization_id, form.cleaned_data["checkpoint"])
            found = actions.verify(by=viewer, known=known, new=form.cleaned_data["new"])
        except BadInput as bad:
            form.add_error("checkpoint", str(bad))
        except ActionDenied as denied:
            form.add_error(None, str(denied))
    context = {
        "form": form,
        "found": found,
        "last": queries.last_verification(viewer=viewer),
        "why_not": rules.why_not_verify(by=viewer),
    }
    return page(request, "audits/verification.html", context=context)


def checkpoint_list(request):
    """All of them; a POST makes the one of now."""
    viewer = request.membership
    if request.method == "POST":
        try:
            return see(reverse("checkpoint", args=[viewer.organization.slug, actions.checkpoint(by=viewer).pk]))
        except ActionDenied as denied:
            messages.error(request, str(denied))
    context = listed(request, queries.checkpoints(viewer=viewer)) | {
        "newest": queries.newest(viewer=viewer),
        "why_not": rules.why_not_verify(by=viewer),
    }
    return page(request, "audits/checkpoint_list.html", context=context)


def checkpoint_detail(request, pk):
    checkpoint = get_object_or_404(queries.checkpoints(viewer=request.membership), pk=pk)
    return page(request, "audits/checkpoint_detail.html", context={"checkpoint": checkpoint})


def witness_list(request):
    viewer = request.membership
    form = forms.Witness(request.POST or None)
    if form.is_valid():
        try:
            witness = actions.add_witness(by=viewer, **form.cleaned_data)
        except (ActionDenied, BadInput) as refused:
            objections(form, refused)
        else:
            messages.success(request, f"{witness} is given every checkpoint from now on.")
            return see(reverse("witnesses", args=[viewer.organization.slug]))
    context = listed(request, queries.witnesses(viewer=viewer)) | {
        "form": form,
        "why_not": rules.why_not_witness(by=viewer),
    }
    return page(request, "audits/witness_list.html", context=context)


@require_POST
def witness_end(request, pk):
    witness = get_object_or_404(queries.witnesses(viewer=request.membership), pk=pk)
    try:
        actions.end_witness(witness, by=request.membership)
        messages.success(request, f"{witness} is given nothing more; what it keeps, it keeps.")
    except ActionDenied as denied:
        messages.error(request, str(denied))
    return see(reverse("witnesses", args=[request.membership.organization.slug]))


def signing_keys(request):
    """The public keys; a POST puts a new one in place of the one in use."""
    viewer = request.membership
    if request.method == "POST":
        try:
            row = actions.rotate_key(by=viewer)
        except ActionDenied as denied:
            messages.error(request, str(denied))
        else:
            messages.success(request, f"From now on the portal signs with key {row.number}.")
        return see(reverse("keys", args=[viewer.organization.slug]))
    rows = queries.signing_keys(viewer=viewer)
    context = listed(request, rows, key="number") | {"why_not": rules.why_not_rotate(by=viewer)}
    return page(request, "audits/signingkey_list.html", context=context)


def export(request):
    form = forms.Export(request.GET, people=queries.people(viewer=request.membership))
    if not form.is_valid():
        return page(request, "audits/export_refused.html", context={"form": form}, status=400)
    try:
        return download(by=request.membership, **form.chosen)
    except ActionDenied as denied:
        raise PermissionDenied(str(denied)) from denied
