"""Programs' door to runs and workers."""

import pytest

from apps.training import actions
from apps.training.models import LogLine, TrainingRun
from tests.training import make

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/acme/"


@pytest.fixture
def data(acme):
    acme.enter(acme.builder)
    return make.data(acme)


@pytest.fixture
def as_(api_client, acme):
    def become(role):
        api_client.force_login(acme.members[role].user)
        return api_client

    return become


def body(data, **fields):
    recipe = {"estimator": "network", "hyper": {"epochs": 3}}
    return {"project": "lending", "model": "approve", "dataset_version": data.pk, "recipe": recipe} | fields


def test_a_run_is_launched_and_read(as_, data):
    told = as_("builder").post(f"{ROOT}runs/", body(data, gpu=True), format="json")
    assert told.status_code == 201
    run = told.json()
    assert (run["state"], run["queue"], run["model_version"], run["problem"]) == ("queued", "gpu", None, "")
    assert run["waiting_reason"].startswith("No worker with a GPU is alive.")
    assert run["recipe"]["hyper"]["batch"] == 256
    read = as_("auditor").get(f"{ROOT}runs/{run['id']}/").json()
    assert read == run
    assert [one["id"] for one in as_("auditor").get(f"{ROOT}runs/?project=lending").json()["results"]] == [run["id"]]
    assert as_("auditor").get(f"{ROOT}runs/?state=failed").json()["results"] == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"recipe": {"estimator": "forest"}}, "recipe.estimator"),
        ({"recipe": {"estimator": "logistic", "hyper": {"C": "big"}}}, "C"),
        ({"recipe": {"estimator": "private_network"}}, "epsilon"),
        ({"recipe": {}}, "recipe.estimator"),
        ({"model": "No Name"}, "model"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(acme, as_, data, fields, field):
    told = as_("builder").post(f"{ROOT}runs/", body(data, **fields), format="json")
    assert (told.status_code, told["Content-Type"]) == (400, "application/problem+json")
    assert field in told.json()["errors"]
    acme.enter()
    assert not TrainingRun.objects.exists()


def test_another_organizations_data_does_not_exist(acme, rival, as_, data):
    rival.enter(rival.builder)
    theirs = make.data(rival)
    acme.enter()
    told = as_("builder").post(f"{ROOT}runs/", body(data, dataset_version=theirs.pk), format="json")
    unknown = as_("builder").post(f"{ROOT}runs/", body(data, dataset_version=10**9), format="json")
    assert (told.status_code, told.json()) == (404, unknown.json())
    assert "dataset_version" in told.json()["errors"]
    assert as_("builder").post(f"{ROOT}runs/", body(data, project="other"), format="json").status_code == 404


def test_others_than_builders_are_told_the_reason(as_, data):
    told = as_("reviewer").post(f"{ROOT}runs/", body(data), format="json")
    assert told.status_code == 403
    assert told.json()["detail"] == "Only builders of this organization launch training runs."


def test_a_run_is_cancelled_once(acme, as_, data):
    run = make.launched(acme, on=data)
    address = f"{ROOT}runs/{run.pk}/cancellation/"
    assert as_("auditor").post(address).status_code == 403
    assert as_("builder").post(address).json()["state"] == "cancelled"
    assert as_("builder").post(address).status_code == 409


def test_the_log_is_paged_newest_first(acme, as_, data):
    run = make.launched(acme, on=data)
    for number in range(3):
        LogLine.objects.create(organization=acme.organization, run=run, text=f"line {number}")
    page = as_("auditor").get(f"{ROOT}runs/{run.pk}/log/?limit=2").json()
    assert [line["text"] for line in page["results"]] == ["line 2", "line 1"]
    assert [line["text"] for line in as_("auditor").get(page["next"]).json()["results"]] == ["line 0"]


def test_workers_are_listed(as_):
    actions.tell_worker(name="host/1", queues=["cpu"], device={"type": "cpu"}, memory=2**34, cores=2)
    assert [one["name"] for one in as_("auditor").get(f"{ROOT}workers/").json()["results"]] == ["host/1"]


@pytest.mark.parametrize("path", ["", "log/", "cancellation/"])
def test_a_rival_finds_nothing(api_client, acme, data, rival, path):
    run = make.launched(acme, on=data)
    api_client.force_login(rival.builder.user)
    for slug in ("acme", "rival"):
        verb = api_client.post if path == "cancellation/" else api_client.get
        assert verb(f"/api/v1/{slug}/runs/{run.pk}/{path}").status_code == 404
