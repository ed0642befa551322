"""Programs' door to models."""

import pytest

from tests.models import make

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/acme/"


@pytest.fixture
def version(acme):
    acme.enter(acme.builder)
    return make.version(acme)


@pytest.fixture
def as_(api_client, acme):
    def become(role):
        api_client.force_login(acme.members[role].user)
        return api_client

    return become


def test_models_and_versions_are_listed_and_filtered(acme, version, as_):
    make.version(acme, on=version.dataset_version, name="other")
    client = as_("auditor")
    assert [one["name"] for one in client.get(f"{ROOT}models/").json()["results"]] == ["other", "approve"]
    found = client.get(f"{ROOT}model-versions/?project=lending&model=approve").json()
    assert [one["id"] for one in found["results"]] == [version.pk]
    assert client.get(f"{ROOT}model-versions/?project=elsewhere").json()["results"] == []
    model = client.get(f"{ROOT}models/{version.model_id}/").json()
    assert (model["name"], model["versions"], model["newest"]) == ("approve", 1, 1)


def test_a_version_carries_all_that_binds_it(version, as_):
    told = as_("auditor").get(f"{ROOT}model-versions/{version.pk}/").json()
    for name in ("artifact_digest", "data_digest", "declaration_digest", "recipe_digest", "files", "recipe", "metrics"):
        assert told[name] == getattr(version, name)
    assert told["url"].endswith(version.get_absolute_url())
    assert told["input_schema"][0] == {"name": "amount", "kind": "number", "needed": True}


def test_a_file_comes_as_registered(version, as_):
    answer = as_("reviewer").get(f"{ROOT}model-versions/{version.pk}/files/weights.safetensors/")
    assert b"".join(answer.streaming_content) == make.FILES["weights.safetensors"]
    assert as_("auditor").get(f"{ROOT}model-versions/{version.pk}/files/model.json/").status_code == 403
    assert as_("builder").get(f"{ROOT}model-versions/{version.pk}/files/none/").status_code == 404


def test_a_version_is_retired(version, as_):
    address = f"{ROOT}model-versions/{version.pk}/retirement/"
    assert as_("builder").post(address, {}, format="json").json()["errors"] == {"reason": "This field is required."}
    assert as_("auditor").post(address, {"reason": "No."}, format="json").status_code == 403
    assert as_("builder").post(address, {"reason": "Old."}, format="json").json()["retired_reason"] == "Old."
    assert as_("builder").post(address, {"reason": "Old."}, format="json").status_code == 409


@pytest.mark.parametrize("path", ["models/{model}/", "model-versions/{pk}/", "model-versions/{pk}/files/model.json/"])
def test_a_rival_finds_nothing(api_client, version, rival, path):
    api_client.force_login(rival.owner.user)
    path = path.format(pk=version.pk, model=version.model_id)
    for slug in ("acme", "rival"):
        assert api_client.get(f"/api/v1/{slug}/{path}").status_code == 404
    address = f"/api/v1/rival/model-versions/{version.pk}/retirement/"
    assert api_client.post(address, {"reason": "x"}, format="json").status_code == 404
