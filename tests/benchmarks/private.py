"""An epoch under DP-SGD, against the same epoch without."""

from functools import partial

import numpy as np

from tests.benchmarks.clock import middle
from tests.benchmarks.table import Row

ROWS, WIDTH, BATCH, LAYERS = 32_561, 108, 256, (64, 32)


def measure(*, small: bool):
    from apps.ml.estimators import network, private
    from apps.ml.estimators.lesson import Lesson
    from apps.ml.recipes import Recipe

    drawn = np.random.default_rng(0)
    encoded = drawn.normal(size=(ROWS // 10 if small else ROWS, WIDTH))
    outcome = encoded[:, 0] + drawn.normal(size=len(encoded)) > 0
    shape = {"batch": BATCH, "layers": LAYERS, "epochs": 1}
    plain = network.begin(Lesson(encoded, outcome, Recipe("network", hyper=shape)))
    lesson = Lesson(encoded, outcome, Recipe("private_network", hyper=shape | {"noise": 1.0}))
    guarded, plan = network.begin(lesson), private.planned(lesson)
    private_epoch = partial(private.private_epoch, plan=plan, source=private.Seeded(guarded.generator))
    secure_epoch = partial(private.private_epoch, plan=plan, source=private.Secure())
    network.plain_epoch(plain), private_epoch(guarded)  # the first is slower: memory is laid out
    theirs = middle(lambda: network.plain_epoch(plain))
    ours = middle(lambda: private_epoch(guarded))
    secure = middle(lambda: secure_epoch(guarded))
    yield Row(
        f"DP-SGD epoch, {len(encoded):,} rows, batches of {BATCH}",
        "the same epoch without DP, batches indexed in memory",
        f"{ours:.2f} s against {theirs:.2f} s: **{ours / theirs:.1f}×**; with the secure generator"
        f" {secure / theirs:.1f}×",
        "at most 6×",
        max(ours, secure) <= 6 * theirs,
    )
