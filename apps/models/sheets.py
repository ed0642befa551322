"""What the page of a model version prints, made from its plain values."""

from apps.common.numbers import number, size

ESTIMATORS = {
    "logistic": "logistic regression",
    "boosting": "gradient boosting",
    "network": "neural network",
    "private_network": "private neural network",
}
FIGURES = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "roc_auc": "ROC AUC",
    "log_loss": "Log loss",
    "brier": "Brier score",
}
WORDS = {
    "estimator": "Learns by",
    "inputs_sensitive": "Sensitive columns are inputs",
    "class_weight": "Both outcomes weigh alike",
    "test_share": "Share of rows held back",
    "folds": "Folds of cross-validation",
    "seed": "Seed",
}
PLACES = 3


def sheet(version) -> dict:
    return {
        "answer": answer(version),
        "figures": _figures(version.metrics.get("holdout")),
        "fold_labels": list(FIGURES.values()),
        "folds": [_fold(fold) for fold in version.metrics.get("folds", [])],
        "files": sorted(version.files.items()),
        "recipe": [(_words(name), _shown(value)) for name, value in _flat(version.recipe)],
        "device": device(version.device),
    }


def answer(version) -> str:
    """The first sentence of the page: what it is, who made it, from what."""
    what = ESTIMATORS.get(version.recipe["estimator"], version.recipe["estimator"])
    declared = version.dataset_version.declaration or {}
    of = f" that predicts {declared['target']} = {declared['favourable']}" if declared else ""
    return f"A {what}{of}, trained by {version.trained_by.user} on {version.dataset_version}."


def device(facts: dict) -> str:
    name = facts.get("name") or facts.get("kind", "cpu").upper()
    parts = [name, facts.get("precision")]
    if threads := facts.get("threads"):
        parts.append(f"{threads} thread{'s' if threads > 1 else ''}")
    if "memory_bytes" in facts:
        parts.append(f"{size(facts['memory_bytes'])} at most")
    return ", ".join(part for part in parts if part)


def _figures(held: dict | None) -> list[dict]:
    if not held:
        return []
    intervals = held.get("intervals", {})
    return [
        {"label": label, "value": held[name], "low": low, "high": high, "n": held["n"]}
        for name, label in FIGURES.items()
        if name in held
        for low, high in [intervals.get(name, (None, None))]
    ]


def _fold(fold: dict) -> list[str]:
    return [number(fold["n"]), *(number(fold[name], PLACES) for name in FIGURES)]


def _flat(recipe: dict):
    """What is shared by all estimators in a fixed order, then the knobs of this one."""
    yield from ((name, recipe[name]) for name in WORDS if name in recipe)
    yield from sorted(recipe.get("hyper", {}).items())


def _words(name: str) -> str:
    return WORDS.get(name) or (name.replace("_", " ").capitalize() if len(name) > 1 else name)


def _shown(value) -> str:
    if value is None:
        return "left open"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
