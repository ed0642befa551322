"""Pages of what is stated: everything that is asked, one statement, and the form that makes one."""

import json

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.audits import readings
from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import attempt, listed, page, row_number, see
from apps.datasets import queries as datasets
from apps.documents import actions, forms, queries, rules
from apps.documents.kinds import KINDS, About
from apps.models import queries as models


@require_safe
def statement_list(request):
    """Everything that can be stated of a project, of one model version and of the data it learned from."""
    viewer, project = request.membership, request.project
    version, data = _version(request), _data(request)
    if data is None and version is not None:
        data = version.dataset_version
    groups = _groups(project, version, data)
    states = [row["state"] for group in groups for row in group["rows"]]
    context = listed(request, queries.statements(project, viewer=viewer)) | {
        "groups": groups,
        "version": version,
        "count": len(states),
        "current": states.count("current"),
        "why_not": rules.why_not_state(project, by=viewer),
    }
    for statement in context["rows"]:
        statement.state = queries.standing(statement)
    return page(request, "documents/statement_list.html", context=context, about=version)


def _groups(project, version, data) -> list[dict]:
    """What can be stated of each thing, with what is."""
    asked = queries.asked_of(project, model_version=version, dataset_version=data)
    things = {About.PROJECT: (project, ""), About.MODEL: (version, "model"), About.DATA: (data, "data")}
    return [
        {"about": about, "thing": thing, "ask": f"?{word}={thing.pk}" if thing and word else "",
         "rows": [_row(kind, head) for kind, head in asked if kind.about == about]}
        for about, (thing, word) in things.items()
    ]  # fmt: skip


def _row(kind, head):
    return {"kind": kind, "head": head, "state": queries.standing(head) if head else "missing"}


def statement_new(request, statement_kind):
    """State one kind of thing; the form begins with what was stated last."""
    viewer, project = request.membership, request.project
    kind = KINDS.get(statement_kind)
    if kind is None:
        raise Http404
    about = _about(request, kind)
    before = queries.latest(project, kind, **about) if about else None
    initial = forms.filled(kind, json.loads(before.body)["answers"]) | {"seen": before.pk} if before else {}
    form = forms.Statement(request.POST or None, kind=kind, initial=initial)
    if form.is_valid() and about and (made := _made(form, project, about, by=viewer)):
        return see(made)
    thing = next(filter(None, about.values()), project) if about else None
    why_not = rules.why_not_state(project, by=viewer) or (None if thing else f"There is no {kind.about} yet.")
    context = {"kind": kind, "form": form, "thing": thing, "before": before, "why_not": why_not}
    status, version = 400 if form.errors else 200, about and about["model_version"]
    return page(request, "documents/statement_new.html", context=context, status=status, about=version)


def _made(form, project, about, *, by):
    """The statement; or None, with the objections in the form."""
    given = {"valid_until": form.cleaned_data["valid_until"], "seen": form.cleaned_data["seen"]}
    return attempt(form, actions.state, project, form.kind, answers=form.answers, by=by, **about, **given)


def statement_detail(request, pk):
    """One statement: what was asked, what was answered, by whom; and its withdrawal."""
    viewer, project = request.membership, request.project
    statement = get_object_or_404(queries.statements(project, viewer=viewer), pk=pk)
    readings.opened(statement, by=viewer, digest=statement.digest)
    form, kind = forms.Withdrawal(request.POST or None), queries.kind_of(statement)
    if form.is_valid():
        try:
            actions.withdraw(statement, by=viewer, **form.cleaned_data)
            return see(statement)
        except ActionDenied as denied:
            messages.error(request, str(denied))
        except BadInput as bad:
            form.add_error("reason", bad.problems["reason"])
    context = {
        "statement": statement,
        "state": queries.standing(statement),
        "kind": kind,
        "answers": queries.answered(statement),
        "anew": _anew(statement, kind),
        "form": form,
        "why_not": rules.why_not_state(project, by=viewer),
        "why_not_withdraw": rules.why_not_withdraw(statement, by=viewer),
    }
    how = {"status": 400 if form.errors else 200, "about": statement.model_version}
    return page(request, "documents/statement_detail.html", context=context, **how)


def _anew(statement, kind) -> str:
    project = statement.project
    word, thing = next(
        ((word, thing) for word, thing in (("model", statement.model_version), ("data", statement.dataset_version))
         if thing), ("", None),
    )  # fmt: skip
    where = reverse("statement-new", args=[project.organization.slug, project.slug, kind.key])
    return f"{where}?{word}={thing.pk}" if thing else where


def _about(request, kind) -> dict | None:
    """The thing a statement of this kind is about, as the address names it; None where there is none yet."""
    if kind.about == About.PROJECT:
        return {"model_version": None, "dataset_version": None}
    version, data = (_version(request), None) if kind.about == About.MODEL else (None, _data(request, newest=True))
    return {"model_version": version, "dataset_version": data} if version or data else None


def _version(request):
    """The model version that the address names, or the newest."""
    found = models.versions(viewer=request.membership, project=request.project)
    return _named(found, request.GET.get("model")) if "model" in request.GET else found.first()


def _data(request, *, newest=False):
    found = datasets.versions(viewer=request.membership, project=request.project)
    if "data" in request.GET:
        return _named(found, request.GET.get("data"))
    return found.first() if newest else None


def _named(found, pk):
    return get_object_or_404(found, pk=row_number(pk) or 0)
