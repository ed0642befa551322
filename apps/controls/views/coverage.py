"""A project's clauses: how they stand, one of them whole, the facts they read, and taking it all away."""

from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.common.errors import ActionDenied
from apps.common.pages import attempt, page, see
from apps.controls import actions, exports, forms, queries
from apps.controls.catalogue import KINDS
from apps.controls.catalogue import controls as catalogue
from apps.controls.downloads import attachment
from apps.controls.rules import Has, State, permitted
from apps.controls.shown import FORMATS, by_framework, matching, open_kinds, with_tones

NEVER = ("state", "framework", "due", "kind")


def controls(request):
    """Every clause of a project, filtered by the address."""
    form = forms.Filters(request.GET)
    chosen, versions = form.chosen, _versions(request)
    found = _coverage(request, chosen.get("version"), versions)
    context = {
        "found": found,
        "answer": exports.answer(found),
        "form": form,
        "chosen": {name: chosen[name] for name in NEVER if name in chosen},
        "kind": KINDS.get(chosen.get("kind", ""), ""),
        "frameworks": by_framework(found, matching(found, chosen)),
        "kinds": open_kinds(found),
        "summary": with_tones(found),
        "chart": exports.chart(found),
        "versions": versions,
        "formats": FORMATS,
        "kept": urlencode({"version": found.subject.version.pk}) if chosen.get("version") else "",
    }
    return page(request, "controls/coverage.html", context=context, about=found.subject.version)


def clause(request, control):
    """One clause: what it asks, what is there, and a reviewer's word on it."""
    if control not in catalogue():
        raise Http404
    found = _coverage(request, forms.Filters(request.GET).chosen.get("version"))
    shown = next((each for each in found.clauses if each.control.id == control), None)
    if shown is None:
        context = {"control": catalogue()[control], "choice": found.said.choices[catalogue()[control].framework]}
        return page(request, "controls/left_out.html", context=context)
    form = forms.Judging(request.POST or None, initial={"evidence_digest": shown.evidence_digest})
    if form.is_valid() and attempt(form, actions.judge, request.project, control, by=request.membership,
                                    version=found.subject.version, **form.cleaned_data):  # fmt: skip
        messages.success(request, "Your judgement stands, as long as the evidence stays as it is.")
        return see(request.get_full_path())
    deed = found.subject.version and found.subject.version.deed
    why_not = permitted.why_not_judge(shown, deed, by=request.membership)
    context = {"clause": shown, "found": found, "form": form, "why_not": why_not, "State": State, "Has": Has}
    return page(request, "controls/clause.html", context=context, about=found.subject.version)


def facts(request):
    """What the catalogue asks of the system beyond its risk class."""
    by, project = request.membership, request.project
    found = queries.coverage(viewer=by, project=project)
    asked = forms.facts_asked(found.flags)
    form = forms.Facts(request.POST or None, facts=asked, initial=forms.as_words(found.said.stated))
    if form.is_valid():
        made = attempt(form, actions.state_facts, project, answers=form.answers, by=by)
        if made is not None:
            messages.success(request, "It is recorded." if made else "Nothing was changed.")
            return see(reverse("controls", args=[project.organization.slug, project.slug]))
    context = {
        "form": form,
        "said": [found.said.stated_by[fact.name] | {"text": fact.text} for fact in asked
                 if fact.name in found.said.stated_by],
        "why_not": permitted.why_not_state(project, by=by),
    }  # fmt: skip
    return page(request, "controls/facts.html", context=context)


@require_safe
def export(request):
    """The coverage as a file."""
    found = _coverage(request, forms.Filters(request.GET).chosen.get("version"))
    if (form := request.GET.get("format", "pdf")) not in exports.MEDIA_TYPES:
        raise Http404
    try:
        return attachment(actions.export_coverage(found, form=form, by=request.membership))
    except ActionDenied as denied:
        raise PermissionDenied(str(denied)) from denied


def _versions(request) -> list:
    """The newest versions, to choose from."""
    return list(queries.versions(viewer=request.membership, project=request.project)[:20])


def _coverage(request, version, known=()):
    """The coverage of the version with that number, or of the newest; `known`: versions fetched already."""
    viewer, project = request.membership, request.project
    if version is None:
        chosen = next((each for each in known if each.retired_at is None), None)
    else:
        chosen = next((each for each in known if each.pk == version), None)
        chosen = chosen or get_object_or_404(queries.versions(viewer=viewer, project=project), pk=version)
    return queries.coverage(viewer=viewer, project=project, version=chosen)
