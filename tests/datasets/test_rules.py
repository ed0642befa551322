"""What a declaration may say, and who may do what with data when."""

from types import SimpleNamespace

import pytest

from apps.datasets import rules
from tests.datasets.make import LOANS_SAID, SAID

COLUMNS = ["age", "sex", "income", "approve"]
SEEN = {
    "age": {"type": "number", "distinct": 70, "top": []},
    "sex": {"type": "category", "distinct": 2, "top": [["F", 2], ["M", 2]]},
    "income": {"type": "number", "distinct": 1, "top": [[5.0, 4]]},
    "approve": {"type": "number", "distinct": 2, "top": [[1.0, 3], [0.0, 1]]},
}


def problems(**changed):
    return rules.problems_of(SAID | changed, COLUMNS, SEEN)


def test_a_sound_declaration_has_no_problems():
    assert problems() == {}
    assert rules.problems_of({"target": "approve", "favourable": "1"}, COLUMNS) == {}


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"target": ""}, "target", "Choose the column"),
        ({"target": None}, "target", "Choose the column"),
        ({"target": ["approve"]}, "target", "Choose the column"),
        ({"target": "gone"}, "target", "There is no column “gone”. The columns are “age”"),
        ({"target": "income"}, "target", "the same value in every row"),
        ({"favourable": " "}, "favourable", "Say which value"),
        ({"favourable": 1}, "favourable", "Say which value"),
        ({"favourable": "yes"}, "favourable", "never has the value “yes”. Its values are “1”, “0”"),
        ({"missing": ["1"]}, "missing", "cannot mean missing too"),
        ({"missing": "?"}, "missing", "a list of short texts"),
        ({"missing": ["x" * 61]}, "missing", "a list of short texts"),
        ({"left_out": ["approve"]}, "left_out", "it cannot be left out"),
        ({"left_out": ["gone"]}, "left_out", "no column “gone”"),
        ({"left_out": ["age", "age"]}, "left_out", "twice"),
        ({"left_out": ["age", "sex", "income"]}, "left_out", "Nothing is left"),
        ({"sensitive": "sex"}, "sensitive", "a list of objects"),
        ({"sensitive": ["sex"]}, "sensitive", "a list of objects"),
        ({"sensitive": [{"name": ""}]}, "sensitive", "needs a name"),
        ({"sensitive": [{"name": "sex"}, {"name": "sex"}]}, "sensitive", "declared twice"),
        ({"sensitive": [{"name": "approve"}]}, "sensitive", "is the target and cannot be sensitive too"),
        ({"sensitive": [{"name": "x", "column": "approve"}]}, "sensitive", "is the target"),
        ({"sensitive": [{"name": "race"}]}, "sensitive", "no column “race”"),
        ({"sensitive": [{"name": "sex", "kind": "guess"}]}, "sensitive", "no kind"),
        ({"sensitive": [{"name": "sex", "weight": 2}]}, "sensitive", "a field “weight”"),
        ({"sensitive": [{"name": "age"}]}, "sensitive", "has 70 values; at most 60 groups"),
        ({"sensitive": [{"name": "age", "kind": "cuts"}]}, "sensitive", "give one or more numbers"),
        ({"sensitive": [{"name": "age", "kind": "cuts", "cuts": [60, 25]}]}, "sensitive", "must rise"),
        ({"sensitive": [{"name": "age", "kind": "cuts", "cuts": [25, 25]}]}, "sensitive", "must rise"),
        ({"sensitive": [{"name": "age", "kind": "cuts", "cuts": [float("nan")]}]}, "sensitive", "numbers"),
        ({"sensitive": [{"name": "age", "kind": "cuts", "cuts": [True]}]}, "sensitive", "numbers"),
        ({"sensitive": [{"name": "sex", "kind": "cuts", "cuts": [1]}]}, "sensitive", "holds text"),
        ({"sensitive": [{"name": "race", "kind": "flags"}]}, "sensitive", "give each as a column and the label"),
        ({"sensitive": [{"name": "race", "kind": "flags", "flags": [["age"]]}]}, "sensitive", "a column and the label"),
        ({"sensitive": [{"name": "r", "kind": "flags", "flags": [["age", "A"], ["sex", "A"]]}]}, "sensitive", "differ"),
        (
            {"sensitive": [{"name": "r", "kind": "flags", "flags": [["age", "A"]], "otherwise": "A"}]},
            "sensitive",
            "differ",
        ),
        ({"sensitive": [{"name": "r", "kind": "flags", "flags": [["gone", "A"]]}]}, "sensitive", "no column “gone”"),
        ({"sensitive": [{"name": "r", "kind": "flags", "flags": [["approve", "A"]]}]}, "sensitive", "is the target"),
        ({"sensitive": [{"name": f"s{n}", "column": "sex"} for n in range(13)]}, "sensitive", "At most 12"),
        ({"weights": "x"}, "", "no field “weights”"),
    ],
)  # fmt: skip
def test_a_declaration_that_cannot_be_meant_is_refused_by_field(changed, field, words):
    found = problems(**changed)
    assert words in found.get(field, ""), found


@pytest.mark.parametrize("given", [None, [], "approve", 7])
def test_what_is_no_object_is_refused(given):
    assert "is an object" in rules.problems_of(given, COLUMNS)[""]


def test_a_value_unseen_in_the_profile_is_refused_only_when_every_value_is_known():
    seen = {"approve": {"type": "number", "distinct": 90, "top": [[1.0, 3]]}}
    assert rules.problems_of(SAID | {"favourable": "7"}, COLUMNS, seen) == {}


def test_the_canonical_form_says_every_field_and_keeps_the_meaning():
    said = rules.declaration_of(LOANS_SAID)
    assert said["sensitive"][1] == {
        "name": "male", "kind": "column", "column": "male", "cuts": [], "flags": [], "otherwise": "",
    }  # fmt: skip
    assert said["sensitive"][0]["flags"] == [["black", "Black"], ["hispan", "Hispanic"]]
    assert rules.declaration_of(said) == said


def test_attributes_are_told_in_words():
    race, male = rules.declaration_of(LOANS_SAID)["sensitive"]
    assert rules.in_words(race) == "race: Black (black), Hispanic (hispan), otherwise White"
    assert rules.in_words(male) == "male"
    assert rules.in_words(rules.declaration_of(SAID)["sensitive"][1]) == "age, cut at 25, 60"


# Who and when

ALLOWED = {
    "upload": {"builder"},
    "declare": {"builder"},
    "download": {"builder"},
    "withdraw": {"builder", "owner"},
}


def a_version(**fields):
    project = SimpleNamespace(name="Lending", closed_at=None)
    fields = {"withdrawn_at": None, "declaration": None, "project": project, "withdrawn_reason": ""} | fields
    return SimpleNamespace(**fields)


@pytest.mark.parametrize("verb", ALLOWED)
def test_only_some_roles_may(acme, verb):
    version = a_version()
    thing = version.project if verb == "upload" else version
    for role, member in acme.members.items():
        reason = getattr(rules, f"why_not_{verb}")(thing, by=member)
        assert (reason is None) == (role in ALLOWED[verb]), (role, reason)
        assert reason is None or reason.startswith("Only ")


def test_state_stands_in_the_way_too(acme):
    by, closed = acme.builder, SimpleNamespace(name="Lending", closed_at="then")
    assert "is closed" in rules.why_not_upload(closed, by=by)
    assert "is closed" in rules.why_not_declare(a_version(project=closed), by=by)
    assert "is withdrawn" in rules.why_not_declare(a_version(withdrawn_at="then"), by=by)
    assert "never changes" in rules.why_not_declare(a_version(declaration={}), by=by)
    assert "withdrawn already" in rules.why_not_withdraw(a_version(withdrawn_at="then"), by=by)
    assert "not declared" in rules.why_not_train_on(a_version())
    assert "was withdrawn: wrong" in rules.why_not_train_on(a_version(withdrawn_at="then", withdrawn_reason="wrong"))
    assert rules.why_not_train_on(a_version(declaration={})) is None


@pytest.mark.parametrize(
    ("state", "words"), [("queued", "under way"), ("running", "under way"), ("finished", "finished"), ("failed", None)]
)
def test_only_a_failed_profile_is_made_again(acme, state, words):
    reason = rules.why_not_profile(a_version(), SimpleNamespace(state=state), by=acme.builder)
    assert reason is None if words is None else words in reason
