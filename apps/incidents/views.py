"""People's door to the incident register."""

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import passkeys, reentry
from apps.common.errors import ActionDenied
from apps.common.pages import attempt, listed, page, row_number, see, told
from apps.incidents import actions, forms, packs, queries, rules
from apps.incidents.models import Purpose

SHOWN = 20  # overdue ones above the list
VERSIONS = 60  # model versions to choose from on a form; over REST, any


def incident_register(request):
    """The register of the organization: what is overdue first."""
    return _list(request, queries.incidents(viewer=request.membership))


def incidents(request):
    """The register of a project, and whether somebody looked through it of late."""
    viewer, project = request.membership, request.project
    last = queries.confirmations(viewer=viewer, project=project).first()
    due = queries.confirmation_due(last)
    context = {"last": last, "due": due, "stale": due and due < timezone.now(), "confirming": forms.Confirmation()}
    return _list(request, queries.incidents(viewer=viewer, project=project), **context)


def _list(request, rows, **context):
    state = request.GET.get("state", "")
    first_page = not (state or request.GET.get("after") or request.GET.get("before"))
    context |= listed(request, queries.in_state(rows, state)) | {
        "counts": queries.counted(rows),
        "states": queries.STATES,
        "state": state,
        "late": rows.filter(overdue=True)[:SHOWN] if first_page else [],
        "why_not": rules.why_not_report(by=request.membership),
    }
    return page(request, "incidents/incident_list.html", context=context)


@require_POST
def incidents_confirm(request):
    """Somebody looked through a project's register, and nothing is missing in it."""
    form = forms.Confirmation(request.POST)
    try:
        if form.is_valid():
            actions.confirm(request.project, by=request.membership, **form.cleaned_data)
            messages.success(request, "The register is confirmed.")
        else:
            messages.error(request, "Nothing was confirmed: the note is too long.")
    except ActionDenied as denied:
        messages.error(request, str(denied))
    return see(reverse("incidents", args=[request.project.organization.slug, request.project.slug]))


def incident_new(request):
    """What is known, whole; and what follows from it at once."""
    viewer, project = request.membership, request.project
    versions = queries.versions(viewer=viewer, project=project)[:VERSIONS]
    form = forms.Report(request.POST or None, versions=versions, initial={"model_versions": _asked(request)})
    if form.is_valid():
        chosen = queries.named_versions(viewer=viewer, project=project, pks=form.chosen)
        if made := attempt(form, actions.report, project, model_versions=chosen, by=viewer, **form.facts):
            return see(made)
    why_not = rules.why_not_report(by=viewer)
    context = {"form": form, "why_not": why_not, "nothing": not versions}
    return page(request, "incidents/incident_new.html", context=context, status=400 if form.errors else 200)


def _asked(request) -> list[int]:
    return [number for one in request.GET.getlist("model_version") if (number := row_number(one))]


def incident_amend(request, pk):
    """What is known by now, whole, beginning with what was known before."""
    incident, viewer = _incident(request, pk), request.membership
    case = queries.case(incident)
    versions = list(queries.versions(viewer=viewer, project=request.project)[:VERSIONS])
    versions += [one for one in queries.affected(case) if one not in versions]
    form = forms.Amendment(request.POST or None, versions=versions, initial=forms.as_typed(case.known))
    if form.is_valid():
        chosen = queries.named_versions(viewer=viewer, project=request.project, pks=form.chosen)
        if attempt(form, actions.amend, incident, model_versions=chosen, by=viewer, **form.facts):
            return see(incident)
    context = {"case": case, "form": form, "why_not": rules.why_not_amend(case.closing, by=viewer)}
    return page(request, "incidents/incident_amend.html", context=context, status=400 if form.errors else 200)


def incident_detail(request, pk):
    return _detail(request, _incident(request, pk))


STEPS = {  # what a form of the page does, and what is said when it is done
    "notify": (forms.Notice, actions.notify, "It is kept that they were told."),
    "ask": (forms.Release, actions.ask_release, "You signed: a second person grants the release."),
    "release": (forms.Release, actions.release, "You signed: the evidence is released."),
    "close": (forms.Closing, actions.close, "You signed: the incident is closed."),
}


@require_POST
def incident_step(request, pk, step):
    """Say who was told; sign a release or the closing. What was refused stands in the form, with what was typed."""
    if step not in STEPS:
        raise Http404
    incident, (_, act, said) = _incident(request, pk), STEPS[step]
    form = _forms(request, queries.case(incident), posted=step)[step]
    if form.is_valid() and attempt(form, act, incident, by=request.membership, **form.cleaned_data):
        messages.success(request, said)
        return see(incident)
    for refusal in form.non_field_errors():  # the form itself may be shown no more
        messages.error(request, refusal)
    return _detail(request, incident, **{step: form})


SIGNED = {"ask": Purpose.ASK, "release": Purpose.RELEASE, "close": Purpose.CLOSE}


@never_cache
@require_POST
def incident_question(request, pk):
    """What this person's passkey is asked, about what they are to sign; nothing is signed by it yet."""
    incident, purpose = _incident(request, pk), SIGNED.get(request.GET.get("step", ""))
    if purpose is None:
        raise BadRequest("Say what is to be signed.")
    about = rules.signing(incident, purpose, request.POST.get("entry_digest", ""))
    return told(lambda: passkeys.ask(request.user, about))


@require_POST
def incident_suspend(request, pk):
    """Take what it affects out of service, at once."""
    incident = _incident(request, pk)
    try:
        count = actions.suspend(incident, by=request.membership)
        messages.success(request, f"{count} sign-off{'s are' if count > 1 else ' is'} suspended: nothing serves on it.")
    except ActionDenied as denied:
        messages.error(request, str(denied))
    return see(incident)


@require_safe
def incident_pack(request, pk, form):
    """Everything kept of it, signed, to take away."""
    incident = _incident(request, pk)
    if form not in packs.TYPES:
        raise Http404
    try:
        pack = actions.take(incident, form=form, by=request.membership)
    except ActionDenied as denied:
        messages.error(request, str(denied))
        return see(incident)
    answer = HttpResponse(pack.content, content_type=pack.media_type)
    answer["Content-Disposition"] = f'attachment; filename="{pack.filename}"'
    return answer


def _detail(request, incident, **bound):
    case = queries.case(incident)
    context = {
        "case": case,
        "incident": incident,
        "words": [(label, getattr(case.known, name)) for name, (label, _) in rules.WORDS.items()],
        "flags": [(asks, where, getattr(case.known, name)) for name, (asks, where) in rules.FLAGS.items()],
        "closing": [(label, case.closing.said[name]) for name, label in rules.CLOSING.items()] if case.closing else [],
        "affected": queries.affected(case),
        "sign_offs": list(queries.sign_offs(case)),
        "serving": list(queries.serving(case)[:SHOWN]),
        "history": queries.history(case),
        "forms": _forms(request, case) | bound,
        "why_not_passkey": passkeys.why_not(request.get_host()),
        **_objections(case, request.membership),
    }
    status = 400 if any(form.errors for form in bound.values()) else 200
    first, *others = context["affected"]
    about = None if others else first
    return page(request, "incidents/incident_detail.html", context=context, status=status, about=about)


def _forms(request, case, posted: str = "") -> dict:
    second = reentry.second(request.user)
    more = {"notify": {"clocks": case.clocks}} | {step: {"second": second} for step in ("ask", "release", "close")}
    return {
        step: shape(request.POST if step == posted else None, auto_id=f"{step}_%s", **more[step])
        for step, (shape, *_) in STEPS.items()
    }


def _objections(case, by) -> dict:
    standing = queries.sign_offs(case).filter(stands=True).count()
    reporter = case.incident.reported_by.user_id
    return {
        "why_not_amend": rules.why_not_amend(case.closing, by=by),
        "why_not_suspend": rules.why_not_suspend(standing, case.closing, by=by),
        "why_not_ask": rules.why_not_ask_release(case.hold, by=by),
        "why_not_release": rules.why_not_release(case.hold, case.clock("authority"), by=by),
        "why_not_close": rules.why_not_close(reporter, case.hold, case.clocks, case.closing, by=by),
        "why_not_download": rules.why_not_download(by=by),
        "waits": any(not clock.final for clock in case.clocks),
    }


def _incident(request, pk):
    return get_object_or_404(queries.incidents(viewer=request.membership, project=request.project), pk=pk)
