"""Performance: scikit-learn's numbers, intervals that cover, honest edges."""

import json

import numpy as np
import pytest
from sklearn import metrics

from apps.ml import intervals, performance
from apps.ml.figures import Figure, judge, overall


def drawn(n=4000, seed=1, skill=1.2):
    """Outcomes and calibrated probabilities."""
    rng = np.random.default_rng(seed)
    probability = 1 / (1 + np.exp(-skill * rng.normal(size=n) + 0.6))
    return rng.random(n) < probability, probability


def test_points_equal_scikit_learn():
    outcome, probability = drawn()
    measured = performance.measure(outcome, probability)
    predicted = probability >= 0.5
    tn, fp, fn, tp = metrics.confusion_matrix(outcome, predicted).ravel()
    expected = {
        "accuracy": metrics.accuracy_score(outcome, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(outcome, predicted),
        "roc_auc": metrics.roc_auc_score(outcome, probability),
        "average_precision": metrics.average_precision_score(outcome, probability),
        "log_loss": metrics.log_loss(outcome, probability),
        "brier": metrics.brier_score_loss(outcome, probability),
        "precision": metrics.precision_score(outcome, predicted),
        "true_positive_rate": tp / (tp + fn),
        "true_negative_rate": tn / (tn + fp),
        "selection_rate": predicted.mean(),
    }
    for name, value in expected.items():
        assert measured.figure(name).value == pytest.approx(value, abs=1e-12), name
    assert measured.detail["confusion"] == {
        "true_positive": tp,
        "false_negative": fn,
        "false_positive": fp,
        "true_negative": tn,
    }


def test_every_figure_lies_in_its_interval_and_names_its_n():
    for figure in performance.measure(*drawn(300)).figures:
        assert figure.low <= figure.value <= figure.high, figure
        assert figure.n > 0


def test_a_calibrated_model_has_slope_one_and_a_stretched_one_has_not():
    outcome, probability = drawn(20_000)
    honest = performance.measure(outcome, probability)
    assert honest.figure("calibration_slope").low < 1 < honest.figure("calibration_slope").high
    assert honest.figure("calibration_intercept").low < 0 < honest.figure("calibration_intercept").high
    stretched = probability**3 / (probability**3 + (1 - probability) ** 3)
    bold = performance.measure(outcome, stretched)
    slope = honest.figure("calibration_slope").value
    assert bold.figure("calibration_slope").value == pytest.approx(slope / 3, abs=1e-6)
    assert bold.figure("calibration_error").low > honest.detail["expected_if_calibrated"]


def test_intervals_cover():
    """In 300 samples of 400 rows each 95 % interval holds the value of 400,000 rows in 91 to 98.5 %."""
    truth = performance.measure(*drawn(400_000, seed=99))
    samples = [performance.measure(*drawn(400, seed=seed)) for seed in range(300)]
    for name in ("roc_auc", "average_precision", "balanced_accuracy", "log_loss", "brier", "calibration_slope"):
        value = truth.figure(name).value
        held = np.mean([sample.figure(name).low <= value <= sample.figure(name).high for sample in samples])
        assert 0.91 <= held <= 0.985, (name, held)


def test_delong_equals_the_definition_by_pairs():
    outcome, probability = drawn(60)
    probability = probability.round(1)
    above, below = probability[outcome], probability[~outcome]
    wins = (above[:, None] > below) + 0.5 * (above[:, None] == below)
    error = np.sqrt(wins.mean(1).var(ddof=1) / above.size + wins.mean(0).var(ddof=1) / below.size)
    assert intervals.roc_auc(outcome, probability) == pytest.approx(
        (wins.mean(), *intervals.on_logit(wins.mean(), error)), abs=1e-12
    )


def test_wilson_and_holm_equal_published_values():
    assert np.allclose(intervals.wilson(15, 148), (0.0624, 0.1605), atol=1e-4)  # Newcombe 1998, table I
    assert np.allclose(intervals.wilson(0, 20), (0, 0.1611), atol=1e-4)
    assert np.allclose(intervals.holm([0.01, 0.04, 0.03, np.nan]), [0.03, 0.06, 0.06, np.nan], equal_nan=True)


def test_a_perfect_ranking_still_has_an_interval():
    measured = performance.measure([True] * 10 + [False] * 30, [1.0] * 10 + [0.0] * 30)
    assert measured.figure("roc_auc").value == 1 and 0.6 < measured.figure("roc_auc").low < 1
    assert measured.figure("calibration_slope").value is None


def test_nothing_selected_has_no_precision_and_says_so():
    outcome, probability = drawn(200)
    measured = performance.measure(outcome, probability * 0.4)
    assert measured.figure("precision").value is None
    assert any("same answer" in caveat for caveat in measured.caveats)


@pytest.mark.parametrize(
    ("outcome", "probability", "words"),
    [
        ([True, True], [0.2, 0.3], "same outcome"),
        ([], [], "same outcome"),
        ([True, False], [0.2], "give one each"),
        ([True, False], [0.2, np.nan], "row 2 is not a number"),
    ],
)
def test_rows_that_cannot_be_measured_are_refused_in_words(outcome, probability, words):
    with pytest.raises(performance.MeasurementProblem, match=words):
        performance.measure(outcome, probability)


def test_the_answer_is_plain_json_and_the_same_twice():
    outcome, probability = drawn(500)
    first, second = (json.dumps(performance.measure(outcome, probability).to_json(), allow_nan=False) for _ in "ab")
    assert first == second
    assert len(json.loads(first)["detail"]["roc"]) <= 202


def test_a_limit_inside_the_interval_is_inconclusive():
    limits = {"x": ("at_most", 0.15)}
    verdicts = [
        judge(Figure("x", value, low, high, 9), limits).verdict
        for value, low, high in [(0.1, 0.0, 0.14), (0.1, 0.0, 0.2), (0.3, 0.2, 0.4), (0.1, None, None)]
    ]
    assert verdicts == ["pass", "inconclusive", "fail", "pass"]
    assert judge(Figure("y", 1, 0, 2, 9), limits).verdict is None
    judged = [judge(Figure("x", 0.1, 0.0, high, 9), limits) for high in (0.1, 0.2)]
    assert (overall(judged[:1]), overall(judged), overall([])) == ("pass", "inconclusive", "inconclusive")
