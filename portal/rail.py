"""The rail of a project: Data → Model → Reports → Sign-off → Deployed, each stop with its state.

It stands on every page of a project, so all five stops are asked of the database in one statement."""

from functools import cache

from django.db import connection
from django.urls import reverse

from apps.approvals.models import State as Asked
from apps.common.work import WorkState
from apps.reports.models import Kind

UNDER_WAY = (WorkState.QUEUED, WorkState.RUNNING)

# Written out, because it is asked for every page of a project: Django takes 15 ms to put it together, PostgreSQL 2 ms.
FACTS = """
with its as (select %(organization)s::bigint as organization, %(project)s::bigint as project),
newest as (
    select v.id, v.number, m.name from its, models_modelversion v join models_registeredmodel m on m.id = v.model_id
     where v.organization_id = its.organization and v.project_id = its.project and {model} order by v.id desc limit 1)
select
    (select json_build_object('pk', v.id, 'name', d.name, 'number', v.number)
       from its, datasets_datasetversion v join datasets_dataset d on d.id = v.dataset_id
      where v.organization_id = its.organization and v.project_id = its.project and {data}
      order by v.id desc limit 1) as data,
    (select json_build_object('pk', v.id, 'name', d.name, 'number', v.number)
       from its, datasets_datasetversion v join datasets_dataset d on d.id = v.dataset_id
      where v.organization_id = its.organization and v.project_id = its.project and {data}
        and v.declaration is not null order by v.id desc limit 1) as usable,
    (select json_build_object('pk', id, 'name', name, 'number', number) from newest) as version,
    (select json_build_object('pk', r.id, 'name', m.name, 'state', r.state)
       from its, training_trainingrun r join models_registeredmodel m on m.id = r.model_id
      where r.organization_id = its.organization and r.project_id = its.project and {of_run}
      order by r.id desc limit 1) as run,
    (select coalesce(json_agg(json_build_object('kind', kind, 'state', state, 'verdict', verdict)), '[]') from (
        select spoken.kind, spoken.state, spoken.verdict from newest, reports_speaking(newest.id) spoken
        union all
        select r.kind, r.state, r.verdict from its, newest, reports_report r
         where r.organization_id = its.organization and r.model_version_id = newest.id
           and r.state in ('queued', 'running')) latest) as reports,
    (select json_build_object('pk', a.id, 'state', a.state, 'stands', approvals_stands(a.id), 'model', m.name,
            'number', v.number, 'wanted', p.body -> 'signers', 'signed',
            (select count(*) from approvals_signature s where s.approval_id = a.id))
       from its, approvals_approval a join models_modelversion v on v.id = a.model_version_id
       join models_registeredmodel m on m.id = v.model_id
       join approvals_policyversion p on p.id = a.policy_version_id
      where a.organization_id = its.organization and a.project_id = its.project and {of_approval}
      order by a.id desc limit 1) as approval,
    (select json_build_object('pk', d.id, 'stands', approvals_stands(d.approval_id), 'model', m.name,
            'number', v.number)
       from its, deployments_deployment d join models_modelversion v on v.id = d.model_version_id
       join models_registeredmodel m on m.id = v.model_id
      where d.organization_id = its.organization and d.project_id = its.project and d.state = 'serving'
        and {of_deployment} order by d.id desc limit 1) as serving
"""
ABOUT_ALL = {
    "data": "v.withdrawn_at is null", "model": "v.retired_at is null",
    "of_run": "true", "of_approval": "true", "of_deployment": "true",
}  # fmt: skip
ABOUT_ONE = {
    "data": "v.id = %(data)s", "model": "v.id = %(version)s", "of_run": "r.model_version_id = %(version)s",
    "of_approval": "a.model_version_id = %(version)s", "of_deployment": "d.model_version_id = %(version)s",
}  # fmt: skip


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
        ("Reports", {"reports", "documents", "statements"}, _reports(known)),
        ("Sign-off", {"approvals"}, _sign_off(known)),
        ("Deployed", {"deployments", "operation-reports"}, _deployed(known)),
    )
    return [
        {"name": name, "current": here in places, "state": state, "note": note, "url": _address(project, where)}
        for name, places, (state, note, where) in told
    ]


def facts(*, viewer, project, about=None) -> dict:
    """What the stops are told from: the newest of each thing in the project, as plain values, in one statement.

    With `about`, a model version, they are told of it alone."""
    which = ABOUT_ONE if about else ABOUT_ALL
    given = {"organization": viewer.organization_id, "project": project.pk, "data": about and about.dataset_version_id}
    with connection.cursor() as cursor:
        cursor.execute(FACTS.format(**which), given | {"version": about and about.pk})
        return dict(zip((column.name for column in cursor.description), cursor.fetchone(), strict=True))


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
            few = f"{', '.join(named)}: {verdict}"
            return state, few if len(named) < 3 else f"{len(named)} of {len(Kind)} {verdict}", "reports"
    if verdicts:
        passing = sum(verdict == "pass" for verdict in verdicts.values())
        submitted = len(verdicts) - passing  # which judge nothing themselves
        note = f"{passing} of {len(Kind)} pass" + (f", {submitted} submitted" if submitted else "")
        return "done" if len(verdicts) == len(Kind) else "open", note, "reports"
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
