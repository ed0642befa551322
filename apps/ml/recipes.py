"""How a model is to be built: one frozen recipe, and the knobs each estimator has.

Only the standard library is used here.
"""

import math
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Knob:
    """One adjustable number or word: its default and what it may be.

    `kind` is "integer", "number", "choice", "switch" or "layers" (a list of integers, each within low…high).
    A default of None means: may be left open.
    """

    kind: str
    default: Any
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()

    def problem(self, value):
        """Why this value cannot be used, as the end of a sentence; None if it can."""
        if value is None:
            return None if self.default is None else "must be given"
        if self.kind == "switch":
            return None if isinstance(value, bool) else "must be true or false"
        if self.kind == "choice":
            return None if value in self.choices else f"must be one of {', '.join(self.choices)}"
        if self.kind == "layers":
            return self._layers_problem(value)
        return self._number_problem(value)

    def _layers_problem(self, value):
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= 8:
            return "must list the width of one to eight layers"
        if any(self._number_problem(width) for width in value):
            return f"must hold whole numbers from {self.low:g} to {self.high:g}"
        return None

    def _number_problem(self, value):
        whole = self.kind in ("integer", "layers")
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            return "must be a whole number" if whole else "must be a number"
        if not self.low <= value <= self.high:
            return f"must be from {self.low:g} to {self.high:g}"
        return None


NETWORK = {
    "layers": Knob("layers", (64, 32), 1, 4096),
    "epochs": Knob("integer", 40, 1, 10_000),
    "batch": Knob("integer", 256, 1, 1_000_000),
    "learning_rate": Knob("number", 0.002, 1e-6, 10),
    "weight_decay": Knob("number", 1e-4, 0, 1),
    "patience": Knob("integer", 5, 0, 1000),
    "precision": Knob("choice", "auto", choices=("auto", "fp32", "bf16")),
}

KNOBS = {
    "logistic": {
        "C": Knob("number", 1.0, 1e-6, 1e6),
        "max_iter": Knob("integer", 2000, 1, 100_000),
    },
    "boosting": {
        "learning_rate": Knob("number", 0.1, 1e-4, 1),
        "max_iter": Knob("integer", 100, 1, 10_000),
        "max_leaf_nodes": Knob("integer", 31, 2, 4096),
        "early_stopping": Knob("switch", True),
    },
    "network": NETWORK,
    "private_network": {
        "layers": Knob("layers", (32,), 1, 4096),
        "epochs": Knob("integer", 15, 1, 10_000),
        "batch": Knob("integer", 128, 1, 1_000_000),
        "learning_rate": Knob("number", 0.005, 1e-6, 10),
        "weight_decay": Knob("number", 0.0, 0, 1),
        "epsilon": Knob("number", None, 1e-3, 100),
        "noise": Knob("number", None, 0.2, 256),
        "delta": Knob("number", 1e-5, 1e-15, 0.01),
        "clip": Knob("number", 4.0, 1e-4, 1e4),
        "randomness": Knob("choice", "secure", choices=("secure", "seeded")),
    },
}


@dataclass(frozen=True)
class Recipe:
    """Everything a builder decides before training; with the same rows it determines the model."""

    estimator: str
    inputs_sensitive: bool = False
    test_share: float = 0.3
    seed: int = 0
    folds: int = 0
    class_weight: bool = False
    hyper: dict = field(default_factory=dict)

    @property
    def knobs(self):
        """Every knob of the estimator: what was turned, and the default of what was not."""
        return {name: knob.default for name, knob in KNOBS[self.estimator].items()} | self.hyper

    def to_json(self):
        return asdict(self) | {"hyper": {name: _plain(value) for name, value in self.knobs.items()}}


def _plain(value):
    return list(value) if isinstance(value, tuple) else value


def problems(recipe):
    """Objections to a recipe by field, each a sentence; empty when it can be followed."""
    if recipe.estimator not in KNOBS:
        return {"estimator": f"Choose one of {', '.join(KNOBS)}, not {recipe.estimator}."}
    shared = {
        "test_share": Knob("number", 0.3, 0.05, 0.5),
        "seed": Knob("integer", 0, 0, 2**32 - 1),
        "folds": Knob("integer", 0, 0, 20),
    }
    found = _knob_problems(shared, vars(recipe))
    if recipe.folds == 1:
        found["folds"] = "One fold leaves nothing to learn from: choose none, or at least 2."
    known = KNOBS[recipe.estimator]
    found |= {name: f"{recipe.estimator} has no knob named {name}." for name in recipe.hyper if name not in known}
    found |= _knob_problems(known, recipe.knobs)
    if recipe.estimator == "private_network":
        found |= _privacy_problems(recipe)
    return found


def _knob_problems(knobs, values):
    said = {name: knob.problem(values[name]) for name, knob in knobs.items()}
    return {name: f"{name} {ending}." for name, ending in said.items() if ending}


def _privacy_problems(recipe):
    found = {}
    if (recipe.knobs["epsilon"] is None) == (recipe.knobs["noise"] is None):
        found["epsilon"] = "Give either a target epsilon or a noise multiplier, and not both."
    if recipe.folds:
        found["folds"] = "Cross-validation would spend the privacy budget once for each fold: choose no folds."
    if recipe.class_weight:
        found["class_weight"] = "Class weights would be counted from private rows without noise: leave them off."
    return found
