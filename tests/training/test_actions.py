"""Launching, cancelling, hearing of workers: state and record, and refusals that leave both as they were."""

from datetime import timedelta

import pytest
from django.db import InternalError, connection, transaction
from django.db.utils import IntegrityError, ProgrammingError
from django.utils import timezone

from apps.audits.events import Event
from apps.audits.models import Record
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from apps.common.work import WorkState
from apps.datasets.models import Dataset
from apps.training import actions, queries
from apps.training.models import LogLine, TrainingRun, Worker
from tests.training import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def data(acme):
    acme.enter(acme.builder)
    return make.data(acme)


def events(on):
    return list(Record.objects.filter(on_type=on._meta.model_name, on_id=on.pk).values_list("event", flat=True))


def test_a_launch_writes_a_whole_recipe_and_a_record(acme, data):
    run = make.launched(acme, {"estimator": "network", "hyper": {"epochs": 3}}, on=data)
    assert (run.state, run.queue, run.started_by) == (WorkState.QUEUED, "cpu", acme.builder)
    assert run.recipe["hyper"] == {
        "layers": [64, 32], "epochs": 3, "batch": 256, "learning_rate": 0.002, "weight_decay": 0.0001, "patience": 5,
        "precision": "auto",
    }  # fmt: skip
    assert events(run) == [Event.RUN_LAUNCHED]


def test_runs_of_one_name_are_of_one_model(acme, data):
    first, second = make.launched(acme, on=data), make.launched(acme, on=data)
    assert first.model == second.model
    assert make.launched(acme, on=data, model="other").model != first.model


def test_a_run_that_asks_for_a_gpu_waits_in_its_queue(acme, data):
    assert make.launched(acme, make.NETWORK, on=data, gpu=True).queue == "gpu"


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"model": "Größe 1"}, "model", "small letters"),
        ({"model": ""}, "model", "small letters"),
        ({"recipe": {"estimator": "forest"}}, "estimator", "Choose one of"),
        ({"gpu": True}, "gpu", "Only networks"),
    ],
)
def test_a_launch_that_makes_no_sense_is_refused_by_field(acme, data, fields, field, sentence):
    with pytest.raises(BadInput) as refused:
        make.launched(acme, on=data, **fields)
    assert sentence in refused.value.problems[field]
    assert not TrainingRun.objects.exists()


def test_undeclared_and_withdrawn_data_teach_nobody(acme, data):
    data.declaration = None
    with pytest.raises(BadInput, match="not declared"):
        make.launched(acme, on=data)
    data.withdrawn_at = timezone.now()
    with pytest.raises(BadInput, match="withdrawn"):
        make.launched(acme, on=data)


@pytest.mark.parametrize("role", ["owner", "reviewer", "auditor"])
def test_others_than_builders_do_not_launch(acme, data, role):
    with pytest.raises(NotPermitted, match="Only builders"):
        actions.launch(acme.project, model="approve", dataset_version=data, recipe=make.QUICK, by=acme.members[role])


def test_runs_under_way_count_against_the_privacy_budget(acme, data):
    Dataset.objects.update(epsilon_cap=4.0)
    private = {"estimator": "private_network", "hyper": {"epsilon": 2.5}}
    make.launched(acme, private, on=data)
    with pytest.raises(BadInput, match=r"2.5 of 4 are spent"):
        make.launched(acme, private, on=data)
    with pytest.raises(BadInput, match="only a private network"):
        make.launched(acme, make.QUICK, on=data)


def test_a_waiting_run_is_cancelled_at_once(acme, data):
    run = actions.cancel(make.launched(acme, on=data), by=acme.builder)
    assert run.state == WorkState.CANCELLED
    assert run.finished_at
    assert events(run) == [Event.RUN_LAUNCHED, Event.RUN_CANCEL_ASKED, Event.RUN_CANCELLED]
    with pytest.raises(ActionDenied, match="nothing left to cancel"):
        actions.cancel(run, by=acme.builder)


@pytest.mark.parametrize("state", [WorkState.RUNNING, WorkState.QUEUED])
def test_a_run_that_was_begun_is_ended_by_a_worker(acme, data, state):
    run = make.launched(acme, on=data)
    TrainingRun.objects.filter(pk=run.pk).update(state=state, attempt=1)
    run = actions.cancel(run, by=acme.builder)
    assert (run.state, run.cancel_requested) == (state, True)
    assert events(run) == [Event.RUN_LAUNCHED, Event.RUN_CANCEL_ASKED]
    with pytest.raises(ActionDenied, match="has been asked"):
        actions.cancel(run, by=acme.builder)


@pytest.mark.parametrize("role", ["owner", "reviewer", "auditor"])
def test_others_than_builders_do_not_cancel(acme, data, role):
    run = make.launched(acme, on=data)
    with pytest.raises(NotPermitted):
        actions.cancel(run, by=acme.members[role])


def test_workers_are_heard_of_and_forgotten(acme):
    told = {"queues": ["cpu"], "device": {"type": "cpu"}, "memory": 2**33, "cores": 2}
    actions.tell_worker(name="a/1", **told)
    actions.tell_worker(name="a/1", **told | {"queues": ["cpu", "gpu"]})
    assert [worker.queues for worker in queries.live_workers()] == [["cpu", "gpu"]]
    Worker.objects.update(seen_at=timezone.now() - timedelta(minutes=1))
    assert not queries.live_workers().exists()
    Worker.objects.update(seen_at=timezone.now() - timedelta(days=8))
    actions.tell_worker(name="b/1", **told)
    assert [worker.name for worker in Worker.objects.all()] == ["b/1"]


# --- what the database refuses, by plain SQL as the web role ----------------------------------------------------------


def refused(sql, *values):
    errors = (IntegrityError, ProgrammingError, InternalError)
    with pytest.raises(errors), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


@pytest.mark.parametrize("state", ["finished", "failed", "cancelled"])
def test_a_run_that_is_over_never_changes(acme, data, state):
    run = make.launched(acme, on=data)
    TrainingRun.objects.filter(pk=run.pk).update(state=state)
    refused("update training_trainingrun set spent = null, problem = 'x' where id = %s", run.pk)
    refused("update training_trainingrun set state = 'queued' where id = %s", run.pk)
    refused("delete from training_trainingrun where id = %s", run.pk)
    refused("truncate training_trainingrun cascade")


def test_a_line_of_the_log_never_changes(acme, data):
    line = LogLine.objects.create(organization=acme.organization, run=make.launched(acme, on=data), text="said")
    refused("update training_logline set text = 'unsaid' where id = %s", line.pk)
    refused("delete from training_logline where id = %s", line.pk)
    refused("truncate training_logline")


def test_a_rival_sees_and_writes_nothing(acme, rival, data):
    run = make.launched(acme, on=data)
    rival.enter()
    assert not TrainingRun.objects.filter(pk=run.pk).exists()
    with connection.cursor() as cursor:
        cursor.execute("update training_trainingrun set problem = 'x' where id = %s", [run.pk])
        assert cursor.rowcount == 0
    refused(
        "insert into training_logline (organization_id, run_id, at, text) values (%s, %s, now(), 'x')",
        acme.organization.pk, run.pk,
    )  # fmt: skip
