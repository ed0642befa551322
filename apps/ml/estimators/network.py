"""A multilayer perceptron in torch, learned from rows held in memory (a DataLoader costs 2.4 times as much)."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional

from apps.ml.estimators import layers
from apps.ml.estimators.lesson import Learned, Lesson, Snapshot, TrainingProblem, finite, row_weights

WATCHED_SHARE = 0.15  # of the training rows, kept aside to see when to stop
WATCH_ROWS = 65_536  # a forward pass while watching; bounds memory


@dataclass(frozen=True)
class Rows:
    """Rows on the device: encoded (n, d) float32, outcome (n,) float32, weight (n,) float32."""

    encoded: torch.Tensor
    outcome: torch.Tensor
    weight: torch.Tensor


@dataclass
class Course:
    """A network in the middle of its lesson; everything a snapshot must hold is here."""

    lesson: Lesson
    net: nn.Sequential
    optimiser: torch.optim.Optimizer
    generator: torch.Generator
    rows: Rows
    watched: Rows | None = None
    precision: str = "fp32"
    history: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    best_loss: float | None = None


def fit(lesson):
    with explained_memory(lesson):
        course = begin(lesson, patient=lesson.recipe.knobs["patience"] > 0)
        attend(course, plain_epoch)
        return learned(course)


def begin(lesson, *, patient=False):
    """A fresh course, or the one its snapshot describes. With `patient`, some training rows are only watched."""
    torch.set_num_threads(lesson.threads)
    knobs = lesson.recipe.knobs
    generator = torch.Generator().manual_seed(lesson.recipe.seed)
    net = perceptron(lesson.encoded.shape[1], knobs["layers"], generator).to(lesson.device)
    optimiser = torch.optim.AdamW(net.parameters(), lr=knobs["learning_rate"], weight_decay=knobs["weight_decay"])
    used, watched = _parted(lesson) if patient else (np.arange(len(lesson.outcome)), None)
    course = Course(
        lesson,
        net,
        optimiser,
        generator,
        rows=_rows(lesson, used),
        watched=None if watched is None else _rows(lesson, watched),
        precision=_precision(knobs.get("precision", "fp32"), lesson.device),
    )
    if lesson.resume:
        restore(course, lesson.resume)
    return course


def perceptron(width, hidden, generator):
    """Linear layers with ReLU between, one output; initialised as torch does, but from the given generator."""
    widths, parts = [width, *hidden, 1], []
    for inputs, outputs in pairwise(widths):
        linear = nn.utils.skip_init(nn.Linear, inputs, outputs)
        for parameter in (linear.weight, linear.bias):
            nn.init.uniform_(parameter, -(inputs**-0.5), inputs**-0.5, generator=generator)
        parts += [linear, nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def attend(course, one_epoch: Callable[[Course], float]):
    """Epoch after epoch until the last, or until the watched rows have not improved for `patience` epochs."""
    lesson, epochs = course.lesson, course.lesson.recipe.knobs["epochs"]
    while len(course.history) < epochs and not _tired(course):
        epoch = len(course.history) + 1
        loss = finite(one_epoch(course), epoch)
        line = {"epoch": epoch, "loss": loss, "validation_loss": _watch(course, epoch)}
        course.history.append(line)
        lesson.keep(snapshot(course))
        lesson.report(line | {"epochs": epochs})


def plain_epoch(course):
    """Every row once, in a new order; returns the mean loss."""
    rows, batch = course.rows, course.lesson.recipe.knobs["batch"]
    order = torch.randperm(len(rows.outcome), generator=course.generator).to(rows.outcome.device)
    total = torch.zeros((), device=rows.outcome.device)
    for chosen in order.split(batch):
        loss = _loss(course, rows.encoded[chosen], rows.outcome[chosen], rows.weight[chosen])
        course.optimiser.zero_grad()
        loss.backward()
        course.optimiser.step()
        total += loss.detach() * len(chosen)
    return float(total) / len(order)


def learned(course, privacy=None):
    """What the course has come to: the best weights if rows were watched, else the last."""
    state = {name: tensor.cpu().numpy() for name, tensor in (course.best or course.net.state_dict()).items()}
    kept = layers.Layers(
        tuple(tensor for name, tensor in state.items() if name.endswith("weight")),
        tuple(tensor for name, tensor in state.items() if name.endswith("bias")),
    )
    return Learned(layers.save(kept), course.history, device_facts(course), privacy)


def device_facts(course):
    facts = {"kind": course.lesson.device, "threads": course.lesson.threads, "precision": course.precision}
    if torch.device(course.lesson.device).type == "cuda":
        facts["name"] = torch.cuda.get_device_name(course.lesson.device)
        facts["memory_bytes"] = torch.cuda.max_memory_allocated(course.lesson.device)
    return facts


# --- taking up again --------------------------------------------------------------------------------------------------


def snapshot(course):
    """Weights, best weights, optimiser, random state and history, so that going on equals never having stopped."""
    tensors = {f"net.{name}": tensor for name, tensor in course.net.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in course.best.items()}
    for index, moments in course.optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": moment for name, moment in moments.items()}
    tensors["generator"] = course.generator.get_state()
    arrays = {name: tensor.detach().cpu().numpy().copy() for name, tensor in tensors.items()}
    return Snapshot(arrays, {"history": list(course.history), "best_loss": course.best_loss})


def restore(course, kept):
    tensors = {name: torch.from_numpy(array) for name, array in kept.tensors.items()}
    course.net.load_state_dict(_under("net.", tensors))
    course.best = {name: tensor.to(course.lesson.device) for name, tensor in _under("best.", tensors).items()}
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in _under("optimiser.", tensors).items():
        index, moment = name.split(".")
        moments.setdefault(int(index), {})[moment] = tensor
    course.optimiser.load_state_dict(course.optimiser.state_dict() | {"state": moments})
    course.generator.set_state(tensors["generator"])
    course.history = list(kept.facts["history"])
    course.best_loss = kept.facts["best_loss"]


def _under(prefix, tensors):
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


# --- watching ---------------------------------------------------------------------------------------------------------


def _parted(lesson):
    """(rows learned from, rows watched), stratified."""
    return train_test_split(
        np.arange(len(lesson.outcome)),
        test_size=WATCHED_SHARE,
        random_state=lesson.recipe.seed,
        stratify=lesson.outcome,
    )


def _watch(course, epoch):
    """Loss on the watched rows, None if there are none; remembers the best weights."""
    if course.watched is None:
        return None
    rows = course.watched
    with torch.no_grad():
        parts = [
            float(_loss(course, *part)) * len(part[1])
            for part in zip(*(column.split(WATCH_ROWS) for column in vars(rows).values()), strict=True)
        ]
    loss = finite(sum(parts) / len(rows.outcome), epoch)
    if course.best_loss is None or loss < course.best_loss:
        course.best_loss = loss
        course.best = {name: tensor.detach().clone() for name, tensor in course.net.state_dict().items()}
    return loss


def _tired(course):
    if course.watched is None or not course.history:
        return False
    losses = [line["validation_loss"] for line in course.history]
    return len(losses) - 1 - losses.index(min(losses)) >= course.lesson.recipe.knobs["patience"]


# --- small pieces -----------------------------------------------------------------------------------------------------


def _loss(course, encoded, outcome, weight):
    """Weighted mean log loss of a batch."""
    kind = torch.device(course.lesson.device).type
    with torch.autocast(kind, torch.bfloat16, enabled=course.precision == "bf16"):
        margin = course.net(encoded)[:, 0]
    return functional.binary_cross_entropy_with_logits(margin.float(), outcome, weight)


def _rows(lesson, used):
    weight = row_weights(lesson.outcome, lesson.recipe.class_weight)[used]
    columns = (lesson.encoded[used], lesson.outcome[used], weight)
    return Rows(*(torch.tensor(column, dtype=torch.float32, device=lesson.device) for column in columns))


def _precision(wanted, device):
    if wanted != "auto":
        return wanted
    able = torch.device(device).type == "cuda" and torch.cuda.is_bf16_supported()
    return "bf16" if able else "fp32"


@contextmanager
def explained_memory(lesson):
    """Say what to do when memory runs out, on the device or beside it."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        known = isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(error)
        if not known:
            raise
        raise TrainingProblem(
            f"The {lesson.device} device ran out of memory with {len(lesson.outcome):,} rows of "
            f"{lesson.encoded.shape[1]:,} numbers in batches of {lesson.recipe.knobs['batch']:,}: "
            "choose smaller batches or narrower layers."
        ) from error
