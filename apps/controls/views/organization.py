"""The organization's own pages: its models under every framework, what it follows, what it keeps, what it holds."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.audits import holds as audit_holds
from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import listed, page, see
from apps.controls import actions, forms, queries
from apps.controls.catalogue import frameworks as catalogue
from apps.controls.downloads import attachment
from apps.controls.queries import disposal
from apps.controls.rules import permitted
from apps.controls.rules.retention import KEPT, minimums
from apps.controls.shown import FORMATS, matrix
from apps.projects import queries as projects


def inventory(request):
    """Every model with its tier, owner, next review and coverage."""
    viewer = request.membership
    context = listed(request, projects.projects(viewer=viewer))
    subjects = queries.subjects(viewer=viewer, projects=context["rows"])
    rows = queries.coverages(viewer=viewer, subjects=subjects)
    followed = [each for each in catalogue().values() if not rows or rows[0].said.follows(each.id)]
    context |= {"matrix": matrix(rows, followed), "frameworks": followed, "formats": FORMATS[1:],
                "left_out": [each for each in catalogue().values() if each not in followed]}  # fmt: skip
    return page(request, "controls/inventory.html", context=context)


@require_safe
def inventory_export(request):
    """The whole inventory as a file."""
    viewer = request.membership
    if (form := request.GET.get("format", "csv")) not in ("csv", "json"):
        raise Http404
    rows = queries.every_coverage(viewer=viewer)
    try:
        return attachment(actions.export_inventory(rows, form=form, by=viewer))
    except ActionDenied as denied:
        raise PermissionDenied(str(denied)) from denied


def frameworks(request):
    """What the organization follows, and why not the rest."""
    by = request.membership
    form = forms.Choice(request.POST or None)
    if form.is_valid():
        try:
            actions.choose_framework(**form.cleaned_data, by=by)
            messages.success(request, "It is recorded, and counts from now on.")
            return see(request.path)
        except (ActionDenied, BadInput) as refused:
            form.add_error(None, str(refused))
    chosen = {row["framework"]: row for row in queries.latest_choices(viewer=by)}
    rows = [{"framework": each, "choice": chosen.get(each.id)} for each in catalogue().values()]
    context = {"rows": rows, "form": form, "why_not": permitted.why_not_choose(by=by)}
    return page(request, "controls/frameworks.html", context=context)


def retention(request):
    """How long things are kept, and what was disposed of."""
    by = request.membership
    schedule = queries.schedules(viewer=by).first()
    body = schedule.body if schedule else {"periods": {}, "maximum_personal": None}
    initial = body["periods"] | {"maximum_personal": body["maximum_personal"]}
    form = forms.Schedule(request.POST or None, initial=initial)
    if form.is_valid():
        try:
            actions.propose_schedule(**form.told, by=by)
            messages.success(request, "The schedule is proposed. It counts as soon as a second person publishes it.")
            return see(request.path)
        except (ActionDenied, BadInput) as refused:
            form.add_error(None, str(refused))
    mine = list(projects.projects(viewer=by)[:50])
    context = _proposed(schedule, by) | {
        "schedule": schedule,
        "form": form,
        "rows": [(project, list(disposal.periods(project, schedule and body).values())) for project in mine],
        "runs": disposal.runs(viewer=by)[:10],
        "disposals": disposal.disposals(viewer=by)[:20],
        "why_not": permitted.why_not_set_retention(by=by),
    }
    return page(request, "controls/retention.html", context=context)


def _proposed(schedule, by) -> dict:
    """What waits for a second person, if anything, beside what the page always tells; `schedule`: the one in force."""
    told = {"kept": [name for name, _ in KEPT.values()], "minimums": minimums()}
    newest = queries.every_schedule(viewer=by).first()
    if newest is None or newest.published_at:
        return told
    days = [(name, newest.body["periods"].get(kind)) for kind, (name, _) in KEPT.items()]
    why_not = permitted.why_not_publish_schedule(newest, schedule, by=by)
    return told | {"proposed": newest, "proposed_days": days, "why_not_publish": why_not}


@require_POST
def retention_publish(request, number):
    """What another proposed counts from now on."""
    by = request.membership
    schedule = get_object_or_404(queries.every_schedule(viewer=by), number=number)
    try:
        actions.publish_schedule(schedule, by=by)
        messages.success(request, "The schedule is published, and counts from now on.")
    except ActionDenied as denied:
        messages.error(request, str(denied))
    return see(reverse("retention", args=[by.organization.slug]))


@require_POST
def retention_dispose(request):
    """One round of disposal, now."""
    try:
        made = actions.dispose_now(by=request.membership)
        went = sum(made.result["disposed"].values())
        messages.success(request, f"{went} things were disposed of; {sum(made.result['spared'].values())} were spared.")
    except ActionDenied as denied:
        messages.error(request, str(denied))
    return see(reverse("retention", args=[request.membership.organization.slug]))


def holds(request):
    """Legal holds: in force, asked to be released, released."""
    by = request.membership
    form = forms.Hold(request.POST or None, projects=projects.projects(viewer=by))
    if form.is_valid():
        try:
            on = form.cleaned_data["project"] or by.organization
            audit_holds.place(on, reason=form.cleaned_data["reason"], by=by)
            messages.success(request, "The hold is in force: nothing it covers is disposed of.")
            return see(request.path)
        except (ActionDenied, BadInput) as refused:
            form.add_error(None, str(refused))
    context = {
        "rows": queries.holds_with_names(viewer=by),
        "form": form,
        "why_not": audit_holds.why_not_change(by=by),
    }
    return page(request, "controls/holds.html", context=context)


@require_POST
def hold_release(request, pk):
    """Ask for a hold's release, or grant it."""
    by = request.membership
    hold = get_object_or_404(disposal.legal_holds(viewer=by), pk=pk)
    form = forms.Release(request.POST)
    try:
        reason = form.cleaned_data["reason"] if form.is_valid() else ""
        released = audit_holds.release(hold, reason=reason, by=by, project=queries.project_of(hold, viewer=by))
        word = "The hold is released." if released.released_at else "It is asked for; a second person releases it."
        messages.success(request, word)
    except (ActionDenied, BadInput) as refused:
        messages.error(request, str(refused))
    return see(reverse("holds", args=[by.organization.slug]))
