"""Places handed on."""

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.accounts import passkeys, reentry
from apps.accounts.permissions import Permission, why_not
from apps.approvals import actions, forms, queries, rules
from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import listed, objections, page, see, told
from apps.projects import queries as projects


def delegations(request):
    """Who stands in for whom, and the form that hands one's own place on."""
    viewer = request.membership
    form, people, own = _form(request)
    if form.is_valid():
        given = form.given
        try:
            actions.delegate(people[given.pop("delegate")], project=own.get(given.pop("project")), by=viewer, **given)
        except (ActionDenied, BadInput) as refused:
            objections(form, refused)
        else:
            messages.success(request, "Your place is handed on.")
            return see(request.path)
    rows = listed(request, queries.delegations(viewer=viewer))
    for row in rows["rows"]:
        row.why_not_end = rules.why_not_end(row, by=viewer)
    context = rows | {
        "form": form,
        "why_not": why_not(viewer, Permission.APPROVAL_SIGN),
        "why_not_passkey": passkeys.why_not(request.get_host()),
    }
    return page(request, "approvals/delegation_list.html", context=context)


def _form(request):
    """The form, whom it can name, and the projects it can name."""
    people = {member.pk: member for member in queries.stand_ins(viewer=request.membership)}
    own = {project.pk: project for project in projects.projects(viewer=request.membership)[:200]}
    second, named = reentry.second(request.user), {"people": people.values(), "projects": own.values()}
    posted = request.POST if request.method == "POST" else None
    return forms.Delegation(posted, second=second, **named), people, own


@never_cache
@require_POST
def delegation_question(request):
    """What this person's passkey is asked, about the place they hand on; nothing is handed on by it yet."""
    form, people, own = _form(request)
    form.full_clean()
    if not {"delegate", "project", "ends_on"} <= form.cleaned_data.keys():
        raise BadRequest("Say to whom, for what and until when.")
    given = form.cleaned_data
    about = rules.handing_on(people[given["delegate"]], own.get(given["project"]), forms.last_moment(given["ends_on"]))
    return told(lambda: passkeys.ask(request.user, about))


@require_POST
def delegation_end(request, pk):
    delegation = get_object_or_404(queries.delegations(viewer=request.membership), pk=pk)
    try:
        actions.end(delegation, by=request.membership)
        messages.success(request, "Your place is yours again.")
    except ActionDenied as denied:
        messages.error(request, str(denied))
    return see(reverse("delegations", args=[request.membership.organization.slug]))
