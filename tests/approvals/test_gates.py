"""What a policy asks, and when it is met: truth tables, and properties over whatever a report may hold."""

import re
from datetime import UTC, datetime, timedelta
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.approvals.gates.decide import Evidence, Verdict, decide, overall
from apps.approvals.gates.defaults import built_in
from apps.approvals.gates.policy import Policy, Rule, Signer, policy_digest
from apps.approvals.gates.reading import NotAPolicy, parse
from apps.ml import fairness, performance, privacy
from apps.reports.figures import REPORTS

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
POLICIES = sorted((Path(__file__).parents[2] / "apps/approvals/policies").glob("*.yaml"))


def policy(*rules: Rule) -> Policy:
    return Policy("test", "high", 365, rules, (Signer("reviewer", "approved"),))


def figure(name="balanced_accuracy", of="", value=0.76, low=0.71, high=0.81, n=597, smallest_group=None, **rest):
    return {"name": name, "of": of, "value": value, "low": low, "high": high, "n": n,
            "smallest_group": smallest_group, **rest}  # fmt: skip


def ratio(of="race", value=0.85, low=0.75, high=0.93, smallest_group=61, **rest):
    return figure("demographic_parity_ratio", of, value, low, high, smallest_group=smallest_group, **rest)


def report(*figures, kind="performance", age_days=1, outdated=""):
    return Evidence(kind, {"figures": list(figures)}, "ab" * 32, NOW - timedelta(days=age_days), outdated)


def decided(rule, *evidence, attributes=("race", "sex")):
    return decide(policy(rule), evidence, attributes=attributes, now=NOW)


def verdict(rule, *evidence, **options):
    return overall(decided(rule, *evidence, **options))


PRESENT = Rule("performance")
ACCURATE = Rule("performance", figure="balanced_accuracy", at_least=0.7, bound="lower")
FAIR = Rule("fairness", figure="demographic_parity_ratio", of="*", at_least=0.8, minimum_group_size=30)


@pytest.mark.parametrize(
    ("rule", "value", "low", "high", "expected"),
    [
        ({"at_least": 0.7}, 0.70, None, None, "pass"),
        ({"at_least": 0.7}, 0.6999, 0.5, 0.9, "fail"),
        ({"at_most": 0.7}, 0.70, None, None, "pass"),
        ({"at_most": 0.7}, 0.7001, 0.5, 0.9, "fail"),
        ({"at_least": 0.7, "bound": "lower"}, 0.76, 0.70, 0.81, "pass"),
        ({"at_least": 0.7, "bound": "lower"}, 0.76, 0.69, 0.81, "inconclusive"),
        ({"at_least": 0.7, "bound": "lower"}, 0.66, 0.60, 0.70, "inconclusive"),
        ({"at_least": 0.7, "bound": "lower"}, 0.66, 0.60, 0.69, "fail"),
        ({"at_most": 0.7, "bound": "upper"}, 0.66, 0.60, 0.70, "pass"),
        ({"at_most": 0.7, "bound": "upper"}, 0.66, 0.60, 0.71, "inconclusive"),
        ({"at_most": 0.7, "bound": "upper"}, 0.76, 0.70, 0.81, "inconclusive"),
        ({"at_most": 0.7, "bound": "upper"}, 0.76, 0.71, 0.81, "fail"),
        ({"at_least": 0.7, "bound": "lower"}, 0.76, None, 0.81, "inconclusive"),
        ({"at_least": 0.7, "bound": "lower"}, 0.76, 0.71, None, "inconclusive"),
        ({"at_least": 0.7, "bound": "lower"}, 0.76, nan, 0.81, "inconclusive"),
        ({"at_least": 0.7, "bound": "lower"}, 0.76, 0.71, inf, "inconclusive"),
        ({"at_least": 0.7, "bound": "lower"}, 0.66, 0.71, 0.81, "inconclusive"),  # an interval beside its value
        ({"at_least": 0.7}, None, 0.71, 0.81, "inconclusive"),
        ({"at_least": 0.7}, nan, 0.71, 0.81, "inconclusive"),
        ({"at_least": 0.7}, inf, 0.71, 0.81, "inconclusive"),
        ({"at_least": 0.7}, "0.9", 0.71, 0.81, "inconclusive"),
        ({"at_least": 0.7}, True, 0.71, 0.81, "inconclusive"),
    ],
)
def test_a_threshold_is_decided_on_its_bound(rule, value, low, high, expected):
    [outcome] = decided(
        Rule("performance", figure="accuracy", **rule), report(figure("accuracy", "", value, low, high))
    )
    assert outcome.verdict == expected


@pytest.mark.parametrize("n", [None, 0, -1, nan, "597"])
def test_a_figure_without_rows_never_passes(n):
    assert verdict(ACCURATE, report(figure(n=n))) == Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("smallest", "expected"), [(30, "pass"), (29, "inconclusive"), (0, "inconclusive"), (None, "inconclusive")]
)
def test_small_groups_are_not_judged(smallest, expected):
    outcomes = decided(FAIR, report(ratio(smallest_group=smallest), kind="fairness"), attributes=("race",))
    assert [outcome.verdict for outcome in outcomes] == [expected]


def test_a_missing_report_is_missing():
    assert verdict(PRESENT) == verdict(ACCURATE) == Verdict.MISSING
    assert verdict(PRESENT, report(kind="fairness")) == Verdict.MISSING


def test_a_missing_figure_is_missing():
    [outcome] = decided(ACCURATE, report(figure("accuracy")))
    assert (outcome.verdict, outcome.why) == ("missing", "The report holds no Balanced accuracy.")


def test_a_report_that_is_there_passes_and_its_own_verdict_is_said():
    found = Evidence("performance", {"verdict": "fail", "figures": []}, "ab" * 32, NOW)
    [outcome] = decided(PRESENT, found)
    assert outcome.verdict == "pass" and outcome.why.endswith("Its own verdict: fail.")


def test_an_outdated_report_is_stale_and_says_why():
    [outcome] = decided(PRESENT, report(figure(), outdated="It speaks about version 6."))
    assert (outcome.verdict, outcome.why) == ("stale", "It speaks about version 6.")


@pytest.mark.parametrize(("age", "expected"), [(30, "pass"), (31, "stale")])
def test_a_report_ages(age, expected):
    assert verdict(Rule("performance", max_age_days=30), report(figure(), age_days=age)) == expected


def test_a_current_report_speaks_before_a_newer_outdated_one():
    current, outdated = report(figure(), age_days=9), report(figure(value=0.1), age_days=1, outdated="Superseded.")
    assert verdict(ACCURATE, outdated, current) == verdict(ACCURATE, current, outdated) == Verdict.PASS


def test_the_newest_current_report_speaks():
    old, new = report(figure(), age_days=9), report(figure(value=0.5, low=0.4, high=0.6), age_days=1)
    assert verdict(ACCURATE, new, old) == verdict(ACCURATE, old, new) == Verdict.FAIL


def test_each_declared_attribute_is_asked_for_even_if_the_report_is_silent():
    outcomes = decided(FAIR, report(ratio("race"), kind="fairness"))
    assert [(outcome.of, outcome.verdict) for outcome in outcomes] == [("race", "pass"), ("sex", "missing")]


def test_figures_of_undeclared_attributes_do_not_help():
    assert verdict(FAIR, report(ratio("age"), ratio("race & sex"), kind="fairness")) == Verdict.MISSING


def test_without_declared_attributes_a_rule_by_group_is_missing():
    [outcome] = decided(FAIR, report(kind="fairness"), attributes=())
    assert outcome.verdict == "missing" and "no sensitive attribute" in outcome.why


@pytest.mark.parametrize("name", ["race & sex", "sex & race"])
def test_a_pair_is_found_in_either_order(name):
    rule = Rule("fairness", figure="demographic_parity_ratio", of="* & *", at_least=0.8)
    assert verdict(rule, report(ratio(name), kind="fairness")) == Verdict.PASS
    assert verdict(rule, report(ratio("race"), kind="fairness")) == Verdict.MISSING
    assert verdict(rule, report(ratio(name), kind="fairness"), attributes=("race",)) == Verdict.MISSING


def test_one_attribute_can_be_named():
    rule = Rule("fairness", figure="demographic_parity_ratio", of="race", at_least=0.8)
    outcomes = decided(rule, report(ratio("race"), ratio("sex", value=0.1), kind="fairness"))
    assert [(outcome.rule, outcome.verdict) for outcome in outcomes] == [
        ("Impact ratio by race is at least 0.8", "pass")
    ]


def test_a_figure_given_twice_must_pass_twice():
    assert verdict(ACCURATE, report(figure(), figure(value=0.5, low=0.4, high=0.6))) == Verdict.FAIL


def test_the_worst_is_said_first():
    good = report(figure())
    assert overall(decide(policy(ACCURATE, FAIR), [good], attributes=("race",), now=NOW)) == Verdict.MISSING
    assert overall(()) == Verdict.MISSING


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just([])


@given(
    value=anything,
    low=anything,
    high=anything,
    n=anything,
    smallest=anything,
    bound=st.sampled_from(["value", "lower"]),
)
def test_nothing_but_a_measured_number_clears_a_threshold(value, low, high, n, smallest, bound):
    rule = Rule(
        "fairness", figure="demographic_parity_ratio", of="race", at_least=0.8, bound=bound, minimum_group_size=20
    )
    [outcome] = decided(rule, report(ratio("race", value, low, high, smallest, n=n), kind="fairness"))
    if outcome.verdict == "pass":
        numbers = (value, n, smallest) if bound == "value" else (value, low, high, n, smallest)
        assert all(type(number) in (int, float) and abs(number) < inf for number in numbers)
        assert n >= 1 and smallest >= 20 and (value if bound == "value" else low) >= 0.8


@given(
    value=st.floats(0, 1), width=st.floats(0, 1), threshold=st.floats(0, 1), stricter=st.floats(0, 1),
    way=st.sampled_from([("at_least", "lower"), ("at_most", "upper")]),
)  # fmt: skip
def test_a_stricter_threshold_never_lets_more_through(value, width, threshold, stricter, way):
    word, bound = way
    measured = report(figure("accuracy", "", value, value - width, value + width))
    lax, strict = sorted([threshold, stricter], reverse=word == "at_most")
    passes = [
        verdict(Rule("performance", figure="accuracy", bound=bound, **{word: t}), measured) for t in (lax, strict)
    ]
    assert passes != [Verdict.FAIL, Verdict.PASS] and passes != [Verdict.INCONCLUSIVE, Verdict.PASS]


# Policies


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_a_built_in_policy_is_a_policy_of_its_risk_class(path):
    found, body = parse(path.read_text())
    assert found.risk_class == path.stem
    assert Policy.from_json(body) == found


@pytest.mark.parametrize(("risk", "longest"), [("high", 366), ("limited", 731), ("minimal", 1096)])
def test_no_policy_lets_a_sign_off_stand_longer_than_its_risk_class_may(risk, longest):
    """High at most 12 months, limited 24, minimal 36; a leap day fits."""
    whole = built_in(risk)
    assert parse(re.sub(r"valid_days: \d+", f"valid_days: {longest}", whole))[0].valid_days == longest
    with pytest.raises(NotAPolicy) as refusal:
        parse(re.sub(r"valid_days: \d+", f"valid_days: {longest + 1}", whole))
    assert "valid_days" in str(refusal.value) or "stands for" in str(refusal.value)


def test_the_built_in_policies_grow_stricter():
    assert [path.stem for path in POLICIES] == ["high", "limited", "minimal"]
    high, limited, minimal = (parse(path.read_text())[0] for path in POLICIES)
    assert [p.signatures_needed for p in (high, limited, minimal)] == [2, 1, 1]
    assert high.valid_days < limited.valid_days < minimal.valid_days
    assert {rule.report for rule in high.rules} == {"performance", "fairness", "privacy", "explainability"}


START = "name: x\nrisk_class: high\nvalid_days: 30\nsigners: [{role: reviewer, meaning: approved}]\nrules:\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "The policy is empty"),
        ("- a\n", 1, "must be a group of names and values"),
        ("a: [", 1, "This is not YAML"),
        ("a: 1\n\nb: *x\n", 3, "Anchors and aliases"),
        ("a: &x 1\n", 1, "Anchors and aliases"),
        ('a: 1\nb: "\\uD800"\n', 2, "half of a surrogate pair"),
        ('a: 1\n"\\x00": 2\n', 2, "NUL"),
        ("of: *\n", 1, "put it in quotes"),
        ("[" * 40, 1, "deep"),
        ("a: .nan", 1, "not a finite number"),
        ("a: 2026-01-01", 1, "put it in quotes"),
        ("a: !!bool maybe", 1, "cannot be read as bool"),
        ("a: 99999999999999999999", 1, "too large"),
        ("a: 1\nb: 2\na: 3\n", 3, "twice"),
        ("a: 1\nb: \x00", 2, "U+0000"),
        ("x" * 70_000, 1, "at most 65,536"),
        (START + "  - report: fairnes", 6, "Did you mean “fairness”?"),
        (START + "  - {}", 6, "Rule 1 says nothing about “report”"),
        (START + "  - 7", 6, "Rule 1 must be a group"),
        (START + "  - report: privacy\n    at_most: 0.6", 7, "names no figure"),
        (START + "  - report: privacy\n    figur: epsilon", 7, "Did you mean “figure”?"),
        (START + "  - report: privacy\n    figure: accuracy\n    at_least: 1", 7, "measures no “accuracy”"),
        (START + "  - report: performance\n    figure: accuracy", 7, "one threshold"),
        (START + "  - report: performance\n    figure: accuracy\n    at_least: 0\n    at_most: 1", 7, "one threshold"),
        (START + "  - report: performance\n    figure: accuracy\n    at_most: 0.9", 8, "more is better"),
        (START + "  - report: performance\n    figure: accuracy\n    at_least: 90", 8, "between 0 and 1"),
        (START + "  - {report: performance, figure: accuracy, at_least: 0.9, bound: upper}", 6, "little was measured"),
        (START + "  - {report: privacy, figure: epsilon, at_most: 4, bound: lower}", 6, "little was measured"),
        (START + "  - {report: performance, figure: accuracy, at_least: 0.9, of: sex}", 6, "remove of"),
        (START + "  - {report: fairness, figure: equalized_odds_difference, at_most: 0.1}", 6, 'add `of: "*"`'),
        (START.replace("30", "0") + "  - report: privacy", 3, "at least 1"),
        (START.replace("30", "9999") + "  - report: privacy", 3, "at most 1,096"),
        (START.replace("30", "367") + "  - report: privacy", 3, "high-risk model stands for 366 days at most"),
        (START.replace("30", "true") + "  - report: privacy", 3, "a whole number"),
        (START.replace("name: x", "name: High Risk") + "  - report: privacy", 1, "joined by hyphens"),
        (START.replace("high", "hihg") + "  - report: privacy", 2, "Did you mean “high”?"),
        (START.replace("[{role: reviewer, meaning: approved}]", "[]") + "  - report: privacy", 4, "is empty"),
        (START.replace("reviewer", "owner") + "  - report: privacy", 4, "Choose from: reviewer"),
        (START.replace("approved}]", "approved}, {role: reviewer, meaning: approved}]") + "  - report: privacy",
         4, "count"),
    ],
)  # fmt: skip
def test_it_says_where_and_why_a_text_is_no_policy(text, line, words):
    with pytest.raises(NotAPolicy) as refusal:
        parse(text)
    assert [(line, words in str(problem)) for problem in refusal.value.problems if problem.line == line] == [
        (line, True)
    ]


def test_it_names_every_problem_at_once():
    with pytest.raises(NotAPolicy) as refusal:
        parse(START.replace("30", "0") + "  - report: fairnes\n  - figure: accuracy\n")
    assert [problem.line for problem in refusal.value.problems] == [3, 6, 7]


@given(st.text(alphabet=st.sampled_from("ab:-[]{}\n *&'\"!|>#,?%@`0.\t\x00"), max_size=60))
def test_whatever_is_typed_gets_an_answer(text):
    with pytest.raises(NotAPolicy) as refusal:
        parse(text)
    assert all(problem.line >= 1 and str(problem).endswith((".", "?", '"')) for problem in refusal.value.problems)


def test_the_digest_is_of_what_is_said_not_how():
    text = POLICIES[0].read_text()
    _, body = parse(text)
    _, again = parse("# another comment\n" + text)
    assert policy_digest(body) == policy_digest(again)
    assert policy_digest(body) != policy_digest({**body, "valid_days": 1})


def test_the_figures_a_policy_may_name_are_those_the_laboratory_measures():
    rng = np.random.default_rng(0)
    outcome, race, sex = rng.random(600) > 0.4, rng.choice(["a", "b"], 600), rng.choice(["f", "m"], 600)
    probability = np.clip(outcome * 0.5 + rng.random(600) * 0.5, 0.01, 0.99)
    measured = {
        "performance": performance.measure(outcome, probability),
        "fairness": fairness.measure(outcome, probability >= 0.5, {"race": race, "sex": sex}),
    }
    for kind, report in measured.items():
        names = {figure.name for figure in report.figures}
        assert names >= REPORTS[kind].keys(), REPORTS[kind].keys() - names
    assert "race & sex" in {figure.of for figure in measured["fairness"].figures}
    assert REPORTS["privacy"].keys() >= privacy.ACCOUNTANTS.keys()
