"""The database drops every connection: in the middle of an upload, in the middle of a run, and while nobody asks."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from portal.demo.client import Refused
from portal.demo.story import DECLARATION, mortgages

OVER = ("finished", "failed", "cancelled")
LONG = {"estimator": "network", "hyper": {"epochs": 250, "patience": 0, "layers": [32]}}
DROP = """
import time
from django.db import connections
others = " from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
with connections["owner"].cursor() as cursor:
    for _ in range(300):
        cursor.execute("select count(*)" + others + " and state like %s", ["{state}"])
        if cursor.fetchone()[0]:
            break
        time.sleep(0.1)
    cursor.execute("select count(pg_terminate_backend(pid))" + others + " and backend_type = 'client backend'")
    print(cursor.fetchone()[0])
"""


@pytest.fixture
def builder(client_of):
    return client_of("Ben Ortiz")


def drop_all(portal, *, once: str = "%") -> None:
    """End every connection, `once` there is one in that state."""
    assert int(portal.python(DROP.replace("{state}", once)).split()[-1]) > 0


def half_sent(builder, **fields) -> tuple[http.client.HTTPConnection, bytes]:
    """An upload of the mortgages of which the first half is sent, and the other half."""
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    head = '--edge\r\nContent-Disposition: form-data; name="file"; filename="loanapp.csv"\r\n\r\n'
    body = "".join([*parts, head]).encode() + mortgages() + b"\r\n--edge--\r\n"
    address = urlsplit(builder.root)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    connection.putrequest("POST", f"{address.path}datasets/")
    connection.putheader("Authorization", f"Bearer {builder.token}")
    connection.putheader("Content-Type", "multipart/form-data; boundary=edge")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders()
    connection.send(body[: len(body) // 2])
    return connection, body[len(body) // 2 :]


def test_01_an_upload_is_refused_honestly_and_then_taken(portal, builder, said):
    answers = {question["name"]: False for question in builder.get("risk-questions/")["results"]}
    builder.post("projects/", slug="gone", name="Gone", purpose="See what outlives the database.", answers=answers)
    connection, rest = half_sent(builder, project="gone", name="loanapp")
    drop_all(portal, once="idle in transaction")  # which waits for the other half
    connection.send(rest)
    answer = connection.getresponse()
    assert answer.status == 503
    assert "The database does not answer. Nothing was stored" in json.loads(answer.read())["detail"]
    assert builder.get("dataset-versions/?project=gone")["results"] == []
    assert not list((portal.home / "incoming").iterdir())
    said["data"] = builder.upload("datasets/", "loanapp.csv", mortgages(), project="gone", name="loanapp")["id"]


def test_02_who_asks_afterwards_is_answered_at_once(portal, builder):
    with ThreadPoolExecutor(8) as many:  # so that the pool holds several connections
        list(many.map(lambda _: builder.get("projects/"), range(32)))
    drop_all(portal)
    for _ in range(16):
        try:
            builder.get("projects/")
        except Refused as refusal:
            pytest.fail(f"a dead connection was handed out: {refusal}")


def test_03_a_run_is_taken_up_again(portal, builder, said):
    builder.post(f"dataset-versions/{said['data']}/declaration/", **DECLARATION)
    run = builder.post("runs/", project="gone", model="gone", dataset_version=said["data"], recipe=LONG, gpu=False)
    path = f"runs/{run['id']}/"
    begun = builder.wait(path, lambda it: it["progress"].get("epoch", 0) > 20 or it["state"] in OVER, every=0.1)
    assert begun["state"] == "running"
    drop_all(portal)
    done = builder.wait(path, lambda it: it["state"] in OVER, seconds=240)
    assert done["state"] == "finished", done["problem"]
    assert [line["epoch"] for line in done["history"]] == list(range(1, LONG["hyper"]["epochs"] + 1))
