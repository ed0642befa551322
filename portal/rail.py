"""The rail of a project: Data → Model → Reports → Sign-off → Deployed, each stop with its state.

It stands on every page of a project, so all five stops are asked of the database in one statement."""

from functools import cache

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, Q, Subquery
from django.db.models.functions import JSONObject
from django.urls import reverse

from apps.approvals.models import Approval
from apps.approvals.models import State as Asked
from apps.approvals.queries import STANDS
from apps.common.work import WorkState
from apps.datasets.models import DatasetVersion
from apps.deployments.models import Deployment
from apps.deployments.queries import STANDS as PERMITTED
from apps.models.models import ModelVersion
from apps.projects.models import Project
from apps.reports.models import Kind, Report
from apps.training.models import TrainingRun

UNDER_WAY = (WorkState.QUEUED, WorkState.RUNNING)


def context(request):
    """`stops` for `{% rail stops %}`: a callable, so that a page or part without the rail asks nothing."""
    project = getattr(request, "project", None)
    return {"stops": cache(lambda: stops(request, project) if project else [])}


def stops(request, project) -> list[dict]:
    """The stops in order: name, state (done, open, shut or none), note, address; `current` where the page stands."""
    root = project.get_absolute_url()
    here = request.path.removeprefix(root).split("/")[0]
    known = facts(viewer=request.membership, project=project, about=getattr(request, "about", None))
    told = (
        ("Data", {"datasets"}, _data(known)),
        ("Model", {"models", "runs"}, _model(known)),
        ("Reports", {"reports"}, _reports(known)),
        ("Sign-off", {"approvals"}, _sign_off(known)),
        ("Deployed", {"deployments"}, _deployed(known)),
    )
    return [
        {"name": name, "current": here in places, "state": state, "note": note, "url": _address(project, where)}
        for name, places, (state, note, where) in told
    ]


def facts(*, viewer, project, about=None) -> dict:
    """What the stops are told from: the newest of each thing in the project, as plain values, in one statement.

    With `about`, a model version, they are told of it alone."""
    mine = {"organization": viewer.organization_id, "project": project.pk}
    its = mine | ({"model_version": about.pk} if about else {})
    data = DatasetVersion.objects.filter(**mine)
    data = data.filter(pk=about.dataset_version_id) if about else data.filter(withdrawn_at=None)
    model = ModelVersion.objects.filter(**mine)
    model = model.filter(pk=about.pk) if about else model.filter(retired_at=None)
    asked = Approval.objects.filter(**its).annotate(stands=STANDS, signed=_signed())
    serving = Deployment.objects.filter(**its, state="serving").annotate(stands=PERMITTED)
    named = {"model": F("model_version__model__name"), "number": F("model_version__number")}
    wanted = F("policy_version__body__signers")
    return (
        Project.objects.filter(pk=project.pk, organization=viewer.organization_id)
        .annotate(
            data=_newest(data, name="dataset__name", number="number"),
            usable=_newest(data.exclude(declaration=None), name="dataset__name", number="number"),
            version=_newest(model, name="model__name", number="number"),
            run=_newest(TrainingRun.objects.filter(**its), name="model__name", state="state"),
            reports=_measured(mine, model),
            approval=_newest(asked, state="state", stands="stands", signed="signed", wanted=wanted, **named),
            serving=_newest(serving, stands="stands", **named),
        )
        .values("data", "usable", "version", "run", "reports", "approval", "serving")
        .get()
    )


def _newest(rows, **fields):
    return Subquery(rows.order_by("-pk").values(it=JSONObject(pk="pk", **fields))[:1])


def _measured(mine, models):
    """The newest report of each kind and state on the newest of `models`."""
    newest = models.order_by("-pk").values("pk")[:1]
    found = Report.objects.filter(**mine, model_version=Subquery(newest)).exclude(
        state__in=(WorkState.FAILED, WorkState.CANCELLED)
    )
    latest = found.order_by("kind", "state", "-pk").distinct("kind", "state")
    return ArraySubquery(latest.values(it=JSONObject(kind="kind", state="state", verdict="verdict")))


def _signed():
    return Count("signatures", filter=Q(signatures__decision="sign"))


# --- each stop as (state, note, where it leads: the name of a list, or the name and key of one thing) ---------------


def _data(known):
    if known["usable"]:
        return "done", _name(known["usable"]), ("dataset", known["usable"]["pk"])
    if known["data"]:
        return "open", f"{_name(known['data'])}, not declared", ("dataset", known["data"]["pk"])
    return "", "none yet", "datasets"


def _model(known):
    run, version = known["run"], known["version"]
    if run and run["state"] in UNDER_WAY:
        return "done" if version else "open", f"{run['name']} {WorkState(run['state']).label}", ("run", run["pk"])
    if version:
        return "done", _name(version), ("model", version["pk"])
    if run and run["state"] == WorkState.FAILED:
        return "shut", "a run failed", ("run", run["pk"])
    return "", "none yet", "models"


def _reports(known):
    if not known["version"]:
        return "", "no model yet", "reports"
    verdicts = {each["kind"]: each["verdict"] for each in known["reports"] if each["state"] == WorkState.FINISHED}
    for verdict, state in (("fail", "shut"), ("inconclusive", "open")):
        if named := [kind for kind in verdicts if verdicts[kind] == verdict]:
            return state, f"{', '.join(named) if len(named) < 3 else f'{len(named)} reports'}: {verdict}", "reports"
    if verdicts:
        return "done" if len(verdicts) == len(Kind) else "open", f"{len(verdicts)} of {len(Kind)} pass", "reports"
    return ("open", "being measured", "reports") if known["reports"] else ("", "none yet", "reports")


def _sign_off(known):
    if not (asked := known["approval"]):
        return "", "not asked for", "approvals"
    if asked["state"] == Asked.APPROVED:
        state, note = ("done", "stands") if asked["stands"] else ("shut", "no longer stands")
    elif asked["state"] == Asked.OPEN:
        wanted = sum(signer.get("count", 1) for signer in asked["wanted"])
        state, note = "open", f"{asked['signed']} of {wanted} signed"
    else:
        state, note = "shut", Asked(asked["state"]).label
    return state, f"{asked['model']} v{asked['number']}: {note}", ("approval", asked["pk"])


def _deployed(known):
    if not (serving := known["serving"]):
        return "", "nothing serves", "deployments"
    state, note = ("done", "serves") if serving["stands"] else ("shut", "refuses: its sign-off no longer stands")
    return state, f"{serving['model']} v{serving['number']} {note}", ("deployment", serving["pk"])


def _name(thing) -> str:
    return f"{thing['name']} v{thing['number']}"


def _address(project, where) -> str:
    name, *key = (where,) if isinstance(where, str) else where
    return reverse(name, args=[project.organization.slug, project.slug, *key])
