"""People's door to data."""

from urllib.parse import quote

from django.contrib import messages
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST, require_safe

from apps.common.delimited import DELIMITERS, QUOTES
from apps.common.errors import ActionDenied
from apps.common.pages import attempt, listed, page, row_number, see
from apps.datasets import actions, forms, pictures, queries, rules
from apps.datasets.downloads import attachment
from apps.datasets.hints import hints

TONES = {"leak": "fail", "target": "fail", "proxy": "unsure", "possible leak": "unsure", "possible proxy": "unsure"}


def dataset_list(request):
    """All versions of all data of a project."""
    viewer, project = request.membership, request.project
    versions = queries.listed_versions(viewer=viewer, project=project)
    dataset = None
    if chosen := row_number(request.GET.get("data")):
        dataset = queries.datasets(viewer=viewer, project=project).filter(pk=chosen).first()
        versions = versions.filter(dataset=dataset) if dataset else versions
    context = listed(request, versions) | {"dataset": dataset, "why_not": rules.why_not_upload(project, by=viewer)}
    return page(request, "datasets/dataset_list.html", context=context)


def dataset_new(request):
    """Bring data in: it streams to the store while its digest is computed, and is refused unless it is a table."""
    viewer, project = request.membership, request.project
    form = forms.Upload(request.POST or None, request.FILES or None, initial={"name": request.GET.get("name", "")})
    if problem := getattr(request, "upload_problem", None):
        form.add_error("file", problem)
    elif form.is_valid() and (version := attempt(form, actions.upload, project, by=viewer, **form.cleaned_data)):
        return see(version)
    context = {
        "form": form,
        "names": queries.datasets(viewer=viewer, project=project).values_list("name", flat=True)[:100],
        "why_not": rules.why_not_upload(project, by=viewer),
    }
    return page(request, "datasets/dataset_new.html", context=context, status=400 if form.errors else 200)


@require_safe
def dataset_detail(request, pk):
    """One version: its bytes, what they mean, and what a worker saw in them."""
    viewer = request.membership
    version = _version(request, pk)
    profile = queries.latest_profile(version)
    result = queries.profile_result(version)
    context = {
        "version": version,
        "profile": profile,
        "result": result,
        "siblings": list(queries.siblings(version, viewer=viewer)[:20]),
        "budget": list(queries.budget(viewer=viewer, dataset=version.dataset)[:50]),
        "spent": queries.spent(viewer=viewer, dataset=version.dataset),
        "why_not_declare": rules.why_not_declare(version, by=viewer),
        "why_not_withdraw": rules.why_not_withdraw(version, by=viewer),
        "why_not_download": rules.why_not_download(version, by=viewer),
        "why_not_profile": rules.why_not_profile(version, profile, by=viewer),
        "delimiter": DELIMITERS.get(version.delimiter, version.delimiter),
        "quoting": QUOTES.get(version.quote, version.quote),
        "sensitive": [rules.in_words(attribute) for attribute in (version.declaration or {}).get("sensitive", ())],
        "train_url": f"{request.project.get_absolute_url()}runs/?dataset_version={version.pk}",
    }
    if result:
        context |= _pictured(version, result, request.GET.get("column", ""))
    return page(request, "datasets/dataset_detail.html", part="profile", context=context)


def _pictured(version, result, asked: str) -> dict:
    """What the profile shows, with one column opened: the one asked for, or the target, or the first."""
    facts = {one["name"]: one for one in result["columns"]}
    said = version.declaration or {}
    roles = _roles(said)
    chosen = facts.get(asked) or facts.get(said.get("target")) or result["columns"][0]
    return {
        "findings": [finding | {"tone": TONES.get(finding["kind"], "void")} for finding in result["findings"]],
        "columns": [_line(one, roles.get(one["name"], "")) for one in result["columns"]],
        "chosen": chosen,
        **_charts(result, said, chosen),
    }


def _charts(result, said, chosen) -> dict:
    """The charts of the page, numbered through."""
    balance = pictures.balance_charts(result, said.get("target", ""), said.get("favourable", ""))
    giveaways, missing = pictures.giveaway_charts(result), pictures.missing_chart(result)
    before_missing = len(balance) + len(giveaways)
    return {
        "balance_charts": balance,
        "giveaway_charts": giveaways,
        "giveaways_from": len(balance),
        "missing_chart": missing,
        "missing_number": before_missing + 1,
        "column_chart": pictures.column_chart(chosen),
        "column_number": before_missing + (2 if missing else 1),
    }


def _line(facts: dict, role: str) -> dict:
    """A column in the table of all columns."""
    top = facts["top"][:1]
    return facts | {
        "address": f"?column={quote(facts['name'])}#column",
        "role": role,
        "median": facts.get("quantiles", {}).get("0.5"),
        "commonest": (rules.shown(top[0][0], digits=6), top[0][1]) if top else None,
    }


def _roles(said: dict) -> dict[str, str]:
    """What a declaration makes of each column it names."""
    roles = dict.fromkeys(said.get("left_out", ()), "left out")
    for attribute in said.get("sensitive", ()):
        read = [column for column, _ in attribute["flags"]] or [attribute["column"]]
        roles |= dict.fromkeys(read, "sensitive")
    return roles | ({said["target"]: "target"} if said else {})


def dataset_declare(request, pk):
    """Say what the columns mean, once."""
    version = _version(request, pk)
    suggested = hints(queries.profile_result(version))
    form = forms.Declaration(
        request.POST or None,
        columns=version.columns,
        hints=suggested,
        initial={"target": request.GET.get("target", "")},
    )
    if form.is_valid() and attempt(form, actions.declare, version, declaration=form.declaration, by=request.membership):
        return see(version)
    target = (request.POST or request.GET).get("target", "")
    context = {
        "version": version,
        "form": form,
        "profile": queries.latest_profile(version),
        "target": target,
        "values": suggested.values.get(target, ()),
        "why_not": rules.why_not_declare(version, by=request.membership),
    }
    status = 400 if form.is_bound else 200
    return page(request, "datasets/dataset_declare.html", part="values", context=context, status=status)


def dataset_withdraw(request, pk):
    version = _version(request, pk)
    form = forms.Reason(request.POST or None)
    if form.is_valid() and attempt(form, actions.withdraw, version, by=request.membership, **form.cleaned_data):
        messages.success(request, f"{version} is withdrawn.")
        return see(version)
    context = {"version": version, "form": form, "why_not": rules.why_not_withdraw(version, by=request.membership)}
    status = 400 if form.is_bound else 200
    return page(request, "datasets/dataset_withdraw.html", context=context, status=status)


def dataset_budget(request, pk):
    """The privacy budget of the dataset whose version this is."""
    version, by = _version(request, pk), request.membership
    form = forms.Budget(request.POST or None, initial={"cap": version.dataset.epsilon_cap})
    if form.is_valid() and attempt(form, actions.set_budget, version.dataset, by=by, **form.cleaned_data):
        messages.success(request, f"The privacy budget of {version.dataset} is set; it holds from the next launch on.")
        return see(f"{version.get_absolute_url()}#privacy")
    context = {"version": version, "form": form, "why_not": rules.why_not_budget(version.dataset, by=by)}
    context["spent"] = queries.spent(viewer=by, dataset=version.dataset)
    return page(request, "datasets/dataset_budget.html", context=context, status=400 if form.is_bound else 200)


@require_POST
def dataset_profile_again(request, pk):
    version = _version(request, pk)
    try:
        actions.profile_again(version, by=request.membership)
    except ActionDenied as denied:
        messages.error(request, str(denied))
    return see(version)


@require_safe
def dataset_file(request, pk):
    """The exact bytes, as they came; the download is remembered."""
    version = _version(request, pk)
    try:
        return attachment(version, by=request.membership)
    except ActionDenied as denied:
        messages.error(request, str(denied))
        return see(version)


def _version(request, pk):
    return get_object_or_404(queries.versions(viewer=request.membership, project=request.project), pk=pk)
