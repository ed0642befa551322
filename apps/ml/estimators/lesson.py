"""What one fit is given, and what it hands back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from apps.ml.recipes import Recipe


class TrainingProblem(ValueError):
    """Training cannot start, or cannot go on: one sentence saying why and what to do."""


@dataclass(frozen=True)
class Snapshot:
    """Where a fit stands after an epoch: arrays by name, and facts that JSON can hold."""

    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Lesson:
    """Encoded training rows (n, d) float64, their outcomes (n,) bool, and how to learn from them.

    `report(facts)` is called at least once an epoch and may raise to stop; `keep(snapshot)` after each epoch that could
    be taken up again, and `resume` is the last snapshot kept by a fit that was cut off.
    """

    encoded: np.ndarray
    outcome: np.ndarray
    recipe: Recipe
    device: str = "cpu"
    threads: int = 1
    report: Callable[[dict[str, Any]], None] = lambda facts: None
    keep: Callable[[Snapshot], None] = lambda snapshot: None
    resume: Snapshot | None = None


@dataclass(frozen=True)
class Learned:
    """The learned weights as files, one line of history an epoch, and what was spent to get there."""

    files: dict[str, bytes]
    history: list[dict[str, Any]]
    device: dict[str, Any]
    privacy: dict[str, Any] | None = None


def row_weights(outcome, balanced):
    """(n,) float64: ones, or n / (2 · rows of the same outcome), so that both outcomes weigh the same in total."""
    if not balanced:
        return np.ones(len(outcome))
    favourable = outcome.sum()
    return np.where(outcome, len(outcome) / (2 * favourable), len(outcome) / (2 * (len(outcome) - favourable)))


def finite(loss, epoch):
    """The loss, unless it is not a number any more. Raises TrainingProblem."""
    if np.isfinite(loss):
        return float(loss)
    raise TrainingProblem(
        f"The loss became {loss} in epoch {epoch}: the steps are too large. Choose a smaller learning rate."
    )
