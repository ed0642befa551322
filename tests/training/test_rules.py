"""What can be chosen, what stands against it, and why something waits."""

from types import SimpleNamespace

import pytest

from apps.ml import recipes
from apps.training import rules
from apps.training.rules import ESTIMATORS, SHARED, recipe_of

pytestmark = pytest.mark.django_db


def test_the_room_and_the_laboratory_know_the_same_knobs():
    def bounds(knob):
        return (knob.kind, knob.default, knob.low, knob.high, knob.choices)

    assert {name: {knob.name: bounds(knob) for knob in each.knobs} for name, each in ESTIMATORS.items()} == {
        name: {knob: bounds(one) for knob, one in knobs.items()} for name, knobs in recipes.KNOBS.items()
    }


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_room_and_the_laboratory_refuse_the_same(estimator):
    whole = recipe_of({"estimator": estimator, "hyper": {"epsilon": 1.0} if "private" in estimator else {}})
    assert rules.problems(whole) == {}
    assert recipes.problems(recipes.Recipe(**whole)) == {}
    for knob in ESTIMATORS[estimator].knobs:
        for bad in (-1e9, 1e12, "x", True, [], [0], 2.5, None):
            broken = whole | {"hyper": whole["hyper"] | {knob.name: bad}}
            told, laboratory = rules.problems(broken), recipes.problems(recipes.Recipe(**broken))
            assert set(told) == set(laboratory), (knob.name, bad)
    for knob in SHARED:
        for bad in (-1, 1e12, "x", 1):
            broken = whole | {knob.name: bad}
            assert set(rules.problems(broken)) == set(recipes.problems(recipes.Recipe(**broken))), (knob.name, bad)


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        ({"estimator": "forest"}, "estimator", "Choose one of logistic"),
        ({"estimator": "logistic", "hyper": {"depth": 3}}, "depth", "no knob of this name"),
        ({"estimator": "logistic", "hyper": {"C": 0}}, "C", "From 1e-06 to 1e+06"),
        ({"estimator": "logistic", "folds": 1}, "folds", "at least 2"),
        ({"estimator": "network", "hyper": {"layers": []}}, "layers", "one to eight layers"),
        ({"estimator": "private_network"}, "epsilon", "Give either a target ε or a noise multiplier"),
        ({"estimator": "private_network", "folds": 3, "hyper": {"epsilon": 1}}, "folds", "once for each fold"),
        (
            {"estimator": "private_network", "class_weight": True, "hyper": {"noise": 1}},
            "class_weight",
            "leave them off",
        ),
    ],
)
def test_a_recipe_that_cannot_be_followed_is_told_by_field(given, field, sentence):
    assert sentence in rules.problems(recipe_of(given))[field]


@pytest.mark.parametrize(
    ("recipe", "spent", "cap", "sentence"),
    [
        ({"estimator": "logistic", "hyper": {}}, 0, None, None),
        ({"estimator": "logistic", "hyper": {}}, 0, 4.0, "only a private network"),
        ({"estimator": "private_network", "hyper": {"epsilon": None}}, 0, 4.0, "give a target"),
        ({"estimator": "private_network", "hyper": {"epsilon": 3.0}}, 1.5, 4.0, "1.5 of 4 are spent"),
        ({"estimator": "private_network", "hyper": {"epsilon": 2.5}}, 1.5, 4.0, None),
    ],
)
def test_a_privacy_budget_is_kept(recipe, spent, cap, sentence):
    told = rules.why_not_spend(recipe, spent=spent, cap=cap)
    assert told is None if sentence is None else sentence in told


@pytest.mark.parametrize(
    ("role", "sentence"),
    [("builder", None), ("owner", "Only builders"), ("reviewer", "Only builders"), ("auditor", "Only builders")],
)
def test_builders_launch_and_cancel(acme, role, sentence):
    run = SimpleNamespace(is_over=False, cancel_requested=False)
    member = acme.members[role]
    for told in (rules.why_not_launch(acme.project, by=member), rules.why_not_cancel(run, by=member)):
        assert told is None if sentence is None else told.startswith(sentence)


def test_nothing_is_launched_in_a_closed_project(acme):
    acme.project.closed_at = "2026-01-01"
    assert "is closed" in rules.why_not_launch(acme.project, by=acme.builder)


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"is_over": True, "cancel_requested": False}, "nothing left to cancel"),
        ({"is_over": False, "cancel_requested": True}, "has been asked"),
    ],
)
def test_what_is_over_or_asked_is_not_cancelled(acme, state, sentence):
    assert sentence in rules.why_not_cancel(SimpleNamespace(**state), by=acme.builder)


class Data(SimpleNamespace):
    def __str__(self):
        return self.name


DATA = Data(
    name="loans v1", pk=1, withdrawn_at=None, columns=["a", "b", "y", "n"],
    declaration={"target": "y", "left_out": ["n"]},
)  # fmt: skip


@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        ({"pk": 2}, None),
        ({"pk": 2, "columns": ["a", "b", "z"]}, None),
        ({"pk": 1}, "not tested on the rows it learns from"),
        ({"pk": 2, "columns": ["a", "y"]}, "lacks columns that loans v1 has: b"),
        ({"pk": 2, "withdrawn_at": "2026-01-01"}, "withdrawn"),
        ({"pk": 2, "declaration": None}, "not declared"),
    ],
)
def test_test_data_must_fit(test, sentence):
    told = rules.why_not_test_on(Data(**(vars(DATA) | test)), DATA)
    assert told is None if sentence is None else sentence in told


def worker(*queues):
    return SimpleNamespace(name=f"host/{'-'.join(queues)}", queues=list(queues))


@pytest.mark.parametrize(
    ("state", "queue", "workers", "sentence"),
    [
        ("running", "gpu", [], ""),
        ("queued", "gpu", [worker("cpu")], "No worker with a GPU is alive."),
        ("queued", "gpu", [worker("gpu", "cpu")], "waits for host/gpu-cpu to be free"),
        ("queued", "cpu", [], "No worker that takes the queue “cpu” is alive"),
        ("queued", "cpu", [worker("cpu"), worker("cpu", "default")], "one of 2 workers"),
    ],
)
def test_a_waiting_run_says_for_what(state, queue, workers, sentence):
    told = rules.why_waiting(SimpleNamespace(state=state, queue=queue), workers)
    assert sentence in told
    assert bool(told) == bool(sentence)
