"""Pages about policies and sign-offs."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.accounts.permissions import Permission, why_not
from apps.approvals import actions, documents, forms, queries, rules
from apps.approvals.gates.defaults import built_in, built_in_policy
from apps.approvals.gates.figures import REPORTS
from apps.approvals.gates.policy import Policy
from apps.approvals.gates.schema import MEANINGS, RISK_CLASSES
from apps.approvals.models import State
from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import listed, page, see


def policies(request):
    in_force = queries.policies_in_force(viewer=request.membership)
    context = listed(request, queries.policy_versions(viewer=request.membership)) | {
        "classes": [_standing(risk_class, in_force, request.membership) for risk_class in RISK_CLASSES],
        "in_force": {version.pk for version in in_force.values()},
        "why_not": rules.why_not_publish(by=request.membership),
    }
    return page(request, "approvals/policy_list.html", context=context)


def _standing(risk_class: str, in_force: dict, viewer) -> dict:
    """What counts for a risk class: a version in force, the built-in policy, or nothing."""
    version = in_force.get(risk_class)
    built_in = version is None and queries.built_in_applies(risk_class, viewer=viewer)
    return {"risk_class": risk_class, "version": version, "built_in": built_in}


def policy_detail(request, pk):
    version = get_object_or_404(queries.policy_versions(viewer=request.membership), pk=pk)
    newest = queries.policy_in_force(version.policy.risk_class, viewer=request.membership)
    context = {
        "version": version,
        "policy": Policy.from_json(version.body),
        "newest": newest,
        "next_url": f"{reverse('policy-new', args=[request.membership.organization.slug])}?from={version.pk}",
        "resting": queries.resting_on(version, viewer=request.membership),
        "why_not": rules.why_not_publish(by=request.membership),
        "why_not_withdraw": rules.why_not_withdraw_policy(version, by=request.membership),
    }
    return page(request, "approvals/policy_detail.html", context=context)


def policy_new(request):
    form = forms.PolicyText(request.POST or None, initial={"source": _beginning(request)})
    problems = []
    if form.is_valid():
        try:
            version = actions.publish(by=request.membership, **form.cleaned_data)
        except ActionDenied as denied:
            form.add_error(None, str(denied))
        except BadInput as bad:
            problems = _problems(bad.problems["source"], form.cleaned_data["source"])
        else:
            messages.success(request, f"{version} is published, and in force for what is asked from now on.")
            return see(version)
    context = {
        "form": form,
        "problems": problems,
        "meanings": MEANINGS,
        "reports": REPORTS,
        "why_not": rules.why_not_publish(by=request.membership),
    }
    return page(request, "approvals/policy_new.html", context=context)


def _beginning(request) -> str:
    """The text the editor begins with: an earlier version, or a built-in policy."""
    before = request.GET.get("from", "")
    if before.isascii() and before.isdigit():
        return get_object_or_404(queries.policy_versions(viewer=request.membership), pk=before).source
    risk_class = request.GET.get("for")
    return built_in(risk_class if risk_class in RISK_CLASSES else "high")


def _problems(sentences: str, source: str) -> list[dict]:
    """Each sentence with the line it speaks of, quoted."""
    written = source.splitlines()
    found = []
    for sentence in sentences.splitlines():
        head, _, rest = sentence.partition(": ")
        number = head.removeprefix("Line ")
        known = number.isdigit() and int(number) <= len(written)
        quoted = written[int(number) - 1].strip() if known else ""
        found.append({"line": number if known else "", "quoted": quoted, "sentence": rest if known else sentence})
    return found


@require_POST
def policy_adopt(request, risk_class):
    try:
        version = actions.adopt_default(risk_class, by=request.membership)
    except (ActionDenied, BadInput) as refusal:
        messages.error(request, str(refusal))
        return see(reverse("policies", args=[request.membership.organization.slug]))
    messages.success(request, f"{version} is in force for {risk_class}-risk projects.")
    return see(version)


@require_POST
def policy_withdraw(request, pk):
    version = get_object_or_404(queries.policy_versions(viewer=request.membership), pk=pk)
    try:
        actions.withdraw_policy(version, by=request.membership)
        messages.success(request, f"{version} is withdrawn; no sign-off given under it stands any more.")
    except ActionDenied as denied:
        messages.error(request, str(denied))
    return see(version)


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
    viewer, chosen = request.membership, request.GET.get("model_version", "")
    versions = queries.model_versions(viewer=viewer, project=request.project)
    context = {"versions": versions[:50], "form": forms.Question(request.POST or None)}
    if chosen.isascii() and chosen.isdigit():
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
    policy_version = queries.policy_in_force(risk_class, viewer=viewer)
    policy = Policy.from_json(policy_version.body) if policy_version else None
    if policy is None and queries.built_in_applies(risk_class, viewer=viewer):
        policy = built_in_policy(risk_class)
    earlier = queries.approvals(viewer=viewer).filter(model_version=version)
    context = {
        "version": version,
        "policy": policy,
        "policy_version": policy_version,
        "why_not": rules.why_not_ask(version, policy, earlier, by=viewer, now=now),
    }
    if policy is None:
        return context
    reports = queries.latest_reports(version)
    outcomes = [outcome.to_json() for outcome in queries.gates(version, policy, reports, now)]
    shut = sum(outcome["verdict"] != "pass" for outcome in outcomes)
    return context | {"outcomes": _linked(outcomes, {r.kind: r.get_absolute_url() for r in reports}), "shut": shut}


@never_cache
def approval_detail(request, pk):
    approval = get_object_or_404(queries.approvals(viewer=request.membership, project=request.project), pk=pk)
    case = queries.case(approval)
    form = _signing(case, request)
    if form.is_valid():
        try:
            signature = actions.decide(approval, by=request.membership, **form.given)
        except ActionDenied as denied:
            form.add_error(None, str(denied))
        except BadInput as bad:
            form.add_error("password", bad.problems["password"])
        else:
            messages.success(
                request, f"Your signature stands: {signature.printed_name}, {signature.get_decision_display()}."
            )
            return see(approval)
        case = queries.case(get_object_or_404(queries.approvals(viewer=request.membership), pk=pk))
    shown = _shown(case, form, request.membership)
    about = case.approval.model_version
    return page(request, "approvals/approval_detail.html", part="signing", context=shown, about=about)


def _signing(case: rules.Case, request) -> forms.Signature:
    """The form of what this person could decide now, carrying the dossier they were shown."""
    posted = request.POST if request.method == "POST" else None
    shut = rules.why_not_sign(case, by=request.membership)
    meanings = list(case.policy_meanings) if posted else [] if shut else case.open_meanings
    return forms.Signature(posted, meanings=meanings, initial={"dossier_digest": case.approval.dossier_digest})


def _shown(case: rules.Case, form, by) -> dict:
    approval = case.approval
    return {
        "approval": approval,
        "case": case,
        "form": form,
        "answer": rules.answer(case),
        "outcomes": _outcomes(case.dossier, approval.project),
        "places": case.places,
        "caption": _caption(case),
        "covered": documents.covered(case.dossier),
        "covers": 2 + len(case.dossier["data"]) + len(case.dossier["reports"]),
        "why_not_decide": rules.why_not_decide(case, by=by),
        "why_not_sign": rules.why_not_sign(case, by=by),
        "why_not_withdraw": rules.why_not_withdraw(approval, by=by),
        "why_not_revoke": rules.why_not_revoke(approval, by=by),
        "history": queries.history(approval),
        "may_ask_again": approval.state in (State.RETURNED, State.WITHDRAWN) and by.may(Permission.APPROVAL_ASK),
        "ask_url": _asking(approval),
        "may_deploy": by.may(Permission.DEPLOYMENT_OPEN),
        "reason": forms.Reason(auto_id="ending_%s"),
    }


def _asking(approval) -> str:
    where = reverse("approval-new", args=[approval.project.organization.slug, approval.project.slug])
    return f"{where}?model_version={approval.model_version_id}"


def _caption(case: rules.Case) -> str:
    policy = case.dossier["policy"]
    return (
        f"Rules of {policy['name']}, version {policy['version']}, as they stood when the dossier was frozen. "
        "What does not pass comes first. The portal recomputed every figure on rows the model had not seen; "
        "intervals are 95 %."
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
def approval_withdraw(request, pk):
    return _end(request, pk, actions.withdraw, "The request is withdrawn.")


@require_POST
def approval_revoke(request, pk):
    return _end(
        request, pk, actions.revoke, "The sign-off is revoked; what was deployed on it answers no further request."
    )


def _end(request, pk, act, said: str):
    approval = get_object_or_404(queries.approvals(viewer=request.membership, project=request.project), pk=pk)
    form = forms.Reason(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was changed: write the reason.")
        return see(approval)
    try:
        act(approval, by=request.membership, **form.cleaned_data)
        messages.success(request, said)
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
