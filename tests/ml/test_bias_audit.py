"""The tables of New York City's rule, against the rule's own worked example."""

import numpy as np
import pytest
from scipy import stats

from apps.ml import bias_audit

# 6 RCNY 5-301, the worked example of a scored tool: category, people, how many above the median, rate, impact ratio
SEX = [("Male", 92, 50, 54.3, 1.00), ("Female", 76, 34, 44.7, 0.82)]
RACE = [
    ("Hispanic or Latino", 28, 18, 64.2, 1.00), ("White", 40, 15, 37.5, 0.58),
    ("Black", 32, 16, 50.0, 0.78), ("Asian", 24, 10, 41.7, 0.65),
]  # fmt: skip


@pytest.mark.parametrize("example", [SEX, RACE])
def test_it_gives_the_numbers_of_the_rule(example):
    found = bias_audit.of_counts([line[:3] for line in example])
    for line, (name, n, _, rate, ratio) in zip(found["categories"], example, strict=True):
        assert (line["category"], line["n"]) == (name, n)
        assert 100 * line["rate"] == pytest.approx(rate, abs=0.1)  # the rule cuts 64.28 to 64.2
        assert round(line["impact_ratio"], 2) == ratio
        assert line["below_four_fifths"] == (ratio < 0.8)


def test_a_category_under_two_per_cent_is_shown_and_left_out_of_the_ratios():
    found = bias_audit.of_counts([("A", 500, 250), ("B", 490, 200), ("C", 10, 10)])
    small = found["categories"][2]
    assert small["left_out"] and small["n"] == 10 and small["rate"] == 1 and small["impact_ratio"] is None
    assert found["categories"][0]["impact_ratio"] == 1  # the small one is not the highest
    assert not bias_audit.of_counts([("A", 98, 1), ("C", 2, 1)])["categories"][1]["left_out"]  # two per cent is enough


def test_unknown_and_counted_are_all_who_were_assessed():
    labels = np.array(["F & A", "F & (missing)", "M & A", "(missing) & B", "M & B", "F & A"])
    found = bias_audit.table([True, True, False, True, False, True], labels)
    assert found["unknown"] == 2 and found["unknown"] + sum(line["n"] for line in found["categories"]) == 6
    assert [line["category"] for line in found["categories"]] == ["F & A", "M & A", "M & B"]


def test_the_scoring_rate_is_of_scores_above_the_median_of_everybody():
    score = np.array([1, 2, 3, 4, 5])
    assert bias_audit.above_median(score).tolist() == [False, False, False, True, True]


def test_the_significance_is_fishers_with_holms_correction():
    counts = [(name, n, k) for name, n, k, *_ in RACE]
    raw = [stats.fisher_exact([[k, n - k], [18, 10]]).pvalue for _, n, k in counts[1:]]
    found = [line["p"] for line in bias_audit.of_counts(counts)["categories"]]
    assert found[0] is None
    assert min(found[1:]) == pytest.approx(3 * min(raw))


@pytest.mark.parametrize("counts", [[], [("A", 0, 0)], [("A", 5, 0), ("B", 5, 0)]])
def test_nobody_chosen_or_nobody_there_gives_no_ratio(counts):
    assert all(line["impact_ratio"] is None for line in bias_audit.of_counts(counts)["categories"])
