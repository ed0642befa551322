"""Who may do what with data, when; and whether a declaration makes sense for the columns it speaks of."""

import math
from itertools import pairwise

from apps.accounts.permissions import Permission, why_not
from apps.common.work import WorkState

LONGEST_NAME = 120
MOST_ATTRIBUTES = 12
MOST_GROUPS = 60
KINDS = {
    "column": "the column's values as they are",
    "cuts": "a column of numbers cut into ranges",
    "flags": "several 0/1 columns combined",
}


LARGEST_CAP = 1000  # epsilon


def why_not_upload(project, *, by) -> str | None:
    if reason := why_not(by, Permission.DATASET_ADD):
        return reason
    if project.closed_at:
        return f"The project {project.name} is closed."
    return None


def why_not_declare(version, *, by) -> str | None:
    if reason := why_not(by, Permission.DATASET_DECLARE):
        return reason
    if version.withdrawn_at:
        return f"{version} is withdrawn."
    if version.declaration is not None:
        return f"{version} is declared, and a declaration never changes. To say it differently, add a new version."
    if version.project.closed_at:
        return f"The project {version.project.name} is closed."
    return None


def why_not_withdraw(version, *, by) -> str | None:
    if reason := why_not(by, Permission.DATASET_WITHDRAW):
        return reason
    return f"{version} is withdrawn already." if version.withdrawn_at else None


def why_not_download(version, *, by) -> str | None:
    return why_not(by, Permission.DATASET_DOWNLOAD)


def why_not_budget(dataset, *, by) -> str | None:
    if reason := why_not(by, Permission.BUDGET_SET):
        return reason
    return f"The project {dataset.project.name} is closed." if dataset.project.closed_at else None


def why_not_cap(cap: float | None, *, spent: float) -> str | None:
    """Against this number as the most that runs may spend together; None takes the cap away."""
    if cap is not None and not 0 < cap <= LARGEST_CAP:
        return f"A budget is a number above 0 and at most {LARGEST_CAP:,}; beyond that it promises nothing."
    if cap is not None and cap < spent:
        return f"ε {spent:.4g} are spent already, and nobody can take that back; give at least as much."
    return None


def why_not_profile(version, profile, *, by) -> str | None:
    """Whether a failed profile may be asked for again."""
    if reason := why_not(by, Permission.DATASET_ADD):
        return reason
    if version.withdrawn_at:
        return f"{version} is withdrawn."
    if profile is None or profile.state in (WorkState.FAILED, WorkState.CANCELLED):
        return None
    return "Its profile is finished." if profile.state == WorkState.FINISHED else "Its profile is under way."


def why_not_train_on(version) -> str | None:
    """What speaks against learning from a version, for rooms above; whoever asks."""
    if version.withdrawn_at:
        return f"{version} was withdrawn: {version.withdrawn_reason}"
    if version.declaration is None:
        return f"{version} is not declared: nobody has said what its columns mean."
    return None


# Declarations. What is given is JSON from anywhere, so every shape is checked.


def problems_of(given, columns, seen=None) -> dict[str, str]:
    """What is wrong with a declaration, by field. `seen` maps a column to its facts in a finished profile, if any."""
    if not isinstance(given, dict):
        return {"": "A declaration is an object with target, favourable, sensitive, left_out and missing."}
    if unknown := set(given) - {"target", "favourable", "sensitive", "left_out", "missing"}:
        return {"": f"A declaration has no field “{min(unknown)}”."}
    found = {
        "target": _target_problem(given, columns, seen or {}),
        "favourable": _favourable_problem(given, seen or {}),
        "sensitive": _sensitive_problem(given, columns, seen or {}),
        "left_out": _left_out_problem(given, columns),
        "missing": _missing_problem(given),
    }
    problems = {field: problem for field, problem in found.items() if problem}
    return problems or _nothing_left(given, columns)


def _target_problem(given, columns, seen) -> str | None:
    target = given.get("target")
    if not _is_text(target):
        return "Choose the column that is to be predicted."
    if target not in columns:
        return _no_column(target, columns)
    facts = seen.get(target)
    if facts and facts["distinct"] < 2:
        return f"“{target}” has the same value in every row, so there is nothing to learn. Choose another target."
    return None


def _favourable_problem(given, seen) -> str | None:
    favourable, target = given.get("favourable"), given.get("target")
    if not _is_text(favourable):
        return "Say which value of the target is the favourable one."
    facts = seen.get(target) if _is_text(target) else None
    if not facts or not facts.get("top") or facts["distinct"] > len(facts["top"]):
        return None  # not every value of the target is known
    values = [shown(value) for value, _ in facts["top"]]
    if facts["type"] == "number":
        return None if _as_number(favourable) in [value for value, _ in facts["top"]] else _never(favourable, values)
    return None if favourable in values else _never(favourable, values)


def _never(favourable, values) -> str:
    return f"The target never has the value “{favourable}”. Its values are {_some(values)}."


def _sensitive_problem(given, columns, seen) -> str | None:
    attributes = given.get("sensitive", [])
    if not isinstance(attributes, list) or not all(isinstance(one, dict) for one in attributes):
        return "Sensitive attributes are a list of objects with a name and a kind."
    if len(attributes) > MOST_ATTRIBUTES:
        return f"At most {MOST_ATTRIBUTES} sensitive attributes can be judged together."
    names = [one.get("name") for one in attributes]
    for one, name in zip(attributes, names, strict=True):
        if not _is_text(name) or len(name) > LONGEST_NAME:
            return f"Each sensitive attribute needs a name of at most {LONGEST_NAME} characters."
        if names.count(name) > 1:
            return f"“{name}” is declared twice as sensitive. Give each attribute a name of its own."
        if problem := _attribute_problem(one, given.get("target"), columns, seen):
            return problem
    return None


def _attribute_problem(one, target, columns, seen) -> str | None:
    name, kind = one["name"], one.get("kind", "column")
    if kind not in KINDS:
        return f"“{name}” has no kind of attribute the portal knows. Choose {_some(KINDS)}."
    if unknown := set(one) - {"name", "kind", "column", "cuts", "flags", "otherwise"}:
        return f"“{name}” has a field “{min(unknown)}” the portal does not know."
    if kind == "flags":
        read, problem = _flags_problem(one)
    else:
        read = [one.get("column") or name]
        problem = _cuts_problem(one, seen.get(read[0]) if _is_text(read[0]) else None) if kind == "cuts" else None
    if problem:
        return problem
    for column in read:
        if column not in columns:
            return f"“{name}”: {_no_column(column, columns)}"
        if column == target:
            return (
                f"“{column}” is the target and cannot be sensitive too: a model cannot be judged by what it predicts."
            )
    return _too_many_groups(name, seen.get(read[0])) if kind == "column" else None


def _too_many_groups(name, facts) -> str | None:
    if facts and facts["distinct"] > MOST_GROUPS:
        advice = "Cut it into ranges." if facts["type"] == "number" else "Choose a coarser column."
        return f"“{name}” has {facts['distinct']:,} values; at most {MOST_GROUPS} groups can be compared. {advice}"
    return None


def _cuts_problem(one, facts) -> str | None:
    name, cuts = one["name"], one.get("cuts")
    if not isinstance(cuts, list) or not cuts or not all(_is_number(cut) for cut in cuts):
        return f"“{name}” is to be cut into ranges: give one or more numbers, such as 25, 60."
    if len(cuts) >= MOST_GROUPS or any(low >= high for low, high in pairwise(cuts)):
        return f"The cuts of “{name}” must rise, each once, and be fewer than {MOST_GROUPS}."
    if facts and facts["type"] == "category":
        return f"“{name}” cuts a column that holds text. Use its values as they are."
    return None


def _flags_problem(one) -> tuple[list[str], str | None]:
    name, flags = one["name"], one.get("flags")
    pairs = flags if isinstance(flags, list) else []
    if not pairs or not all(
        isinstance(pair, list | tuple) and len(pair) == 2 and all(map(_is_text, pair)) for pair in pairs
    ):
        return [], f"“{name}” combines 0/1 columns: give each as a column and the label of its group."
    columns, labels = zip(*pairs, strict=True)
    if len(set(columns)) < len(columns) or len({*labels, one.get("otherwise", "")}) <= len(labels):
        return [], f"The columns and labels of “{name}” must differ from each other."
    if len(columns) > 8:
        return [], f"“{name}” combines more than 8 columns."
    if not isinstance(one.get("otherwise", ""), str) or len(one.get("otherwise", "")) > LONGEST_NAME:
        return [], f"The label of “{name}” for all other rows is text of at most {LONGEST_NAME} characters."
    return list(columns), None


def _left_out_problem(given, columns) -> str | None:
    left_out = given.get("left_out", [])
    if not isinstance(left_out, list) or not all(map(_is_text, left_out)):
        return "Columns to leave out are a list of names."
    for column in left_out:
        if column not in columns:
            return _no_column(column, columns)
        if column == given.get("target"):
            return f"“{column}” is the target; it cannot be left out."
    return "A column is named twice." if len(set(left_out)) < len(left_out) else None


def _missing_problem(given) -> str | None:
    missing = given.get("missing", [])
    if not isinstance(missing, list) or not all(_is_text(marker) and len(marker) <= 60 for marker in missing):
        return "What marks a missing value is a list of short texts, such as ? or 999. Empty cells are always missing."
    if len(missing) > 50:
        return "At most 50 marks of missing values can be declared."
    favourable = given.get("favourable")
    if favourable in missing:
        return f"“{favourable}” is the favourable value; it cannot mean missing too."
    return None


def _nothing_left(given, columns) -> dict[str, str]:
    if set(columns) - {given["target"], *given.get("left_out", [])}:
        return {}
    return {"left_out": "Nothing is left to learn from. Leave out fewer columns."}


def declaration_of(given) -> dict:
    """A checked declaration in its one canonical form: every field there, cuts as numbers, flags as pairs."""
    return {
        "target": given["target"],
        "favourable": given["favourable"],
        "sensitive": [_attribute_of(one) for one in given.get("sensitive", [])],
        "left_out": list(given.get("left_out", [])),
        "missing": list(dict.fromkeys(given.get("missing", []))),
    }


def _attribute_of(one) -> dict:
    kind = one.get("kind", "column")
    return {
        "name": one["name"],
        "kind": kind,
        "column": None if kind == "flags" else one.get("column") or one["name"],
        "cuts": [float(cut) for cut in one["cuts"]] if kind == "cuts" else [],
        "flags": [list(pair) for pair in one["flags"]] if kind == "flags" else [],
        "otherwise": one.get("otherwise", "") if kind == "flags" else "",
    }


def in_words(attribute: dict) -> str:
    """A sensitive attribute of a declaration as a person reads it."""
    if attribute["kind"] == "cuts":
        return f"{attribute['name']}, cut at {', '.join(f'{cut:g}' for cut in attribute['cuts'])}"
    if attribute["kind"] == "flags":
        flags = ", ".join(f"{label} ({column})" for column, label in attribute["flags"])
        return f"{attribute['name']}: {flags}, otherwise {attribute['otherwise'] or 'none of these'}"
    column = attribute["column"]
    return attribute["name"] if column == attribute["name"] else f"{attribute['name']} (column {column})"


def shown(value, digits: int = 12) -> str:
    """A value of a profile as people write it: 1.0 is “1”."""
    return f"{value:.{digits}g}" if isinstance(value, float | int) else str(value)


def _is_text(value) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _as_number(text) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _no_column(name, columns) -> str:
    return f"There is no column “{name}”. The columns are {_some(columns)}."


def _some(names, most: int = 8) -> str:
    names = list(names)
    listed = ", ".join(f"“{name}”" for name in names[:most])
    return listed if len(names) <= most else f"{listed} and {len(names) - most:,} more"
