"""Pages about what serves."""

import json

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.permissions import Permission, why_not
from apps.approvals import queries as approvals
from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import listed, page, row_number, see
from apps.deployments import actions, forms, queries, rules
from apps.deployments.models import STOPS_WITHIN, State
from apps.models import queries as models

SHOWN = 12  # values of an input on the page
MEASURED = 5  # reports in operation on the page; all of them on theirs


def deployments(request):
    rows = queries.deployments(viewer=request.membership, project=request.project)
    state = request.GET.get("state", "")
    if state in State.values:
        rows = rows.filter(state=state)
    context = listed(request, rows) | {
        "state": state,
        "states": State.choices,
        "why_not": why_not(request.membership, Permission.DEPLOYMENT_OPEN),
    }
    return page(request, "deployments/deployment_list.html", context=context)


def deployment_new(request):
    """Choose a sign-off that stands, then a name."""
    viewer, chosen = request.membership, row_number(request.GET.get("approval"))
    found = approvals.approvals(viewer=viewer, project=request.project)
    if chosen is None:
        standing = found.filter(state="approved", stands=True)
        return page(request, "deployments/deployment_new.html", context={"approvals": standing[:50]})
    approval = get_object_or_404(found, pk=chosen)
    form = forms.Opening(request.POST or None, initial={"name": approval.model_version.model.name})
    if form.is_valid():
        try:
            return see(actions.open_deployment(approval, by=viewer, **form.cleaned_data))
        except BadInput as bad:
            form.add_error("name", bad.problems["name"])
        except ActionDenied as denied:
            form.add_error(None, str(denied))
    kept = models.why_not_alter(approval.model_version.model)
    why_not = rules.why_not_open(approvals.case(approval), kept, by=viewer)
    context = {"approval": approval, "form": form, "why_not": why_not}
    return page(request, "deployments/deployment_new.html", context=context)


def deployment_detail(request, pk):
    deployment = get_object_or_404(queries.deployments(viewer=request.membership, project=request.project), pk=pk)
    reasons, permit = queries.why_it_does_not_stand(deployment), queries.permit(deployment)
    path = reverse("api-deployment-predict", args=[deployment.project.organization.slug, deployment.pk])
    context = {
        "deployment": deployment,
        "objection": rules.why_not_answer(deployment, reasons, permit),
        "permit": permit,
        "last_try": _last_try(deployment),
        "stops_within": STOPS_WITHIN.total_seconds(),
        "root": settings.URL + path.partition("/deployments/")[0],
        "why_not_take": rules.why_not_take_permit(by=request.membership),
        "columns": [_column(column) for column in deployment.model_version.input_schema],
        "address": settings.URL + path,
        "example": _example(deployment.model_version.input_schema),
        "history": queries.history(deployment),
        "operation": approvals.in_operation(deployment.approval, viewer=request.membership),
        "measured": _measured(deployment, request.membership),
        "form": forms.Reason(),
        "why_not_stop": rules.why_not_stop(deployment, by=request.membership),
    }
    about = deployment.model_version
    return page(request, "deployments/deployment_detail.html", context=context, about=about)


def _last_try(deployment) -> dict | None:
    """When its stop was last tried, how long the last permit took to fall, and whether that was in time."""
    if (tried := queries.last_try(deployment)) is None:
        return None
    took = tried.stopped_at - tried.suspended_at
    return {"at": tried.suspended_at, "seconds": took.total_seconds(), "slow": took > STOPS_WITHIN}


def _measured(deployment, viewer) -> list:
    """The newest reports in operation, each under the policy of the sign-off."""
    approval = deployment.approval
    newest = approvals.measured(approval, viewer=viewer)[:MEASURED]
    return approvals.judged(newest, approval.policy_version.parsed, approval.model_version)


def _column(column: dict) -> dict:
    """An input of the model, with its values in words."""
    values = column.get("values", [])
    words = ", ".join(values[:SHOWN]) + (f" and {len(values) - SHOWN} more" if len(values) > SHOWN else "")
    if not column.get("complete", True):
        words += "; others are taken as unknown"
    return column | {"words": words or ("any number" if column["kind"] == "number" else "any text")}


def _example(columns: list[dict]) -> str:
    """One row that has the right shape: a known value for text, zero for numbers."""
    row = {
        column["name"]: (column.get("values") or [""])[0] if column["kind"] == "category" else 0 for column in columns
    }
    return json.dumps({"rows": [row]}, ensure_ascii=False)


@require_safe
def deployment_permit(request, pk):
    """The token of the permit that stands now, as a file; that it was taken is remembered."""
    deployment = get_object_or_404(queries.deployments(viewer=request.membership, project=request.project), pk=pk)
    try:
        permit = actions.take_permit(deployment, by=request.membership)
    except ActionDenied as denied:
        messages.error(request, str(denied))
        return see(deployment)
    name = f"{deployment.name}-{permit.number}.permit.jwt"
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(permit.token, content_type="application/jwt", headers=disposition)


@require_POST
def deployment_stop(request, pk):
    deployment = get_object_or_404(queries.deployments(viewer=request.membership, project=request.project), pk=pk)
    form = forms.Reason(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was changed: write the reason.")
        return see(deployment)
    try:
        actions.stop(deployment, by=request.membership, **form.cleaned_data)
        messages.success(request, "It is stopped: the next request gets no answer.")
    except ActionDenied as denied:
        messages.error(request, str(denied))
    return see(deployment)
