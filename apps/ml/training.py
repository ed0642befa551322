"""From a table, its declaration and a recipe to a model's files."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors
from scipy import special
from sklearn import metrics
from sklearn.model_selection import StratifiedKFold

from apps.ml import artifacts, estimators, performance, preparation, recipes, tables
from apps.ml.estimators.lesson import Lesson, Snapshot, TrainingProblem
from apps.ml.recipes import Recipe
from apps.ml.tables import Declaration, TableProblem

__all__ = ["Recipe", "Trained", "TrainingProblem", "spent", "train"]

LEAST_ROWS = 20
SCORES = ("accuracy", "balanced_accuracy", "roc_auc", "log_loss", "brier")


@dataclass(frozen=True)
class Trained:
    """What training hands back; `files` is all that a model needs to be asked."""

    files: dict[str, bytes]
    schema: list[dict[str, Any]]
    metrics: dict[str, Any]
    history: list[dict[str, Any]]
    privacy: dict[str, Any] | None
    device: dict[str, Any]


@dataclass(frozen=True)
class Material:
    """What is learned from, and what is held back. Frames hold the input columns only."""

    frame: pl.DataFrame
    outcome: np.ndarray
    test_frame: pl.DataFrame
    test_outcome: np.ndarray
    test_rows: np.ndarray | None


def train(
    frame: pl.DataFrame,
    declaration: Declaration,
    recipe: Recipe,
    *,
    test_frame: pl.DataFrame | None = None,
    test_declaration: Declaration | None = None,
    device: str = "cpu",
    threads: int = 1,
    progress: Callable[[dict[str, Any]], None] = lambda facts: None,
    checkpoint: bytes | None = None,
    save_checkpoint: Callable[[bytes], None] = lambda kept: None,
) -> Trained:
    """Learn from the training rows of `frame`, and measure on rows held back (or on `test_frame`).

    `progress` is called at least once an epoch with {"fit", "fits", "epoch", "epochs", "loss", "validation_loss"} and
    may raise to stop. `save_checkpoint` is handed bytes after each epoch that can be taken up again; given back as
    `checkpoint` they let training go on as if it had never stopped. Raises TrainingProblem; whatever is raised while a
    private network learns carries `.spent`.
    """
    material = _material(frame, declaration, recipe, test_frame, test_declaration)
    work = _Work(recipe, device, threads, progress, save_checkpoint, *_read(checkpoint))
    for learning, watched in _folds(material, recipe)[len(work.scores) :]:
        work.scores.append(_fold_scores(work, material, learning, watched))
    prepared, learned = _fit(work, material.frame, material.outcome)
    files = artifacts.describe(recipe, declaration, prepared) | learned.files
    if material.test_rows is not None:
        files |= artifacts.keep_split(material.test_rows)
    model = artifacts.load(files)
    probability = model.probability(material.test_frame)
    measured = {"holdout": _scores(material.test_outcome, probability) | _intervals(material.test_outcome, probability)}
    measured |= {"folds": work.scores} if work.scores else {}
    return Trained(files, model.schema, measured, learned.history, learned.privacy, learned.device)


def spent(checkpoint: bytes) -> dict[str, Any] | None:
    """The privacy spent up to a checkpoint; None for a model without a guarantee."""
    _, snapshot = _read(checkpoint)
    if snapshot is None or "plan" not in snapshot.facts:
        return None
    from apps.ml.estimators.private import Plan

    return Plan(**snapshot.facts["plan"]).spent


# --- what is learned from ---------------------------------------------------------------------------------------------


def _material(frame, declaration, recipe, test_frame, test_declaration):
    """The rows to learn from and the rows held back. Raises TrainingProblem."""
    for problem in recipes.problems(recipe).values():
        raise TrainingProblem(problem)
    try:
        outcome = _checked_outcome(frame, declaration)
        inputs = _inputs(frame, declaration, recipe)
        if test_frame is not None:
            test_outcome = _checked_outcome(test_frame, test_declaration or declaration)
            _check_same_inputs(frame, test_frame, inputs)
            material = Material(frame.select(inputs), outcome, test_frame.select(inputs), test_outcome, None)
        else:
            _, held = tables.split(outcome, test_share=recipe.test_share, seed=recipe.seed)
            test_rows = np.isin(np.arange(frame.height), held)
            rows = frame.select(inputs)
            material = Material(
                rows.filter(~test_rows), outcome[~test_rows], rows.filter(test_rows), outcome[test_rows], test_rows
            )
    except TableProblem as problem:
        raise TrainingProblem(problem.message) from problem
    _check_enough(material.outcome, recipe)
    return material


def _checked_outcome(frame, declaration):
    tables.check(frame, declaration)
    outcome = tables.outcome(frame, declaration)
    for attribute in declaration.sensitive:
        groups = tables.groups(frame, attribute)
        pairs = np.unique(np.stack([groups, outcome.astype(str)]), axis=1)
        if pairs.shape[1] == len(np.unique(groups)):
            raise TrainingProblem(
                f"The sensitive attribute “{attribute.name}” equals the target “{declaration.target}” row by row, so "
                "that no model can be judged by it: declare another column, or another target."
            )
    return outcome


def _inputs(frame, declaration, recipe):
    inputs = declaration.inputs(frame.columns, with_sensitive=recipe.inputs_sensitive)
    if inputs:
        return list(inputs)
    raise TrainingProblem(
        "No input column is left once the target, the columns left out and the sensitive columns are taken away: "
        "leave out fewer columns."
    )


def _check_same_inputs(frame, test_frame, inputs):
    if lacking := [name for name in inputs if name not in test_frame.columns]:
        raise TrainingProblem(
            f"The test table lacks the columns {tables.some(lacking)}, which the model would learn from: bring a test "
            "table with the same columns."
        )
    for name in inputs:
        if frame[name].dtype.is_numeric() and not test_frame[name].dtype.is_numeric():
            raise TrainingProblem(
                f"Column “{name}” holds numbers in the training table but text in the test table: correct one of them."
            )


def _check_enough(outcome, recipe):
    rarer = int(min(outcome.sum(), (~outcome).sum()))
    if len(outcome) < LEAST_ROWS:
        raise TrainingProblem(f"{len(outcome)} training rows are too few to learn from: bring at least {LEAST_ROWS}.")
    if rarer < max(2, recipe.folds):
        raise TrainingProblem(
            f"The rarer outcome has {rarer} training rows, fewer than the {max(2, recipe.folds)} that this recipe "
            "needs: bring more rows, or choose fewer folds."
        )


# --- one fit ----------------------------------------------------------------------------------------------------------


@dataclass
class _Work:
    """The fits of one run, one after another: each fold, then the model itself."""

    recipe: Recipe
    device: str
    threads: int
    progress: Callable[[dict[str, Any]], None]
    save_checkpoint: Callable[[bytes], None]
    scores: list[dict[str, Any]]
    resume: Snapshot | None

    def report(self, facts):
        self.progress({"fit": len(self.scores) + 1, "fits": self.recipe.folds + 1} | facts)

    def keep(self, snapshot):
        said = json.dumps({"scores": self.scores, "facts": snapshot.facts}, allow_nan=False)
        # One key only: safetensors orders several keys by chance.
        self.save_checkpoint(write_tensors(snapshot.tensors, {"state": said}))


def _read(checkpoint):
    """(scores of finished folds, snapshot of the fit that was cut off)."""
    if checkpoint is None:
        return [], None
    header = int.from_bytes(checkpoint[:8], "little")
    said = json.loads(json.loads(checkpoint[8 : 8 + header])["__metadata__"]["state"])
    return said["scores"], Snapshot(read_tensors(checkpoint), said["facts"])


def _folds(material, recipe):
    """[(rows learned from, rows watched)] of the training rows, stratified."""
    if not recipe.folds:
        return []
    splitter = StratifiedKFold(recipe.folds, shuffle=True, random_state=recipe.seed)
    return list(splitter.split(material.outcome, material.outcome))


def _fold_scores(work, material, learning, watched):
    prepared, learned = _fit(work, material.frame[learning], material.outcome[learning])
    weights = estimators.load(work.recipe.estimator, learned.files)
    probability = special.expit(weights.margin(prepared.encode(material.frame[watched])))
    return _scores(material.outcome[watched], probability)


def _fit(work, frame, outcome):
    """Preparation and weights learned from these rows alone. Raises TrainingProblem."""
    layout = estimators.LAYOUTS[work.recipe.estimator]
    prepared = preparation.fit(frame, frame.columns, layout=layout, outcome=outcome)
    _check_rows(frame.height, prepared.width, work.recipe)
    lesson = Lesson(
        prepared.encode(frame), outcome, work.recipe, work.device, work.threads, work.report, work.keep, work.resume
    )
    work.resume = None
    return prepared, estimators.fit(lesson)


def _check_rows(rows, width, recipe):
    needed = 2 * LEAST_ROWS if recipe.estimator == "boosting" else width + 1
    if rows < needed:
        raise TrainingProblem(
            f"{rows:,} training rows are fewer than the {needed:,} that this recipe needs for {width:,} encoded "
            "columns: bring more rows, or leave out columns with many values."
        )


def _scores(outcome, probability):
    predicted = probability >= artifacts.THRESHOLD
    return {
        "n": len(outcome),
        "accuracy": float(metrics.accuracy_score(outcome, predicted)),
        "balanced_accuracy": float(metrics.balanced_accuracy_score(outcome, predicted)),
        "roc_auc": float(metrics.roc_auc_score(outcome, probability)),
        "log_loss": float(metrics.log_loss(outcome, probability)),
        "brier": float(metrics.brier_score_loss(outcome, probability)),
    }


def _intervals(outcome, probability):
    """95 % intervals of the scores, as the performance report computes them."""
    figures = performance.measure(outcome, probability, threshold=artifacts.THRESHOLD).figures
    return {
        "intervals": {
            figure.name: [float(figure.low), float(figure.high)] for figure in figures if figure.name in SCORES
        }
    }
