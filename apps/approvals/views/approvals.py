"""Pages about sign-offs."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.accounts import passkeys, reentry
from apps.accounts.permissions import Permission, why_not
from apps.approvals import actions, documents, envelopes, forms, queries, rules
from apps.approvals.gates.decide import OPEN
from apps.approvals.gates.defaults import built_in_policy
from apps.approvals.gates.policy import Policy
from apps.approvals.models import State
from apps.audits import holds, readings
from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import listed, objections, page, row_number, see, told


def approvals(request):
    rows = queries.listed_approvals(viewer=request.membership, project=request.project)
    state = request.GET.get("state", "")
    if state in State.values:
        rows = rows.filter(state=state)
    context = listed(request, rows) | {
        "states": State.choices,
        "state": state,
        "why_not": why_not(request.membership, Permission.APPROVAL_ASK),
    }
    return page(request, "approvals/approval_list.html", context=context)


def approval_new(request):
    """What would be asked, before it is asked: the gates as they stand, and what the request does."""
    viewer, chosen = request.membership, row_number(request.GET.get("model_version"))
    versions = queries.model_versions(viewer=viewer, project=request.project)
    context = {"versions": versions[:50], "form": forms.Question(request.POST or None)}
    if chosen:
        version = get_object_or_404(versions, pk=chosen)
        if request.method == "POST" and context["form"].is_valid():
            try:
                return see(actions.ask(version, by=viewer, **context["form"].cleaned_data))
            except ActionDenied as denied:
                context["form"].add_error(None, str(denied))
        context |= _preview(version, viewer)
    return page(request, "approvals/approval_new.html", context=context)


def _preview(version, viewer) -> dict:
    now, risk_class = timezone.now(), version.project.risk_class
    policy_version = queries.policy_in_force(risk_class, answers=version.project.answers, viewer=viewer)
    policy = Policy.from_json(policy_version.body) if policy_version else None
    if policy is None and queries.built_in_applies(risk_class, viewer=viewer):
        policy = built_in_policy(risk_class)
    earlier, kept = queries.earlier(version, viewer=viewer), holds.why_not_alter(version.organization_id, [version.pk])
    why_not = rules.why_not_ask(version, policy, earlier, kept, by=viewer, now=now) or _broken(version, policy_version)
    context = {"version": version, "policy": policy, "policy_version": policy_version, "why_not": why_not}
    if policy is None:
        return context
    reports = queries.latest_reports(version)
    waived = queries.in_force(version, policy_version) if policy_version else []
    outcomes = [outcome.to_json() for outcome in queries.gates(version, policy, reports, now, waived=waived)]
    shut = sum(outcome["verdict"] not in OPEN for outcome in outcomes)
    return context | {
        "outcomes": _linked(outcomes, {r.kind: r.get_absolute_url() for r in reports}),
        "shut": shut,
        "lock": queries.lock(version, policy_version, viewer=viewer),
        "waive_url": _waiving(version) if policy_version and viewer.may(Permission.WAIVER_ASK) else "",
    }


def _broken(version, policy_version) -> str | None:
    """Against asking, because of what was measured in operation."""
    found = queries.out_of_bounds(version, policy_version)
    return rules.why_not_again(found, policy_version.parsed) if found else None


def _waiving(version) -> str:
    where = reverse("waiver-new", args=[version.project.organization.slug, version.project.slug])
    return f"{where}?model_version={version.pk}"


@never_cache
def approval_detail(request, pk):
    approval = get_object_or_404(queries.approvals(viewer=request.membership, project=request.project), pk=pk)
    case = queries.case(approval, viewer=request.membership)
    readings.opened(approval, by=request.membership, digest=approval.dossier_digest)
    form = _signing(case, request)
    if form.is_valid():
        try:
            signature = actions.decide(approval, by=request.membership, **form.given)
        except (ActionDenied, BadInput) as refused:
            objections(form, refused)
        else:
            messages.success(
                request, f"Your signature stands: {signature.printed_name}, {signature.get_decision_display()}."
            )
            return see(approval)
        case = queries.case(
            get_object_or_404(queries.approvals(viewer=request.membership), pk=pk), viewer=request.membership
        )
    shown = _shown(case, form, request.membership) | {"why_not_passkey": passkeys.why_not(request.get_host())}
    about = case.approval.model_version
    return page(request, "approvals/approval_detail.html", part="signing", context=shown, about=about)


@never_cache
@require_POST
def approval_question(request, pk):
    """What this person's passkey is asked, about the verdict in their form; nothing is signed by it yet."""
    approval = get_object_or_404(queries.approvals(viewer=request.membership, project=request.project), pk=pk)
    form = _signing(queries.case(approval, viewer=request.membership), request)
    form.full_clean()
    choice, digest = (form.cleaned_data.get(name, "") for name in ("choice", "dossier_digest"))
    return told(lambda: passkeys.ask(request.user, rules.verdict(approval, digest, choice)))


def _signing(case: rules.Case, request) -> forms.Signature:
    """The form of what this person could decide now, carrying the dossier they were shown."""
    posted = request.POST if request.method == "POST" else None
    shut = rules.why_not_sign(case, by=request.membership)
    meanings = list(case.policy_meanings) if posted else [] if shut else case.open_meanings
    return forms.Signature(
        posted,
        meanings=meanings,
        second=reentry.second(request.user),
        conditions=case.policy.conditions.at_most if case.policy.conditions else 0,
        owners=queries.members(viewer=request.membership) if case.policy.conditions else (),
        figures=rules.checkable(case),
        initial={"dossier_digest": case.approval.dossier_digest},
    )


def _shown(case: rules.Case, form, by) -> dict:
    approval = case.approval
    last, different = queries.since_last(approval, case.dossier)
    return {
        "last": last,
        "different": different,
        "approval": approval,
        "case": case,
        "form": form,
        "answer": rules.answer(case),
        "outcomes": _outcomes(case.dossier, approval.project),
        "places": _places(case, by),
        "caption": _caption(case),
        "covered": documents.covered(case.dossier),
        "covers": 2 + len(case.dossier["data"]) + len(case.dossier["reports"]),
        **_objections(case, by),
        "history": queries.history(approval),
        "conditions": _conditions(case, by),
        "operation": queries.in_operation(approval, viewer=by) if approval.state in rules.GIVEN else None,
        "may_ask_again": _is_asked_again(case) and by.may(Permission.APPROVAL_ASK),
        "ask_url": _asking(approval),
        "may_deploy": by.may(Permission.DEPLOYMENT_OPEN),
        "reason": forms.Reason(auto_id="ending_%s"),
        **_holding(case, by),
    }


def _holding(case: rules.Case, by) -> dict:
    """What the page says and offers about suspending it, letting it stand again, and who was told."""
    approval, suspension = case.approval, case.suspension
    return {
        "why_not_suspend": rules.why_not_suspend(approval, suspension, by=by),
        "why_not_ask_to_resume": rules.why_not_ask_to_resume(approval, suspension, by=by),
        "why_not_resume": rules.why_not_resume(approval, suspension, case.conflict, by=by),
        "why_not_tell": rules.why_not_tell(approval, suspension, by=by),
        "affected": queries.serving_on(approval),
        "tellings": queries.tellings(approval),
        "suspending": forms.Suspension(auto_id="suspending_%s"),
        "asking": forms.Reason(auto_id="resuming_%s"),
        "telling": forms.Telling(auto_id="telling_%s"),
    }


def _objections(case: rules.Case, by) -> dict[str, str | None]:
    return {
        "why_not_decide": rules.why_not_decide(case, by=by),
        "why_not_sign": rules.why_not_sign(case, by=by),
        "why_not_withdraw": rules.why_not_withdraw(case.approval, by=by),
        "why_not_revoke": rules.why_not_revoke(case.approval, by=by),
    }


def _places(case: rules.Case, by) -> list[dict]:
    """Who the policy asks for, and who gave a verdict there; what it says only where this person may read it."""
    seen, trusted = {signature.pk for signature in case.seen_by(by)}, envelopes.trusted(case.approval)

    def told(signature) -> dict:
        objection = envelopes.why_not_valid(signature, case.approval, trusted)
        return {"signature": signature, "seen": signature.pk in seen, "objection": objection}

    return [{"place": place, "verdicts": [told(signature) for signature in place.given]} for place in case.places]


def _conditions(case: rules.Case, by) -> list[dict]:
    """Each condition, with why this person may not say that it is fulfilled, or confirm it."""
    return [
        {
            "condition": condition,
            "number": number,
            "why_not_fulfil": rules.why_not_fulfil(condition, by=by),
            "why_not_confirm": rules.why_not_confirm(case, condition, by=by),
            "form": forms.Fulfilment(initial={"condition": number}, auto_id=f"condition_{number}_%s"),
        }
        for number, condition in enumerate(case.conditions, start=1)
    ]


def _is_asked_again(case: rules.Case) -> bool:
    """Whether a new request is the way on: it was not decided for good, or what was signed no longer stands."""
    return case.approval.state in (State.RETURNED, State.WITHDRAWN) or (
        case.approval.state == State.APPROVED and not case.stands
    )


def _asking(approval) -> str:
    where = reverse("approval-new", args=[approval.project.organization.slug, approval.project.slug])
    return f"{where}?model_version={approval.model_version_id}"


def _caption(case: rules.Case) -> str:
    policy = case.dossier["policy"]
    return (
        f"Rules of {policy['name']}, version {policy['version']}, as they stood when the dossier was frozen. "
        "What does not pass comes first. Beside each stands how its figures came to be; those the portal recomputed it "
        "measured on rows the model had not seen. Intervals are 95 %, wider where several comparisons share the error."
    )


def _outcomes(dossier: dict, project) -> list[dict]:
    where = [project.organization.slug, project.slug]
    reports = {report["kind"]: reverse("report", args=[*where, report["report"]]) for report in dossier["evidence"]}
    return _linked(dossier["gates"]["outcomes"], reports)


def _linked(outcomes: list[dict], reports: dict[str, str]) -> list[dict]:
    """The gates, each with the address of the report it was decided on; what does not pass comes first."""
    linked = [outcome | {"url": reports.get(outcome["report"])} for outcome in outcomes]
    return sorted(linked, key=lambda outcome: outcome["verdict"] == "pass")


@require_POST
def approval_fulfil(request, pk):
    return _condition(request, pk, forms.Fulfilment, actions.fulfil, "It is fulfilled; a reviewer confirms it now.")


@require_POST
def approval_confirm(request, pk):
    return _condition(request, pk, forms.Confirmation, actions.confirm, "The condition is met.")


def _condition(request, pk, shape, act, said: str):
    approval = get_object_or_404(queries.approvals(viewer=request.membership, project=request.project), pk=pk)
    form = shape(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was changed: write what shows that the condition is met.")
        return see(approval)
    given = dict(form.cleaned_data)
    try:
        act(approval, given.pop("condition"), by=request.membership, **given)
        messages.success(request, said)
    except (ActionDenied, BadInput) as refusal:
        messages.error(request, str(refusal))
    return see(approval)


@require_POST
def approval_withdraw(request, pk):
    return _end(request, pk, actions.withdraw, "The request is withdrawn.")


@require_POST
def approval_revoke(request, pk):
    return _end(
        request, pk, actions.revoke, "The sign-off is revoked; what was deployed on it answers no further request."
    )


@require_POST
def approval_suspend(request, pk):
    return _end(request, pk, actions.suspend, "It is suspended: nothing serves on it.", forms.Suspension)


@require_POST
def approval_ask_to_resume(request, pk):
    return _end(request, pk, actions.ask_to_resume, _resuming)


def _resuming(approval) -> str:
    what = "ends the suspension" if queries.case(approval).fallen else "lets it stand again"
    return f"It is asked for; a second person {what}."


@require_POST
def approval_resume(request, pk):
    return _end(request, pk, actions.resume, _resumed, forms.Nothing)


def _resumed(approval) -> str:
    if queries.case(approval).fallen:
        return "The suspension is over; it does not stand again by that. A new sign-off may be asked for."
    return "It stands again."


@require_POST
def approval_tell(request, pk):
    return _end(request, pk, actions.tell, "It is kept who was told.", forms.Telling)


def _end(request, pk, act, said: str | Callable, shape=forms.Reason):
    approval = get_object_or_404(queries.approvals(viewer=request.membership, project=request.project), pk=pk)
    form = shape(request.POST)
    if not form.is_valid():
        messages.error(request, f"Nothing was changed: write the {' and the '.join(form.errors)}.")
        return see(approval)
    try:
        act(approval, by=request.membership, **form.cleaned_data)
        messages.success(request, said if isinstance(said, str) else said(approval))
    except ActionDenied as denied:
        messages.error(request, str(denied))
    return see(approval)


def approval_dossier(request, pk):
    """The dossier's exact bytes: their SHA-256 is the digest that was signed."""
    return _download(request, pk, "json")


def approval_document(request, pk):
    """The sign-off as a document to keep: what was covered, how the gates stood, who signed."""
    return _download(request, pk, "pdf")


def _download(request, pk, form: str):
    approval = get_object_or_404(queries.approvals(viewer=request.membership, project=request.project), pk=pk)
    try:
        actions.download(approval, form=form, by=request.membership)
    except ActionDenied as denied:
        messages.error(request, str(denied))
        return see(approval)
    content, kind = documents.written(queries.case(approval), form, queries.history(approval))
    name = f"sign-off-{approval.pk}-{approval.dossier_digest[:12]}.{form}"
    return HttpResponse(content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
