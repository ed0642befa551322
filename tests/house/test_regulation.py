"""Every workflow rule is proved by tests that exist, or says why it was decided otherwise."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.house.regulation import evidence, incidents, signing

TESTS = Path(__file__).parents[1]
CHAPTERS = (signing, evidence, incidents)
RULES = {  # chapter: how many rules it has
    "SIG": 9, "SOD": 10, "RET": 4, "DOC": 4, "MC": 2, "DS": 2, "APP": 6, "WVR": 5, "REV": 4, "INC": 6, "LOG": 4,
}  # fmt: skip
ALL = {f"WF-{chapter}-{number}" for chapter, count in RULES.items() for number in range(1, count + 1)}
PROVED = {rule: tests for chapter in CHAPTERS for rule, tests in chapter.PROVED.items()}
OTHERWISE = {rule: why for chapter in CHAPTERS for rule, why in chapter.OTHERWISE.items()}
OPEN = {rule for chapter in CHAPTERS for rule in chapter.OPEN}


@cache
def named_in(file: str) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse((TESTS / file).read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_rule_has_its_place():
    assert PROVED.keys() | OTHERWISE.keys() | OPEN == ALL
    assert OPEN.isdisjoint(PROVED) and OPEN.isdisjoint(OTHERWISE)


@pytest.mark.parametrize("rule", sorted(PROVED))
def test_what_proves_a_rule_is_there(rule):
    assert PROVED[rule], f"{rule} names no test"
    for test in PROVED[rule]:
        file, _, name = test.partition("::")
        assert name in named_in(file), test


@pytest.mark.parametrize("rule", sorted(OTHERWISE))
def test_a_rule_decided_otherwise_says_what_holds_instead(rule):
    assert len(OTHERWISE[rule].split()) > 8, "a sentence, with the reason"
