"""Linear layers with ReLU between them, in numpy: how networks and logistic regressions are kept and asked.

Loading and asking needs no torch, so that a serving process stays small. A logistic regression is one layer.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors

FILE = "weights.safetensors"


@dataclass(frozen=True)
class Layers:
    """`weights[i]` is (out, in) and `biases[i]` (out,), as torch keeps them; the last layer has one output."""

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]

    def margin(self, encoded):
        """(n,) float64 log odds of the favourable outcome for encoded rows (n, d)."""
        activation = np.asarray(encoded, self.weights[0].dtype)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            activation = np.maximum(activation @ weight.T + bias, 0)
        return (activation @ self.weights[-1].T + self.biases[-1])[:, 0].astype(float)


def save(layers):
    """The one file that holds these layers; the same layers give the same bytes."""
    tensors = {f"layers.{i}.weight": np.ascontiguousarray(weight) for i, weight in enumerate(layers.weights)}
    tensors |= {f"layers.{i}.bias": np.ascontiguousarray(bias) for i, bias in enumerate(layers.biases)}
    return {FILE: write_tensors(tensors)}


def load(files):
    """Layers from their file. Raises ValueError for tensors that do not fit together."""
    tensors = read_tensors(files[FILE])
    count = len(tensors) // 2
    try:
        layers = Layers(
            tuple(tensors[f"layers.{i}.weight"] for i in range(count)),
            tuple(tensors[f"layers.{i}.bias"] for i in range(count)),
        )
    except KeyError as missing:
        raise ValueError(f"{FILE} lacks the tensor {missing}.") from missing
    if not count or not _fit_together(layers):
        raise ValueError(f"{FILE} holds tensors whose shapes do not fit together.")
    return layers


def _fit_together(layers):
    widths = [weight.shape for weight in layers.weights]
    chained = all(before[0] == after[1] for before, after in pairwise(widths))
    biased = all(bias.shape == shape[:1] for bias, shape in zip(layers.biases, widths, strict=True))
    return chained and biased and widths[-1][0] == 1
