"""Asking a deployed model: no permit, no load. Its files fetched and verified, kept loaded as long as it is permitted,
rows in and probabilities out.

Only the serving process imports this; it is what brings the mathematics in. The permit is judged for every request by
the database, and again every few seconds for what is loaded: what lost its permit is dropped from memory. Where the
database is away, a loaded model is dropped when the permit it was loaded with ends, by a clock that nobody can set."""

import logging
import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from django.conf import settings
from django.db import DatabaseError, connection

from apps.accounts.permissions import Permission, require
from apps.audits import keys
from apps.audits.refusals import refusable
from apps.common import storage
from apps.common.errors import ActionDenied, BadInput
from apps.common.signing import BadSignature
from apps.common.tenancy import as_organization
from apps.deployments import permits, queries, rules
from apps.deployments.models import Deployment
from apps.ml import artifacts
from apps.models import queries as models
from apps.models import signatures
from apps.models.models import ModelVersion

MOST_PROBLEMS = 100  # told in one answer
LOOK_EVERY = 2.0  # seconds between two looks at what is loaded
MINUTE = 60.0
FORBIDDEN = "It is no longer permitted."  # why is on its page, in words of its organization that the log does not hold
log = logging.getLogger(__name__)


class TooMany(Exception):
    """More requests in this minute than the permit allows; `wait`: seconds until the next may come."""

    def __init__(self, wait: float):
        super().__init__(f"The permit allows no more requests in this minute; wait {wait:.0f} seconds.")
        self.wait = wait


@dataclass
class Loaded:
    """A model in memory, with the permit that lets it stay there."""

    model: artifacts.Model
    permit: permits.Permit
    ends: float  # on the monotonic clock
    asked: deque = field(default_factory=deque)  # when, on the same clock, within the last minute

    def renew(self, permit: permits.Permit) -> None:
        self.permit, self.ends = permit, _end(permit)

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.ends or time.time() >= self.permit.expires + permits.LEEWAY

    def count(self) -> None:
        """One more request. Raises TooMany."""
        most, now = self.permit.limits.get("requests_per_minute"), time.monotonic()
        while self.asked and self.asked[0] <= now - MINUTE:
            self.asked.popleft()
        if most is not None and len(self.asked) >= most:
            raise TooMany(self.asked[0] + MINUTE - now)
        self.asked.append(now)


def _end(permit: permits.Permit) -> float:
    return time.monotonic() + permit.expires - time.time()


class Shelf:
    """The models used last, loaded, at most `most` of them, each for its deployment and on its permit."""

    def __init__(self, most: int = settings.SERVING_MODELS):
        self.most, self._models, self._lock = most, OrderedDict(), threading.Lock()

    def take(self, deployment: Deployment) -> Loaded:
        """The deployment's model, loaded if it was not. Raises ActionDenied without a permit for exactly its bytes."""
        key = deployment.organization_id, deployment.pk
        try:
            permit = permitted(deployment)
        except ActionDenied:
            self._drop(key, FORBIDDEN)
            raise
        with self._lock:
            if loaded := self._models.get(key):
                self._models.move_to_end(key)
                loaded.renew(permit)
                return loaded
        loaded = Loaded(_load(deployment.model_version), permit, _end(permit))
        with self._lock:
            self._models[key] = loaded
            while len(self._models) > self.most:
                self._models.popitem(last=False)
        return loaded

    def look(self) -> None:
        """Drop what is no longer permitted; what is, goes on with its newest permit."""
        with self._lock:
            known = list(self._models.items())
        for key, loaded in known:
            try:
                loaded.renew(_permitted_now(*key))
            except ActionDenied:
                self._drop(key, FORBIDDEN)
            except DatabaseError:
                log.exception("The permit of deployment %s cannot be asked for; it holds until its end.", key[1])
            if loaded.is_over:
                self._drop(key, "The permit it was loaded with has ended.")

    def _drop(self, key: tuple[int, int], reason: str) -> None:
        with self._lock:
            dropped = self._models.pop(key, None)
        if dropped:
            log.warning("Deployment %s is dropped from memory. %s", key[1], reason)

    def __contains__(self, deployment: Deployment) -> bool:
        return (deployment.organization_id, deployment.pk) in self._models

    def __len__(self) -> int:
        return len(self._models)


shelf = Shelf()


def watch(stop: threading.Event) -> None:
    """Look at what is loaded every few seconds, until `stop`: the serving process does so in a thread of its own."""
    while not stop.wait(LOOK_EVERY):
        try:
            shelf.look()
        except Exception:  # whatever it was, the next look comes
            log.exception("A look at the loaded models failed.")
        finally:
            connection.close()


@refusable
def predicting(deployment: Deployment, *, by) -> Loaded:
    """The model that answers for a deployment, to who may ask it. Raises NotPermitted, and ActionDenied as `take`."""
    require(by, Permission.PREDICT)
    return shelf.take(deployment)


def permitted(deployment: Deployment) -> permits.Permit:
    """The permit by which a deployment may run here and now, read from its token. Raises ActionDenied."""
    row, version = queries.permit(deployment), deployment.model_version
    if objection := rules.why_not_answer(deployment, queries.why_it_does_not_stand(deployment), row):
        raise ActionDenied(objection)
    try:
        return permits.check(
            row.token,
            keys=keys.trusted(deployment.organization_id),
            organization=deployment.project.organization.slug,
            environment=settings.ENVIRONMENT,
            model=version.artifact_digest,
            deployment=deployment.pk,
            now=time.time(),
        )
    except permits.Refused as refusal:
        raise ActionDenied(f"{deployment.name} answers nothing. {refusal}") from refusal


def _permitted_now(organization_id: int, deployment_id: int) -> permits.Permit:
    with as_organization(organization_id):
        return permitted(queries.loaded(deployment_id))


def _load(version: ModelVersion) -> artifacts.Model:
    """From storage; every file, and all of them together, must have the bytes that were registered and signed."""
    try:
        signatures.check(version, models.signature(version))
    except BadSignature as bad:
        raise ActionDenied(f"{version} cannot be served. {bad}") from bad
    try:
        files = {
            name: storage.read(version.organization_id, kept["digest"]) for name, kept in sorted(version.files.items())
        }
    except (storage.DamagedFile, FileNotFoundError) as damage:
        raise ActionDenied(f"{version} cannot be served: its stored files are not those that were signed.") from damage
    if artifacts.digest(files) != version.artifact_digest:
        raise ActionDenied(f"{version} cannot be served: its files are not those that were signed.")
    return artifacts.load(files)


def answer(loaded: Loaded, rows: list) -> dict:
    """What a deployed model says of rows of inputs: its terms, and {"probability", "favourable"} for each row.

    Raises TooMany beyond the limits of its permit, BadInput that names row and field."""
    if len(rows) > loaded.permit.limits.get("rows", 0):
        raise BadInput({"rows": f"The permit allows {loaded.permit.limits['rows']:,} rows in one request."})
    loaded.count()
    model = loaded.model
    if problems := model.problems(rows):
        raise BadInput(_said(problems))
    probabilities = model.probability(model.frame(rows))
    return {
        "target": model.target,
        "favourable_value": model.favourable,
        "threshold": model.threshold,
        "predictions": [{"probability": float(p), "favourable": bool(p >= model.threshold)} for p in probabilities],
    }


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
