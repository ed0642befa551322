"""On a worker: read the data, learn, keep the state of each epoch, store what came of it."""

import hashlib
import time
from functools import cache
from importlib.metadata import version
from pathlib import Path

import polars as pl
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.common import storage, work
from apps.common.canonical import digest
from apps.common.errors import WorkProblem
from apps.common.storage import DamagedFile
from apps.common.tenancy import as_organization
from apps.common.work import Queue, WorkState
from apps.ml import artifacts, tables, training
from apps.ml.recipes import Recipe
from apps.training import actions
from apps.training.models import LogLine, TrainingRun

STORE_EVERY = 1.0  # seconds between two stored states of a run whose epochs are shorter
MOST_LINES = 100  # of the log, for epochs


def run(organization_id: int, work_id: int) -> None:
    work.carry_out(TrainingRun, organization_id, work_id, _train, fail=_fail, cancel=_stop)


def _train(run, pulse):
    pulse.progress(words="reading the data", at_once=True)
    with as_organization(run.organization_id):
        _fetch_related(run)
        actions.begin(run)
    journal = _Journal(run, pulse)
    journal.say(f"Attempt {run.attempt}, on {run.worker}.")
    trained = _learned(run, journal)
    journal.say("Measured on rows held back; storing the model.")
    pulse.progress(words="storing the model", left_s=None, at_once=True)
    files = {name: storage.put(run.organization_id, data) for name, data in trained.files.items()}
    with as_organization(run.organization_id):
        _forget_when_done(run)
        _keep(run, trained, files)


def _fetch_related(run):
    """Read what hangs on the run while the tenant is set: no statement is made once the transaction is over."""
    whole = TrainingRun.objects.select_related(
        "model", "project", "dataset_version__dataset", "test_dataset_version__dataset", "started_by__user"
    ).get(pk=run.pk)
    for name in ("model", "project", "dataset_version", "test_dataset_version", "started_by"):
        setattr(run, name, getattr(whole, name))


def _learned(run, journal) -> training.Trained:
    """The laboratory's answer; its refusals become the run's. What a private run spent is noted however it ends."""
    try:
        declaration, frame = _table(run.dataset_version)
        test_declaration, test_frame = _table(run.test_dataset_version) if run.test_dataset_version else (None, None)
        journal.say(f"{frame.height:,} rows, {frame.width:,} columns of {run.dataset_version}.")
        return training.train(
            frame,
            declaration,
            Recipe(**run.recipe),
            test_frame=test_frame,
            test_declaration=test_declaration,
            device=_device(run),
            threads=settings.TRAINING_THREADS,
            progress=journal.tell,
            checkpoint=journal.checkpoint(),
            save_checkpoint=journal.keep,
        )
    except Exception as error:
        run.spent = getattr(error, "spent", None)
        if isinstance(error, training.TrainingProblem | tables.TableProblem | DamagedFile | FileNotFoundError):
            raise WorkProblem(str(error)) from error
        raise


def _table(data) -> tuple[tables.Declaration, pl.DataFrame]:
    """A dataset version under its declaration, every byte checked against the digest it was declared under."""
    if digest(data.declaration) != data.declaration_digest:
        raise WorkProblem(f"The declaration of {data} does not have the digest it was declared under.")
    declaration = tables.Declaration.from_json(data.declaration)
    with storage.local_path(data.organization_id, data.digest) as path:
        frame = tables.read_table(
            path,
            format=data.format,
            encoding=data.encoding,
            delimiter=data.delimiter,
            quote=data.quote,
            missing=declaration.missing,
        )
    return declaration, frame


def _device(run) -> str:
    if run.queue != Queue.GPU:
        return "cpu"
    import torch

    if not torch.cuda.is_available():
        raise WorkProblem(
            "The worker takes the queue “gpu” but finds no GPU on its machine: start it where there is one, or train "
            "on a CPU."
        )
    return "cuda"


def _keep(run, trained, files) -> None:
    actions.keep(
        run,
        history=trained.history,
        files={name: {"digest": stored.digest, "size": stored.size} for name, stored in files.items()},
        input_schema=trained.schema,
        metrics=trained.metrics,
        privacy=trained.privacy,
        device=trained.device,
        libraries=artifacts.load(trained.files).libraries,
        code_version=code_version(),
        duration_s=(timezone.now() - run.started_at).total_seconds(),
    )


@cache
def code_version() -> str:
    """The portal's version, and the digest of the laboratory's source that this process runs."""
    laboratory, sha256 = Path(training.__file__).parent, hashlib.sha256()
    for path in sorted(laboratory.rglob("*.py")):
        sha256.update(path.relative_to(laboratory).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{version('assay')}+laboratory.{sha256.hexdigest()[:12]}"


# --- ends that are no success -----------------------------------------------------------------------------------------


def _fail(run, sentence: str) -> None:
    _account(run)
    actions.fail(run, sentence)


def _stop(run) -> None:
    _account(run)
    actions.stop(run)


def _account(run) -> None:
    """What an attempt that died had spent, from the state it left behind."""
    if run.spent is None and (kept := _read_checkpoint(run)):
        run.spent = training.spent(kept)
    _forget_when_done(run)


# --- what a run says and keeps while it runs --------------------------------------------------------------------------


class _Journal:
    """Progress, loss curve, log and the state of the last epoch, stored at most once a second."""

    def __init__(self, run: TrainingRun, pulse: work.Pulse):
        self.run, self.pulse = run, pulse
        self.history: list[dict] = list(run.history)
        self.lines: list[str] = []
        self.begun_at, self.stored_at, self.kept_at = time.monotonic(), 0.0, 0.0
        self.begun_with: float | None = None

    def say(self, text: str) -> None:
        self.lines.append(text)
        self._store()

    def tell(self, facts: dict) -> None:
        """One epoch is over. Raises Cancelled, LeaseLost."""
        fit, epoch, epochs = facts["fit"], facts["epoch"], facts["epochs"]
        line = {name: facts[name] for name in ("fit", "epoch", "loss", "validation_loss")}
        self.history = [old for old in self.history if old.get("fit") == fit and old["epoch"] < epoch] + [line]
        if epoch % max(1, epochs // MOST_LINES) == 0 or epoch == 1:
            self.lines.append(_sentence(facts))
        if time.monotonic() - self.stored_at >= STORE_EVERY:
            self._store()
        share = (fit - 1 + epoch / epochs) / facts["fits"]
        words = {name: facts[name] for name in ("fit", "fits", "epoch", "epochs", "loss", "validation_loss")}
        self.pulse.progress(words="learning", share=share, left_s=self._left(share), **words)

    def _left(self, share: float) -> float | None:
        """Seconds to go if the rest takes as long as what this worker has done; None while that is unknown."""
        now = time.monotonic()
        if self.begun_with is None:
            self.begun_at, self.begun_with = now, share
            return None
        done = share - self.begun_with
        return (now - self.begun_at) * (1 - share) / done if done > 0 else None

    def _store(self) -> None:
        self.stored_at, lines, self.lines = time.monotonic(), self.lines, []
        run = self.run
        with as_organization(run.organization_id):
            self._held().update(history=self.history)
            LogLine.objects.bulk_create(
                LogLine(organization_id=run.organization_id, run_id=run.pk, text=text) for text in lines
            )

    def checkpoint(self) -> bytes | None:
        """The state an earlier attempt left, or None to begin at the beginning."""
        kept = _read_checkpoint(self.run)
        if kept is not None:
            self.say("Taken up again from the last epoch that was kept.")
        elif self.run.checkpoint:
            self.say("The state of the last epoch cannot be read any more; it begins at the beginning.")
        return kept

    def keep(self, state: bytes) -> None:
        """Store the state of an epoch in place of the one before, unless that was just now."""
        if time.monotonic() - self.kept_at < STORE_EVERY and self.run.checkpoint:
            return
        run = self.run
        # the run's number goes in front: two runs alike in everything must not share, and forget, one file
        stored = storage.put(run.organization_id, _mark(run) + state)
        with as_organization(run.organization_id):
            self._held().update(checkpoint=stored.digest)
            former, run.checkpoint = run.checkpoint, stored.digest
            if former and former != stored.digest:
                transaction.on_commit(lambda: storage.forget(run.organization_id, former), robust=True)
        self.kept_at = time.monotonic()

    def _held(self):
        run = self.run
        return TrainingRun.objects.filter(pk=run.pk, state=WorkState.RUNNING, attempt=run.attempt)


def _sentence(facts) -> str:
    fold = f"Fold {facts['fit']} of {facts['fits'] - 1}: " if facts["fit"] < facts["fits"] else ""
    watched = "" if facts["validation_loss"] is None else f", on watched rows {facts['validation_loss']:.4f}"
    return f"{fold}epoch {facts['epoch']} of at most {facts['epochs']}: loss {facts['loss']:.4f}{watched}."


def _mark(run) -> bytes:
    return run.pk.to_bytes(8, "little")


def _read_checkpoint(run) -> bytes | None:
    if not run.checkpoint:
        return None
    try:
        return storage.read(run.organization_id, run.checkpoint).removeprefix(_mark(run))
    except (FileNotFoundError, DamagedFile):
        return None


def _forget_when_done(run) -> None:
    """Remove the state of the last epoch once the transaction that ends the run is committed."""
    if kept := run.checkpoint:
        transaction.on_commit(lambda: storage.forget(run.organization_id, kept), robust=True)
