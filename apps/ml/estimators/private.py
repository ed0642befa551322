"""The same network under DP-SGD (Abadi et al. 2016), with a bound on what it tells about any one training row.

For a linear layer the gradient of one row is the outer product of its backpropagated error and its input, so its norm
is the product of theirs (Goodfellow 2015): rows are clipped without any gradient of a single row ever being built.
"""

import math
import os
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from apps.ml.estimators.accounting import Mechanism, noise_for
from apps.ml.estimators.lesson import TrainingProblem
from apps.ml.estimators.network import attend, begin, explained_memory, learned

ASSUMPTIONS = (
    "The unit of privacy is one row of the training data: two tables are neighbours if one row is added or removed. "
    "A person with several rows is protected less.",
    "The number of training rows is treated as public.",
    "The values of categories, and the medians, means and spreads that numbers are prepared with, are taken from the "
    "training rows without noise and are not covered by epsilon.",
    "The loss curve shown during training is measured on training rows without noise and is not covered by epsilon; "
    "it is no part of the model.",
    "Epsilon bounds this one run. Other runs on the same rows, and settings chosen by looking at their results, add "
    "to it.",
    "Figures on test rows describe rows the model has not learned from, and are not covered by epsilon.",
)
RANDOMNESS = {
    "secure": "Sampling and noise are drawn from the operating system's secure generator, and noise as the sum of four "
    "draws (Holohan and Braghin 2021), so that the run cannot be repeated bit for bit.",
    "seeded": "Sampling and noise are drawn from a generator that starts at the recorded seed: the run can be "
    "repeated, and epsilon holds only against someone who does not know the seed.",
}


@dataclass
class Plan:
    """How rows are sampled and noise is added, and how many steps have been taken."""

    noise: float
    rate: float
    steps_an_epoch: int
    delta: float
    clip: float
    taken: int = 0

    @property
    def spent(self):
        """What has been spent so far, as plain values."""
        mechanism = Mechanism(self.noise, self.rate, self.taken)
        return {
            "epsilon": mechanism.prv(self.delta),
            "delta": self.delta,
            "noise": self.noise,
            "sample_rate": self.rate,
            "steps": self.taken,
        }


def fit(lesson):
    """Learn under DP-SGD. Any error that leaves carries `.spent`: the privacy spent before it."""
    plan = planned(lesson)
    lesson = replace(lesson, keep=lambda snapshot, keep=lesson.keep: keep(_with(plan, snapshot)))
    try:
        with explained_memory(lesson):
            course = begin(lesson)
            plan.taken = len(course.history) * plan.steps_an_epoch
            source = Secure() if lesson.recipe.knobs["randomness"] == "secure" else Seeded(course.generator)
            attend(course, partial(private_epoch, plan=plan, source=source))
            return learned(course, privacy=_account(lesson, plan))
    except Exception as error:
        error.spent = plan.spent
        raise


def _with(plan, snapshot):
    return replace(snapshot, facts=snapshot.facts | {"plan": asdict(plan)})


def planned(lesson):
    """The sampling rate and noise that keep the promise. Raises TrainingProblem where none can."""
    knobs, n = lesson.recipe.knobs, len(lesson.outcome)
    if knobs["delta"] >= 1 / n:
        raise TrainingProblem(
            f"Delta {knobs['delta']:g} allows a whole row of {n:,} to be given away: choose one well below {1 / n:.1g}."
        )
    if knobs["batch"] >= n:
        raise TrainingProblem(
            f"A batch of {knobs['batch']:,} takes in all of the {n:,} training rows, and privacy gains from sampling "
            "only if it does not: choose smaller batches."
        )
    rate, steps_an_epoch = knobs["batch"] / n, max(1, round(n / knobs["batch"]))
    noise = knobs["noise"]
    if noise is None:
        noise = noise_for(knobs["epsilon"], knobs["delta"], rate=rate, steps=steps_an_epoch * knobs["epochs"])
    return Plan(noise, rate, steps_an_epoch, knobs["delta"], knobs["clip"])


def private_epoch(course, *, plan, source):
    """As many steps as make each row expected once; returns the mean loss of the sampled rows."""
    rows, device = course.rows, course.rows.outcome.device
    n, parameters = len(rows.outcome), list(course.net.parameters())
    total, seen = torch.zeros((), device=device), 0
    for _ in range(plan.steps_an_epoch):
        chosen = poisson_sample(source, n, plan.rate).to(device)
        sums, loss = clipped_sums(course.net, rows.encoded[chosen], rows.outcome[chosen], plan.clip)
        noise = source.normal(sum(parameter.numel() for parameter in parameters)).to(device, torch.float32)
        plan.taken += 1
        pieces = noise.split([parameter.numel() for parameter in parameters])
        for parameter, summed, piece in zip(parameters, sums, pieces, strict=True):
            noisy = summed + plan.noise * plan.clip * piece.view_as(summed)
            parameter.grad = noisy / (plan.rate * n)
        course.optimiser.step()
        total, seen = total + loss, seen + len(chosen)
    return float(total) / max(seen, 1)


@torch.no_grad()
def clipped_sums(net, encoded, outcome, clip):
    """(sum over rows of each parameter's gradient, every row's clipped to norm `clip`; sum of the rows' losses).

    `encoded` (b, d) and `outcome` (b,) float32; the gradients are of each row's own log loss, in the order of
    `net.parameters()`. An empty batch gives zeros.
    """
    linears = [part for part in net if isinstance(part, nn.Linear)]
    inputs = [encoded]
    for linear in linears[:-1]:
        inputs.append(torch.relu(linear(inputs[-1])))
    margin = linears[-1](inputs[-1])[:, 0]
    error, errors = (torch.sigmoid(margin) - outcome)[:, None], []
    for linear, given in zip(reversed(linears), reversed(inputs), strict=True):
        errors.insert(0, error)
        error = (error @ linear.weight) * (given > 0)
    squared = sum((error**2).sum(1) * ((given**2).sum(1) + 1) for error, given in zip(errors, inputs, strict=True))
    factor = (clip / squared.sqrt().clamp(min=clip))[:, None]
    sums = []
    for error, given in zip(errors, inputs, strict=True):
        clipped = error * factor
        sums += [clipped.T @ given, clipped.sum(0)]
    return sums, functional.binary_cross_entropy_with_logits(margin, outcome, reduction="sum")


def poisson_sample(source, n, rate):
    """(k,) int64, ascending: each of n rows is in it with probability `rate`, independently of the others.

    Drawn by the gaps from one chosen row to the next, which are geometric, so that a step costs a draw for each row
    chosen and not for each row there is (Devroye 1986, II.2.3 and X.2).
    """
    expected = n * rate
    drawn = int(expected + 10 * math.sqrt(expected) + 10)
    places, last = [], -1.0
    while last < n:
        gaps = 1 + torch.floor(torch.log1p(-source.uniform(drawn)) / math.log1p(-rate))
        places.append(last + gaps.cumsum(0))
        last = places[-1][-1].item()
    found = torch.cat(places)
    return found[found < n].long()


class Seeded:
    """Repeatable randomness; its state is the course's generator, so that a snapshot holds it."""

    def __init__(self, generator):
        self.generator = generator

    def uniform(self, n):
        return torch.rand(n, generator=self.generator, dtype=torch.float64)

    def normal(self, n):
        return torch.randn(n, generator=self.generator, dtype=torch.float64)


class Secure:
    """Randomness from the operating system, never repeatable."""

    def uniform(self, n):
        """(n,) float64 in [0, 1), all 53 bits random."""
        drawn = np.frombuffer(os.urandom(8 * n), dtype=np.uint64) >> np.uint64(11)
        return torch.from_numpy(drawn * 2.0**-53)

    def normal(self, n):
        """(n,) float64: half the sum of four Gaussians, which hides the gaps between floating-point numbers."""
        radius = torch.sqrt(-2 * torch.log1p(-self.uniform(2 * n)))
        angle = 2 * math.pi * self.uniform(2 * n)
        return torch.cat([radius * torch.cos(angle), radius * torch.sin(angle)]).view(4, n).sum(0) / 2


def _account(lesson, plan):
    """The full account of a finished run: epsilon by three accountants, and everything it rests on."""
    knobs, mechanism = lesson.recipe.knobs, Mechanism(plan.noise, plan.rate, plan.taken)
    return plan.spent | {
        "accountant": "PRV (Opacus)",
        "epsilon_rdp": mechanism.rdp(plan.delta),
        "epsilon_pld": mechanism.pld(plan.delta),
        "target_epsilon": knobs["epsilon"],
        "clip": plan.clip,
        "mechanisms": [[plan.noise, plan.rate, plan.taken]],
        "rows": len(lesson.outcome),
        "sampling": "Poisson",
        "neighbours": "one row added or removed",
        "unit": "one row of the training data",
        "randomness": knobs["randomness"],
        "assumptions": [*ASSUMPTIONS, RANDOMNESS[knobs["randomness"]]],
    }
