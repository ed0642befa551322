"""People's door to reports."""

from django.contrib import messages
from django.db import transaction
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST, require_safe

from apps.audits import readings
from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import listed, page, row_number, see
from apps.reports import actions, forms, queries, rules, sheets
from apps.reports.models import Kind
from apps.reports.sheets import files

OFFERED = 20  # model versions in the form; an older one is offered when the address names it


def report_list(request):
    """What has been measured, and the form that asks for more."""
    chosen, versions = _offered(request)
    given = {"model_version": chosen.pk if chosen else None}
    form = forms.Start(request.POST or None, versions=versions, initial=given)
    if form.is_valid():
        version = next(one for one in versions if one.pk == form.cleaned_data["model_version"])
        try:
            actions.start(version, kinds=form.cleaned_data["kinds"], parameters=form.parameters, by=request.membership)
            return see(f"{request.path}?model={version.pk}")
        except BadInput as problem:
            form.add_error(None, str(problem))
        except ActionDenied as denied:
            form.add_error(None, str(denied))
    context = _filters(request, chosen, versions) | {"form": form}
    return page(request, "reports/report_list.html", part="list", context=context, status=400 if form.errors else 200)


def _offered(request):
    """The model version the address or the form names, and those that the form offers: it, and the newest."""
    found = queries.model_versions(viewer=request.membership, project=request.project)
    newest = list(found[:OFFERED])
    asked = row_number(request.POST.get("model_version") or request.GET.get("model"))
    if asked is None:
        return None, newest
    chosen = next((one for one in newest if one.pk == asked), None) or found.filter(pk=asked).first()
    return chosen, newest if chosen is None or chosen in newest else [chosen, *newest]


def report_submit(request):
    """Bring figures that were measured elsewhere: a row for each that such a report may hold, or a table."""
    chosen, versions = _offered(request)
    asked = request.POST.get("kind") or request.GET.get("kind")
    kind = Kind(asked) if asked in Kind.values else Kind.PERFORMANCE
    version = queries.measured(viewer=request.membership, version=chosen or next(iter(versions), None))
    attributes = queries.attributes(version) if version else []
    initial = {"model_version": version and version.pk, "kind": kind}
    how = {"versions": versions, "kind": kind, "attributes": attributes, "initial": initial}
    form = forms.Submission(request.POST or None, request.FILES or None, **how)
    if problem := getattr(request, "upload_problem", None):
        form.add_error("file", problem)
    elif form.is_valid() and (report := _submitted(form, version, by=request.membership)):
        return see(report)
    context = {
        "form": form,
        "version": version,
        "versions": versions,
        "kind": kind,
        "kinds": Kind,
        "why_not": rules.why_not_submit(version, by=request.membership),
    }
    status = 400 if form.errors else 200
    return page(request, "reports/report_submit.html", context=context, status=status, about=version)


def _submitted(form, version, *, by):
    """The report; or None, with the objections in the form."""
    said = form.cleaned_data
    try:
        return actions.submit(version, kind=said["kind"], given=form.given, file=said["file"], by=by)
    except BadInput as problem:
        form.objections(problem.problems)
    except ActionDenied as denied:
        form.add_error(None, str(denied))
    return None


def _filters(request, chosen, versions):
    """The list as the address asks for it, with the standing of the chosen (or newest) model."""
    viewer, newest = request.membership, chosen or next(iter(versions), None)
    if newest:
        newest.project = request.project
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
        "submitted": sum(report.is_submitted for report in current.values()),
        "waiting": any(not report.is_over for report in context["rows"]),
        "why_not": rules.why_not_start(newest, by=viewer),
        "why_not_submit": rules.why_not_submit(newest, by=viewer),
    }


@require_safe
def report_detail(request, pk):
    """One report: its question, its answer, and everything the answer rests on."""
    report = get_object_or_404(queries.reports(viewer=request.membership, project=request.project), pk=pk)
    readings.opened(report, by=request.membership, digest=report.digest)
    sheet = sheets.sheet(report) if report.result else None
    context = {
        "report": report,
        "form": forms.Withdrawal(),
        "question": rules.QUESTIONS[Kind(report.kind)].format(report.model_version),
        "sheet": sheet,
        "facts": files.facts(report, sheet) if sheet else [],
        "why_not_cancel": rules.why_not_cancel(report, by=request.membership),
        "why_not_withdraw": rules.why_not_withdraw(report, by=request.membership),
    }
    return page(request, "reports/report_detail.html", part="state", context=context, about=report.model_version)


@require_POST
def report_cancel(request, pk):
    return _cancel(request, get_object_or_404(_reports(request), pk=pk))


@require_safe
def report_json(request, pk):
    """The exact bytes that are signed."""
    return _download(request, get_object_or_404(_reports(request), pk=pk), "json")


@require_safe
def report_pdf(request, pk):
    """The same as a document."""
    return _download(request, get_object_or_404(_reports(request), pk=pk), "pdf")


def _reports(request):
    return queries.reports(viewer=request.membership, project=request.project)


def _cancel(request, report):
    try:
        actions.cancel(report, by=request.membership)
    except ActionDenied as denied:
        messages.error(request, str(denied))
    return see(report)


@require_POST
def report_withdraw(request, pk):
    """Submitted figures speak no longer."""
    report = get_object_or_404(queries.reports(viewer=request.membership, project=request.project), pk=pk)
    form = forms.Withdrawal(request.POST)
    try:
        actions.withdraw(report, reason=form.cleaned_data["reason"] if form.is_valid() else "", by=request.membership)
    except (ActionDenied, BadInput) as denied:
        messages.error(request, str(denied))
    return see(report)


@require_safe
def report_original(request, pk):
    """The file that submitted figures came with, as it was sent."""
    return _download(request, get_object_or_404(_reports(request), pk=pk), "original")


def _download(request, report, form):
    try:
        with transaction.atomic():
            actions.take_away(report, form=form, by=request.membership)
            return files.attachment(report, form)
    except ActionDenied as denied:
        messages.error(request, str(denied))
        return see(report)


# In operation. It is asked for where the sign-off is that it may fell.


def operation_report_list(request):
    """Everything that was measured in operation in this project, or of one model's bytes."""
    viewer, asked = request.membership, row_number(request.GET.get("model"))
    chosen = queries.versions(viewer=viewer).filter(project=request.project, pk=asked).first() if asked else None
    found = queries.listed_operation_reports(viewer=viewer, project=request.project, version=chosen)
    context = listed(request, found)
    context |= {"chosen": chosen, "waiting": any(not report.is_over for report in context["rows"])}
    return page(request, "reports/operation_report_list.html", part="list", context=context)


@require_safe
def operation_report_detail(request, pk):
    """One report in operation: which rows, what they show, and that no sign-off rests on it."""
    report = get_object_or_404(_operation_reports(request), pk=pk)
    readings.opened(report, by=request.membership, digest=report.digest)
    sheet = sheets.sheet(report) if report.result else None
    context = {
        "report": report,
        "question": rules.IN_OPERATION_QUESTIONS[Kind(report.kind)].format(report.model_version),
        "sheet": sheet,
        "facts": files.facts(report, sheet) if sheet else [],
        "why_not_cancel": rules.why_not_cancel(report, by=request.membership),
    }
    return page(request, "reports/report_detail.html", part="state", context=context, about=report.model_version)


@require_POST
def operation_report_cancel(request, pk):
    return _cancel(request, get_object_or_404(_operation_reports(request), pk=pk))


@require_safe
def operation_report_json(request, pk):
    """The exact bytes, as the worker computed them."""
    return _download(request, get_object_or_404(_operation_reports(request), pk=pk), "json")


@require_safe
def operation_report_pdf(request, pk):
    """The same as a document."""
    return _download(request, get_object_or_404(_operation_reports(request), pk=pk), "pdf")


def _operation_reports(request):
    return queries.operation_reports(viewer=request.membership, project=request.project)
