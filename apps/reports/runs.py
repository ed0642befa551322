"""On a worker: read the registered bytes, check every digest, measure on unseen rows, keep the answer."""

import hashlib
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import polars as pl
from scipy import special

from apps.common import storage, work
from apps.common.canonical import digest
from apps.common.errors import WorkProblem
from apps.common.storage import DamagedFile
from apps.common.tenancy import as_organization
from apps.ml import artifacts, explanation, fairness, figures, performance, privacy, tables
from apps.ml.estimators.layers import Layers
from apps.models.models import ModelVersion
from apps.reports import actions, answers
from apps.reports.models import Kind, Provenance, Report

LIBRARIES = ("numpy", "scipy", "polars", "scikit-learn", "safetensors", "skops", "opacus", "dp-accounting")
SLOWER = {"sample": 100, "background": 25}  # trees are asked row by row; layers are added up


@dataclass(frozen=True)
class Rows:
    """Some rows of a dataset version: the table, what came of them, and where they lie in the file, counted from 0."""

    frame: pl.DataFrame
    outcome: np.ndarray
    places: np.ndarray

    @property
    def digest(self) -> str:
        """Which rows these are: SHA-256 of their places as little-endian 64-bit integers."""
        return hashlib.sha256(self.places.astype("<i8").tobytes()).hexdigest()


@dataclass(frozen=True)
class Evidence:
    """What a report is made from, every byte checked against the digest it was registered with."""

    model: artifacts.Model
    learned: Rows
    unseen: Rows
    declaration: tables.Declaration  # of the data the unseen rows come from
    privacy: dict | None
    inputs: dict


def run(organization_id: int, work_id: int) -> None:
    work.carry_out(Report, organization_id, work_id, _measure, fail=actions.fail, cancel=actions.stop)


def _measure(report, pulse):
    pulse.progress(words="reading the registered model and data", share=0.05, at_once=True)
    registered = registered_of(report)
    with problems_told():
        evidence = gather(registered)
        pulse.progress(words="measuring", share=0.2, at_once=True)
        result = measured(report, registered, evidence, lambda share: pulse.progress(share=0.2 + 0.75 * share))
    with as_organization(report.organization_id):
        actions.keep(report, result)


def registered_of(report) -> ModelVersion:
    with as_organization(report.organization_id):
        return ModelVersion.objects.select_related(
            "model", "project", "dataset_version__dataset", "test_dataset_version__dataset"
        ).get(pk=report.model_version_id)


@contextmanager
def problems_told():
    """What is wrong with model or data, as the report's own end."""
    try:
        yield
    except (artifacts.ArtifactProblem, tables.TableProblem, DamagedFile, FileNotFoundError) as problem:
        raise WorkProblem(str(problem)) from problem


def measured(report, registered, evidence, progress) -> dict:
    """The whole result of a report, as plain values."""
    limits = {name: tuple(limit) for name, limit in report.parameters["limits"].items()}
    found = MEASURES[Kind(report.kind)](evidence, limits, report.parameters["seed"], progress)
    told = found.to_json()
    return {
        "kind": report.kind,
        "answer": answers.answer(report.kind, told),
        "verdict": figures.overall(found.figures),
        **told,
        "subject": {
            "organization": registered.organization_id,
            "project": registered.project.slug,
            "model": registered.model.name,
            "version": registered.number,
            "target": evidence.declaration.target,
            "favourable": evidence.declaration.favourable,
            "estimator": registered.recipe["estimator"],
        },
        "inputs": evidence.inputs,
        "parameters": report.parameters,
        "libraries": {name: version(name) for name in LIBRARIES},
        "provenance": Provenance.RECOMPUTED.label,
    }


# What it is made from


def gather(registered: ModelVersion) -> Evidence:
    """Raises ArtifactProblem, TableProblem, DamagedFile, WorkProblem."""
    files = {name: storage.read(registered.organization_id, kept["digest"]) for name, kept in registered.files.items()}
    if artifacts.digest(files) != registered.artifact_digest:
        raise WorkProblem(f"The files of {registered} are not those it was registered with; nothing was measured.")
    model = artifacts.load(files)
    data, test = registered.dataset_version, registered.test_dataset_version
    if data.digest != registered.data_digest or data.declaration_digest != registered.declaration_digest:
        raise WorkProblem(f"The data of {registered} is not what it was registered with; nothing was measured.")
    declaration, everything = table(data)
    if test is None:
        seen = _kept_apart(model, everything)
        learned, unseen, used = _some(everything, ~seen), _some(everything, seen), data
    else:
        learned, used = everything, test
        declaration, unseen = table(test)
    inputs = {
        "artifact": registered.artifact_digest,
        "recipe": registered.recipe_digest,
        "data": data.digest,
        "declaration": data.declaration_digest,
        "test_data": used.digest,
        "test_declaration": used.declaration_digest,
        "rows": unseen.digest,
        "n": len(unseen.outcome),
        "learned_rows": learned.digest,
        "learned_n": len(learned.outcome),
    }
    return Evidence(model, learned, unseen, declaration, registered.privacy, inputs)


def table(dataset_version) -> tuple[tables.Declaration, Rows]:
    """The whole of a dataset version under its declaration."""
    if dataset_version.declaration is None:
        raise WorkProblem(f"{dataset_version} is not declared: nobody has said what its columns mean.")
    if digest(dataset_version.declaration) != dataset_version.declaration_digest:
        raise WorkProblem(f"The declaration of {dataset_version} does not have the digest it was declared under.")
    declaration = tables.Declaration.from_json(dataset_version.declaration)
    with storage.local_path(dataset_version.organization_id, dataset_version.digest) as path:
        frame = tables.read_table(
            path,
            format=dataset_version.format,
            encoding=dataset_version.encoding,
            delimiter=dataset_version.delimiter,
            quote=dataset_version.quote,
            missing=declaration.missing,
        )
    return declaration, Rows(frame, tables.outcome(frame, declaration), np.arange(frame.height))


def _kept_apart(model, rows) -> np.ndarray:
    if model.test_rows is None or model.test_rows.shape != rows.outcome.shape:
        raise WorkProblem("The model does not say which rows it has not seen, so nothing honest can be measured.")
    return model.test_rows


def _some(rows: Rows, which: np.ndarray) -> Rows:
    return Rows(rows.frame.filter(which), rows.outcome[which], rows.places[which])


# What is measured


def _performance(evidence, limits, seed, progress):
    model, unseen = evidence.model, evidence.unseen
    try:
        return performance.measure(
            unseen.outcome, model.probability(unseen.frame), threshold=model.threshold, limits=limits, seed=seed
        )
    except performance.MeasurementProblem as problem:
        raise WorkProblem(str(problem)) from problem


def _fairness(evidence, limits, seed, progress):
    attributes = evidence.declaration.sensitive
    if not attributes:
        raise WorkProblem("The data declares no sensitive column, so that no groups can be compared. Declare some.")
    unseen, model = evidence.unseen, evidence.model
    groups = {attribute.name: tables.groups(unseen.frame, attribute) for attribute in attributes}
    predicted = model.probability(unseen.frame) >= model.threshold
    return fairness.measure(unseen.outcome, predicted, groups, limits=limits, seed=seed)


def _privacy(evidence, limits, seed, progress):
    learned, unseen = (
        (rows.outcome, evidence.model.probability(rows.frame)) for rows in (evidence.learned, evidence.unseen)
    )
    return privacy.measure(learned, unseen, _mechanism(evidence.privacy), limits=limits)


def _mechanism(recorded):
    if recorded is None:
        return None
    return privacy.Mechanism(
        history=tuple((noise, rate, int(steps)) for noise, rate, steps in recorded["mechanisms"]),
        delta=recorded["delta"],
        clip=recorded["clip"],
        claimed=recorded["epsilon"],
        assumptions=tuple(recorded.get("assumptions", ())),
    )


def _explainability(evidence, limits, seed, progress):
    model, unseen = evidence.model, evidence.unseen
    names, encoded = zip(*model.encoded_groups, strict=True)
    sensitive = frozenset(evidence.declaration.sensitive_columns())
    columns = explanation.Columns(names, encoded, {name: unseen.frame[name].to_list() for name in names}, sensitive)
    return explanation.measure(
        _predictor(model),
        model.encode(unseen.frame),
        model.encode(evidence.learned.frame),
        columns,
        limits=limits,
        seed=seed,
        progress=progress,
        **({} if isinstance(model.weights, Layers) else SLOWER),
    )


def _predictor(model) -> Callable:
    """The model as a function of encoded rows; its first layer apart where it has layers."""
    if not isinstance(model.weights, Layers):
        return model.score
    weights, biases = model.weights.weights, model.weights.biases

    def rest(hidden):
        for weight, bias in zip(weights[1:], biases[1:], strict=True):
            hidden = np.maximum(hidden, 0) @ weight.T + bias
        return special.expit(hidden[:, 0].astype(float))

    return explanation.Layered(np.ascontiguousarray(weights[0].T), biases[0], rest)


MEASURES = {
    Kind.PERFORMANCE: _performance,
    Kind.FAIRNESS: _fairness,
    Kind.PRIVACY: _privacy,
    Kind.EXPLAINABILITY: _explainability,
}
