"""The pages and the REST door of what serves."""

import re

import pytest

from apps.approvals import actions as approvals
from apps.deployments import actions
from apps.deployments.models import Deployment
from tests.approvals import make
from tests.deployments import make as real


def text(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def visit(client, member, path, data=None, **options):
    client.force_login(member.user)
    return client.get(path, **options) if data is None else client.post(path, data, **options)


@pytest.fixture
def serving(acme):
    return actions.open_deployment(make.approved(acme), name="screening", by=acme.builder)


def test_a_builder_chooses_a_sign_off_and_deploys(client, acme):
    approval = make.approved(acme)
    page = text(visit(client, acme.builder, "/acme/lending/deployments/new/"))
    assert "screening v1" in page
    path = f"/acme/lending/deployments/new/?approval={approval.pk}"
    assert "stands until" in text(client.get(path))
    response = client.post(path, {"name": "spring-campaign"})
    assert response.status_code == 303
    assert "Yes: screening v1 serves on a sign-off that stands" in text(client.get(response.url))


def test_what_is_not_signed_cannot_be_chosen_and_is_refused(client, acme):
    approval = make.asked(acme)
    assert "No sign-off stands" in text(visit(client, acme.builder, "/acme/lending/deployments/new/"))
    path = f"/acme/lending/deployments/new/?approval={approval.pk}"
    assert "may not be deployed" in text(client.post(path, {"name": "early"}))
    acme.enter()
    assert not Deployment.objects.exists()


def test_a_name_that_serves_is_said_at_its_field_and_kept(client, acme, serving):
    path = f"/acme/lending/deployments/new/?approval={serving.approval_id}"
    response = visit(client, acme.builder, path, {"name": "screening"})
    assert "“screening” serves already" in text(response) and 'value="screening"' in response.content.decode()


def test_the_page_shows_how_to_ask_it(client, acme):
    deployment = real.deployed(acme)
    page = text(visit(client, acme.auditor, deployment.get_absolute_url()))
    assert f"/api/v1/acme/deployments/{deployment.pk}/predict" in page
    assert "income number no any number" in page
    assert "north, south" in page and deployment.model_version.artifact_digest in page


def test_the_page_says_why_it_no_longer_answers(client, acme, serving):
    acme.enter(acme.reviewer)
    approvals.revoke(serving.approval, reason="Complaints.", by=acme.reviewer)
    page = text(visit(client, acme.builder, serving.get_absolute_url()))
    assert "No. screening answers nothing: its sign-off does not stand." in page and "was revoked" in page
    assert "refuses" in text(client.get("/acme/lending/deployments/"))


def test_the_list_says_where_a_permit_is_missing(client, acme):
    approval = make.approved(acme)
    Deployment.objects.create(
        organization=acme.organization, project=acme.project, name="bare", model_version=approval.model_version,
        approval=approval, opened_by=acme.builder,
    )  # fmt: skip
    assert "no permit" in text(visit(client, acme.auditor, "/acme/lending/deployments/"))
    acme.enter(acme.builder)
    actions.keep_permits()
    assert "no permit" not in text(client.get("/acme/lending/deployments/"))


def test_stopping_asks_for_a_reason(client, acme, serving):
    path = serving.get_absolute_url() + "stop/"
    assert "write the reason" in text(visit(client, acme.reviewer, path, {"reason": ""}, follow=True))
    page = text(client.post(path, {"reason": "Complaints."}, follow=True))
    assert "It is stopped" in page and "Complaints." in page
    assert "You stopped it already" in text(client.post(path, {"reason": "Again."}, follow=True))


def test_the_list_is_filtered_by_address(client, acme, serving):
    assert "screening" in text(visit(client, acme.auditor, "/acme/lending/deployments/?state=serving"))
    assert "No deployment is in this state" in text(client.get("/acme/lending/deployments/?state=stopped"))


@pytest.mark.parametrize("path", ["", "stop/"])
def test_a_rival_gets_nothing(client, acme, rival, serving, path):
    client.force_login(rival.builder.user)
    for address in (serving.get_absolute_url() + path, f"/rival/lending/deployments/{serving.pk}/{path}"):
        assert client.post(address, {"reason": "x"}).status_code == 404


def test_over_rest(client, acme, rival, serving):
    root = "/api/v1/acme/deployments/"
    listed = visit(client, acme.auditor, root + "?project=lending").json()["results"]
    assert [(row["name"], row["state"], row["stands"]) for row in listed] == [("screening", "serving", True)]
    body = {"approval": serving.approval_id, "name": "second"}
    opened = visit(client, acme.builder, root, body, content_type="application/json")
    assert (opened.status_code, opened.json()["artifact_digest"]) == (201, serving.model_version.artifact_digest)
    again = client.post(root, body, content_type="application/json")
    assert again.status_code == 400 and "serves already" in again.json()["errors"]["name"]
    unknown = client.post(root, body | {"approval": 10**9}, content_type="application/json")
    assert unknown.status_code == 404 and "no such sign-off" in unknown.json()["detail"]
    stopped = client.post(f"{root}{serving.pk}/stop/", {"reason": "Moved."}, content_type="application/json").json()
    assert (stopped["state"], stopped["stopped_by"], stopped["stop_reason"]) == ("stopped", "Builder", "Moved.")
    assert visit(client, rival.builder, f"/api/v1/rival/deployments/{serving.pk}/").status_code == 404
    forged = visit(client, rival.builder, "/api/v1/rival/deployments/", body, content_type="application/json")
    assert forged.status_code == 404 and "no such sign-off" in forged.json()["detail"]


def test_a_stranger_to_a_prediction_gets_404_before_anything_is_passed_on(client, acme, rival, serving):
    for organization in ("acme", "rival"):
        path = f"/api/v1/{organization}/deployments/{serving.pk}/predict"
        assert visit(client, rival.builder, path, {"rows": [{}]}, content_type="application/json").status_code == 404
