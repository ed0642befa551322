"""People's door to models."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from apps.accounts.permissions import Permission, why_not
from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import listed, page, see
from apps.models import actions, forms, queries, rules, sheets
from apps.models.downloads import attachment, signature

NAMES = 20  # models to choose from on the page; the address takes any


@require_safe
def model_list(request):
    """What has been built in this project."""
    viewer, project = request.membership, request.project
    named = queries.names(viewer=viewer, project=project)
    chosen = named.filter(name=request.GET.get("name", "")).first()
    context = listed(request, queries.listed_versions(viewer=viewer, project=project, model=chosen))
    for version in context["rows"]:
        version.estimator = sheets.ESTIMATORS.get(version.recipe["estimator"], "")
    context["why_not_train"] = why_not(viewer, Permission.RUN_LAUNCH)
    context |= {"chosen": chosen, "names": list(named[:NAMES])}
    return page(request, "models/model_list.html", context=context)


def model_detail(request, pk):
    """One version: what it is, what made it, how it did; and its retirement."""
    version = _version(request, pk)
    form = forms.Retirement(request.POST or None)
    if form.is_valid():
        try:
            actions.retire(version, by=request.membership, **form.cleaned_data)
            messages.success(request, f"{version} is retired.")
            return see(version)
        except ActionDenied as denied:
            form.add_error(None, str(denied))
        except BadInput as bad:
            form.add_error("reason", bad.problems["reason"])
    context = {
        "version": version,
        "sheet": sheets.sheet(version),
        "form": form,
        "siblings": list(queries.siblings(version, viewer=request.membership)[:20]),
        "why_not_retire": rules.why_not_retire(version, queries.why_not_alter(version.model), by=request.membership),
        "why_not_download": rules.why_not_download(version, by=request.membership),
    }
    status = 400 if form.errors else 200
    return page(request, "models/model_detail.html", context=context, status=status, about=version)


@require_safe
def model_file(request, pk, name):
    """One file of a version, exactly as it was registered; the download is remembered."""
    version = _version(request, pk)
    if name not in version.files:
        raise Http404
    try:
        return attachment(version, name, by=request.membership)
    except ActionDenied as denied:
        messages.error(request, str(denied))
        return see(version)


@require_safe
def model_signature(request, pk):
    """The organization's signature over the files of a version."""
    version = _version(request, pk)
    try:
        return signature(version)
    except ActionDenied as denied:
        messages.error(request, str(denied))
        return see(version)


def _version(request, pk):
    return get_object_or_404(queries.versions(viewer=request.membership, project=request.project), pk=pk)
