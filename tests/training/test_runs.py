"""On a worker: what a run becomes, what is kept of one that ends badly, and that it is taken up where it was left."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audits.events import Event
from apps.audits.models import Record
from apps.common import storage, work
from apps.common.canonical import digest
from apps.common.tenancy import as_organization
from apps.common.work import WorkState
from apps.datasets.models import BudgetEntry, DatasetVersion
from apps.ml import artifacts
from apps.models.models import ModelVersion
from apps.training import actions, runs
from apps.training.models import LogLine, TrainingRun
from tests.reports.make import LOANS, loans
from tests.training import make

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(autouse=True)
def _bell(monkeypatch):
    """The broker's bell is not rung: the test is the worker."""
    monkeypatch.setattr(work.current_app, "send_task", lambda *args, **kwargs: None)


@pytest.fixture
def inside(living):
    """Acting for an organization of its own, committed."""
    return lambda: as_organization(living.organization.pk)


@pytest.fixture
def launch(living, inside):
    def launch(recipe=make.QUICK, *, content=None, declaration=make.DECLARED, **fields):
        with inside():
            on = make.data(living, content, declaration=declaration)
            return make.launched(living, recipe, on=on, **fields)

    return launch


def events(run):
    found = Record.objects.filter(on_type="trainingrun", on_id=run.pk)
    return list(found.order_by("seq").values_list("event", flat=True))


RECIPES = {
    "logistic": make.QUICK,
    "boosting": {"estimator": "boosting", "hyper": {"max_iter": 20}},
    "network": make.NETWORK,
    "private_network": make.PRIVATE,
}


@pytest.mark.parametrize("estimator", RECIPES)
def test_a_run_becomes_a_model_version_bound_to_what_made_it(launch, inside, living, estimator):
    run = make.carried_out(launch(RECIPES[estimator]))
    version = run.model_version
    assert (run.state, run.problem, version.number) == (WorkState.FINISHED, "", 1)
    with inside():
        data = DatasetVersion.objects.get(pk=run.dataset_version_id)
        files = {name: storage.read(living.organization.pk, kept["digest"]) for name, kept in version.files.items()}
        assert events(run) == [Event.RUN_LAUNCHED, Event.RUN_STARTED, Event.RUN_FINISHED]
        assert Record.objects.filter(event=Event.MODEL_REGISTERED, on_id=version.pk).count() == 1
        assert list(LogLine.objects.filter(run=run).values_list("text", flat=True))
    assert artifacts.digest(files) == version.artifact_digest
    assert artifacts.load(files).schema == version.input_schema
    assert (version.data_digest, version.declaration_digest) == (data.digest, data.declaration_digest)
    assert (version.recipe, version.recipe_digest) == (run.recipe, digest(run.recipe))
    assert (version.seed, version.run_id, version.trained_by_id) == (0, run.pk, living.builder.pk)
    assert version.code_version == runs.code_version()
    assert version.duration_s > 0
    assert set(version.libraries) == set(artifacts.LIBRARIES)
    assert version.metrics["holdout"]["n"] == 60
    assert len(version.metrics["holdout"]["intervals"]) == 5
    assert (version.privacy is None) == (estimator != "private_network")
    assert run.history == sorted(run.history, key=lambda line: line["epoch"])


def test_the_second_run_makes_the_second_version(launch, living, inside):
    first = make.carried_out(launch())
    with inside():
        again = make.launched(living, on=first.dataset_version)
    second = make.carried_out(again)
    assert second.model_version.number == 2
    assert second.model_version.artifact_digest == first.model_version.artifact_digest, "the same seed, the same bytes"


def test_a_run_tested_on_other_data_holds_nothing_back(living, inside):
    with inside():
        learning, test = make.data(living), make.data(living, make.table(90), name="later")
        run = make.launched(living, on=learning, test_dataset_version=test)
    version = make.carried_out(run).model_version
    assert version.metrics["holdout"]["n"] == 90
    assert artifacts.SPLIT not in version.files
    assert version.test_dataset_version_id == test.pk


def test_real_mortgages_are_learned_from(launch):
    run = launch({"estimator": "logistic", "folds": 3}, content=loans(), declaration=LOANS)
    version = make.carried_out(run).model_version
    assert version.metrics["holdout"]["balanced_accuracy"] > 0.65
    assert len(version.metrics["folds"]) == 3
    assert {column["name"] for column in version.input_schema}.isdisjoint({"black", "hispan", "male", "action"})


def test_what_a_private_run_spent_is_charged_once(launch, inside):
    run = make.carried_out(launch(make.PRIVATE))
    with inside():
        entry = BudgetEntry.objects.get(run_id=run.pk)
    assert entry.epsilon == run.spent["epsilon"] == run.model_version.privacy["epsilon"]
    assert entry.mechanism == {"noise": 1.0, "sample_rate": 20 / 140, "steps": 21}
    make.carried_out(run)
    with inside():
        assert BudgetEntry.objects.filter(run_id=run.pk).count() == 1
        assert ModelVersion.objects.filter(run_id=run.pk).count() == 1


def test_a_run_that_fails_says_why_and_what_it_spent(launch, inside):
    wild = {
        "estimator": "private_network",
        "hyper": {"noise": 200.0, "clip": 1e4, "learning_rate": 10.0, "epochs": 3000, "batch": 20, "layers": [8] * 8},
    }
    run = make.carried_out(launch(wild))
    assert run.state == WorkState.FAILED
    assert "Choose a smaller learning rate" in run.problem
    assert run.spent["steps"] > 0
    with inside():
        assert BudgetEntry.objects.get(run_id=run.pk).epsilon == run.spent["epsilon"]
        assert events(run)[-1] == Event.RUN_FAILED
    assert run.model_version is None


@pytest.mark.parametrize(
    ("recipe", "content", "sentence"),
    [
        (make.QUICK, make.table(paid=["yes"] * 200), "must take the favourable value"),
        (make.QUICK, make.table(24), "training rows are too few"),
        ({"estimator": "private_network", "hyper": {"epsilon": 0.01, "batch": 100}}, None, "No noise up to 256"),
        ({"estimator": "private_network", "hyper": {"epsilon": 1.0, "batch": 500}}, None, "takes in all of the 140"),
    ],
)
def test_what_cannot_be_learned_fails_in_a_sentence(launch, inside, recipe, content, sentence):
    run = make.carried_out(launch(recipe, content=content))
    assert run.state == WorkState.FAILED
    assert sentence in run.problem
    with inside():
        assert not BudgetEntry.objects.filter(run_id=run.pk).exists()


def test_a_run_on_the_gpu_queue_without_a_gpu_says_so(launch, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert "finds no GPU" in make.carried_out(launch(make.NETWORK, gpu=True)).problem


def test_changed_bytes_teach_nobody(launch, living, tmp_path, settings):
    run = launch()
    name = storage._name(living.organization.pk, run.dataset_version.digest)
    storage.default_storage.delete(name)
    storage.default_storage.save(name, storage.ContentFile(make.table(199)))
    assert "does not have the bytes its digest names" in make.carried_out(run).problem


# --- stopping and going on --------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The worker dies: nothing after this line runs."""


def killed_after(monkeypatch, epochs, then=None):
    """Let the next attempt die (or meet `then`) in the middle of an epoch, with its lease run out."""
    told = []
    tell = runs._Journal.tell

    def and_die(journal, facts):
        tell(journal, facts)
        told.append(facts["epoch"])
        if len(told) == epochs:
            (then or die)(journal.run)

    def die(run):
        with as_organization(run.organization_id):
            TrainingRun.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        raise Killed

    monkeypatch.setattr(runs, "STORE_EVERY", 0.0)
    monkeypatch.setattr(runs._Journal, "tell", and_die)
    return told


SEEDED = {"estimator": "private_network", "hyper": {**make.PRIVATE["hyper"], "epochs": 6, "randomness": "seeded"}}
LONGER = {"estimator": "network", "hyper": {**make.NETWORK["hyper"], "epochs": 6}}


@pytest.mark.parametrize("recipe", [LONGER, SEEDED])
def test_a_killed_run_goes_on_and_becomes_the_same_model(launch, inside, living, monkeypatch, recipe):
    whole = make.carried_out(launch(recipe))
    with inside():
        run = make.launched(living, recipe, on=whole.dataset_version)
    with monkeypatch.context() as patch:
        told = killed_after(patch, 4)
        with pytest.raises(Killed):
            runs.run(run.organization_id, run.pk)
    with monkeypatch.context() as patch:
        again = killed_after(patch, 99)
        resumed = make.carried_out(run)
    assert (told, again) == ([1, 2, 3, 4], [5, 6])
    assert resumed.attempt == 2
    assert resumed.model_version.artifact_digest == whole.model_version.artifact_digest
    assert resumed.history == whole.history
    assert resumed.spent == whole.spent
    with inside():
        assert any("Taken up again" in line.text for line in LogLine.objects.filter(run=run))
    assert resumed.checkpoint == ""


def test_the_state_of_an_epoch_is_forgotten_when_it_is_no_longer_needed(launch, living, monkeypatch):
    killed_after(monkeypatch, 99)
    kept, keep = [], runs._Journal.keep

    def keep_and_note(journal, state):
        keep(journal, state)
        kept.append(journal.run.checkpoint)

    monkeypatch.setattr(runs._Journal, "keep", keep_and_note)
    make.carried_out(launch(make.NETWORK))
    assert len(set(kept)) == 4
    for one in kept:
        with pytest.raises(FileNotFoundError):
            storage.open_stored(living.organization.pk, one)


def test_a_run_whose_state_is_lost_begins_at_the_beginning(launch, living, inside, monkeypatch):
    run = launch(LONGER)
    with monkeypatch.context() as patch:
        killed_after(patch, 3)
        with pytest.raises(Killed):
            runs.run(run.organization_id, run.pk)
    with inside():
        storage.forget(living.organization.pk, TrainingRun.objects.get(pk=run.pk).checkpoint)
    done = make.carried_out(run)
    assert done.state == WorkState.FINISHED
    with inside():
        assert any("begins at the beginning" in line.text for line in LogLine.objects.filter(run=run))


def test_two_runs_alike_in_everything_keep_their_states_apart(launch, inside, living, monkeypatch):
    first = launch(LONGER)
    with inside():
        second = make.launched(living, LONGER, on=first.dataset_version)
    for run in (first, second):
        with monkeypatch.context() as patch:
            killed_after(patch, 3)
            with pytest.raises(Killed):
                runs.run(run.organization_id, run.pk)
    make.carried_out(second)
    make.carried_out(first)
    with inside():
        said = LogLine.objects.filter(run=first).values_list("text", flat=True)
        assert any("Taken up again" in text for text in said)


def test_a_run_given_up_still_charges_what_its_dead_workers_spent(launch, inside, monkeypatch):
    run = launch(SEEDED)
    with monkeypatch.context() as patch:
        killed_after(patch, 2)
        with pytest.raises(Killed):
            runs.run(run.organization_id, run.pk)
    with inside():
        TrainingRun.objects.filter(pk=run.pk).update(attempt=work.ATTEMPTS)
    run = make.carried_out(run)
    assert run.state == WorkState.FAILED
    assert "not tried again" in run.problem
    assert run.spent["steps"] == 14
    with inside():
        assert BudgetEntry.objects.get(run_id=run.pk).mechanism["steps"] == 14


def test_a_cancelled_run_stops_with_its_epoch_and_charges_what_it_spent(launch, inside, living, monkeypatch):
    def ask(run):
        with inside():
            actions.cancel(TrainingRun.objects.get(pk=run.pk), by=living.builder)

    monkeypatch.setattr(work.Pulse, "progress", _unthrottled(work.Pulse.progress))
    killed_after(monkeypatch, 2, then=ask)
    run = make.carried_out(launch(SEEDED))
    assert run.state == WorkState.CANCELLED
    assert run.spent["steps"] == 21, "the third epoch was learned when it heard of it"
    with inside():
        assert BudgetEntry.objects.get(run_id=run.pk).epsilon == run.spent["epsilon"]
        assert events(run)[-2:] == [Event.RUN_CANCEL_ASKED, Event.RUN_CANCELLED]


def _unthrottled(progress):
    return lambda pulse, **facts: progress(pulse, **facts | {"at_once": True})


def test_a_run_cancelled_while_no_worker_holds_it_is_ended_by_the_next(launch, inside, living, monkeypatch):
    run = launch(SEEDED)
    with monkeypatch.context() as patch:
        killed_after(patch, 2)
        with pytest.raises(Killed):
            runs.run(run.organization_id, run.pk)
    with inside():
        TrainingRun.objects.filter(pk=run.pk).update(state=WorkState.QUEUED, lease_until=None)
        actions.cancel(run, by=living.builder)
    run = make.carried_out(run)
    assert (run.state, run.spent["steps"]) == (WorkState.CANCELLED, 14)


def test_a_worker_that_came_too_late_registers_nothing(launch, inside, monkeypatch):
    def overtake(run):
        with as_organization(run.organization_id):
            TrainingRun.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        assert work.claim(TrainingRun, run.organization_id, run.pk)

    killed_after(monkeypatch, 4, then=overtake)
    run = make.carried_out(launch(make.NETWORK))
    assert (run.state, run.attempt, run.model_version) == (WorkState.RUNNING, 2, None)
    with inside():
        assert not ModelVersion.objects.filter(run_id=run.pk).exists()


def test_full_disks_are_waited_out(launch, inside, monkeypatch):
    run = launch()
    with monkeypatch.context() as patch:
        patch.setattr(storage.default_storage, "save", _no_room)
        runs.run(run.organization_id, run.pk)
    with inside():
        put_back = TrainingRun.objects.get(pk=run.pk)
        assert (put_back.state, "No space left" in put_back.problem) == (WorkState.RUNNING, True)
        TrainingRun.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert make.carried_out(run).state == WorkState.FINISHED


def _no_room(*args):
    raise OSError(28, "No space left on device")
