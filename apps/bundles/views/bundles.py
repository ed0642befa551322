"""People's door to what leaves the house."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from apps.approvals import queries as approvals
from apps.audits import keys
from apps.bundles import actions, downloads, rules
from apps.bundles.contents import Contents, programs
from apps.common.errors import ActionDenied
from apps.common.pages import page, see


@require_safe
def bundle(request, pk):
    """What a bundle of this sign-off holds, and how an outsider checks it."""
    approval = _approval(request, pk)
    why_not = rules.why_not_build(approval, by=request.membership)
    context = {
        "approval": approval,
        "members": [] if why_not else Contents(approvals.case(approval), viewer=request.membership).members,
        "why_not": why_not,
        "why_not_files": rules.why_not_build(approval, by=request.membership, files=True),
        "fingerprint": keys.in_use(approval.organization_id).row.key_id,
        "programs": programs(),
    }
    return page(request, "bundles/bundle.html", context=context, about=approval.model_version)


@require_safe
def bundle_file(request, pk):
    """The archive; with ?files=yes, the model's own files too."""
    approval = _approval(request, pk)
    try:
        made = actions.build(approval, by=request.membership, files=request.GET.get("files") == "yes")
    except ActionDenied as denied:
        messages.error(request, str(denied))
        return see(approval)
    return downloads.attachment(made)


@require_safe
def program(request, name):
    """What checks bundles, for whoever distrusts the one in a bundle."""
    found = next((one for one in programs() if one.name == name), None)
    if found is None:
        raise Http404
    return downloads.part(found)


def _approval(request, pk):
    return get_object_or_404(approvals.approvals(viewer=request.membership, project=request.project), pk=pk)
