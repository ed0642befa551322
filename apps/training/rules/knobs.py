"""What can be trained and what can be turned, as plain data: forms, REST input and refusals are made from it.

The laboratory checks the same bounds again before it learns; a test holds the two tables together."""

import math
from dataclasses import dataclass
from typing import Any

SHOWN_LAYERS = ", "


@dataclass(frozen=True)
class Knob:
    """`kind` is integer, number, choice, switch or layers. A default of None may be left open."""

    name: str
    kind: str
    default: Any
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    label: str = ""
    help: str = ""


@dataclass(frozen=True)
class Estimator:
    name: str
    label: str
    words: str
    knobs: tuple[Knob, ...]
    on_gpu: bool = False


LAYERS = "Widths of the hidden layers, from the inputs on."
EPOCHS = "How often every row is seen."
RATE = "Length of a step. Smaller is steadier and slower."

ESTIMATORS = {
    estimator.name: estimator
    for estimator in (
        Estimator(
            "logistic", "Logistic regression", "A weighted sum of the columns. The easiest to explain and to check.",
            (
                Knob("C", "number", 1.0, 1e-6, 1e6, label="Inverse penalty C", help="Smaller draws weights to zero."),
                Knob("max_iter", "integer", 2000, 1, 100_000, label="Most iterations"),
            ),
        ),
        Estimator(
            "boosting", "Gradient boosting", "Many small decision trees, each mending the last. Often the most exact.",
            (
                Knob("learning_rate", "number", 0.1, 1e-4, 1, label="Learning rate", help=RATE),
                Knob("max_iter", "integer", 100, 1, 10_000, label="Most trees"),
                Knob("max_leaf_nodes", "integer", 31, 2, 4096, label="Most leaves of a tree"),
                Knob(
                    "early_stopping", "switch", True, label="Stop early",
                    help="Watch a tenth of the training rows and stop when they gain nothing more.",
                ),
            ),
        ),
        Estimator(
            "network", "Neural network", "Layers of weighted sums. Finds what bends and what acts together.",
            (
                Knob("layers", "layers", (64, 32), 1, 4096, label="Layers", help=LAYERS),
                Knob("epochs", "integer", 40, 1, 10_000, label="Most epochs", help=EPOCHS),
                Knob("batch", "integer", 256, 1, 1_000_000, label="Rows in a step"),
                Knob("learning_rate", "number", 0.002, 1e-6, 10, label="Learning rate", help=RATE),
                Knob("weight_decay", "number", 1e-4, 0, 1, label="Weight decay"),
                Knob(
                    "patience", "integer", 5, 0, 1000, label="Patience",
                    help="Epochs without gain on watched training rows before it stops; 0 learns from all to the end.",
                ),
                Knob("precision", "choice", "auto", choices=("auto", "fp32", "bf16"), label="Precision"),
            ),
            on_gpu=True,
        ),
        Estimator(
            "private_network", "Private neural network",
            "The same under DP-SGD: a proved bound on what the model tells about any one row. Costs some exactness.",
            (
                Knob("layers", "layers", (32,), 1, 4096, label="Layers", help=LAYERS),
                Knob("epochs", "integer", 15, 1, 10_000, label="Epochs", help=EPOCHS),
                Knob(
                    "batch", "integer", 128, 1, 1_000_000, label="Rows expected in a step",
                    help="Each step takes each row by chance. Fewer rows a step cost less privacy.",
                ),
                Knob("learning_rate", "number", 0.005, 1e-6, 10, label="Learning rate", help=RATE),
                Knob("weight_decay", "number", 0.0, 0, 1, label="Weight decay"),
                Knob(
                    "epsilon", "number", None, 1e-3, 100, label="Target ε",
                    help="The noise is chosen so that the run spends no more. Give this or the noise, not both.",
                ),
                Knob(
                    "noise", "number", None, 0.2, 256, label="Noise multiplier",
                    help="In clipping norms. Then ε follows from it.",
                ),
                Knob(
                    "delta", "number", 1e-5, 1e-15, 0.01, label="δ",
                    help="The chance that the bound does not hold; well below one over the rows.",
                ),
                Knob("clip", "number", 4.0, 1e-4, 1e4, label="Clipping norm", help="The most one row may push a step."),
                Knob(
                    "randomness", "choice", "secure", choices=("secure", "seeded"), label="Randomness",
                    help="Seeded runs can be repeated, and protect only from people who do not know the seed.",
                ),
            ),
            on_gpu=True,
        ),
    )
}  # fmt: skip

SHARED = (
    Knob("test_share", "number", 0.3, 0.05, 0.5, label="Share of rows held back", help="Never learned from; measured."),
    Knob("seed", "integer", 0, 0, 2**32 - 1, label="Seed", help="The same seed on the same machine, the same bytes."),
    Knob("folds", "integer", 0, 0, 20, label="Folds of cross-validation", help="0 for none."),
)


def recipe_of(given: dict) -> dict:
    """A whole recipe as plain values: what was given, and the default of all that was not."""
    recipe: dict = {"estimator": "", "inputs_sensitive": False, "class_weight": False, "hyper": {}}
    recipe |= {knob.name: knob.default for knob in SHARED} | given
    estimator = ESTIMATORS.get(recipe["estimator"])
    defaults = {knob.name: _plain(knob.default) for knob in estimator.knobs} if estimator else {}
    return recipe | {"hyper": defaults | {name: _plain(value) for name, value in recipe["hyper"].items()}}


def problems(recipe: dict) -> dict[str, str]:
    """What stands against a whole recipe, by field."""
    estimator = ESTIMATORS.get(recipe["estimator"])
    if estimator is None:
        return {"estimator": f"Choose one of {', '.join(ESTIMATORS)}."}
    known = {knob.name for knob in estimator.knobs}
    found = {name: f"{estimator.label} has no knob of this name." for name in recipe["hyper"] if name not in known}
    values = recipe["hyper"] | {knob.name: recipe[knob.name] for knob in SHARED}
    for knob in (*SHARED, *estimator.knobs):
        if objection := _objection(knob, values[knob.name]):
            found[knob.name] = objection
    if recipe["folds"] == 1:
        found["folds"] = "One fold leaves nothing to learn from: choose none, or at least 2."
    if recipe["estimator"] == "private_network":
        found |= _privacy_problems(recipe)
    return found


def _privacy_problems(recipe):
    found, hyper = {}, recipe["hyper"]
    if (hyper["epsilon"] is None) == (hyper["noise"] is None):
        found["epsilon"] = "Give either a target ε or a noise multiplier, and not both."
    if recipe["folds"]:
        found["folds"] = "Cross-validation would spend the privacy budget once for each fold: choose none."
    if recipe["class_weight"]:
        found["class_weight"] = "Class weights would be counted from private rows without noise: leave them off."
    return found


def _objection(knob: Knob, value) -> str | None:
    if value is None:
        return None if knob.default is None else "Give a value."
    if knob.kind == "switch":
        return None if isinstance(value, bool) else "Say true or false."
    if knob.kind == "choice":
        return None if value in knob.choices else f"Choose one of {', '.join(knob.choices)}."
    if knob.kind == "layers":
        if not isinstance(value, list) or not 1 <= len(value) <= 8:
            return "List the widths of one to eight layers."
        return next(filter(None, (_number_objection(knob, width) for width in value)), None)
    return _number_objection(knob, value)


def _number_objection(knob, value):
    whole = knob.kind in ("integer", "layers")
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return "Give whole numbers." if knob.kind == "layers" else "Give a whole number." if whole else "Give a number."
    if not knob.low <= value <= knob.high:
        return f"From {knob.low:g} to {knob.high:g}."
    return None


def _plain(value):
    return list(value) if isinstance(value, tuple) else value
