"""Places handed on."""

from django.contrib import messages
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts import reentry
from apps.accounts.permissions import Permission, why_not
from apps.approvals import actions, forms, queries, rules
from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import listed, page, see
from apps.projects import queries as projects


def delegations(request):
    """Who stands in for whom, and the form that hands one's own place on."""
    viewer = request.membership
    people = {member.pk: member for member in queries.stand_ins(viewer=viewer)}
    own = {project.pk: project for project in projects.projects(viewer=viewer)[:200]}
    asks = reentry.asks_for_code(request.user)
    form = forms.Delegation(request.POST or None, people=people.values(), projects=own.values(), asks_for_code=asks)
    if form.is_valid():
        given = form.given
        try:
            actions.delegate(people[given.pop("delegate")], project=own.get(given.pop("project")), by=viewer, **given)
        except ActionDenied as denied:
            form.add_error(None, str(denied))
        except BadInput as bad:
            for name, problem in bad.problems.items():
                form.add_error(name if name in form.fields else None, problem)
        else:
            messages.success(request, "Your place is handed on.")
            return see(request.path)
    rows = listed(request, queries.delegations(viewer=viewer))
    for row in rows["rows"]:
        row.why_not_end = rules.why_not_end(row, by=viewer)
    context = rows | {"form": form, "why_not": why_not(viewer, Permission.APPROVAL_SIGN)}
    return page(request, "approvals/delegation_list.html", context=context)


@require_POST
def delegation_end(request, pk):
    delegation = get_object_or_404(queries.delegations(viewer=request.membership), pk=pk)
    try:
        actions.end(delegation, by=request.membership)
        messages.success(request, "Your place is yours again.")
    except ActionDenied as denied:
        messages.error(request, str(denied))
    return see(reverse("delegations", args=[request.membership.organization.slug]))
