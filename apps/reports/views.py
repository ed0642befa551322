"""People's door to reports."""

from django.contrib import messages
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST, require_safe

from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import listed, page, see
from apps.reports import actions, forms, queries, rules, sheets
from apps.reports.models import Kind
from apps.reports.sheets import files


def report_list(request):
    """What has been measured, and the form that asks for more."""
    viewer, project = request.membership, request.project
    versions = queries.model_versions(viewer=viewer, project=project)
    form = forms.Start(request.POST or None, versions=versions, initial={"model_version": request.GET.get("model")})
    if form.is_valid():
        version = form.cleaned_data["model_version"]
        try:
            actions.start(version, kinds=form.cleaned_data["kinds"], parameters=form.parameters, by=viewer)
            return see(f"{request.path}?model={version.pk}")
        except BadInput as problem:
            form.add_error(None, str(problem))
        except ActionDenied as denied:
            form.add_error(None, str(denied))
    context = _filters(request, versions) | {"form": form}
    return page(request, "reports/report_list.html", part="list", context=context, status=400 if form.errors else 200)


def _filters(request, versions):
    """The list as the address asks for it, with the standing of the chosen (or newest) model."""
    viewer, asked = request.membership, request.GET.get("model", "")
    chosen = versions.filter(pk=asked).first() if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
    newest = chosen or versions.first()
    kind = request.GET.get("kind") if request.GET.get("kind") in Kind.values else ""
    found = queries.listed_reports(viewer=viewer, project=request.project, version=chosen, kind=kind)
    current = queries.current(viewer=viewer, version=newest) if newest else {}
    context = listed(request, found)
    return context | {
        "chosen": chosen,
        "newest": newest,
        "kind": kind,
        "kinds": Kind,
        "standing": [(each, current.get(each.value), rules.WORDS[each]) for each in Kind],
        "missing": len(Kind) - len(current),
        "waiting": any(not report.is_over for report in context["rows"]),
        "why_not": rules.why_not_start(newest, by=viewer),
    }


@require_safe
def report_detail(request, pk):
    """One report: its question, its answer, and everything the answer rests on."""
    report = get_object_or_404(queries.reports(viewer=request.membership, project=request.project), pk=pk)
    sheet = sheets.sheet(report) if report.result else None
    context = {
        "report": report,
        "question": rules.QUESTIONS[Kind(report.kind)].format(report.model_version),
        "sheet": sheet,
        "facts": files.facts(report, sheet) if sheet else [],
        "why_not_cancel": rules.why_not_cancel(report, by=request.membership),
    }
    return page(request, "reports/report_detail.html", part="state", context=context)


@require_POST
def report_cancel(request, pk):
    report = get_object_or_404(queries.reports(viewer=request.membership, project=request.project), pk=pk)
    try:
        actions.cancel(report, by=request.membership)
    except ActionDenied as denied:
        messages.error(request, str(denied))
    return see(report)


@require_safe
def report_json(request, pk):
    """The exact bytes that are signed."""
    return _download(request, pk, "json")


@require_safe
def report_pdf(request, pk):
    """The same as a document."""
    return _download(request, pk, "pdf")


def _download(request, pk, form):
    report = get_object_or_404(queries.reports(viewer=request.membership, project=request.project), pk=pk)
    try:
        actions.take_away(report, form=form, by=request.membership)
    except ActionDenied as denied:
        messages.error(request, str(denied))
        return see(report)
    return files.attachment(report, form)
