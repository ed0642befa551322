"""A trained model as files, and back. Nothing is pickled: JSON, safetensors, skops with a list of allowed types."""

import hashlib
import json
import sys
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np
import polars as pl
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors
from scipy import special

from apps.ml import estimators
from apps.ml.preparation import Preparation
from apps.ml.tables import blank_numbers, blank_text, number_markers, some

DESCRIPTION, SPLIT = "model.json", "split.safetensors"
FORMAT = "assay-model/1"
LIBRARIES = ("numpy", "polars", "safetensors", "scikit-learn", "scipy", "skops", "torch", "opacus")
THRESHOLD = 0.5


class ArtifactProblem(ValueError):
    """The files are no model this portal wrote, or the rows do not fit it: one sentence."""


@dataclass(frozen=True)
class Model:
    """A trained model that can be asked; probabilities are of the favourable outcome throughout."""

    kind: str
    preparation: Preparation
    target: str
    favourable: str
    recipe: dict[str, Any]
    missing: tuple[str, ...]
    libraries: dict[str, str]
    weights: Any = field(repr=False)
    test_rows: np.ndarray | None = field(default=None, repr=False)
    threshold: float = THRESHOLD

    @property
    def columns(self):
        """The inputs, in the order of the training table."""
        return self.preparation.columns

    @property
    def schema(self):
        """The inputs as plain values: what a row must carry to be answered."""
        return [_described(column) for column in self.columns]

    @property
    def encoded_groups(self):
        """[(original column, indices of its encoded columns)]."""
        return self.preparation.groups

    def encode(self, frame):
        """(n, width) float64. Raises ArtifactProblem if the frame lacks an input or holds text where numbers belong."""
        if lacking := [column.name for column in self.columns if column.name not in frame.columns]:
            raise ArtifactProblem(f"The table lacks the model's inputs {some(lacking)}. Bring a table that has them.")
        for column in self.columns:
            if column.kind == "number" and not frame[column.name].dtype.is_numeric():
                raise ArtifactProblem(
                    f"Column “{column.name}” holds text, but the model learned it as numbers. Correct the table, or "
                    "declare the text as a mark of missing values."
                )
        return self.preparation.encode(frame)

    def margin(self, encoded):
        """(n,) log odds for encoded rows (n, width)."""
        return self.weights.margin(encoded)

    def score(self, encoded):
        """(n,) probability for encoded rows (n, width)."""
        return special.expit(self.margin(encoded))

    def probability(self, frame):
        """(n,) probability for a table."""
        return self.score(self.encode(frame))

    def frame(self, rows):
        """Rows that have no problems, as a table."""
        return pl.DataFrame([self._series(column, [row.get(column.name) for row in rows]) for column in self.columns])

    def problems(self, rows):
        """[{"row", "field", "problem"}] for rows given as dicts, counted from 0; empty when all can be answered."""
        return [
            {"row": number, "field": name, "problem": problem}
            for number, row in enumerate(rows)
            for name, problem in self._row_problems(row)
        ]

    def _row_problems(self, row):
        if not isinstance(row, dict):
            return [("", "A row is an object with one value for each input.")]
        names = {column.name for column in self.columns}
        found = [(name, "This is no input of the model: leave it out.") for name in row if name not in names]
        said = ((column.name, self._value_problem(column, row)) for column in self.columns)
        return [*found, *((name, problem) for name, problem in said if problem)]

    def _value_problem(self, column, row):
        value = row.get(column.name)
        if value is not None and not _fits(column, value):
            return "This must be a finite number." if column.kind == "number" else "This must be text."
        if value is None or self._marks_missing(value):
            return "This input is missing, and no training row went without it." if column.needed else None
        if column.kind == "category" and column.complete and value not in column.values:
            known = some([known for known in column.values if known is not None], most=20)
            return f"“{value}” is none of the values the model learned from: {known}."
        return None

    def _marks_missing(self, value):
        if isinstance(value, str):
            return value.strip() in ("", *(marker.strip() for marker in self.missing))
        return float(value) in self._number_marks

    @cached_property
    def _number_marks(self):
        return frozenset(number_markers(self.missing))

    def _series(self, column, values):
        if column.kind == "number":
            return blank_numbers(pl.Series(column.name, values, dtype=pl.Float64, strict=False), self.missing)
        return blank_text(pl.Series(column.name, values, dtype=pl.String), self.missing)


def describe(recipe, declaration, preparation):
    """The file that says what the weights mean."""
    return {
        DESCRIPTION: _json(
            {
                "format": FORMAT,
                "recipe": recipe.to_json(),
                "target": declaration.target,
                "favourable": declaration.favourable,
                "missing": list(declaration.missing),
                "threshold": THRESHOLD,
                "preparation": preparation.to_json(),
                "libraries": {name: version(name) for name in LIBRARIES},
            }
        )
    }


def keep_split(test_rows):
    """The file that says which rows of the data were held back; `test_rows` (n,) bool."""
    return {SPLIT: write_tensors({"test_rows": np.ascontiguousarray(test_rows, dtype=bool)})}


def load(files):
    """The model in these files. Raises ArtifactProblem."""
    try:
        said = json.loads(files[DESCRIPTION])
        if said["format"] != FORMAT:
            raise ArtifactProblem(f"The model is written as {said['format']}; this portal reads {FORMAT}.")
        model = Model(
            kind=said["recipe"]["estimator"],
            preparation=Preparation.from_json(said["preparation"]),
            target=said["target"],
            favourable=said["favourable"],
            recipe=said["recipe"],
            missing=tuple(said["missing"]),
            libraries=said["libraries"],
            weights=estimators.load(said["recipe"]["estimator"], files),
            test_rows=read_tensors(files[SPLIT])["test_rows"] if SPLIT in files else None,
            threshold=said["threshold"],
        )
        model.margin(np.zeros((1, model.preparation.width)))
    except ArtifactProblem:
        raise
    except Exception as error:
        raise ArtifactProblem(f"These files are no model of this portal: {error!r}.") from error
    return model


def digest(files):
    """SHA-256, in hex, of the canonical JSON {name: SHA-256 of its bytes}."""
    return hashlib.sha256(_json({name: hashlib.sha256(data).hexdigest() for name, data in files.items()})).hexdigest()


def _json(said):
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _fits(column, value):
    if column.kind == "category":
        return isinstance(value, str)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) <= sys.float_info.max


def _described(column):
    said = {"name": column.name, "kind": column.kind, "needed": column.needed}
    if column.kind == "category":
        said |= {"values": [value for value in column.values if value is not None], "complete": column.complete}
    return said
