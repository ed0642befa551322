"""Projects over REST."""

import pytest

from apps.projects import rules
from apps.projects.models import Project
from tests.accounts import make
from tests.projects.make import LENDING, answers

pytestmark = pytest.mark.django_db
BODY = {"name": "Churn", "purpose": "Tell who may leave.", "answers": answers("personal_data")}


@pytest.fixture
def call(client, acme):
    def request(verb, path, data=None, *, by=None, scopes=("read", "project.open", "project.change")):
        acme.enter()
        _, secret = make.token(by or acme.builder, *scopes)
        address = f"/api/v1/acme/{path}"
        response = getattr(client, verb)(address, data, content_type="application/json", **make.bearer(secret))
        acme.enter()
        return response

    return request


def test_it_lists_and_reads(acme, call):
    listed = call("get", "projects/").json()
    assert [row["slug"] for row in listed["results"]] == ["lending"] and listed["next"] is None
    read = call("get", "projects/lending/").json()
    assert read == listed["results"][0]
    assert read["url"] == "http://testserver/acme/lending/"
    assert call("get", "projects/?closed=true").json()["results"] == []


def test_it_lists_the_questions_and_they_can_be_answered(call):
    rows = call("get", "risk-questions/").json()["results"]
    assert [row["name"] for row in rows] == list(rules.NAMES)
    made = call("post", "projects/", BODY | {"answers": {row["name"]: False for row in rows}})
    assert (made.status_code, made.json()["risk_class"]) == (201, "minimal")


def test_it_opens_a_project(acme, call):
    made = call("post", "projects/", BODY | {"owner": acme.owner.pk, "risk_class": "high"})
    assert made.status_code == 201
    body = made.json()
    assert (body["slug"], body["owner"], body["owner_id"]) == ("churn", "Owner", acme.owner.pk)
    assert (body["risk_class"], body["because"]) == ("high", "Limited, because it uses personal data.")
    assert call("get", "projects/churn/").json() == body


@pytest.mark.parametrize(
    ("fields", "fields_named"),
    [
        ({"name": ""}, ["name"]),
        ({"name": "Lending"}, ["name"]),
        ({"purpose": "x" * 4001}, ["purpose"]),
        ({"answers": {}}, list(rules.NAMES)),
        ({"answers": LENDING, "risk_class": "minimal"}, ["risk_class"]),
        ({"answers": "yes"}, ["answers"]),
        ({"answers": answers() | {"annex_iii": None}}, ["answers.annex_iii"]),
        ({"answers": answers() | {"is_it_nice": True}}, ["is_it_nice"]),
        ({"owner": "me"}, ["owner"]),
        ({"risk_class": "grave"}, ["risk_class"]),
    ],
)
def test_bad_input_is_named_by_field(call, fields, fields_named):
    answer = call("post", "projects/", BODY | fields)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert sorted(answer.json()["errors"]) == sorted(fields_named)
    assert Project.objects.count() == 1


def test_a_foreign_owner_is_refused_like_one_that_does_not_exist(acme, rival, call):
    foreign, missing = (call("post", "projects/", BODY | {"owner": pk}) for pk in (rival.owner.pk, 10**9))
    assert (foreign.status_code, list(foreign.json()["errors"])) == (404, ["owner"])
    assert foreign.content == missing.content


def test_it_changes_what_is_named_and_refuses_an_old_reading(acme, call):
    read = call("get", "projects/lending/").json()
    changed = call("patch", "projects/lending/", {"purpose": "Price loans.", "changed_at": read["changed_at"]})
    assert (changed.status_code, changed.json()["purpose"], changed.json()["name"]) == (200, "Price loans.", "Lending")
    stale = call("patch", "projects/lending/", {"purpose": "Collect.", "changed_at": read["changed_at"]})
    assert stale.status_code == 409 and "Somebody changed" in stale.json()["detail"]


def test_it_classifies(call):
    done = call("put", "projects/lending/risk/", {"answers": LENDING})
    assert (done.status_code, done.json()["risk_class"], done.json()["answers"]) == (200, "high", LENDING)
    assert call("put", "projects/lending/risk/", {}).status_code == 400


def test_only_an_owner_closes(acme, call):
    body = {"reason": "The product ended."}
    refused = call("post", "projects/lending/close/", body)
    assert refused.status_code == 403 and refused.json()["detail"].startswith("Only owners")
    scopes = ("read", "project.close")
    closed = call("post", "projects/lending/close/", body, by=acme.owner, scopes=scopes)
    assert closed.status_code == 200 and closed.json()["closed_at"]
    again = call("post", "projects/lending/close/", body, by=acme.owner, scopes=scopes)
    assert again.status_code == 409 and "closed already" in again.json()["detail"]
    assert [row["slug"] for row in call("get", "projects/?closed=true").json()["results"]] == ["lending"]


@pytest.mark.parametrize(
    ("verb", "path", "data", "scope"),
    [
        ("post", "projects/", BODY, "project.open"),
        ("patch", "projects/lending/", {"purpose": "x"}, "project.change"),
        ("put", "projects/lending/risk/", {"answers": answers()}, "project.change"),
        ("post", "projects/lending/close/", {"reason": "x"}, "project.close"),
    ],
)
def test_a_verb_needs_its_scope(acme, call, verb, path, data, scope):
    without = call(verb, path, data, by=acme.owner, scopes=["read"])
    assert without.status_code == 403
    assert without.json()["detail"] == f"This token has no scope “{scope}”."
    assert call(verb, path, data, by=acme.owner, scopes=["read", scope]).status_code in (200, 201)


def test_another_organizations_project_is_not_found(acme, rival, call):
    rival.enter()
    Project.objects.filter(pk=rival.project.pk).update(name="Secret")
    other = type(rival.project).objects.get(pk=rival.project.pk)
    other.pk, other.slug = None, "theirs"
    other.save()
    for verb, path in (("get", ""), ("patch", ""), ("put", "risk/"), ("post", "close/")):
        foreign = call(verb, f"projects/theirs/{path}", {"reason": "x", "answers": answers()})
        missing = call(verb, f"projects/nothing/{path}", {"reason": "x", "answers": answers()})
        assert foreign.status_code == 404
        assert foreign.content == missing.content
