"""Gradient boosted trees (scikit-learn's histogram boosting), kept with skops under a list of allowed types."""

import io
import json
import zipfile

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss
from skops import io as skops
from threadpoolctl import threadpool_limits

from apps.ml.estimators.lesson import Learned, finite, row_weights

FILE = "trees.skops"
ALLOWED = {"sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"}
ROUND = 10  # trees between two reports
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest moment a ZIP can hold


class Trees:
    """Boosted trees that answer with log odds."""

    def __init__(self, classifier):
        self.classifier = classifier

    def margin(self, encoded):
        """(n,) log odds of the favourable outcome for encoded rows (n, d); NaN is a gap."""
        return self.classifier.decision_function(encoded)


def fit(lesson):
    """Learn round by round; early stopping watches a tenth of the training rows."""
    knobs, history = lesson.recipe.knobs, []
    weights = row_weights(lesson.outcome, lesson.recipe.class_weight)
    trees = HistGradientBoostingClassifier(
        learning_rate=knobs["learning_rate"],
        max_leaf_nodes=knobs["max_leaf_nodes"],
        early_stopping=knobs["early_stopping"],
        random_state=lesson.recipe.seed,
        categorical_features=None,
        warm_start=True,
    )
    grown = 0
    with threadpool_limits(lesson.threads):
        while grown < knobs["max_iter"]:
            target = min(grown + ROUND, knobs["max_iter"])
            trees.set_params(max_iter=target).fit(lesson.encoded, lesson.outcome, sample_weight=weights)
            grown = trees.n_iter_
            history.append(_line(trees, lesson, weights))
            lesson.report(history[-1] | {"epochs": knobs["max_iter"]})
            if grown < target:
                break
    return Learned(save(trees), history, {"kind": "cpu", "threads": lesson.threads, "precision": "fp64"})


def _line(trees, lesson, weights):
    watched = trees.validation_score_
    probability = trees.predict_proba(lesson.encoded)[:, 1]
    return {
        "epoch": trees.n_iter_,
        "loss": finite(log_loss(lesson.outcome, probability, sample_weight=weights), trees.n_iter_),
        "validation_loss": -float(watched[-1]) if len(watched) else None,
    }


def save(trees):
    """The one file that holds the trees; the same trees give the same bytes."""
    return {FILE: _canonical(skops.dumps(trees))}


def load(files):
    """Trees from their file. Raises ValueError for any type that a tree model has no need of."""
    data = files[FILE]
    foreign = set(skops.get_untrusted_types(data=data)) - ALLOWED
    if foreign:
        raise ValueError(f"{FILE} holds types that are not allowed: {', '.join(sorted(foreign))}.")
    classifier = skops.loads(data, trusted=sorted(ALLOWED))
    if not isinstance(classifier, HistGradientBoostingClassifier):
        raise ValueError(f"{FILE} holds a {type(classifier).__name__}, not boosted trees.")
    if not np.array_equal(classifier.classes_, [False, True]):
        raise ValueError(f"{FILE} holds trees for outcomes other than favourable and not.")
    return Trees(classifier)


def _canonical(data):
    """The same skops archive without what differs between two runs: memory addresses and the time of day."""
    numbers = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema = _renumbered(json.loads(archive.read("schema.json")), numbers)
        arrays = {
            f"{numbers[name]}.npy": archive.read(f"{name}.npy") for name in list(numbers) if _holds(archive, name)
        }
    canonical = io.BytesIO()
    with zipfile.ZipFile(canonical, "w") as archive:
        for name, content in {"schema.json": json.dumps(schema).encode(), **arrays}.items():
            archive.writestr(zipfile.ZipInfo(name, LONG_AGO), content, zipfile.ZIP_DEFLATED)
    return canonical.getvalue()


def _renumbered(node, numbers):
    """A schema with its addresses replaced by 1, 2, 3… in order of first mention."""
    if isinstance(node, list):
        return [_renumbered(part, numbers) for part in node]
    if not isinstance(node, dict):
        return node
    renamed = {}
    for key, value in node.items():
        if key == "__id__":
            renamed[key] = numbers.setdefault(str(value), len(numbers) + 1)
        elif key == "file":
            address = value.removesuffix(".npy")
            renamed[key] = f"{numbers.setdefault(address, len(numbers) + 1)}.npy"
        else:
            renamed[key] = _renumbered(value, numbers)
    return renamed


def _holds(archive, name):
    return f"{name}.npy" in archive.NameToInfo
