"""Pages of runs and workers."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audits.events import Event
from apps.audits.models import Record
from apps.common.work import WorkState
from apps.training import actions
from apps.training.models import LogLine, TrainingRun
from tests.models import make as models
from tests.training import make

pytestmark = pytest.mark.django_db
ROOT = "/acme/lending/runs/"
WORKER = {"name": "host/1", "queues": ["cpu", "default"], "device": {"type": "cpu"}, "memory": 2**34, "cores": 2}
HISTORY = [{"fit": 1, "epoch": n, "loss": 1 / n, "validation_loss": 1.1 / n} for n in range(1, 8)]


@pytest.fixture
def data(acme):
    acme.enter(acme.builder)
    return make.data(acme)


@pytest.fixture
def as_(client, acme):
    def become(role):
        client.force_login(acme.members[role].user)
        return client

    return become


def typed(data, **fields):
    """What a browser sends: every field of every estimator, with its default."""
    from apps.training.forms import Launch

    form = Launch(versions=type(data).objects.filter(pk=data.pk))
    defaults = {name: field.initial for name, field in form.fields.items()}
    sent = {name: value for name, value in defaults.items() if value is not None and value is not False}
    return sent | {"model": "approve", "dataset_version": data.pk, "estimator": "logistic"} | fields


def test_an_empty_list_says_what_it_is_for(as_):
    assert "Nothing has been trained yet" in as_("builder").get(ROOT).content.decode()


def test_the_form_names_the_data_and_says_that_a_gpu_would_wait(as_, data):
    page = as_("builder").get(f"{ROOT}new/").content.decode()
    assert "loans v1: 200 rows, predicts paid" in page
    assert "No worker with a GPU is alive now" in page
    actions.tell_worker(**WORKER | {"queues": ["gpu"]})
    assert "No worker with a GPU" not in as_("builder").get(f"{ROOT}new/").content.decode()


def test_without_data_the_form_leads_to_the_data(as_):
    assert "There is no data to learn from" in as_("builder").get(f"{ROOT}new/").content.decode()


def test_the_form_launches_what_was_typed(acme, as_, data):
    sent = typed(
        data, estimator="network", seed=7, inputs_sensitive="on", **{"network-layers": "8, 4", "network-epochs": 3}
    )
    answer = as_("builder").post(f"{ROOT}new/", sent)
    acme.enter()
    run = TrainingRun.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, run.get_absolute_url())
    assert (run.recipe["seed"], run.recipe["inputs_sensitive"]) == (7, True)
    assert (run.recipe["hyper"]["layers"], run.recipe["hyper"]["epochs"]) == ([8, 4], 3)
    assert "epsilon" not in run.recipe["hyper"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"model": "Not good"}, "Use small letters"),
        ({"test_share": "0.9"}, "less than or equal to 0.5"),
        ({"estimator": "network", "network-layers": "many"}, "Give whole numbers with commas"),
        ({"estimator": "private_network"}, "Give either a target ε or a noise multiplier"),
        ({"gpu": "on"}, "Only networks are trained on a GPU"),
        ({"folds": "1"}, "at least 2"),
        ({"dataset_version": "999999"}, "valid choice"),
    ],
)
def test_what_makes_no_sense_is_said_where_it_was_typed(acme, as_, data, fields, sentence):
    answer = as_("builder").post(f"{ROOT}new/", typed(data, **fields))
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert 'value="approve"' in answer.content.decode() or "model" in fields, "what was typed is kept"
    acme.enter()
    assert not TrainingRun.objects.exists()


def test_what_was_typed_for_another_estimator_does_not_matter(acme, as_, data):
    answer = as_("builder").post(f"{ROOT}new/", typed(data, **{"network-layers": "many", "boosting-max_iter": "-1"}))
    assert answer.status_code == 303


def test_others_than_builders_see_the_reason(acme, as_, data):
    page = as_("auditor").get(f"{ROOT}new/").content.decode()
    assert "Only builders of this organization launch training runs." in page
    assert "Only builders" in as_("auditor").post(f"{ROOT}new/", typed(data)).content.decode()


@pytest.fixture
def run(acme, data):
    return make.launched(acme, {"estimator": "network", "hyper": {"epochs": 20}}, on=data)


def test_a_waiting_run_says_for_what(as_, run):
    def page():
        return as_("auditor").get(run.get_absolute_url()).content.decode()

    assert "No worker that takes the queue “cpu” is alive" in page()
    actions.tell_worker(**WORKER)
    assert "It waits for host/1 to be free" in page()


def test_a_running_run_shows_how_far_it_is(acme, as_, run):
    LogLine.objects.create(organization=acme.organization, run=run, text="epoch 7 of at most 20: loss 0.14")
    progress = {"words": "learning", "share": 0.35, "fit": 1, "fits": 1, "epoch": 7, "epochs": 20, "left_s": 31.2}
    TrainingRun.objects.filter(pk=run.pk).update(
        state=WorkState.RUNNING, attempt=1, worker="host/1", progress=progress, history=HISTORY
    )
    page = as_("auditor").get(run.get_absolute_url()).content.decode()
    for words in ("epoch 7 of at most 20, at most 32 s left", "host/1", "loss 0.14", "mean log loss", 'value="0.35"'):
        assert words in page, words
    part = as_("auditor").get(run.get_absolute_url(), headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="state" hx-get=')
    assert "epoch 7 of at most 20" in part
    assert "<html" not in part


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (WorkState.FAILED, "It failed. The loss became nan."),
        (WorkState.CANCELLED, "It was cancelled; no model came of it."),
        (WorkState.FINISHED, "It finished as approve v1"),
    ],
)
def test_a_run_that_is_over_says_what_came_of_it_and_polls_no_more(acme, as_, run, data, state, words):
    version = models.version(acme, on=data, run_id=run.pk) if state == WorkState.FINISHED else None
    TrainingRun.objects.filter(pk=run.pk).update(
        state=state, problem="The loss became nan." if state == WorkState.FAILED else "", model_version=version,
        spent={"epsilon": 1.5, "delta": 1e-5, "steps": 30}, history=HISTORY,
    )  # fmt: skip
    page = as_("auditor").get(run.get_absolute_url()).content.decode()
    assert words in page
    assert "every 2s" not in page
    assert "ε 1.5" in page
    assert words.split()[-1] in page
    assert as_("auditor").get(f"{ROOT}?state={state}").content.decode().count('data-label="Run"') == 1


def test_cancelling_needs_the_right_and_is_recorded(acme, as_, run):
    address = f"{run.get_absolute_url()}cancellation/"
    assert as_("builder").get(address).status_code == 405
    assert "Only builders" in as_("auditor").post(address, follow=True).content.decode()
    assert "It was cancelled" in as_("builder").post(address, follow=True).content.decode()
    acme.enter()
    assert Record.objects.filter(event=Event.RUN_CANCELLED, on_id=run.pk).count() == 1


def test_the_list_makes_as_many_statements_for_many_runs_as_for_one(acme, as_, data):
    def statements():
        client = as_("auditor")
        with CaptureQueriesContext(connection) as counted:
            client.get(ROOT)
        acme.enter(acme.builder)
        return len(counted)

    make.launched(acme, on=data)
    few = statements()
    for _ in range(6):
        make.launched(acme, on=data)
    assert statements() == few <= 15


def test_workers_are_shown_with_what_they_have(as_):
    assert "No worker is alive" in as_("auditor").get("/acme/workers/").content.decode()
    gpu = {"type": "cuda", "name": "NVIDIA H100", "memory": 80 * 2**30, "bf16": True}
    actions.tell_worker(**WORKER | {"queues": ["gpu"], "device": gpu})
    page = as_("auditor").get("/acme/workers/").content.decode()
    for words in ("host/1", "NVIDIA H100", "bf16", "1 worker is alive"):
        assert words in page, words


@pytest.mark.parametrize("path", ["", "cancellation/"])
def test_a_rival_finds_nothing(client, run, rival, path):
    client.force_login(rival.builder.user)
    for address in (run.get_absolute_url(), run.get_absolute_url().replace("acme", "rival")):
        assert client.get(f"{address}{path}").status_code in (404, 405)
        assert client.post(f"{address}{path}").status_code in (404, 405)
    assert client.post(f"{run.get_absolute_url()}cancellation/").status_code == 404
