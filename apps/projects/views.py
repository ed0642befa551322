"""Pages that open a project, change it, ask how much is at stake, and close it."""

from django.contrib import messages

from apps.common.pages import attempt, page, see
from apps.projects import actions, forms, queries, rules


def project_new(request):
    by = request.membership
    owners = queries.possible_owners(viewer=by)
    form = forms.NewProject(request.POST or None, owners=owners, initial={"owner": by.pk})
    if form.is_valid():
        words = {name: form.cleaned_data[name] for name in ("name", "purpose", "owner", "risk_class")}
        if project := attempt(form, actions.open_project, answers=form.answers, by=by, **words):
            messages.success(request, f"{project} is open. The first thing it needs is data.")
            return see(project)
    return _stake_page(request, "projects/project_new.html", form, why_not=rules.why_not_open(by=by))


def project_edit(request):
    by, project = request.membership, request.project
    initial = {"name": project.name, "purpose": project.purpose, "owner": project.owner_id, "seen": project.changed_at}
    form = forms.ChangedPurpose(request.POST or None, owners=queries.possible_owners(viewer=by), initial=initial)
    if form.is_valid() and attempt(form, actions.change, project, by=by, **form.cleaned_data):
        return see(project)
    context = {"project": project, "form": form, "why_not": rules.why_not_change(project, by=by)}
    return page(request, "projects/project_edit.html", context=context)


def project_risk(request):
    by, project = request.membership, request.project
    raised = project.answers and project.risk_class != rules.risk_class(project.answers)
    initial = forms.as_words(project.answers) | {
        "risk_class": project.risk_class if raised else "",
        "seen": project.changed_at,
    }
    form = forms.ChangedStake(request.POST or None, initial=initial)
    if form.is_valid():
        chosen = {"risk_class": form.cleaned_data["risk_class"], "seen": form.cleaned_data["seen"]}
        if changed := attempt(form, actions.classify, project, answers=form.answers, by=by, **chosen):
            messages.success(request, f"{changed} is of {changed.get_risk_class_display().lower()} risk.")
            return see(changed)
    why_not = rules.why_not_change(project, by=by)
    return _stake_page(request, "projects/project_risk.html", form, project=project, why_not=why_not)


def project_close(request):
    by, project = request.membership, request.project
    form = forms.Closing(request.POST or None)
    if form.is_valid() and attempt(form, actions.close, project, by=by, **form.cleaned_data):
        messages.success(request, f"{project} is closed.")
        return see(project)
    context = {"project": project, "form": form, "why_not": rules.why_not_close(project, by=by)}
    return page(request, "projects/project_close.html", context=context)


def _stake_page(request, template, form, **context):
    """The questions, and what the answers given so far make of the project; htmx asks for the latter alone."""
    given = request.GET if request.htmx else request.POST
    answers = forms.so_far(given) if given else forms.so_far(form.initial)
    stake = {"because": rules.because(answers), "open": len(rules.NAMES) - len(answers)} if answers else None
    return page(request, template, part="stake", context={"form": form, "stake": stake, **context})
