"""What DP-SGD promises: the sums it releases, the noise it adds, the account it gives."""

import copy
import math

import numpy as np
import pytest
import torch
from opacus import GradSampleModule
from torch import nn
from torch.nn import functional

from apps.ml.estimators import accounting, network, private
from apps.ml.estimators.accounting import Mechanism, noise_for
from apps.ml.estimators.lesson import Lesson, Snapshot, TrainingProblem
from apps.ml.recipes import Recipe


def lesson(*, rows=400, recipe=None, **more):
    drawn = np.random.default_rng(1)
    encoded = drawn.normal(size=(rows, 6))
    outcome = encoded[:, 0] + drawn.normal(size=rows) > 0
    return Lesson(encoded, outcome, recipe or seeded(), **more)


def seeded(**knobs):
    return Recipe(
        "private_network",
        seed=3,
        hyper={"noise": 1.0, "batch": 50, "epochs": 3, "randomness": "seeded", "layers": (8, 4)} | knobs,
    )


def opacus_clipped_sums(net, encoded, outcome, clip):
    """The same sums from Opacus's gradients of each single row."""
    hooked = GradSampleModule(copy.deepcopy(net), loss_reduction="sum")
    functional.binary_cross_entropy_with_logits(hooked(encoded)[:, 0], outcome, reduction="sum").backward()
    each = [parameter.grad_sample for parameter in hooked.parameters()]
    norms = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in each]).norm(dim=0)
    factor = (clip / norms).clamp(max=1)
    return [torch.einsum("n,n...->...", factor, gradient) for gradient in each], norms


@pytest.mark.parametrize("clip", [0.05, 1.0, 100.0])
@pytest.mark.parametrize("hidden", [(8,), (16, 8, 4)])
def test_clipped_sums_equal_those_of_opacus(clip, hidden):
    generator = torch.Generator().manual_seed(0)
    net = network.perceptron(6, hidden, generator)
    encoded = (torch.randn(64, 6, generator=generator) * 3).requires_grad_()
    outcome = (encoded[:, 0] > 0).float()
    expected, norms = opacus_clipped_sums(net, encoded, outcome, clip)
    sums, loss = private.clipped_sums(net, encoded, outcome, clip)
    for ours, theirs in zip(sums, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    assert loss.item() == pytest.approx(
        functional.binary_cross_entropy_with_logits(net(encoded)[:, 0], outcome, reduction="sum").item()
    )
    if clip == 0.05:
        assert (norms > clip).all(), "this case must clip every row"


def test_one_row_moves_the_sums_by_at_most_the_clipping_norm():
    generator = torch.Generator().manual_seed(0)
    net = network.perceptron(6, (8, 4), generator)
    encoded = torch.randn(33, 6, generator=generator)
    encoded[-1] *= 1e4
    outcome = torch.ones(33)
    with_row, _ = private.clipped_sums(net, encoded, outcome * 0, 0.7)
    without, _ = private.clipped_sums(net, encoded[:-1], outcome[:-1] * 0, 0.7)
    moved = torch.cat([(a - b).flatten() for a, b in zip(with_row, without, strict=True)]).norm().item()
    assert 0.6 < moved <= 0.7 * (1 + 1e-4)


def test_an_empty_batch_gives_zeros():
    net = nn.Sequential(nn.Linear(6, 1))
    sums, loss = private.clipped_sums(net, torch.empty(0, 6), torch.empty(0), 1.0)
    assert [summed.abs().sum().item() for summed in sums] == [0.0, 0.0]
    assert loss.item() == 0.0


def test_a_step_adds_noise_of_the_planned_size():
    given = lesson(recipe=seeded(clip=0.5, noise=2.0))
    released = []
    course, plan = network.begin(given), private.planned(given)
    course.optimiser.step = lambda: released.append([p.grad.clone() for p in course.net.parameters()])
    quiet = type("Quiet", (private.Seeded,), {"normal": lambda self, n: torch.zeros(n, dtype=torch.float64)})
    source = torch.Generator().manual_seed(5)
    for kind in (private.Seeded, quiet):
        for _ in range(20):
            plan.taken = 0
            private.private_epoch(course, plan=plan, source=kind(source))
    flat = [torch.cat([gradient.flatten() for gradient in step]) for step in released]
    half = len(flat) // 2
    expected_batch = plan.rate * 400
    noise = torch.cat(flat[:half]).std().item() * expected_batch
    signal = torch.cat(flat[half:]).std().item() * expected_batch
    assert math.hypot(0.5 * 2.0, signal) == pytest.approx(noise, rel=0.05)


@pytest.mark.parametrize("source", [private.Secure(), private.Seeded(torch.Generator().manual_seed(1))])
def test_randomness_has_the_right_distribution(source):
    uniform, normal = source.uniform(40_000).numpy(), source.normal(40_000).numpy()
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert uniform.mean() == pytest.approx(0.5, abs=0.01)
    assert normal.mean() == pytest.approx(0, abs=0.03)
    assert normal.std() == pytest.approx(1, abs=0.02)
    assert np.mean(np.abs(normal) < 1.959964) == pytest.approx(0.95, abs=0.006)
    assert (source.normal(8) != source.normal(8)).all()


@pytest.mark.parametrize(("n", "rate"), [(200, 0.02), (200, 0.3), (200, 0.97), (5000, 0.01)])
def test_each_row_is_sampled_independently_with_its_rate(n, rate):
    source, draws = private.Seeded(torch.Generator().manual_seed(3)), 4000
    taken = np.zeros((draws, n), bool)
    for draw in taken:
        chosen = private.poisson_sample(source, n, rate).numpy()
        assert (np.diff(chosen) > 0).all()
        draw[chosen] = True
    sizes, spread = taken.sum(1), math.sqrt(n * rate * (1 - rate))
    assert sizes.mean() == pytest.approx(n * rate, abs=5 * spread / math.sqrt(draws))
    assert sizes.std() == pytest.approx(spread, rel=0.06)
    each = 5 * math.sqrt(rate * (1 - rate) / draws)
    assert np.abs(taken.mean(0) - rate).max() < each
    assert np.mean(taken[:, 0] & taken[:, 1]) == pytest.approx(rate**2, abs=each)
    assert np.mean(taken[:, -2] & taken[:, -1]) == pytest.approx(rate**2, abs=each)


@pytest.mark.parametrize(("noise", "rate", "steps"), [(1.1, 0.01, 1000), (0.8, 0.05, 200), (2.0, 0.3, 50)])
def test_three_accountants_agree(noise, rate, steps):
    mechanism = Mechanism(noise, rate, steps)
    prv, pld, rdp = mechanism.prv(1e-5), mechanism.pld(1e-5), mechanism.rdp(1e-5)
    assert prv == pytest.approx(pld, abs=0.02)
    assert prv < rdp < 1.4 * prv


def test_no_step_spends_nothing():
    nothing = Mechanism(1.0, 0.1, 0)
    assert (nothing.prv(1e-5), nothing.pld(1e-5), nothing.rdp(1e-5)) == (0, 0, 0)


@pytest.mark.parametrize("target", [0.5, 3.0])
def test_the_noise_found_reaches_the_target_and_hardly_more(target):
    noise = noise_for(target, 1e-5, rate=0.05, steps=200)
    assert 0.98 * target < Mechanism(noise, 0.05, 200).prv(1e-5) <= target
    assert Mechanism(noise, 0.05, 200).pld(1e-5) <= target


def test_an_epsilon_out_of_reach_is_refused():
    with pytest.raises(TrainingProblem, match=r"No noise up to 256 .* within epsilon 0.001 .* allow a larger epsilon"):
        noise_for(0.001, 1e-5, rate=0.3, steps=1000)


def test_the_account_of_a_run_is_complete():
    learned = private.fit(lesson())
    account = learned.privacy
    assert account["steps"] == 3 * 8
    assert account["sample_rate"] == 50 / 400
    assert account["epsilon"] == Mechanism(1.0, 50 / 400, 24).prv(1e-5)
    assert account["epsilon_pld"] == pytest.approx(account["epsilon"], abs=0.02)
    assert account["mechanisms"] == [[1.0, 50 / 400, 24]]
    said = " ".join(account["assumptions"])
    for word in ("one row", "medians", "loss curve", "seed"):
        assert word in said


def test_a_secure_run_never_repeats_and_a_seeded_one_does():
    def weights(randomness):
        return private.fit(lesson(recipe=seeded(randomness=randomness))).files["weights.safetensors"]

    assert weights("seeded") == weights("seeded")
    assert weights("secure") != weights("secure")


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"delta": 0.005}, "Delta 0.005 allows a whole row of 400"),
        ({"batch": 400}, "A batch of 400 takes in all of the 400 training rows"),
    ],
)
def test_settings_without_privacy_are_refused(knobs, sentence):
    with pytest.raises(TrainingProblem, match=sentence):
        private.fit(lesson(recipe=seeded(**knobs)))


def test_an_error_carries_what_was_spent_before_it():
    def stop_after_two(facts):
        if facts["epoch"] == 2:
            raise KeyError("stop")

    with pytest.raises(KeyError) as stopped:
        private.fit(lesson(report=stop_after_two))
    assert stopped.value.spent["steps"] == 16
    assert stopped.value.spent["epsilon"] == Mechanism(1.0, 50 / 400, 16).prv(1e-5)


def test_a_loss_that_runs_away_is_told_with_what_it_cost():
    with pytest.raises(TrainingProblem, match=r"choose a smaller learning rate|Choose a smaller learning rate") as told:
        private.fit(lesson(recipe=seeded(learning_rate=10.0, clip=1e4, noise=200.0, epochs=3000, layers=(8,) * 8)))
    assert told.value.spent["steps"] > 0


def test_a_resumed_run_equals_one_that_never_stopped():
    kept: list[Snapshot] = []
    whole = private.fit(lesson(keep=kept.append))
    resumed = private.fit(lesson(resume=kept[0]))
    assert resumed.files == whole.files
    assert resumed.privacy == whole.privacy
    assert resumed.history == whole.history


def test_search_stays_within_its_bounds():
    assert accounting.LEAST_NOISE / 2 <= noise_for(100, 1e-3, rate=0.5, steps=1) <= 0.4
