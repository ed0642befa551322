"""Asking a deployed model: its files fetched and verified, kept loaded, rows in and probabilities out.

Only the serving process imports this; it is what brings the mathematics in."""

import threading
from collections import OrderedDict

from django.conf import settings

from apps.common import storage
from apps.common.errors import ActionDenied, BadInput
from apps.ml import artifacts
from apps.models.models import ModelVersion

MOST_PROBLEMS = 100  # told in one answer


class Shelf:
    """The models used last, loaded, at most `most` of them; each is known by the digest of its bytes."""

    def __init__(self, most: int = settings.SERVING_MODELS):
        self.most, self._models, self._lock = most, OrderedDict(), threading.Lock()

    def take(self, version: ModelVersion) -> artifacts.Model:
        key = version.organization_id, version.artifact_digest
        with self._lock:
            if key in self._models:
                self._models.move_to_end(key)
                return self._models[key]
        model = _load(version)
        with self._lock:
            self._models[key] = model
            while len(self._models) > self.most:
                self._models.popitem(last=False)
        return model

    def __len__(self) -> int:
        return len(self._models)


shelf = Shelf()


def _load(version: ModelVersion) -> artifacts.Model:
    """From storage; every file, and all of them together, must have the bytes that were registered and signed."""
    try:
        files = {
            name: storage.read(version.organization_id, kept["digest"]) for name, kept in sorted(version.files.items())
        }
    except (storage.DamagedFile, FileNotFoundError) as damage:
        raise ActionDenied(f"{version} cannot be served: its stored files are not those that were signed.") from damage
    if artifacts.digest(files) != version.artifact_digest:
        raise ActionDenied(f"{version} cannot be served: its files are not those that were signed.")
    return artifacts.load(files)


def predict(version: ModelVersion, rows: list) -> list[dict]:
    """[{"probability", "favourable"}] for rows of inputs. Raises BadInput that names row and field."""
    model = shelf.take(version)
    if problems := model.problems(rows):
        raise BadInput(_said(problems))
    probabilities = model.probability(model.frame(rows))
    return [{"probability": float(p), "favourable": bool(p >= model.threshold)} for p in probabilities]


def terms(version: ModelVersion) -> dict:
    """What a prediction is about: the outcome called favourable, and the probability from which it is decided."""
    model = shelf.take(version)
    return {"target": model.target, "favourable_value": model.favourable, "threshold": model.threshold}


def _said(problems: list[dict]) -> dict[str, str]:
    """{"rows.3.age": "Row 4, age: This must be a finite number."}, the first hundred."""
    told = {}
    for problem in problems[:MOST_PROBLEMS]:
        place = f"rows.{problem['row']}" + (f".{problem['field']}" if problem["field"] else "")
        where = f"Row {problem['row'] + 1}" + (f", {problem['field']}" if problem["field"] else "")
        told[place] = f"{where}: {problem['problem']}"
    if len(problems) > MOST_PROBLEMS:
        told["rows"] = f"And {len(problems) - MOST_PROBLEMS:,} more problems."
    return told
