"""The shape of a policy, as JSON Schema (draft 2020-12)."""

from typing import Any

from apps.approvals.gates.kinds import DOCUMENTS, FLAGS, PROVENANCE, STATEMENTS
from apps.reports.figures import REPORTS

# The words a signature may mean. A closed list: free text would let two readers understand two things.
MEANINGS = {
    "reviewed": "I reviewed this dossier",
    "validated": "I validated the evidence in this dossier",
    "risk accepted": "I accept the remaining risk",
    "responsibility accepted": "I take responsibility for this use",
    "approved": "I approve deployment",
}

RISK_CLASSES = ("minimal", "limited", "high")
LONGEST_VALID = {"minimal": 1096, "limited": 731, "high": 366}  # days: 36, 24 and 12 months
ROLES = ("reviewer",)  # who signs: the roles that hold approval.sign
VERDICTS = ("pass", "fail", "inconclusive", "missing", "stale", "waived")
CORRECTIONS = ("holm", "bonferroni")
ORDERS = ("parallel", "sequence")
ON_DEADLINE = ("remind", "return")
NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"

_TEXT = {"type": "string", "minLength": 1, "maxLength": 2000}
_LABEL = {"type": "string", "minLength": 1, "maxLength": 200}
_FLAGS = {"type": "array", "minItems": 1, "maxItems": len(FLAGS), "items": {"enum": list(FLAGS)}}
_EVIDENCE = {
    "report": {"enum": list(REPORTS)},
    "document": {"enum": list(DOCUMENTS)},
    "statement": {"enum": list(STATEMENTS)},
}
_ONE_EVIDENCE = [{"required": [word]} for word in _EVIDENCE]

_APPLIES_TO = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"answered_yes": _FLAGS, "answered_no": _FLAGS},
}

_RULE: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "anyOf": _ONE_EVIDENCE,
    "properties": {
        **_EVIDENCE,
        "max_age_days": {"type": "integer", "minimum": 1, "maximum": 3653},
        "figure": {"type": "string"},
        "of": _LABEL,
        "bound": {"enum": ["value", "lower", "upper"]},
        "at_least": {"type": "number"},
        "at_most": {"type": "number"},
        "minimum_group_size": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
        "correction": {"enum": list(CORRECTIONS)},
        "family": {"type": "string", "pattern": NAME, "maxLength": 80},
        "provenance": {"enum": list(PROVENANCE)},
        "waivable": {"type": "boolean"},
        "why": _TEXT,
    },
    "dependentRequired": {
        # A threshold word belongs to a figure.
        **{
            word: ["figure"]
            for word in ("of", "bound", "at_least", "at_most", "minimum_group_size", "correction", "family")
        },
        "max_age_days": ["report"],
        "provenance": ["report"],
    },
}

_CHECKED = ("report", "figure", "of", "bound", "at_least", "at_most", "minimum_group_size")
CHECK = {  # what a condition of a sign-off asks of one figure, as a policy's rule says it
    "type": "object",
    "additionalProperties": False,
    "required": ["report", "figure"],
    "properties": {word: _RULE["properties"][word] for word in _CHECKED},
}

_SIGNER = {
    "type": "object",
    "additionalProperties": False,
    "required": ["role", "meaning"],
    "properties": {
        "role": {"enum": list(ROLES)},
        "meaning": {"enum": list(MEANINGS)},
        "count": {"type": "integer", "minimum": 1, "maximum": 5},
    },
}

_CONDITIONS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "at_most": {"type": "integer", "minimum": 1, "maximum": 20},
        "due_days": {"type": "integer", "minimum": 1, "maximum": 365},
    },
}

_FIGURE_GIVEN = {
    "type": "object",
    "additionalProperties": False,
    "required": ["figure", "value"],
    "properties": {
        "figure": {"type": "string"},
        "of": _LABEL,
        **{word: {"type": "number"} for word in ("value", "low", "high")},
        "n": {"type": "integer", "minimum": 0},
        "smallest_group": {"type": "integer", "minimum": 0},
    },
}
_TEST = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "expect"],
    "properties": {
        "name": _LABEL,
        "sensitive": {"type": "array", "maxItems": 20, "items": _LABEL},
        "evidence": {
            "type": "array",
            "maxItems": 50,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "anyOf": _ONE_EVIDENCE,
                "properties": {
                    **_EVIDENCE,
                    "age_days": {"type": "integer", "minimum": 0, "maximum": 36530},
                    "provenance": {"enum": list(PROVENANCE)},
                    "figures": {"type": "array", "maxItems": 200, "items": _FIGURE_GIVEN},
                },
            },
        },
        "waived": {"type": "array", "maxItems": 100, "items": {"type": "integer", "minimum": 1}},
        "expect": {"enum": list(VERDICTS)},
        "rules": {
            "type": "array",
            "maxItems": 100,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["rule", "expect"],
                "properties": {
                    "rule": {"type": "integer", "minimum": 1},
                    "of": _LABEL,
                    "expect": {"enum": list(VERDICTS)},
                },
            },
        },
    },
}

POLICY = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Assay policy",
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "risk_class", "valid_days", "rules", "signers"],
    "properties": {
        "name": {"type": "string", "pattern": NAME, "maxLength": 80},
        "summary": _TEXT,
        "risk_class": {"enum": list(RISK_CLASSES)},
        "applies_to": _APPLIES_TO,
        "valid_days": {"type": "integer", "minimum": 1, "maximum": max(LONGEST_VALID.values())},
        "provenance": {"enum": list(PROVENANCE)},
        "rules": {"type": "array", "minItems": 1, "maxItems": 100, "items": _RULE},
        "signers": {"type": "array", "minItems": 1, "maxItems": 10, "items": _SIGNER},
        "order": {"enum": list(ORDERS)},
        "deadline_days": {"type": "integer", "minimum": 1, "maximum": 365},
        "on_deadline": {"enum": list(ON_DEADLINE)},
        "conditions": _CONDITIONS,
        "measured_by_others": {"type": "boolean"},  # who asked for its reports does not sign
        "tests": {"type": "array", "maxItems": 100, "items": _TEST},
    },
    "dependentRequired": {"on_deadline": ["deadline_days"]},
}
