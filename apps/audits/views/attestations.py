"""Pages of the trials of the walls between organizations."""

from django.contrib import messages
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from apps.audits import actions, attestations, queries, rules
from apps.common.errors import ActionDenied
from apps.common.pages import listed, page, see


def attestation_list(request):
    """Every trial there was; a POST asks for the next."""
    viewer = request.membership
    if request.method == "POST":
        try:
            return see(actions.ask_attestation(by=viewer))
        except ActionDenied as denied:
            messages.error(request, str(denied))
    context = listed(request, queries.attestations(viewer=viewer)) | {"why_not": rules.why_not_attest(by=viewer)}
    return page(request, "audits/attestation_list.html", context=context)


@require_safe
def attestation_detail(request, pk):
    attestation = _attestation(request, pk)
    context = {
        "attestation": attestation,
        "why_not_take": rules.why_not_take_attestation(attestation, by=request.membership),
    }
    if result := attestations.result(attestation):
        context |= {
            "result": result,
            "answer": attestations.answer(result),
            "places": attestations.by_place(result),
            "addresses": attestations.by_address(result),
            "unseen": result["words"]["planted"] - result["words"]["seen_by_their_own"],
        }
    return page(request, "audits/attestation_detail.html", part="state", context=context)


@require_safe
def attestation_file(request, pk, form):
    """The signed result, to take away."""
    attestation = _attestation(request, pk)
    try:
        actions.take_attestation(attestation, form=form, by=request.membership)
    except ActionDenied as denied:
        messages.error(request, str(denied))
        return see(attestation)
    return attestations.attachment(attestation, form)


def _attestation(request, pk):
    return get_object_or_404(queries.attestations(viewer=request.membership), pk=pk)
