"""Logistic regression with an L2 penalty, by L-BFGS.

The same objective as scikit-learn's LogisticRegression (1/C · ‖w‖²/2 + the sum of the rows' log losses, intercept not
penalised) and the same minimiser; written out so that each iteration can be watched and stopped.
"""

import numpy as np
from scipy import optimize, special

from apps.ml.estimators import layers
from apps.ml.estimators.lesson import Learned, finite, row_weights

TOLERANCE = 1e-4  # of the largest entry of the mean loss's gradient


def fit(lesson):
    knobs, history = lesson.recipe.knobs, []
    weights = row_weights(lesson.outcome, lesson.recipe.class_weight)
    objective = _objective(lesson.encoded, lesson.outcome.astype(float), weights, knobs["C"])

    def watch(intermediate_result):
        epoch = len(history) + 1
        history.append({"epoch": epoch, "loss": finite(intermediate_result.fun, epoch), "validation_loss": None})
        lesson.report(history[-1] | {"epochs": knobs["max_iter"]})

    found = optimize.minimize(
        objective,
        np.zeros(lesson.encoded.shape[1] + 1),
        jac=True,
        method="L-BFGS-B",
        callback=watch,
        options={
            "maxiter": knobs["max_iter"],
            "maxfun": 20 * knobs["max_iter"],
            "maxls": 50,
            "gtol": TOLERANCE,
            "ftol": 64 * np.finfo(float).eps,
        },
    )
    finite(found.fun, len(history))
    learned = layers.Layers((found.x[None, :-1],), (found.x[-1:],))
    return Learned(layers.save(learned), history, {"kind": "cpu", "threads": lesson.threads, "precision": "fp64"})


def _objective(encoded, outcome, weights, inverse_penalty):
    """Mean penalised log loss and its gradient, as a function of (d + 1,) coefficients, the intercept last."""
    total = weights.sum()
    penalty = 1 / (inverse_penalty * total)

    def value_and_gradient(coefficients):
        slope, margin = coefficients[:-1], encoded @ coefficients[:-1] + coefficients[-1]
        loss = weights @ (np.logaddexp(0, margin) - outcome * margin) / total + penalty * (slope @ slope) / 2
        pull = weights * (special.expit(margin) - outcome) / total
        return loss, np.append(encoded.T @ pull + penalty * slope, pull.sum())

    return value_and_gradient
