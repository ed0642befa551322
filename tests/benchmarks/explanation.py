"""SHAP of a network in its original columns, against shap's KernelExplainer with the same background."""

import numpy as np

from tests.benchmarks.clock import middle, took
from tests.benchmarks.table import Row

OWNER = np.concatenate([np.repeat(np.arange(8), [9, 16, 7, 15, 6, 5, 2, 42]), np.arange(8, 14)])  # Adult's columns
WIDTH, BACKGROUND, BUDGET, EXPLAINED, TIMED = len(OWNER), 50, 128, 100, 3  # BUDGET: coalitions a row


def measure(*, small: bool):
    import shap

    from apps.ml import explanation

    drawn = np.random.default_rng(7)
    model = _network(explanation, drawn)
    rows, background = (drawn.normal(size=(n, WIDTH)).astype(np.float32) for n in (EXPLAINED, BACKGROUND))
    ours, _ = explanation.shapley(model, rows, background, OWNER, budget=BUDGET)
    ours_took = middle(lambda: explanation.shapley(model, rows, background, OWNER, budget=BUDGET), 3) / EXPLAINED
    kernel, found = shap.KernelExplainer(model, background), []
    theirs_took = took(lambda: found.append(kernel.shap_values(rows[:TIMED], silent=True))) / TIMED
    theirs = np.stack([found[0][:, player == OWNER].sum(axis=1) for player in range(OWNER.max() + 1)], axis=1)
    exact, _ = explanation.shapley(model, rows[:TIMED], background, OWNER, budget=2**14)
    errors = [np.abs(values - exact).mean() for values in (ours[:TIMED], theirs)]
    yield Row(
        "SHAP for a network, 14 columns become 108, 128 coalitions",
        f"shap’s KernelExplainer, the same {BACKGROUND} background rows",
        f"{1 / ours_took:,.0f} rows a second against {1 / theirs_took:.2f}: **{theirs_took / ours_took:,.0f}×**,"
        f" error {errors[0]:.1e} against {errors[1]:.1e}",
        "at least 50×, at no more error",
        theirs_took >= 50 * ours_took and errors[0] <= errors[1],
    )


def _network(explanation, drawn):
    first, middle_layer, last = (
        drawn.normal(size=shape, scale=0.3).astype(np.float32) for shape in ((WIDTH, 64), (64, 32), (32,))
    )

    def rest(hidden):
        margin = np.maximum(np.maximum(hidden, 0) @ middle_layer, 0) @ last
        return 1 / (1 + np.exp(-margin))

    return explanation.Layered(first, np.zeros(64, np.float32), rest)
