"""The estimators a recipe may name. Each module has `LAYOUT`, `fit(lesson)` and `load(files)`."""

from importlib import import_module

MODULES = {
    "logistic": "apps.ml.estimators.logistic",
    "boosting": "apps.ml.estimators.boosting",
    "network": "apps.ml.estimators.network",
    "private_network": "apps.ml.estimators.private",
}
LAYOUTS = {"logistic": "one_hot", "boosting": "coded", "network": "one_hot", "private_network": "one_hot"}


def fit(lesson):
    """Learn from a Lesson; imports only the libraries this estimator needs."""
    return import_module(MODULES[lesson.recipe.estimator]).fit(lesson)


def load(estimator, files):
    """The learned weights as an object with `margin(encoded) -> (n,) log odds of the favourable outcome`."""
    if estimator == "boosting":
        from apps.ml.estimators import boosting

        return boosting.load(files)
    from apps.ml.estimators import layers

    return layers.load(files)
