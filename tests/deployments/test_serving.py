"""The serving process's door: what it answers, what it refuses, and that it judges the sign-off for every request."""

import json
import re
import time

import pytest
from django.db import OperationalError
from django.test import override_settings

from apps.approvals import actions as approvals
from apps.audits.models import Record
from apps.common import storage
from apps.common.signing import Key, key_id
from apps.deployments import actions, permits, queries, runs
from apps.deployments.models import Deployment
from tests.deployments import make

ROW = {"income": 70.0, "town": "north"}


@pytest.fixture(autouse=True)
def _empty_shelf():
    runs.shelf._models.clear()


def ask(client, member, deployment, rows, organization="acme"):
    client.force_login(member.user)
    path = f"/api/v1/{organization}/deployments/{deployment.pk}/predict"
    with override_settings(ROOT_URLCONF="portal.serving_urls"):
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
        with override_settings(ROOT_URLCONF="portal.serving_urls"):
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
    for _ in range(3):
        response = ask(client, acme.builder, deployment, [ROW])
        assert response.status_code == 409 and "was stopped on" in response.json()["detail"]
    acme.enter()
    (refused,) = Record.objects.filter(event="action.refused")
    assert (refused.by_id, refused.on_type, refused.on_id) == (acme.builder.user_id, "deployment", deployment.pk)
    assert refused.facts["verb"] == "deployments.predicting" and "was stopped on" in refused.facts["reason"]


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
    first = make.deployed(acme)
    second = actions.open_deployment(make.signed(acme, seed=1, number=2), name="other", by=acme.builder)
    first, second = (queries.loaded(each.pk) for each in (first, second))
    shelf = runs.Shelf(most=1)
    assert shelf.take(first) is shelf.take(first)
    shelf.take(second)
    assert len(shelf) == 1 and second in shelf and first not in shelf


# No permit, no load


def refusal(client, acme, deployment) -> str:
    response = ask(client, acme.builder, deployment, [ROW])
    acme.enter(acme.builder)
    assert response.status_code == 409, response.content
    return response.json()["detail"]


def taken(deployment):
    return runs.shelf.take(queries.loaded(deployment.pk))


def test_without_a_permit_nothing_is_loaded(client, acme):
    approval = make.signed(acme)
    bare = Deployment.objects.create(
        organization=acme.organization, project=acme.project, name="bare", model_version=approval.model_version,
        approval=approval, opened_by=acme.builder,
    )  # fmt: skip
    assert "it has no permit here" in refusal(client, acme, bare)
    assert bare not in runs.shelf
    actions.keep_permits()
    acme.enter(acme.builder)
    assert ask(client, acme.builder, bare, [ROW]).status_code == 200 and bare in runs.shelf


def test_a_permit_of_another_environment_counts_for_nothing(client, acme, settings):
    deployment = make.deployed(acme)
    settings.ENVIRONMENT = "staging"
    assert "it has no permit here" in refusal(client, acme, deployment)


def test_a_permit_that_has_expired_counts_for_nothing(client, acme, settings):
    settings.PERMIT_SECONDS = 1
    deployment = make.deployed(acme)
    time.sleep(1.1)
    assert "has expired, and no worker" in refusal(client, acme, deployment)


def _resigned(token, key):
    claims = json.loads(permits._decoded(token.split(".")[1]))
    return permits.write(permits.PERMIT, claims, key_id=key_id(key.public), sign=key.sign)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda token: token[:-20] + "A" * 20, "no permit of a form we know|signature does not fit"),
        (lambda token: _resigned(token, Key.new()), "a key that is not trusted"),
        (lambda token: "", "no permit of a form we know"),
    ],
    ids=["tampered", "another key", "none"],
)
def test_a_token_that_is_not_the_portals_own_counts_for_nothing(client, acme, monkeypatch, change, words):
    """Whoever can write the row, walls or no walls, still has not got the key."""
    deployment = make.deployed(acme)
    row = queries.permit(deployment)
    row.token = change(row.token)
    monkeypatch.setattr(queries, "permit", lambda _: row)
    assert re.search(words, refusal(client, acme, deployment))
    assert deployment not in runs.shelf


def test_a_permit_of_a_sibling_or_an_older_version_counts_for_nothing(client, acme, monkeypatch):
    first = make.deployed(acme)
    sibling = actions.open_deployment(first.approval, name="sibling", by=acme.builder)
    newer = actions.open_deployment(make.signed(acme, seed=1, number=2), name="newer", by=acme.builder)
    row = queries.permit(first)
    monkeypatch.setattr(queries, "permit", lambda _: row)
    assert "for deployment" in refusal(client, acme, sibling)
    assert "these bytes are" in refusal(client, acme, newer)
    assert ask(client, acme.builder, first, [ROW]).status_code == 200


def test_what_lost_its_permit_is_dropped_from_memory(acme):
    deployment = make.deployed(acme)
    taken(deployment)
    runs.shelf.look()
    assert deployment in runs.shelf
    acme.enter(acme.reviewer)
    approvals.revoke(deployment.approval, reason="Complaints.", by=acme.reviewer)
    runs.shelf.look()
    assert deployment not in runs.shelf


def test_a_look_takes_the_renewed_permit(acme, settings):
    deployment = make.deployed(acme)
    loaded = taken(deployment)
    before = loaded.permit
    settings.PERMIT_SECONDS = 1300
    actions.keep_permits()
    acme.enter(acme.builder)
    runs.shelf.look()
    assert deployment in runs.shelf and loaded.permit.expires > before.expires


def test_without_a_database_a_loaded_model_goes_when_its_permit_ends(acme, monkeypatch):
    deployment = make.deployed(acme)
    loaded = taken(deployment)

    def away(*_):
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(runs, "_permitted_now", away)
    runs.shelf.look()
    assert deployment in runs.shelf  # a short silence costs nothing
    loaded.ends = time.monotonic()
    runs.shelf.look()
    assert deployment not in runs.shelf


def test_a_clock_that_is_set_back_keeps_no_model(acme, monkeypatch):
    deployment = make.deployed(acme)
    loaded = taken(deployment)
    monkeypatch.setattr(runs.time, "time", lambda: loaded.permit.not_before - 10**6)
    assert not loaded.is_over
    loaded.ends = time.monotonic()
    assert loaded.is_over


def test_more_rows_than_the_permit_allows_are_refused(client, acme):
    deployment = actions.open_deployment(make.signed(acme), name="small", rows=2, by=acme.builder)
    assert ask(client, acme.builder, deployment, [ROW, ROW]).status_code == 200
    refused = ask(client, acme.builder, deployment, [ROW, ROW, ROW])
    assert refused.status_code == 400 and "allows 2 rows in one request" in refused.json()["errors"]["rows"]


def test_more_requests_than_the_permit_allows_are_told_to_wait(client, acme):
    deployment = actions.open_deployment(make.signed(acme), name="slow", requests_per_minute=2, by=acme.builder)
    assert [ask(client, acme.builder, deployment, [ROW]).status_code for _ in range(3)] == [200, 200, 429]
    refused = ask(client, acme.builder, deployment, [ROW])
    assert 50 < int(refused["Retry-After"]) <= 60
