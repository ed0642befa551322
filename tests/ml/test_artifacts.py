"""A model's files: nothing in them can run, the same model gives the same bytes, and rows that do not fit are told."""

import hashlib
import io
import json
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save as write_tensors
from sklearn.ensemble import HistGradientBoostingClassifier
from skops import io as skops

from apps.ml import artifacts, tables
from apps.ml.artifacts import ArtifactProblem
from apps.ml.estimators import layers
from apps.ml.recipes import Recipe
from apps.ml.tables import Attribute, Declaration
from apps.ml.training import train

DECLARED = Declaration("paid", "yes", (Attribute("sex"),), missing=("?", "-9"))
ESTIMATORS = {
    "logistic": {},
    "boosting": {"max_iter": 20},
    "network": {"epochs": 3},
    "private_network": {"noise": 1.0, "epochs": 2, "batch": 32, "randomness": "seeded"},
}


def table(rows=300):
    drawn = np.random.default_rng(0)
    amount = drawn.normal(size=rows)
    return pl.DataFrame(
        {
            "amount": amount,
            "debt": np.where(drawn.random(rows) < 0.2, np.nan, drawn.normal(size=rows)),
            "kind": drawn.choice(["a", "b", "ü"], rows),
            "town": [None if drawn.random() < 0.2 else "x" for _ in range(rows)],
            "sex": drawn.choice(["f", "m"], rows),
            "paid": np.where(amount + drawn.normal(size=rows) > 0, "yes", "no"),
        }
    ).with_columns(pl.col("debt").fill_nan(None))


@pytest.fixture(scope="module", params=ESTIMATORS)
def trained(request):
    return train(table(), DECLARED, Recipe(request.param, hyper=ESTIMATORS[request.param]))


@pytest.fixture(scope="module")
def files():
    return train(table(), DECLARED, Recipe("logistic")).files


@pytest.fixture(scope="module")
def model(files):
    return artifacts.load(files)


def test_a_loaded_model_answers_in_another_process_as_it_did_here(trained, tmp_path):
    for name, data in trained.files.items():
        (tmp_path / name).write_bytes(data)
    table().write_parquet(tmp_path / "table.parquet")
    script = (
        "import sys, pathlib, polars, numpy; from apps.ml import artifacts\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "files = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != '.parquet'}\n"
        "model = artifacts.load(files)\n"
        "numpy.save(folder / 'answers.npy', model.probability(polars.read_parquet(folder / 'table.parquet')))\n"
        # skops looks through all of scikit-learn, which imports torch where it is installed
        "assert model.kind == 'boosting' or 'torch' not in sys.modules, 'asking a network must not need torch'\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    here = artifacts.load(trained.files).probability(table())
    np.testing.assert_array_equal(np.load(tmp_path / "answers.npy"), here)
    assert np.all((here > 0) & (here < 1))


def test_bytes_are_the_same_in_another_process(tmp_path):
    script = (
        "from tests.ml.test_artifacts import *\n"
        "for name in ESTIMATORS:\n"
        "    print(artifacts.digest(train(table(), DECLARED, Recipe(name, hyper=ESTIMATORS[name])).files))\n"
    )
    said = [
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    assert said[0] == said[1]
    assert len(set(said[0].split())) == 4


def test_the_digest_binds_each_byte_and_each_name(files):
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    canonical = json.dumps(sums, sort_keys=True, separators=(",", ":")).encode()
    assert artifacts.digest(files) == hashlib.sha256(canonical).hexdigest()
    changed = files | {artifacts.DESCRIPTION: files[artifacts.DESCRIPTION] + b" "}
    renamed = {("x" if name == layers.FILE else name): data for name, data in files.items()}
    assert len({artifacts.digest(files), artifacts.digest(changed), artifacts.digest(renamed)}) == 3


def test_the_files_name_what_they_hold(trained):
    said = json.loads(trained.files[artifacts.DESCRIPTION])
    assert (said["target"], said["favourable"], said["format"]) == ("paid", "yes", artifacts.FORMAT)
    assert set(said["recipe"]["hyper"]) >= set(ESTIMATORS[said["recipe"]["estimator"]])
    assert set(said["libraries"]) == set(artifacts.LIBRARIES)
    assert [column["name"] for column in trained.schema] == ["amount", "debt", "kind", "town"]
    assert [column["needed"] for column in trained.schema] == [True, False, True, False]


def test_encoded_groups_cover_each_encoded_column_once(trained):
    model = artifacts.load(trained.files)
    indices = [index for _, group in model.encoded_groups for index in group]
    assert indices == list(range(model.encode(table()).shape[1]))
    np.testing.assert_allclose(
        model.probability(table()), 1 / (1 + np.exp(-model.margin(model.encode(table())))), rtol=1e-12
    )


def test_layers_in_numpy_equal_torch():
    import torch

    from apps.ml.estimators.network import perceptron

    net = perceptron(5, (7, 3), torch.Generator().manual_seed(0))
    state = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    kept = layers.Layers(
        tuple(array for name, array in state.items() if "weight" in name),
        tuple(array for name, array in state.items() if "bias" in name),
    )
    encoded = np.random.default_rng(0).normal(size=(50, 5))
    with torch.no_grad():
        expected = net(torch.tensor(encoded, dtype=torch.float32))[:, 0].numpy()
    np.testing.assert_allclose(layers.load(layers.save(kept)).margin(encoded), expected, atol=1e-6)


# --- nothing in the files can run -------------------------------------------------------------------------------------


class Harmful:
    def __reduce__(self):
        return (exec, ("raise SystemExit('a file was executed')",))


def boosted(files_of):
    trained = train(table(), DECLARED, Recipe("boosting", hyper={"max_iter": 10}))
    return trained.files | files_of


def skops_of(thing):
    return {"trees.skops": skops.dumps(thing)}


def with_foreign_type():
    data = boosted({})["trees.skops"]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = members["schema.json"].replace(b"TreePredictor", b"TreePredicter")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in {**members, "schema.json": schema}.items():
            archive.writestr(name, content)
    return {"trees.skops": out.getvalue()}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda: {"trees.skops": pickle.dumps(Harmful())}, "no model of this portal"),
        (with_foreign_type, "types that are not allowed: .*TreePredicter"),
        (lambda: skops_of({"a": 1}), "holds a dict, not boosted trees"),
        (
            lambda: skops_of(HistGradientBoostingClassifier(max_iter=1).fit([[0.0], [1.0]] * 30, [0, 2] * 30)),
            "outcomes other than favourable and not",
        ),
    ],
)
def test_trees_of_another_kind_are_refused(change, sentence):
    with pytest.raises(ArtifactProblem, match=sentence):
        artifacts.load(boosted(change()))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({layers.FILE: b"\x80\x04harm"}, "no model of this portal"),
        ({layers.FILE: write_tensors({"layers.0.weight": np.zeros((1, 3)), "layers.0.bias": np.zeros(1)})}, "no model"),
        (
            {layers.FILE: write_tensors({"layers.0.weight": np.zeros((2, 6)), "layers.0.bias": np.zeros(1)})},
            "shapes do not fit together",
        ),
        ({layers.FILE: write_tensors({"layers.0.weight": np.zeros((1, 6)), "other": np.zeros(1)})}, "lacks the tensor"),
        ({artifacts.DESCRIPTION: b"{}"}, "no model of this portal"),
        ({artifacts.DESCRIPTION: b'{"format":"assay-model/9"}'}, "this portal reads assay-model/1"),
    ],
)
def test_files_that_are_no_model_are_refused(files, change, sentence):
    with pytest.raises(ArtifactProblem, match=sentence):
        artifacts.load(files | change)


# --- asking ----------------------------------------------------------------------------------------------------------


def row(**changes):
    return {"amount": 0.5, "debt": 1, "kind": "a", "town": "x"} | changes


@pytest.mark.parametrize(
    ("asked", "field", "problem"),
    [
        (row(amount="0.5"), "amount", "must be a finite number"),
        (row(amount=True), "amount", "must be a finite number"),
        (row(amount=float("nan")), "amount", "must be a finite number"),
        (row(amount=float("inf")), "amount", "must be a finite number"),
        (row(amount=10**400), "amount", "must be a finite number"),
        (row(amount=None), "amount", "is missing, and no training row went without it"),
        (row(amount=-9), "amount", "is missing, and no training row went without it"),
        (row(kind=" ? "), "kind", "is missing"),
        (row(kind=3), "kind", "must be text"),
        (row(kind=["a"]), "kind", "must be text"),
        (row(kind="z"), "kind", "“z” is none of the values the model learned from: “a”, “b”, “ü”"),
        (row(sex="f"), "sex", "no input of the model"),
        (["a"], "", "A row is an object"),
    ],
)
def test_a_row_that_does_not_fit_is_told_by_field(model, asked, field, problem):
    found = model.problems([row(), asked])
    assert [(one["row"], one["field"]) for one in found] == [(1, field)]
    assert problem in found[0]["problem"]


@pytest.mark.parametrize("gap", [{"debt": None}, {"debt": -9}, {"town": None}, {"town": "?"}, {"town": ""}])
def test_a_gap_is_answered_where_training_rows_had_gaps(model, gap):
    assert model.problems([row(**gap)]) == []
    name = next(iter(gap))
    plain = model.probability(model.frame([row(**{name: None})]))
    np.testing.assert_array_equal(model.probability(model.frame([row(**gap)])), plain)
    absent = {field: value for field, value in row().items() if field != name}
    assert model.problems([absent]) == []
    np.testing.assert_array_equal(model.probability(model.frame([absent])), plain)


def test_rows_are_answered_as_the_table_is(model):
    frame = table()
    rows = frame.select(column.name for column in model.columns).to_dicts()
    assert model.problems(rows) == []
    np.testing.assert_array_equal(model.probability(model.frame(rows)), model.probability(frame))


def test_a_table_that_does_not_fit_is_refused(model):
    with pytest.raises(ArtifactProblem, match="lacks the model's inputs “kind”"):
        model.probability(table().drop("kind"))
    with pytest.raises(ArtifactProblem, match="“amount” holds text"):
        model.probability(table().with_columns(amount=pl.lit("much")))


def test_categories_that_read_as_numbers_elsewhere_are_still_categories(model):
    """A column of codes may hold only digits in one file and letters in another."""
    frame = table().with_columns(kind=pl.Series([1.0] * 300))
    unseen = table().with_columns(kind=pl.lit("1"))
    np.testing.assert_array_equal(model.probability(frame), model.probability(unseen))


def test_the_rows_held_back_are_kept_with_the_model(model):
    assert model.test_rows.dtype == bool
    assert model.test_rows.sum() == 90
    assert tables.outcome(table(), DECLARED)[model.test_rows].any()
