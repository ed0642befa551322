"""The serving process itself: its own address, its own memory; the pages' process passes requests on to it."""

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import closing, suppress
from pathlib import Path

import pytest
from django.db import connection, transaction
from psycopg.conninfo import make_conninfo

from apps.accounts.models import Token
from apps.approvals import actions as approvals
from apps.deployments import actions as deployments
from apps.deployments import queries
from apps.deployments.models import STOPS_WITHIN, Permit
from portal import processes
from tests.accounts import make as accounts
from tests.deployments import make

ROOT = Path(__file__).parents[2]
ROW = {"income": 70.0, "town": "north"}


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _database(**elsewhere) -> str:
    """This test's database, as another process connects to it."""
    said = connection.settings_dict
    return make_conninfo(dbname=said["NAME"], user=said["USER"], password=said["PASSWORD"] or None,
                         **{"host": said["HOST"], "port": said["PORT"] or None} | elsewhere)  # fmt: skip


class Wire:
    """The way from a process to this test's database; it can be cut."""

    def __init__(self, to: tuple[int, str | tuple[str, int]]):
        self.to, self.open, self.whole = to, [], True
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._take, daemon=True).start()

    def cut(self) -> None:
        """Whoever talks is interrupted, and nobody comes through any more."""
        self.whole = False
        for end in [self.server, *self.open]:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _take(self) -> None:
        with suppress(OSError):
            while self.whole:
                near, _ = self.server.accept()
                far = socket.socket(self.to[0])
                far.connect(self.to[1])
                self.open += [near, far]
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, come, go) -> None:
        with suppress(OSError):
            while said := come.recv(65_536):
                go.sendall(said)
            go.shutdown(socket.SHUT_WR)


@pytest.fixture
def wire():
    """Between the serving process and its database, where a test asks for it."""
    said = connection.settings_dict
    host, port = said["HOST"] or "127.0.0.1", int(said["PORT"] or 5432)
    to = (socket.AF_UNIX, f"{host}/.s.PGSQL.{port}") if host.startswith("/") else (socket.AF_INET, (host, port))
    made = Wire(to)
    yield made
    made.cut()


@pytest.fixture
def serving(standing, settings, tmp_path, request):
    """A serving process on this test's database and files; `.kill()` takes it away."""
    port, wire = _free_port(), "wire" in request.fixturenames and request.getfixturevalue("wire")
    settings.SERVING_URL = f"http://127.0.0.1:{port}"
    described = processes.serving("127.0.0.1", port)
    database = _database(host="127.0.0.1", port=wire.port) if wire else _database()
    environment = os.environ | described.environment | {"DATABASE_URL": database, "ASSAY_HOME": str(tmp_path)}
    (tmp_path / "static").mkdir()
    log = tmp_path / "serving.log"
    with log.open("w") as errors:
        running = subprocess.Popen(described.command, cwd=ROOT, env=environment, stderr=errors)
    running.log = log
    try:
        _wait(settings.SERVING_URL + "/health/ready", running)
        yield running
    finally:
        running.terminate()
        running.wait(20)


def _wait(address: str, running: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and running.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("The serving process did not come up.")


@pytest.fixture
def deployment(standing):
    with transaction.atomic():
        return make.deployed(standing)


@pytest.fixture
def ask_of(client, standing):
    """Ask the pages' process of a deployment, as a program with a token does."""
    with transaction.atomic():
        standing.enter(standing.builder)
        _, token = accounts.token(standing.builder, "read", "predict")

    def of(deployment):
        path = f"/api/v1/{standing.organization.slug}/deployments/{deployment.pk}/predict"

        def one(rows, *, secret=token, key=""):
            headers = accounts.bearer(secret) | ({"HTTP_IDEMPOTENCY_KEY": key} if key else {})
            return client.post(path, {"rows": rows}, content_type="application/json", **headers)

        return one

    return of


@pytest.fixture
def ask(ask_of, deployment):
    return ask_of(deployment)


def test_one_address_answers_and_revoking_stops_it_within_a_second(standing, serving, deployment, ask):
    answer = ask([ROW])
    assert answer.status_code == 200, answer.content
    assert answer.json()["artifact_digest"] == deployment.model_version.artifact_digest
    assert "Row 1, income" in ask([{"income": "much", "town": "north"}]).json()["detail"]
    with transaction.atomic():
        standing.enter(standing.reviewer)
        approvals.revoke(deployment.approval, reason="Complaints.", by=standing.reviewer)
    revoked = time.monotonic()
    refusal = ask([ROW])
    assert time.monotonic() - revoked < 1
    assert refusal.status_code == 409 and "the sign-off was revoked" in refusal.json()["detail"]
    assert refusal["Content-Type"] == "application/problem+json"


def test_revocation_drops_the_model_from_memory_within_ten_seconds(standing, serving, deployment, ask):
    """Nobody asks it any more, and still it is gone; what was asked in between got no answer."""
    assert ask([ROW]).status_code == 200
    with transaction.atomic():
        standing.enter(standing.reviewer)
        approvals.revoke(deployment.approval, reason="Complaints.", by=standing.reviewer)
    revoked, dropped = time.monotonic(), f"Deployment {deployment.pk} is dropped from memory"
    while dropped not in serving.log.read_text() and time.monotonic() - revoked < 10:
        time.sleep(0.05)
    print(f"dropped {time.monotonic() - revoked:.1f} s after revocation")
    assert dropped in serving.log.read_text()
    assert ask([ROW]).status_code == 409


def test_a_suspension_reaches_everything_that_serves_on_it_within_the_stated_time(
    standing, serving, ask_of, deployment
):
    """A timed drill: two deployments answer, one person suspends, and nothing answers, is in memory or has a permit."""
    with transaction.atomic():
        standing.enter(standing.builder)
        second = deployments.open_deployment(deployment.approval, name="second", by=standing.builder)
    both = {each: ask_of(each) for each in (deployment, second)}
    assert [ask([ROW]).status_code for ask in both.values()] == [200, 200]
    with transaction.atomic():
        standing.enter(standing.builder)
        approvals.suspend(deployment.approval, reason="A drill.", drill=True, by=standing.builder)
    suspended, stated = time.monotonic(), STOPS_WITHIN.total_seconds()
    for ask in both.values():
        refusal = ask([ROW])
        assert refusal.status_code == 409 and "suspended for a drill" in refusal.json()["detail"]
    deployments.keep_permits()  # what a worker does every few seconds
    dropped = {f"Deployment {each.pk} is dropped from memory" for each in both}
    while not all(line in serving.log.read_text() for line in dropped) and time.monotonic() - suspended < stated:
        time.sleep(0.05)
    assert all(line in serving.log.read_text() for line in dropped)
    with transaction.atomic():
        standing.enter(standing.reviewer)
        assert not Permit.objects.filter(deployment__in=both, revoked_at=None).exists()
        approvals.ask_to_resume(deployment.approval, reason="It stopped.", by=standing.reviewer)
    with transaction.atomic():
        standing.enter(standing.second_reviewer)
        approvals.resume(deployment.approval, by=standing.second_reviewer)
    with transaction.atomic():
        standing.enter(standing.auditor)
        for each in queries.deployments(viewer=standing.auditor):
            tried = queries.last_try(each)
            assert 0 <= (tried.stopped_at - tried.suspended_at).total_seconds() < stated
            assert each.tried_at == tried.suspended_at


def test_cut_off_from_the_portal_it_answers_nothing_once_its_permit_has_ended(
    standing, wire, serving, settings, ask_of
):
    """Fails closed: what cannot ask whether it may, does not; and the model leaves its memory with the permit."""
    settings.PERMIT_SECONDS = 6
    with transaction.atomic():
        standing.enter(standing.builder)
        deployment = make.deployed(standing)
    ask, began = ask_of(deployment), time.monotonic()
    assert ask([ROW]).status_code == 200
    wire.cut()
    dropped = f"Deployment {deployment.pk} is dropped from memory. The permit it was loaded with has ended."
    while dropped not in serving.log.read_text() and time.monotonic() - began < 30:
        assert ask([ROW]).status_code >= 500
        time.sleep(0.3)
    assert dropped in serving.log.read_text() and ask([ROW]).status_code >= 500


def test_the_next_answers_stop_when_the_permit_ends_and_no_worker_renews_it(standing, serving, settings, ask_of):
    settings.PERMIT_SECONDS = 3
    with transaction.atomic():
        standing.enter(standing.builder)
        deployment = make.deployed(standing)
    ask, began = ask_of(deployment), time.monotonic()
    answers = {}
    while time.monotonic() - began < 10:
        answers[time.monotonic() - began] = ask([ROW]).status_code
        time.sleep(0.2)
    assert next(iter(answers.values())) == 200
    assert max(at for at, status in answers.items() if status == 200) < 4
    assert {status for at, status in answers.items() if at > 4} == {409}


def test_the_same_question_asked_again_is_answered_again(serving, ask):
    answers = [ask([ROW], key="once").json()["predictions"] for _ in range(2)]
    assert answers[0] == answers[1] and answers[0]


def test_a_revoked_token_and_a_stranger_get_nothing(standing, serving, ask):
    assert ask([ROW]).status_code == 200
    with transaction.atomic():
        standing.enter()
        Token.objects.update(revoked_at=standing.organization.founded_at)
    assert ask([ROW]).status_code == 404
    assert ask([ROW], secret="made up").status_code == 404


def test_without_the_process_it_says_so(serving, ask):
    serving.terminate()
    serving.wait(20)
    answer = ask([ROW])
    assert answer.status_code == 503 and "serving process does not answer" in answer.json()["detail"]
    assert answer["Retry-After"] == "5"


def test_the_pages_process_loads_no_mathematics():
    """Every address resolved, and still neither torch, scikit-learn nor the laboratory."""
    script = (
        "import django; django.setup()\n"
        "import sys; from django.urls import get_resolver; get_resolver().reverse_dict\n"
        "import apps.deployments.api\n"
        "print([name for name in ('torch', 'sklearn', 'shap', 'apps.ml') if name in sys.modules])"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "portal.settings"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
