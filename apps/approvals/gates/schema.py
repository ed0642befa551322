"""The shape of a policy, as JSON Schema (draft 2020-12)."""

from apps.approvals.gates.figures import REPORTS

# The words a signature may mean. A closed list: free text would let two readers understand two things.
MEANINGS = {
    "reviewed": "I reviewed this dossier",
    "validated": "I validated the evidence in this dossier",
    "risk accepted": "I accept the remaining risk",
    "responsibility accepted": "I take responsibility for this use",
    "approved": "I approve deployment",
}

RISK_CLASSES = ("minimal", "limited", "high")
NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"

_TEXT = {"type": "string", "minLength": 1, "maxLength": 2000}

_RULE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["report"],
    "properties": {
        "report": {"enum": list(REPORTS)},
        "max_age_days": {"type": "integer", "minimum": 1, "maximum": 3653},
        "figure": {"type": "string"},
        "of": {"type": "string", "minLength": 1, "maxLength": 200},
        "bound": {"enum": ["value", "lower", "upper"]},
        "at_least": {"type": "number"},
        "at_most": {"type": "number"},
        "minimum_group_size": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
        "why": _TEXT,
    },
    # A threshold word belongs to a figure.
    "dependentRequired": {word: ["figure"] for word in ("of", "bound", "at_least", "at_most", "minimum_group_size")},
}

_SIGNER = {
    "type": "object",
    "additionalProperties": False,
    "required": ["role", "meaning"],
    "properties": {
        "role": {"enum": ["reviewer"]},
        "meaning": {"enum": list(MEANINGS)},
        "count": {"type": "integer", "minimum": 1, "maximum": 5},
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
        "valid_days": {"type": "integer", "minimum": 1, "maximum": 1096},
        "rules": {"type": "array", "minItems": 1, "maxItems": 100, "items": _RULE},
        "signers": {"type": "array", "minItems": 1, "maxItems": 10, "items": _SIGNER},
    },
}
