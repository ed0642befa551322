"""Programs' door: the same verbs, refusals as problem details, other organizations nowhere."""

import errno
import hashlib
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadhandler import TemporaryFileUploadHandler

from apps.audits.models import Record
from apps.datasets.models import DatasetVersion
from tests.datasets import make
from tests.datasets.test_actions import BAD

ROOT = "/api/v1/acme/"


@pytest.fixture
def builder(client, acme):
    client.force_login(acme.builder.user)
    return client


def upload(client, content=make.TABLE, filename="loans.csv", headers=None, **typed):
    body = {"project": "lending", "name": "loans", "file": make.sent(content, filename)} | typed
    return client.post(f"{ROOT}datasets/", body, headers=headers or {})


def post(client, path, body):
    return client.post(ROOT + path, body, content_type="application/json")


def assert_problem(response, status):
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status and problem["detail"].endswith(".")
    return problem


def nothing_is_stored(acme):
    acme.enter()
    root = Path(default_storage.path(str(acme.organization.pk)))
    return not DatasetVersion.objects.exists() and not [path for path in root.rglob("*") if path.is_file()]


def test_the_whole_way_from_file_to_profile(builder, acme):
    response = upload(builder, make.loans())
    assert response.status_code == 201, response.content
    version = response.json()
    assert version["digest"] == hashlib.sha256(make.loans()).hexdigest()
    assert (version["rows"], len(version["columns"]), version["number"]) == (1989, 59, 1)
    assert version["profile"]["state"] == "queued" and version["declaration"] is None
    assert version["url"].endswith(f"/acme/lending/datasets/{version['id']}/")
    declared = post(builder, f"dataset-versions/{version['id']}/declaration/", make.LOANS_SAID)
    assert declared.status_code == 201, declared.content
    assert declared.json()["declaration"]["sensitive"][0]["otherwise"] == "White"
    acme.enter()
    make.profiled(DatasetVersion.objects.get())
    read = builder.get(f"{ROOT}dataset-versions/{version['id']}/").json()
    assert read["profile"]["state"] == "finished"
    assert read["profile"]["result"]["balance"]["overall"]["n"] == 1989
    bytes_back = b"".join(builder.get(f"{ROOT}dataset-versions/{version['id']}/file/").streaming_content)
    assert bytes_back == make.loans()
    withdrawn = post(builder, f"dataset-versions/{version['id']}/withdrawal/", {"reason": "No consent."})
    assert withdrawn.status_code == 200 and withdrawn.json()["withdrawn_at"]


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_with_problem_details(builder, acme, case):
    content, words = BAD[case]
    problem = assert_problem(upload(builder, content), 400)
    assert words in problem["errors"]["file"]
    assert nothing_is_stored(acme)


def test_the_wrong_encoding_is_refused(builder, acme):
    problem = assert_problem(upload(builder, "a,b\nß,1\n".encode("cp1252"), encoding="utf-8"), 400)
    assert "Byte 4 in line 2" in problem["errors"]["file"]
    assert nothing_is_stored(acme)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": ""}, "name"),
        ({"delimiter": ";;"}, "delimiter"),
        ({"quote": "''"}, "quote"),
        ({"name": "x" * 121}, "name"),
    ],
)
def test_bad_fields_are_named(builder, acme, typed, field):
    assert field in assert_problem(upload(builder, **typed), 400)["errors"]
    assert nothing_is_stored(acme)


def test_unknown_choices_are_refused(builder, acme):
    assert "no encoding called" in assert_problem(upload(builder, encoding="klingon"), 400)["errors"]["file"]
    assert "one character" in assert_problem(upload(builder, delimiter='"', quote='"'), 400)["errors"]["file"]
    assert nothing_is_stored(acme)


def test_quotes_can_be_switched_off(builder, acme):
    assert upload(builder, b'a,b\n5",x\n', quote="").json()["quote"] == ""


def test_a_file_must_come_with_it(builder, acme):
    response = builder.post(f"{ROOT}datasets/", {"project": "lending", "name": "x"})
    assert "file" in assert_problem(response, 400)["errors"]
    assert assert_problem(post(builder, "datasets/", {"project": "lending"}), 415)


def test_a_full_disk_is_said(builder, acme, monkeypatch):
    def full(self, raw_data, start):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(TemporaryFileUploadHandler, "receive_data_chunk", full)
    assert "No space left" in assert_problem(upload(builder), 400)["errors"]["file"]
    assert nothing_is_stored(acme)


def test_the_same_bytes_twice_are_refused_unless_the_key_is_the_same(builder, acme):
    first = upload(builder, headers={"Idempotency-Key": "k1"})
    again = upload(builder, headers={"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json()["id"] == first.json()["id"]
    assert "loans v1 already" in assert_problem(upload(builder), 409)["detail"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"target": "gone"}, "target"),
        ({"favourable": ""}, "favourable"),
        ({"sensitive": [{"name": "approve"}]}, "sensitive"),
        ({"left_out": "age"}, "left_out"),
        ({"missing": [1]}, "missing"),
    ],
)
def test_a_bad_declaration_names_the_field(builder, acme, changed, field):
    version = make.version(acme.builder, acme.project)
    response = post(builder, f"dataset-versions/{version.pk}/declaration/", make.SAID | changed)
    assert field in assert_problem(response, 400)["errors"]
    acme.enter()
    version.refresh_from_db()
    assert version.declaration is None


def test_a_second_declaration_is_refused(builder, acme):
    version = make.version(acme.builder, acme.project, declaration=make.SAID)
    response = post(builder, f"dataset-versions/{version.pk}/declaration/", make.SAID)
    assert "never changes" in assert_problem(response, 409)["detail"]


@pytest.mark.parametrize("role", ["owner", "reviewer", "auditor"])
def test_a_colleague_without_the_right_is_told_so(client, acme, role):
    version = make.version(acme.builder, acme.project)
    client.force_login(acme.members[role].user)
    assert "Only builders" in assert_problem(upload(client, make.loans()), 403)["detail"]
    assert_problem(post(client, f"dataset-versions/{version.pk}/declaration/", make.SAID), 403)
    assert_problem(client.get(f"{ROOT}dataset-versions/{version.pk}/file/"), 403)
    acme.enter()
    assert not Record.objects.filter(event="dataset.downloaded").exists()


def test_lists_are_pages_with_filters(builder, acme):
    for number in range(3):
        make.version(acme.builder, acme.project, make.TABLE + b"1,F,1,1\n" * (number + 1))
    other = make.version(acme.builder, acme.project, name="other")
    page = builder.get(f"{ROOT}dataset-versions/?limit=2&project=lending").json()
    assert page["results"][0]["id"] == other.pk and page["next"]
    rest = builder.get(page["next"]).json()
    assert len(rest["results"]) == 2 and rest["next"] is None
    assert len(builder.get(f"{ROOT}dataset-versions/?dataset={other.dataset_id}").json()["results"]) == 1
    assert builder.get(f"{ROOT}dataset-versions/?project=none").json()["results"] == []
    datasets = builder.get(f"{ROOT}datasets/").json()["results"]
    assert {one["name"]: one["versions"] for one in datasets} == {"loans": 3, "other": 1}
    assert builder.get(f"{ROOT}datasets/{other.dataset_id}/budget/").json() == {"results": [], "next": None}


def test_a_rival_finds_nothing(client, acme, rival):
    version = make.version(acme.builder, acme.project)
    client.force_login(rival.builder.user)
    for organization in ("acme", "rival"):
        root = f"/api/v1/{organization}/dataset-versions/{version.pk}/"
        for part in ("", "file/"):
            assert client.get(root + part).status_code == 404
        for part in ("declaration/", "withdrawal/", "profile/"):
            body = make.SAID if part == "declaration/" else {"reason": "x"}
            assert client.post(root + part, body, content_type="application/json").status_code == 404
        assert client.get(f"/api/v1/{organization}/datasets/{version.dataset_id}/budget/").status_code == 404
    body = {"project": "lending2", "name": "x", "file": make.sent()}
    assert client.post("/api/v1/rival/datasets/", body).status_code == 404
    assert client.get("/api/v1/rival/dataset-versions/").json()["results"] == []
