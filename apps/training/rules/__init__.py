"""Who may train on what, when; and what can be chosen."""

from datetime import timedelta

from apps.accounts.permissions import Permission, why_not
from apps.common.work import Queue, WorkState
from apps.projects.rules import why_not_work_in
from apps.training.rules.knobs import ESTIMATORS, SHARED, Knob, problems, recipe_of

__all__ = ["ESTIMATORS", "SHARED", "Knob", "problems", "recipe_of"]

ALIVE_FOR = timedelta(seconds=30)  # a worker says that it lives every five


def why_not_launch(project, *, by) -> str | None:
    return why_not(by, Permission.RUN_LAUNCH) or why_not_work_in(project)


def why_not_learn_from(version) -> str | None:
    """The objection to data; None too where there is none to object to."""
    if version.withdrawn_at:
        return f"{version} is withdrawn: nothing new learns from it."
    if version.declaration is None:
        return f"{version} is not declared: say first which column is predicted and which are sensitive."
    return None


def why_not_test_on(test, data) -> str | None:
    if objection := why_not_learn_from(test):
        return objection
    if test.pk == data.pk:
        return "A model is not tested on the rows it learns from: choose other data, or hold rows back."
    lacking = set(data.columns) - set(test.columns) - {data.declaration["target"], *data.declaration["left_out"]}
    if lacking:
        return f"{test} lacks columns that {data} has: {', '.join(sorted(lacking)[:8])}."
    return None


def why_not_spend(recipe: dict, *, spent: float, cap: float | None) -> str | None:
    """The objection to a private run on data whose privacy budget has a cap."""
    target = recipe["hyper"].get("epsilon") if recipe["estimator"] == "private_network" else None
    if cap is None:
        return None
    if recipe["estimator"] != "private_network":
        return f"This data has a privacy budget of ε {cap:g}: only a private network may learn from it."
    if target is None:
        return "This data has a privacy budget: give a target ε, so that it is known before what the run may spend."
    if spent + target > cap:
        return f"ε {target:g} is more than is left of this data's budget: {spent:.3g} of {cap:g} are spent."
    return None


def why_not_cancel(run, *, by) -> str | None:
    if reason := why_not(by, Permission.RUN_CANCEL):
        return reason
    if run.is_over:
        return "This run is over; there is nothing left to cancel."
    if run.cancel_requested:
        return "Its worker has been asked to stop."
    return None


def why_waiting(run, workers) -> str:
    """Why a queued run has not begun, from the workers that are alive; empty if it is not queued."""
    if run.state != WorkState.QUEUED:
        return ""
    able = [worker for worker in workers if run.queue in worker.queues]
    if able:
        return (
            f"It waits for one of {len(able)} workers to be free."
            if len(able) > 1
            else (f"It waits for {able[0].name} to be free.")
        )
    if run.queue == Queue.GPU:
        return "No worker with a GPU is alive. It waits until one is started; cancel it to train on a CPU instead."
    return f"No worker that takes the queue “{run.queue}” is alive. It waits until one is started."


def why_gpu_would_wait(workers) -> str | None:
    if any(Queue.GPU in worker.queues for worker in workers):
        return None
    return "No worker with a GPU is alive now: a run that asks for one waits until one is started."
