"""What the page of a run prints, made from its plain values."""

import math

from apps.common.charts import line_chart
from apps.common.numbers import duration
from apps.training.rules import ESTIMATORS, SHARED

NAMES = {"loss": "rows learned from", "validation_loss": "watched rows"}
COUNTED = {"boosting": "trees", "logistic": "iterations"}  # what is called an epoch here; of networks, epochs


def sheet(run) -> dict:
    estimator = ESTIMATORS[run.recipe["estimator"]]
    return {
        "estimator": estimator,
        "chart": _loss_chart(run),
        "words": _words(run.progress),
        "knobs": [(knob.label, _shown(run.recipe["hyper"].get(knob.name))) for knob in estimator.knobs],
        "shared": [(knob.label, _shown(run.recipe[knob.name])) for knob in _shared(run)],
    }


def _shared(run):
    """Nothing is held back of data that is tested on other data."""
    return [knob for knob in SHARED if not (knob.name == "test_share" and run.test_dataset_version_id)]


def _loss_chart(run):
    """Loss by epoch of the fit under way; None before the second epoch."""
    lines = [line for line in run.history if line["loss"] is not None]
    if len(lines) < 2:
        return None
    series = {
        NAMES[name]: [(line["epoch"], line[name]) for line in lines if line[name] is not None]
        for name in NAMES
        if any(line[name] is not None for line in lines)
    }
    counted = COUNTED.get(run.recipe["estimator"], "epochs")
    watched = " and on rows kept aside to watch" if NAMES["validation_loss"] in series else ""
    return line_chart(
        series,
        title="Loss",
        caption=f"Mean log loss after so many {counted}, on rows it learned from{watched}.",
        x=counted,
        y="mean log loss",
    )


def _words(progress) -> str:
    """How far it is, with a measure: “epoch 7 of 20, at most 31 s left”."""
    if "epoch" not in progress or progress.get("words") != "learning":
        return progress.get("words", "a worker has taken it up")
    words = f"epoch {progress['epoch']:,} of at most {progress['epochs']:,}"
    if progress["fit"] < progress["fits"]:
        words = f"fold {progress['fit']} of {progress['fits'] - 1}, {words}"
    left = progress.get("left_s")
    return words if left is None else f"{words}, at most {duration(math.ceil(left))} left"


def _shown(value):
    if value is None:
        return "left open"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
