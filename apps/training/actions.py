"""Launch runs, cancel them, keep what they end with; and hear of workers."""

import re
from datetime import timedelta

from django.utils import timezone

from apps.accounts.permissions import Permission, require
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.refusals import action
from apps.common import work
from apps.common.errors import BadInput, WorkProblem, refuse
from apps.common.work import Queue, WorkState
from apps.datasets import queries as datasets
from apps.datasets.actions import charge
from apps.datasets.models import Dataset
from apps.models import actions as models
from apps.models import queries as built
from apps.training import rules
from apps.training.models import TrainingRun, Worker

FORGET_AFTER = timedelta(days=7)  # a worker that was not heard of


@action
def launch(project, *, model: str, dataset_version, recipe: dict, by, test_dataset_version=None, gpu=False):
    """Queue a run that trains the next version of the project's model of that name. Raises BadInput, ActionDenied."""
    require(by, Permission.RUN_LAUNCH)
    refuse(rules.why_not_launch(project, by=by))
    recipe = rules.recipe_of(recipe)
    if problems := _problems(model, dataset_version, test_dataset_version, recipe, gpu=gpu, by=by):
        raise BadInput(problems)
    named = models.named(project, model, by=by)
    refuse(built.why_not_alter(named))
    run = TrainingRun.objects.create(
        organization_id=project.organization_id,
        project=project,
        model=named,
        dataset_version=dataset_version,
        test_dataset_version=test_dataset_version,
        recipe=recipe,
        queue=Queue.GPU if gpu else Queue.CPU,
        started_by=by,
    )
    work.enqueue(run)
    record(
        Event.RUN_LAUNCHED, on=run, by=by, recipe=recipe, queue=run.queue, data=dataset_version.digest,
        declaration=dataset_version.declaration_digest,
        test_data=test_dataset_version.digest if test_dataset_version else None,
    )  # fmt: skip
    return run


def _problems(model, data, test, recipe, *, gpu, by) -> dict[str, str]:
    found = rules.problems(recipe)
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,79}", model):
        found["model"] = "Name the model in small letters, digits and hyphens, such as approve-network."
    budget = None if found else _budget_objection(recipe, data, by)
    if objection := rules.why_not_learn_from(data) or budget:
        found["dataset_version"] = objection
    elif test and (objection := rules.why_not_test_on(test, data)):
        found["test_dataset_version"] = objection
    if gpu and "estimator" not in found and not rules.ESTIMATORS[recipe["estimator"]].on_gpu:
        found["gpu"] = "Only networks are trained on a GPU: leave it off."
    return found


def _budget_objection(recipe, data, by) -> str | None:
    """Runs that have not ended yet count as if they spent what they may; two launches at once wait for each other."""
    dataset = Dataset.objects.select_for_update().get(pk=data.dataset_id)
    if dataset.epsilon_cap is None:
        return None
    spent = datasets.spent(viewer=by, dataset=dataset)["epsilon"] or 0.0
    under_way = TrainingRun.objects.filter(
        dataset_version__dataset=dataset, state__in=(WorkState.QUEUED, WorkState.RUNNING)
    ).values_list("recipe", flat=True)
    promised = sum(other["hyper"].get("epsilon") or 0.0 for other in under_way)
    return rules.why_not_spend(recipe, spent=spent + promised, cap=dataset.epsilon_cap)


@action
def cancel(run: TrainingRun, *, by) -> TrainingRun:
    """Stop a run: at once where nobody has begun it, at its worker's next step otherwise, for that is the one who
    knows what was spent."""
    require(by, Permission.RUN_CANCEL)
    run = TrainingRun.objects.select_for_update().get(pk=run.pk)
    refuse(rules.why_not_cancel(run, by=by))
    run.cancel_requested = True
    untouched = run.state == WorkState.QUEUED and not run.attempt
    if untouched:
        run.state, run.finished_at = WorkState.CANCELLED, timezone.now()
    run.save(update_fields=["cancel_requested", "state", "finished_at"])
    record(Event.RUN_CANCEL_ASKED, on=run, by=by)
    if untouched:
        record(Event.RUN_CANCELLED, on=run, by=by)
    return run


# --- on the worker, inside its transactions ---------------------------------------------------------------------------


def begin(run: TrainingRun) -> None:
    record(Event.RUN_STARTED, on=run, by=None, worker=run.worker, attempt=run.attempt)


def keep(run: TrainingRun, *, history: list, **version) -> None:
    """What a worker trained becomes a version of the model, and the run is over. Raises WorkProblem where the model
    became evidence meanwhile."""
    run.spent = version["privacy"] and {name: version["privacy"][name] for name in SPENT}
    if kept := built.why_not_alter(run.model):
        raise WorkProblem(kept)
    registered = models.register(
        run.model, run_id=run.pk, recipe=run.recipe, dataset_version=run.dataset_version,
        test_dataset_version=run.test_dataset_version, trained_by=run.started_by, **version,
    )  # fmt: skip
    work.finish(run, model_version=registered, history=history, spent=run.spent, checkpoint="")
    _charge(run)
    record(
        Event.RUN_FINISHED, on=run, by=None, model_version=registered.pk, artifact=registered.artifact_digest,
        attempt=run.attempt,
    )  # fmt: skip


def fail(run: TrainingRun, sentence: str) -> None:
    work.finish(run, state=WorkState.FAILED, problem=sentence, spent=run.spent, checkpoint="")
    _charge(run)
    record(Event.RUN_FAILED, on=run, by=None, problem=sentence, attempt=run.attempt)


def stop(run: TrainingRun) -> None:
    """The worker heard that somebody asked it to stop; who did is in the record already."""
    work.finish(run, state=WorkState.CANCELLED, spent=run.spent, checkpoint="")
    _charge(run)
    record(Event.RUN_CANCELLED, on=run, by=None)


SPENT = ("epsilon", "delta", "noise", "sample_rate", "steps")


def _charge(run: TrainingRun) -> None:
    """Enter what a private run spent, however it ended."""
    if not run.spent or not run.spent["steps"]:
        return
    mechanism = {name: run.spent[name] for name in ("noise", "sample_rate", "steps")}
    charge(
        run.dataset_version, run_id=run.pk, epsilon=run.spent["epsilon"], delta=run.spent["delta"],
        mechanism=mechanism, by=run.started_by, note=f"{run.model.name}, run {run.pk}, {run.state}",
    )  # fmt: skip


# --- workers ----------------------------------------------------------------------------------------------------------


def tell_worker(*, name: str, queues, device: dict, memory: int, cores: int) -> Worker:
    """Remember that a worker lives; forget those not heard of for long."""
    now = timezone.now()
    facts = {"queues": list(queues), "device": device, "memory": memory, "cores": cores, "seen_at": now}
    worker, _ = Worker.objects.update_or_create(name=name, defaults=facts)
    Worker.objects.filter(seen_at__lt=now - FORGET_AFTER).delete()
    return worker
