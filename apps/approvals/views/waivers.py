"""Pages about waivers."""

from datetime import timedelta

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.accounts.queries import members
from apps.approvals import actions, forms, queries, rules
from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import listed, objections, page, see


def waivers(request):
    """The waivers of a project."""
    rows = queries.waivers(viewer=request.membership, project=request.project)
    return _list(request, rows, {"why_not": rules.why_not_ask_waiver(request.project, by=request.membership)})


def waiver_register(request):
    """The waivers of the organization, counted by who owns them."""
    return _list(
        request, queries.waivers(viewer=request.membership), {"counted": queries.counted(viewer=request.membership)}
    )


def _list(request, rows, context: dict):
    status = request.GET.get("state", "")
    if status in queries.STATUSES:
        rows = queries.with_status(rows, status)
    context |= listed(request, rows) | {"states": queries.STATUSES, "state": status}
    return page(request, "approvals/waiver_list.html", context=context)


def waiver_new(request):
    """One rule of the policy in force, for one model version or for the whole project."""
    viewer, project = request.membership, request.project
    policy_version = queries.policy_in_force(project.risk_class, answers=project.answers, viewer=viewer)
    form = None
    if policy_version:
        versions = queries.model_versions(viewer=viewer, project=project)[:50]
        form = _request_form(request, policy_version, versions)
    if form and form.is_valid():
        try:
            return see(actions.ask_waiver(project, policy_version, by=viewer, **form.given(members(viewer=viewer))))
        except (ActionDenied, BadInput) as refused:
            objections(form, refused)
    why_not = rules.why_not_ask_waiver(project, by=viewer)
    context = {"form": form, "policy_version": policy_version, "why_not": why_not}
    return page(request, "approvals/waiver_new.html", context=context)


def _request_form(request, policy_version, versions) -> forms.WaiverRequest:
    owners = [member for member in members(viewer=request.membership) if member.is_active and member.role != "auditor"]
    return forms.WaiverRequest(
        request.POST or None,
        policy_rules=policy_version.parsed.rules,
        versions=versions,
        owners=[member for member in owners if member.user_id != request.membership.user_id],
        initial={
            "rule": request.GET.get("rule", ""),
            "model_version": request.GET.get("model_version", ""),
            "ends_on": (timezone.now() + timedelta(days=30)).date(),
        },
    )


def waiver_detail(request, pk):
    waiver = _waiver(request, pk)
    by, now, hands = request.membership, timezone.now(), queries.hands_in(waiver)
    context = {
        "waiver": waiver,
        "rule": waiver.asked,
        "deciding": forms.Reason(auto_id="deciding_%s"),
        "closing": forms.Reason(auto_id="closing_%s"),
        "revoking": forms.Reason(auto_id="revoking_%s"),
        "renewal": forms.Renewal(
            auto_id="renewing_%s", initial={"ends_on": (waiver.ends_at + timedelta(days=30)).date()}
        ),
        "falling": queries.resting_on(waiver.policy_version, viewer=by, about=waiver),
        "why_not_approve": rules.why_not_approve(waiver, hands, by=by, now=now),
        "why_not_reject": rules.why_not_decide_waiver(waiver, hands, by=by),
        "why_not_close": rules.why_not_close_waiver(waiver, by=by),
        "why_not_revoke": rules.why_not_revoke_waiver(waiver, by=by),
        "why_not_renew": rules.why_not_renew(waiver, by=by, now=now),
        "history": queries.history(waiver),
    }
    return page(request, "approvals/waiver_detail.html", context=context, about=waiver.model_version)


def _waiver(request, pk):
    return get_object_or_404(queries.waivers(viewer=request.membership, project=request.project), pk=pk)


MOVES = {
    "approve": (actions.approve_waiver, "The waiver is approved."),
    "reject": (actions.reject_waiver, "The waiver is rejected."),
    "close": (actions.close_waiver, "The waiver is closed; the rule counts again."),
    "revoke": (actions.revoke_waiver, "The waiver is revoked; the rule counts again."),
}


@require_POST
def waiver_move(request, pk, move):
    """Approve, reject, close or revoke, with a reason."""
    waiver, form = _waiver(request, pk), forms.Reason(request.POST)
    if move not in MOVES:
        raise Http404
    act, said = MOVES[move]
    if not form.is_valid():
        messages.error(request, "Nothing was changed: write the reason.")
        return see(waiver)
    try:
        act(waiver, by=request.membership, **form.cleaned_data)
        messages.success(request, said)
    except ActionDenied as denied:
        messages.error(request, str(denied))
    return see(waiver)


@require_POST
def waiver_renew(request, pk):
    waiver, form = _waiver(request, pk), forms.Renewal(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was changed: write the reason and the last day.")
        return see(waiver)
    try:
        ends_at = forms.last_moment(form.cleaned_data["ends_on"])
        return see(
            actions.renew_waiver(waiver, ends_at=ends_at, reason=form.cleaned_data["reason"], by=request.membership)
        )
    except (ActionDenied, BadInput) as refusal:
        messages.error(request, str(refusal))
    return see(waiver)
