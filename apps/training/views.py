"""People's door to runs and workers."""

from django.contrib import messages
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST, require_safe

from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import listed, page, see
from apps.common.work import OVER, WorkState
from apps.datasets import queries as datasets
from apps.models import queries as models
from apps.training import actions, forms, queries, rules, sheets

STATES = {"active": (WorkState.QUEUED, WorkState.RUNNING), **{state.value: (state,) for state in OVER}}
SHOWN_LINES = 200


@require_safe
def run_list(request):
    """Every run of the project; those under way move by themselves."""
    viewer, project = request.membership, request.project
    found = queries.runs(viewer=viewer, project=project).defer("history", "spent")
    state = request.GET.get("state", "")
    if state in STATES:
        found = found.filter(state__in=STATES[state])
    context = listed(request, found)
    for run in context["rows"]:
        run.estimator = rules.ESTIMATORS[run.recipe["estimator"]].label.lower()
    context |= {
        "state": state,
        "states": STATES,
        "waiting": any(not run.is_over for run in context["rows"]),
        "why_not_launch": rules.why_not_launch(project, by=viewer),
    }
    return page(request, "training/run_list.html", part="list", context=context)


def run_new(request):
    """The one form that launches a run."""
    viewer, project = request.membership, request.project
    versions = datasets.usable(viewer=viewer, project=project)
    initial = {"dataset_version": request.GET.get("data"), "model": request.GET.get("model"), "estimator": "logistic"}
    form = forms.Launch(request.POST or None, versions=versions, initial=initial)
    if form.is_valid():
        chosen = ("model", "dataset_version", "test_dataset_version", "gpu")
        try:
            what = {name: form.cleaned_data[name] for name in chosen}
            return see(actions.launch(project, recipe=form.recipe, by=viewer, **what))
        except BadInput as bad:
            form.blame(bad.problems)
        except ActionDenied as denied:
            form.add_error(None, str(denied))
    context = {
        "form": form,
        "versions": list(versions[:50]),
        "names": models.models(viewer=viewer, project=project)[:100],
        "why_not": rules.why_not_launch(project, by=viewer),
        "why_gpu_would_wait": rules.why_gpu_would_wait(queries.live_workers()),
    }
    return page(request, "training/run_new.html", context=context, status=400 if form.errors else 200)


@require_safe
def run_detail(request, pk):
    """One run: how far it is, how its loss falls, what it said, and what came of it."""
    run = _run(request, pk)
    context = {
        "run": run,
        "why_waiting": rules.why_waiting(run, queries.live_workers()),
        "why_not_cancel": rules.why_not_cancel(run, by=request.membership),
        "lines": list(queries.log(run, viewer=request.membership)[:SHOWN_LINES]),
        "sheet": sheets.sheet(run),
    }
    return page(request, "training/run_detail.html", part="state", context=context, about=run.model_version)


@require_POST
def run_cancel(request, pk):
    run = _run(request, pk)
    try:
        actions.cancel(run, by=request.membership)
    except ActionDenied as denied:
        messages.error(request, str(denied))
    return see(run)


@require_safe
def worker_list(request):
    """The workers that are alive."""
    context = {"workers": list(queries.live_workers())}
    context["queues"] = {queue for worker in context["workers"] for queue in worker.queues}
    return page(request, "training/worker_list.html", part="list", context=context)


def _run(request, pk):
    return get_object_or_404(queries.runs(viewer=request.membership, project=request.project), pk=pk)
