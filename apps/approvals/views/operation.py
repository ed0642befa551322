"""How a signed model fares in operation: what was measured, and the form that asks for more."""

from django.shortcuts import get_object_or_404

from apps.approvals import actions, forms, queries, rules
from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import listed, objections, page, see
from apps.datasets import queries as datasets

OFFERED = 20  # dataset versions in the form, the newest


def approval_operation(request, pk):
    viewer = request.membership
    approval = get_object_or_404(queries.approvals(viewer=viewer, project=request.project), pk=pk)
    versions = _offered(approval, viewer)
    form = forms.Operation(request.POST or None, versions=versions)
    if form.is_valid() and _asked(approval, form, versions, viewer):
        return see(request.path)
    why_not = rules.why_not_measure(approval, by=viewer) or _nothing_to_measure(versions)
    context = _shown(request, approval) | {"form": form, "why_not": why_not}
    status, about = 400 if form.errors else 200, approval.model_version
    return page(request, "approvals/operation.html", part="list", context=context, status=status, about=about)


def _asked(approval, form, versions, by) -> bool:
    """Whether it is asked for now; else the form says why not."""
    given = dict(form.cleaned_data)
    chosen = given.pop("dataset_version")
    data = next(one for one in versions if one.pk == chosen)
    try:
        actions.measure_in_operation(approval, data, by=by, **given)
    except (ActionDenied, BadInput) as refused:
        objections(form, refused)
    return not form.errors


def _shown(request, approval) -> dict:
    """Every report, newest first, and the newest of each kind rule by rule."""
    found = listed(request, queries.measured(approval, viewer=request.membership), size=10)
    operation, policy = queries.in_operation(approval, viewer=request.membership), approval.policy_version.parsed
    return found | {
        "approval": approval,
        "operation": operation,
        "broken": [(breach, rules.broken(breach, policy)) for breach in operation.breaches],
        "polled": bool(request.htmx) and not request.htmx.boosted,  # what else changed goes with the list
        "reports": queries.judged(found["rows"], policy, approval.model_version),
        "caption": (
            f"Rules of {approval.policy_version} on the newest report in operation of each kind. What does not pass "
            "comes first. Intervals are 95 %, wider where several comparisons share the error."
        ),
        "waiting": any(not report.is_over for report in found["rows"]),
    }


def _offered(approval, viewer) -> list:
    """The newest dataset versions that could be from operation: declared, and not what the model was made from."""
    made = approval.model_version
    known = [made.dataset_version_id, made.test_dataset_version_id]
    found = datasets.usable(viewer=viewer, project=approval.project)
    return list(found.exclude(pk__in=[pk for pk in known if pk])[:OFFERED])


def _nothing_to_measure(versions) -> str | None:
    return (
        None if versions else "There are no rows from operation yet: upload and declare them among the project's data."
    )
