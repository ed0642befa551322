"""Pages about policies."""

from django.contrib import messages
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.approvals import actions, forms, queries, rules
from apps.approvals.gates import trials
from apps.approvals.gates.decide import overall
from apps.approvals.gates.defaults import built_in
from apps.approvals.gates.kinds import DOCUMENTS, STATEMENTS
from apps.approvals.gates.schema import MEANINGS, RISK_CLASSES
from apps.approvals.gates.versions import differences as changes
from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import listed, page, row_number, see
from apps.projects.rules import QUESTIONS
from apps.reports.figures import REPORTS


def policies(request):
    in_force = queries.policies_in_force(viewer=request.membership)
    context = listed(request, queries.policy_versions(viewer=request.membership)) | {
        "classes": [_standing(risk_class, in_force, request.membership) for risk_class in RISK_CLASSES],
        "in_force": {version.pk for versions in in_force.values() for version in versions},
        "why_not": rules.why_not_propose(by=request.membership),
    }
    return page(request, "approvals/policy_list.html", context=context)


def _standing(risk_class: str, in_force: dict, viewer) -> dict:
    """What counts for a risk class: versions in force, the built-in policy, or nothing."""
    versions = in_force.get(risk_class, [])
    whole = any(not version.parsed.flags for version in versions)
    built_in = not whole and queries.built_in_applies(risk_class, viewer=viewer)
    return {"risk_class": risk_class, "versions": versions, "whole": whole, "built_in": built_in}


def policy_detail(request, pk):
    viewer = request.membership
    version = get_object_or_404(queries.policy_versions(viewer=viewer), pk=pk)
    in_force = queries.policies_in_force(viewer=viewer).get(version.policy.risk_class, [])
    before = queries.version_before(version, viewer=viewer)
    context = {
        "version": version,
        "policy": version.parsed,
        "tests": _tests(version),
        "in_force": version.pk in {found.pk for found in in_force},
        "newest": next(iter(in_force), None),
        "before": before,
        "changes": changes(before.parsed, version.parsed) if before else (),
        "replays": queries.replays(version, viewer=viewer) if request.GET.get("replay") else None,
        "next_url": f"{reverse('policy-new', args=[viewer.organization.slug])}?from={version.pk}",
        "resting": queries.resting_on(version, viewer=viewer),
        "why_not": rules.why_not_propose(by=viewer),
        "why_not_publish": rules.why_not_publish(version, queries.published_after(version), by=viewer),
        "why_not_withdraw": rules.why_not_withdraw_policy(version, by=viewer),
    }
    return page(request, "approvals/policy_detail.html", context=context)


def _tests(version) -> list[dict]:
    """The policy's own test cases, each with what it expects and what comes out."""
    return [
        test | {"found": overall(trials.tried(version.parsed, test)).value} for test in version.body.get("tests", ())
    ]


def policy_new(request):
    """The editor: what is typed is proposed, or only tried on what was decided before."""
    form = forms.PolicyText(request.POST or None, initial={"source": _beginning(request)})
    problems, preview = [], None
    if form.is_valid():
        try:
            if "preview" in request.POST:
                preview = actions.preview(by=request.membership, **form.cleaned_data)
            else:
                version = actions.propose(by=request.membership, **form.cleaned_data)
                messages.success(request, f"{version} is proposed. It counts as soon as a second person publishes it.")
                return see(version)
        except ActionDenied as denied:
            form.add_error(None, str(denied))
        except BadInput as bad:
            problems = _problems(bad.problems["source"], form.cleaned_data["source"])
    context = _words() | {
        "form": form,
        "problems": problems,
        "preview": preview,
        "why_not": rules.why_not_propose(by=request.membership),
    }
    return page(request, "approvals/policy_new.html", context=context)


def _words() -> dict:
    """What may be written, for the sheet beside the editor."""
    return {
        "meanings": MEANINGS,
        "reports": REPORTS,
        "documents": DOCUMENTS,
        "statements": STATEMENTS,
        "questions": QUESTIONS,
    }


def _beginning(request) -> str:
    """The text the editor begins with: an earlier version, or a built-in policy."""
    if before := row_number(request.GET.get("from")):
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
    now = (
        f"in force for {risk_class}-risk projects" if version.published_at else "proposed; a second person publishes it"
    )
    messages.success(request, f"{version} is {now}.")
    return see(version)


@require_POST
def policy_publish(request, pk):
    version = get_object_or_404(queries.policy_versions(viewer=request.membership), pk=pk)
    try:
        actions.publish(version, by=request.membership)
        messages.success(request, f"{version} is published, and in force for what is asked from now on.")
    except (ActionDenied, BadInput) as refusal:
        messages.error(request, str(refusal))
    return see(version)


@require_POST
def policy_withdraw(request, pk):
    version = get_object_or_404(queries.policy_versions(viewer=request.membership), pk=pk)
    try:
        actions.withdraw_policy(version, by=request.membership)
        fell = "no sign-off given under it stands any more" if version.published_at else "nothing was judged by it"
        messages.success(request, f"{version} is withdrawn; {fell}.")
    except ActionDenied as denied:
        messages.error(request, str(denied))
    return see(version)
