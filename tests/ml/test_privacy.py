"""Privacy: accountants agree, an attack finds what is there to find, and no proof is said to be none."""

import json

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from apps.ml import privacy
from apps.ml.figures import overall

LIMITS = {"epsilon": ("at_most", 4.0), "membership_auc": ("at_most", 0.55)}

MECHANISM = privacy.Mechanism(history=((1.1, 0.01, 1000),), delta=1e-5, clip=1.0, claimed=1.5)


def attacked(model, seed=0, n=1500):
    """A model fitted on noisy labels: (learned, unseen) outcome and probability."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2 * n, 8))
    outcome = rng.random(2 * n) < 1 / (1 + np.exp(-x[:, 0]))
    probability = model.fit(x[:n], outcome[:n]).predict_proba(x)[:, 1]
    return (outcome[:n], probability[:n]), (outcome[n:], probability[n:])


def test_accountants_find_the_closed_form():
    """Without sampling, k steps of noise s are one Gaussian of noise s / sqrt k (Balle and Wang 2018, theorem 8)."""
    noise = 8 / np.sqrt(30)
    answers = privacy.epsilons(privacy.Mechanism(((8.0, 1.0, 10), (8.0, 1.0, 20)), 1e-5, 1.0))

    def delta(epsilon):
        low, high = 1 / (2 * noise) - epsilon * noise, -1 / (2 * noise) - epsilon * noise
        return stats.norm.cdf(low) - np.exp(epsilon) * stats.norm.cdf(high)

    exact = optimize.brentq(lambda epsilon: delta(epsilon) - 1e-5, 0.01, 20)
    assert exact <= answers["epsilon_pld"] == pytest.approx(exact, abs=0.02)
    assert exact <= answers["epsilon"] == pytest.approx(exact, abs=0.02)
    assert exact < answers["epsilon_rdp"] < 1.2 * exact


def test_accountants_agree_on_sampled_steps():
    answers = privacy.epsilons(privacy.Mechanism(((1.1, 256 / 60_000, 14_063),), 1e-5, 1.0))
    assert answers["epsilon"] == pytest.approx(answers["epsilon_pld"], rel=0.01)
    assert answers["epsilon"] < answers["epsilon_rdp"] < 3.01  # published with an older conversion


def test_the_guarantee_is_recomputed_and_a_false_claim_is_named():
    learned, unseen = attacked(LogisticRegression())
    measured = privacy.measure(learned, unseen, MECHANISM, limits=LIMITS)
    assert measured.figure("epsilon").value == pytest.approx(1.52, abs=0.02)
    assert measured.figure("epsilon").verdict == "pass"
    assert not any("recorded" in caveat for caveat in measured.caveats)
    lied = privacy.measure(learned, unseen, privacy.Mechanism(MECHANISM.history, 1e-5, 1.0, claimed=0.5))
    assert any("recorded epsilon 0.500; recomputed it is 1.5" in caveat for caveat in lied.caveats)


def test_no_proof_is_said_to_be_none():
    measured = privacy.measure(*attacked(LogisticRegression()))
    assert measured.figure("epsilon").value is None and "No guarantee" in measured.figure("epsilon").note
    assert measured.detail["guarantee"] == {"given": False, "sentence": privacy.NO_GUARANTEE}


def test_no_noise_is_no_guarantee():
    measured = privacy.measure(*attacked(LogisticRegression()), privacy.Mechanism(((0.0, 0.01, 10),), 1e-5, 1.0))
    assert measured.figure("epsilon").value is None
    assert not measured.detail["guarantee"]["given"]


def test_the_attack_finds_a_model_that_remembers_and_not_one_that_cannot():
    remembers = privacy.measure(*attacked(DecisionTreeClassifier(random_state=0)), limits=LIMITS)
    assert remembers.figure("membership_auc").low > 0.6
    assert remembers.figure("membership_auc").verdict == overall(remembers.figures) == "fail"
    blind = privacy.measure(*attacked(LogisticRegression()), limits=LIMITS)
    assert blind.figure("membership_auc").low < 0.5 + 0.02 < 0.56
    assert blind.figure("membership_auc").verdict == "pass"


def test_a_known_leak_has_the_known_area():
    """Confidences shifted by one standard deviation are told apart with area Phi(1 / sqrt 2) = 0.760."""
    rng = np.random.default_rng(2)
    both = [1 / (1 + np.exp(-(rng.normal(size=20_000) + shift))) for shift in (1, 0)]
    measured = privacy.measure(*((np.ones(20_000, bool), confidence) for confidence in both))
    assert measured.figure("membership_auc").value == pytest.approx(0.7602, abs=0.006)
    hits = measured.figure("membership_tpr")
    assert hits.low < 0.0924 < hits.high  # 1 - Phi(2.326 - 1)
    assert measured.detail["attacks"][0]["hits"]["alarms"] <= 0.01


def test_the_attack_is_within_what_the_guarantee_allows():
    allowed = privacy.measure(*attacked(LogisticRegression()), MECHANISM).detail["guarantee"]["allowed"]
    epsilon = 1.525  # without delta the region under both lines has area e^epsilon / (1 + e^epsilon)
    assert allowed["membership_auc"] == pytest.approx(np.exp(epsilon) / (1 + np.exp(epsilon)), abs=0.005)
    assert allowed["membership_tpr"] == pytest.approx(0.01 * np.exp(epsilon), abs=0.001)


def test_the_answer_is_plain_json():
    json.dumps(privacy.measure(*attacked(LogisticRegression()), MECHANISM).to_json(), allow_nan=False)
    tiny = (np.array([True]), np.array([0.5]))
    assert privacy.measure(tiny, tiny).figure("membership_auc").value is None
