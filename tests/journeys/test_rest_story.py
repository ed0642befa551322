"""The main job by programs alone, on 30,000 credit card clients: each step, and a refusal beside each."""

import csv
import hashlib
import io
import json
import time

import pytest

from portal.demo.client import Refused
from tests.audits.test_proofs import mth

OVER = ("finished", "failed", "cancelled")
KINDS = ["performance", "fairness", "privacy", "explainability"]
DECLARATION = {
    "target": "default payment next month",
    "favourable": "0",
    "sensitive": [
        {"name": "SEX", "kind": "column", "column": "SEX"},
        {"name": "age", "kind": "cuts", "column": "AGE", "cuts": [25, 60]},
    ],
    "left_out": ["ID"],
    "missing": [],
}
RECIPE = {"estimator": "boosting", "class_weight": True, "seed": 0, "test_share": 0.3}


@pytest.fixture
def owner(client_of):
    return client_of("Olivia Grant")


@pytest.fixture
def builder(client_of):
    return client_of("Ben Ortiz")


@pytest.fixture
def reviewers(client_of):
    return [client_of("Rita Chen"), client_of("Ravi Menon")]


@pytest.fixture
def auditor(client_of):
    return client_of("Ada Nkemelu")


@pytest.fixture
def stranger(client_of):
    """Another organization's builder, at the addresses of this one."""
    client = client_of("Noah Adeyemi")
    client.root = client.root.replace("/northside/", "/harbor/")
    return client


class refused:
    """`with refused(409, "part of the sentence"):` what follows is refused, with this status and these words."""

    def __init__(self, status: int, words: str = ""):
        self.status, self.words = status, words.lower()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        assert kind is Refused, f"it was not refused but {error!r}"
        assert error.status == self.status, (error.status, error.problem)
        assert self.words in json.dumps(error.problem, ensure_ascii=False).lower(), error.problem
        return True


def test_01_it_opens_a_project_by_its_answers(owner, builder, auditor, stranger):
    yes = {"annex_iii", "person_affecting_decision", "personal_data", "bank_model", "role_deployer"}
    answers = {question["name"]: question["name"] in yes for question in builder.get("risk-questions/")["results"]}
    project = builder.post("projects/", name="Cards", purpose="Decide whose card limit is raised.", answers=answers)
    assert project["risk_class"] == "high"
    assert project["url"].endswith("/harbor/cards/")
    with refused(403, "builders"):
        auditor.post("projects/", name="Mine", purpose="Write something.", answers=answers)
    with refused(400, "answer"):
        builder.post("projects/", name="Others", purpose="Say nothing of the risk.", answers={})
    with refused(400, "name"):
        builder.post("projects/", name="Cards", purpose="Take the same name.", answers=answers)
    with refused(404):
        stranger.get("projects/cards/")


def test_02_it_takes_data_by_its_digest(builder, stranger, shared_data, said):
    content = (shared_data / "default-credit-card.csv").read_bytes()
    with refused(400, "pdf"):
        builder.upload("datasets/", "cards.csv", b"%PDF-1.7\n" + content[:999], project="cards", name="cards")
    with refused(400, "row 3"):
        builder.upload("datasets/", "cards.csv", b"a,b\n1,2\n1,2,3\n", project="cards", name="cards")
    with refused(404):
        stranger.upload("datasets/", "cards.csv", content, project="cards", name="cards")
    version = builder.upload("datasets/", "cards.csv", content, project="cards", name="cards")
    said["version"] = version["id"]
    assert version["digest"] == hashlib.sha256(content).hexdigest()
    assert (version["rows"], len(version["columns"]), version["number"]) == (30_000, 25, 1)
    assert builder.download(f"dataset-versions/{version['id']}/file/") == content


def test_03_it_trains_only_what_is_declared(builder, said):
    with refused(400, "declare"):
        builder.post(
            "runs/", project="cards", model="limits", dataset_version=said["version"], recipe=RECIPE, gpu=False
        )
    path = f"dataset-versions/{said['version']}/"
    with refused(400, "no column"):
        builder.post(path + "declaration/", **DECLARATION | {"target": "defaulted"})
    builder.post(path + "declaration/", **DECLARATION)
    with refused(409, "declared"):
        builder.post(path + "declaration/", **DECLARATION)
    told = builder.wait(path, lambda v: v["profile"] and v["profile"]["state"] in OVER)
    assert told["profile"]["state"] == "finished", told["profile"]["problem"]


def test_04_it_trains_on_a_worker(builder, stranger, said):
    with refused(400, "estimator"):
        builder.post(
            "runs/", project="cards", model="limits", dataset_version=said["version"], recipe={"estimator": "oracle"}
        )
    run = builder.post(
        "runs/", project="cards", model="limits", dataset_version=said["version"], recipe=RECIPE, gpu=False
    )
    run = builder.wait(f"runs/{run['id']}/", lambda r: r["state"] in OVER)
    assert run["state"] == "finished", run["problem"]
    model = builder.get(f"model-versions/{run['model_version']}/")
    said["model"] = model["id"]
    for name, kept in model["files"].items():
        content = builder.download(f"model-versions/{model['id']}/files/{name}/")
        assert hashlib.sha256(content).hexdigest() == kept["digest"]
    with refused(404):
        stranger.get(f"model-versions/{model['id']}/")


def test_05_it_gives_no_sign_off_without_reports(builder, said):
    asked = builder.post("approvals/", model_version=said["model"], note="Too early")
    assert asked["verdict"] != "pass"
    assert {gate["verdict"] for gate in asked["gates"]} == {"missing"}
    with refused(409):
        builder.post("deployments/", approval=asked["id"], name="limits")
    builder.post(f"approvals/{asked['id']}/withdrawal/", reason="It was a test of the gate.")


def test_06_it_measures_on_a_worker(builder, auditor, said):
    with refused(403):
        auditor.post("reports/", model_version=said["model"], kinds=KINDS)
    reports = builder.post("reports/", model_version=said["model"], kinds=KINDS)["results"]
    for report in reports:
        done = builder.wait(f"reports/{report['id']}/", lambda r: r["state"] in OVER)
        assert done["state"] == "finished", done["problem"]
        exact = auditor.download(f"reports/{report['id']}/json/")
        assert hashlib.sha256(exact).hexdigest() == done["digest"]
        assert auditor.download(f"reports/{report['id']}/pdf/").startswith(b"%PDF-")


def test_07_it_signs_under_four_eyes(builder, reviewers, people, said):
    asked = builder.post("approvals/", model_version=said["model"], note="May it go live?")
    assert asked["verdict"] == "pass", [gate for gate in asked["gates"] if gate["verdict"] != "pass"]
    path = f"approvals/{asked['id']}/"
    said["approval"] = asked["id"]
    exact = builder.download(path + "dossier/")
    assert hashlib.sha256(exact).hexdigest() == asked["dossier_digest"]
    first, second = (
        {"decision": "sign", "meaning": needed["meaning"], "reason": "Read in full."} for needed in asked["required"]
    )
    bound = {"dossier_digest": asked["dossier_digest"]}
    rita, ravi = people["Rita Chen"]["password"], people["Ravi Menon"]["password"]
    with refused(403):
        builder.post(path + "signatures/", password=people["Ben Ortiz"]["password"], **first, **bound)
    with refused(400, "password"):
        reviewers[0].post(path + "signatures/", password="not mine", **first, **bound)
    with refused(409, "dossier"):
        reviewers[0].post(path + "signatures/", password=rita, dossier_digest="0" * 64, **first)
    with refused(409, "not opened"):
        reviewers[0].post(path + "signatures/", password=rita, **first, **bound)
    for reviewer in reviewers:
        for evidence in reviewer.get(path)["reading"]:
            reviewer.get(evidence["rest"])
    reviewers[0].post(path + "signatures/", password=rita, **first, **bound)
    assert reviewers[1].get(path)["signatures"] == []  # sealed until both have spoken
    with refused(409):
        reviewers[0].post(path + "signatures/", password=rita, **second, **bound)
    with refused(409):
        builder.post("deployments/", approval=asked["id"], name="limits")
    reviewers[1].post(path + "signatures/", password=ravi, **second, **bound)
    signed = builder.get(path)
    assert signed["state"] == "approved"
    assert signed["validity"]["valid"] is True


def test_08_it_serves_what_is_signed(builder, stranger, said, shared_data):
    deployment = builder.post("deployments/", approval=said["approval"], name="limits")
    said["deployment"] = deployment["id"]
    model = builder.get(f"model-versions/{said['model']}/")
    with (shared_data / "default-credit-card.csv").open() as file:
        rows = [row for row, _ in zip(csv.DictReader(file), range(5), strict=False)]
    inputs = {column["name"] for column in model["input_schema"]}
    rows = [{name: float(value) for name, value in row.items() if name in inputs} for row in rows]
    answer = builder.post(f"deployments/{deployment['id']}/predict", rows=rows)
    assert answer["artifact_digest"] == model["artifact_digest"]
    assert len(answer["predictions"]) == 5
    assert all(0 <= one["probability"] <= 1 for one in answer["predictions"])
    with refused(400, "limit_bal"):
        builder.post(f"deployments/{deployment['id']}/predict", rows=[rows[0] | {"LIMIT_BAL": "much"}])
    with refused(404):
        stranger.post(f"deployments/{deployment['id']}/predict", rows=rows)


def test_09_it_stops_when_the_sign_off_falls(builder, reviewers, said):
    predict = f"deployments/{said['deployment']}/predict"
    reviewers[0].post(f"approvals/{said['approval']}/revocation/", reason="New evidence on the oldest clients.")
    revoked_at = time.monotonic()
    while True:
        try:
            builder.post(predict, rows=[{}])
        except Refused as refusal:
            if refusal.status == 409:
                break
        assert time.monotonic() - revoked_at < 10, "it still answers"
    with refused(409):
        builder.post("deployments/", approval=said["approval"], name="limits-again")


def test_10_it_remembers_all_of_it(auditor, stranger):
    verified = auditor.post("records/verification/")
    assert verified["intact"] is True
    kept = auditor.post("checkpoints/")
    leaves = [
        json.loads(line)["leaf"].encode()
        for line in auditor.download("records/export/?format=jsonl").decode().splitlines()
    ]
    assert mth(leaves[: kept["size"]]).hex() == kept["root"]
    table = list(csv.DictReader(io.StringIO(auditor.download("records/export/?format=csv").decode("utf-8-sig"))))
    events = [row["event"] for row in table]
    for event in ("dataset.added", "model.registered", "approval.signed", "deployment.opened", "approval.revoked"):
        assert event in events
    with refused(404):
        stranger.get("records/")
