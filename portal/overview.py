"""What the pages that look into several rooms show: an organization's projects, and the state of one project.

Reads only, each beginning from the viewer; as many statements for a page of fifty projects as for one."""

from functools import cache

from django.db.models.expressions import RawSQL

from apps.accounts import permissions
from apps.accounts.permissions import Permission
from apps.approvals import queries as approvals
from apps.approvals.models import Approval, State
from apps.approvals.rules import day
from apps.common.pages import listed
from apps.datasets import queries as datasets
from apps.datasets.models import DatasetVersion
from apps.deployments import queries as deployments
from apps.deployments.models import Deployment
from apps.models.models import ModelVersion
from apps.projects import queries as projects
from apps.projects import rules as project_rules
from apps.reports import queries as reports
from apps.reports.models import Kind
from apps.training.models import TrainingRun
from portal.rail import UNDER_WAY, stops

SHOWN = 5  # of each kind on a page that shows all kinds
NEXT_STEPS = {  # the stop that is not done: what it is called, what to press, where that is, who may
    "Data": ("data", "Add data", "datasets/", Permission.DATASET_ADD),
    "Model": ("a model", "Train a model", "runs/", Permission.RUN_LAUNCH),
    "Reports": ("reports", "Measure the model", "reports/", Permission.REPORT_START),
    "Sign-off": ("a sign-off", "Ask for sign-off", "approvals/", Permission.APPROVAL_ASK),
    "Deployed": ("a deployment", "Deploy the model", "deployments/", Permission.DEPLOYMENT_OPEN),
}


def organization(request) -> dict:
    """Context of an organization's page: its projects, newest first, and what waits for this viewer."""
    viewer = request.membership
    context = listed(request, projects.projects(viewer=viewer))
    return {
        **context,
        "rows": _with_state(viewer, context["rows"]),
        "waiting": waiting(viewer),
        "why_not_open": permissions.why_not(viewer, Permission.PROJECT_OPEN),
    }


def project(request) -> dict:
    """Context of a project's page: the rail, the next step, its data, and how far each model has come."""
    viewer, project = request.membership, request.project
    path = stops(request, project)
    return {
        "project": project,
        "stops": path,
        "next": _next_step(path, viewer, project),
        "because": project_rules.because(project.answers),
        "why_not_change": project_rules.why_not_change(project, by=viewer),
        "datasets": _of(project, datasets.listed_versions(viewer=viewer, project=project)[:SHOWN]),
        "models": _models(viewer, project),
        "running": _newest(_runs(), viewer, project, state__in=UNDER_WAY),
        "kinds": Kind.labels,
    }


def waiting(viewer) -> list[dict]:
    """What this person, and nobody else in their stead, can move on: {text, url}."""
    found = []
    if viewer.may(Permission.APPROVAL_SIGN):
        found += [{"text": f"{each.model_version} waits for a signature", "on": each} for each in _to_sign(viewer)]
    if viewer.may(Permission.APPROVAL_ASK):
        found += [{"text": f"{each.model_version} was sent back", "on": each} for each in _sent_back(viewer)]
    if viewer.may(Permission.DATASET_DECLARE):
        found += [{"text": f"{each} waits for its declaration", "on": each} for each in _undeclared(viewer)]
    found += [{"text": _ends(each), "on": each} for each in approvals.to_end(viewer=viewer)[:SHOWN]]
    found += [{"text": _is_to_be_tried(each), "on": each} for each in deployments.to_try(viewer=viewer)[:SHOWN]]
    return found


def _ends(waiver) -> str:
    if waiver.overdue:
        return f"{waiver} ended on {day(waiver.ends_at)}: close it, with what became of the rule"
    return f"{waiver} ends on {day(waiver.ends_at)}: renew it, or close it once the rule is kept"


def _is_to_be_tried(deployment) -> str:
    verb = "was" if deployment.drill_overdue else "is"
    return f"the stop of {deployment.name} {verb} to be tried by {day(deployment.drill_due)}, by a drill"


def _to_sign(viewer):
    """Sign-offs in review that the viewer has not signed and had no hand in."""
    had_a_hand = RawSQL(
        "exists (select from approvals_hands(approvals_approval.model_version_id) where user_id = %s)",
        [viewer.user_id],
    )
    found = approvals.listed_approvals(viewer=viewer).filter(state=State.OPEN)
    found = found.exclude(signatures__signer__user=viewer.user_id).annotate(had_a_hand=had_a_hand)
    return found.filter(had_a_hand=False)[:SHOWN]


def _sent_back(viewer):
    """The viewer's own requests that were sent back and not asked for anew."""
    found = approvals.listed_approvals(viewer=viewer).filter(state=State.RETURNED, requested_by__user=viewer.user_id)
    later = ModelVersion.objects.filter(approvals__state__in=(State.OPEN, State.APPROVED))
    return found.exclude(model_version__in=later)[:SHOWN]


def _undeclared(viewer):
    found = DatasetVersion.objects.filter(organization=viewer.organization_id, uploaded_by=viewer)
    found = found.filter(declared_at=None, withdrawn_at=None, project__closed_at=None)
    return found.select_related("dataset", "project__organization").order_by("-pk")[:SHOWN]


def _with_state(viewer, rows) -> list[dict]:
    """Each project with its newest model and sign-off and what serves: three statements for all of them."""
    models = _latest(_versions(), viewer, rows)
    asked = _latest(_asked(), viewer, rows)
    serving = _latest(_opened(), viewer, rows, state="serving")
    return [
        {"project": row, "model": models.get(row.pk), "approval": asked.get(row.pk), "serving": serving.get(row.pk)}
        for row in rows
    ]


def _latest(lines, viewer, rows, **only) -> dict:
    """Project's id -> its newest line: found first, so that whether it stands is asked of no other."""
    its = {"organization": viewer.organization_id, "project__in": [row.pk for row in rows], **only}
    newest = lines.model.objects.filter(**its).order_by("project_id", "-pk").distinct("project_id")
    return {each.project_id: each for each in lines.filter(pk__in=newest.values("pk"))}


# --- what the lines of both pages show and no more, each put together once: that takes longer than to ask it ---------


@cache
def _runs():
    return TrainingRun.objects.select_related("model").only("project", "model__name", "state", "queued_at")


@cache
def _versions():
    return ModelVersion.objects.select_related("model", "dataset_version__dataset").only(
        "project", "number", "model__name", "retired_at", "created_at", "dataset_version__number",
        "dataset_version__dataset__name",
    )  # fmt: skip


@cache
def _asked():
    return (
        Approval.objects.annotate(stands=approvals.STANDS)
        .select_related("model_version__model", "policy_version__policy")
        .only(
            "project", "state", "model_version__number", "model_version__model__name", "policy_version__number",
            "policy_version__policy__name",
        )
    )  # fmt: skip


@cache
def _opened():
    found = Deployment.objects.annotate(stands=deployments.STANDS).select_related("model_version__model")
    return found.only("project", "state", "model_version__number", "model_version__model__name")


def _newest(lines, viewer, project, **only) -> list:
    mine = lines.filter(organization=viewer.organization_id, project=project, **only)
    return _of(project, mine.order_by("-pk")[:SHOWN])


def _models(viewer, project) -> list[dict]:
    """The newest model versions, each with its current report of every kind, its sign-off and where it serves."""
    versions = _newest(_versions(), viewer, project)
    mine = [version.pk for version in versions]
    theirs = {"organization": viewer.organization_id, "model_version__in": mine}
    spoken = reports.speaking(mine).only("project", "model_version", "kind", "verdict", "provenance")
    measured = _by_version(_of(project, spoken))
    asked = _by_version(_of(project, _asked().filter(**theirs).order_by("-pk")))
    opened = _by_version(_of(project, _opened().filter(**theirs).order_by("-pk")))
    return [
        {
            "version": version,
            "reports": _of_each_kind(measured.get(version.pk, [])),
            "approval": next(iter(asked.get(version.pk, [])), None),
            "deployment": next(iter(opened.get(version.pk, [])), None),
        }
        for version in versions
    ]


def _of(project, rows) -> list:
    """These rows, which need their project for their address: it is at hand."""
    rows = list(rows)
    for row in rows:
        row.project = project
    return rows


def _by_version(rows) -> dict:
    """Model version's id -> its rows, in their order."""
    found: dict = {}
    for row in rows:
        found.setdefault(row.model_version_id, []).append(row)
    return found


def _of_each_kind(rows) -> list:
    newest = {row.kind: row for row in reversed(rows)}
    return [(label, newest.get(kind)) for kind, label in Kind.choices]


def _next_step(path, viewer, project) -> dict | None:
    """The first stop that is not done, as a button with its reason where it is shut; None when all are."""
    stop = next((stop for stop in path if stop["state"] != "done"), None)
    if stop is None:
        return None
    what, label, place, permission = NEXT_STEPS[stop["name"]]
    reason = project_rules.why_not_work_in(project) or permissions.why_not(viewer, permission)
    return {
        "what": what,
        "note": stop["note"],
        "label": label,
        "url": project.get_absolute_url() + place,
        "why_not": reason,
    }
