"""The serving process's door: what it answers, what it refuses, and that it judges the sign-off for every request."""

import pytest

from apps.approvals import actions as approvals
from apps.common import storage
from apps.deployments import actions, runs
from tests.deployments import make

ROW = {"income": 70.0, "town": "north"}


@pytest.fixture(autouse=True)
def _serving(settings):
    settings.ROOT_URLCONF = "portal.serving_urls"
    runs.shelf._models.clear()


def ask(client, member, deployment, rows, organization="acme"):
    client.force_login(member.user)
    path = f"/api/v1/{organization}/deployments/{deployment.pk}/predict"
    return client.post(path, {"rows": rows}, content_type="application/json")


def test_it_answers_with_version_and_digest(client, acme):
    deployment = make.deployed(acme)
    response = ask(client, acme.builder, deployment, [ROW, {"income": 20, "town": "south"}])
    answer = response.json()
    assert response.status_code == 200, answer
    assert answer["artifact_digest"] == deployment.model_version.artifact_digest
    assert (answer["model_version"], answer["approval"]) == ("screening v1", deployment.approval_id)
    assert (answer["target"], answer["favourable_value"], answer["threshold"]) == ("granted", "yes", 0.5)
    rich, poor = answer["predictions"]
    assert rich["favourable"] and not poor["favourable"] and 0 <= poor["probability"] < 0.5 < rich["probability"] <= 1


@pytest.mark.parametrize(
    ("row", "place", "sentence"),
    [
        ({"income": "much", "town": "north"}, "rows.1.income", "Row 2, income: This must be a finite number."),
        ({"town": "north"}, "rows.1.income", "Row 2, income: This input is missing"),
        (ROW | {"age": 3}, "rows.1.age", "Row 2, age: This is no input of the model"),
        (ROW | {"income": True}, "rows.1.income", "must be a finite number"),
        (ROW | {"town": 7}, "rows.1.town", "must be text"),
        (ROW | {"town": "west"}, "rows.1.town", "none of the values"),
    ],
)
def test_a_wrong_value_is_told_by_row_and_field(client, acme, row, place, sentence):
    deployment = make.deployed(acme)
    response = ask(client, acme.builder, deployment, [ROW, row])
    body = response.json()
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    assert sentence in body["errors"][place] and sentence in body["detail"]


@pytest.mark.parametrize("rows", [[], None, "x", [[]], [1]])
def test_what_is_no_list_of_rows_is_refused(client, acme, rows):
    assert ask(client, acme.builder, make.deployed(acme), rows).status_code == 400


def test_nan_and_infinity_are_no_json(client, acme):
    deployment = make.deployed(acme)
    client.force_login(acme.builder.user)
    for word in ("NaN", "Infinity", "1e999"):
        body = f'{{"rows": [{{"income": {word}, "town": "north"}}]}}'
        path = f"/api/v1/acme/deployments/{deployment.pk}/predict"
        assert client.post(path, body, content_type="application/json").status_code == 400


def test_revoking_stops_the_next_request(client, acme):
    deployment = make.deployed(acme)
    assert ask(client, acme.builder, deployment, [ROW]).status_code == 200
    acme.enter(acme.reviewer)
    approvals.revoke(deployment.approval, reason="Complaints.", by=acme.reviewer)
    response = ask(client, acme.builder, deployment, [ROW])
    assert response.status_code == 409 and "the sign-off was revoked" in response.json()["detail"]


def test_a_change_of_what_it_covers_stops_the_next_request_and_is_named(client, acme):
    deployment = make.deployed(acme)
    assert ask(client, acme.builder, deployment, [ROW]).status_code == 200
    acme.enter(acme.builder)
    type(acme.project).objects.filter(pk=acme.project.pk).update(risk_class="minimal")
    response = ask(client, acme.builder, deployment, [ROW])
    assert response.status_code == 409 and "risk class was high and is now minimal" in response.json()["detail"]


def test_a_stopped_deployment_answers_nothing(client, acme):
    deployment = make.deployed(acme)
    actions.stop(deployment, reason="Moved.", by=acme.builder)
    response = ask(client, acme.builder, deployment, [ROW])
    assert response.status_code == 409 and "was stopped on" in response.json()["detail"]


@pytest.mark.parametrize("role", ["owner", "reviewer", "auditor"])
def test_only_who_may_ask_is_answered(client, acme, role):
    assert ask(client, acme.members[role], make.deployed(acme), [ROW]).status_code == 403


def test_a_rival_gets_nothing(client, acme, rival):
    deployment = make.deployed(acme)
    assert ask(client, rival.builder, deployment, [ROW]).status_code == 404
    assert ask(client, rival.builder, deployment, [ROW], organization="rival").status_code == 404


def test_damaged_bytes_are_not_served(client, acme, settings):
    deployment = make.deployed(acme)
    digest = deployment.model_version.files["model.json"]["digest"]
    path = settings.STORAGES["default"]["OPTIONS"]["location"] / storage._name(acme.organization.pk, digest)
    path.write_bytes(path.read_bytes().replace(b"yes", b"nay"))
    response = ask(client, acme.builder, deployment, [ROW])
    assert response.status_code == 409 and "not those that were signed" in response.json()["detail"]
    path.unlink()
    assert ask(client, acme.builder, deployment, [ROW]).status_code == 409


def test_files_that_are_sound_one_by_one_but_not_the_registered_whole_are_not_served(client, acme):
    deployment = make.deployed(acme, artifact_digest="0" * 64)
    response = ask(client, acme.builder, deployment, [ROW])
    assert response.status_code == 409 and "its files are not those that were signed" in response.json()["detail"]


def test_a_model_is_loaded_once_and_only_so_many_are_kept(acme):
    first, second = (make.signed(acme, seed=seed, number=seed + 1).model_version for seed in (0, 1))
    shelf = runs.Shelf(most=1)
    assert shelf.take(first) is shelf.take(first)
    shelf.take(second)
    assert len(shelf) == 1 and shelf.take(second) is not shelf.take(first)
