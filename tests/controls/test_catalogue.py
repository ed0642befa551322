"""The catalogue holds to its own schema: six files, 161 clauses, closed lists."""

import jsonschema
import pytest

from apps.controls.catalogue import FOLDER, GATES, KINDS, SHORT, controls, frameworks, source
from apps.controls.rules import FACTS, FLAGS
from apps.controls.rules.retention import KEPT, minimums
from apps.projects.rules import NAMES

TEXT = {"type": "string", "minLength": 1}
LEVELS = {"enum": ["minimal", "limited", "high", "unacceptable"]}
DAY = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
CONTROL = {
    "type": "object",
    "required": ["id", "reference", "title", "requirement", "risk_levels", "due", "evidence", "check", "basis"],
    "additionalProperties": False,
    "properties": {
        **dict.fromkeys(("id", "reference", "title", "requirement", "check"), TEXT),
        "risk_levels": {"type": "array", "items": LEVELS, "minItems": 1, "uniqueItems": True},
        "due": {"enum": list(GATES)},
        "evidence": {"type": "array", "items": {"enum": list(KINDS)}, "minItems": 1, "uniqueItems": True},
        "applies_when": {"type": "array", "items": {"enum": sorted(FLAGS)}, "uniqueItems": True},
        "applies_from": DAY,
        "basis": {"enum": ["stored", "k"]},
    },
}
FILE = {
    "type": "object",
    "required": ["id", "title", "version", "date", "source", "status", "controls"],
    "additionalProperties": False,
    "properties": {
        **dict.fromkeys(("id", "title", "version", "date", "source", "status"), TEXT),
        "notes": {"type": "array", "items": TEXT},
        "controls": {"type": "array", "items": CONTROL, "minItems": 1},
    },
}


@pytest.mark.parametrize("name", SHORT)
def test_each_file_keeps_the_schema(name):
    told = source(name)
    jsonschema.Draft202012Validator(FILE).validate(told)
    assert told["id"] == name


def test_it_is_all_there_and_each_clause_has_a_name_of_its_own():
    assert {path.stem for path in FOLDER.glob("*.yaml")} - {"retention"} == set(SHORT)
    counts = {name: len(framework.controls) for name, framework in frameworks().items()}
    assert counts == {"eu-ai-act": 30, "gdpr": 26, "nist-ai-rmf": 30, "iso-42001": 30, "sr-11-7": 25, "nyc-ll144": 20}
    assert len(controls()) == 161
    assert {kind for control in controls().values() for kind in control.evidence} == set(KINDS)
    assert len(KINDS) == 25


def test_every_flag_is_a_question_or_a_stated_fact_and_none_is_both():
    read = {flag for control in controls().values() for flag in control.applies_when}
    assert read <= FLAGS
    assert not set(NAMES) & {fact.name for fact in FACTS}
    assert all(not fact.needs or fact.needs in NAMES for fact in FACTS)
    assert {fact.name for fact in FACTS} - read == {"continual_learning"}  # read by the check of AIA-15-ROB


def test_it_cannot_be_changed_by_accident():
    with pytest.raises(AttributeError):
        controls()["AIA-05"].due = "retirement"


def test_the_retention_classes_cover_what_is_kept():
    assert all(set(row.covers) <= set(KEPT) and row.days > 0 and set(row.applies_when) <= FLAGS for row in minimums())
    assert len(minimums()) == 8
