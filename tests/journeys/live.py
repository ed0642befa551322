"""A whole portal of its own: database, pages, serving and worker as `manage.py up` starts them, on free ports."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

ROOT = Path(__file__).parents[2]
PATIENCE = 120  # seconds


class Portal:
    """Runs in a folder of its own, and with DATABASE_URL in the environment on a database of its own on that server."""

    def __init__(self):
        # not in pytest's folder, which it shuts to the system user that PostgreSQL runs as when we are root
        self._folder = tempfile.TemporaryDirectory(prefix="assay-journey-", ignore_cleanup_errors=True)
        self.home = home = Path(self._folder.name)
        self.port, self.serving_port = _free_port(), _free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.serving_address = f"http://127.0.0.1:{self.serving_port}"
        self.environment = {
            **os.environ,
            "ASSAY_HOME": str(home),
            "ASSAY_URL": self.address,
            "ASSAY_SERVING_URL": self.serving_address,
            "ASSAY_LOG_LEVEL": "INFO",
        }
        self.database = _own_database(self.environment)
        self.log = home / "portal.log"
        self.running: subprocess.Popen | None = None

    def start(self) -> None:
        command = [
            sys.executable,
            "manage.py",
            "up",
            "--port",
            str(self.port),
            "--serving-port",
            str(self.serving_port),
        ]
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self.wait_for(f"{self.address}/health/ready")
        except RuntimeError:
            self.close()  # a portal left behind would take the work of the next one from a shared broker
            raise

    def wait_for(self, url: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                urllib.request.urlopen(url, timeout=2).close()
                return
            except (urllib.error.URLError, OSError) as error:
                if time.monotonic() > deadline or self.running.poll() is not None:
                    raise RuntimeError(f"{url}: {error}\n{self.log.read_text()[-4000:]}") from error
                time.sleep(0.1)

    def stop(self) -> None:
        if self.running and self.running.poll() is None:
            self.running.terminate()
            self.running.wait(PATIENCE)

    def close(self) -> None:
        self.stop()
        if self.database:
            _drop(*self.database)
        self._folder.cleanup()

    def manage(self, *arguments: str, code: int = 0) -> str:
        """What a management command printed, in this portal's environment."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def python(self, code: str) -> str:
        """What a piece of Python printed with Django set up on this portal's database."""
        return self.manage("shell", "--no-imports", "-c", code)

    def make_people(self) -> list[dict]:
        """The demo's two organizations, with everybody's password and token; see portal.demo.people."""
        kept = self.home / "demo.json"
        if not kept.exists():
            self.python("from portal.demo import people; people.make()")
        return json.loads(kept.read_text())

    def worker_processes(self) -> list[int]:
        """The process ids of this portal's worker: its main process and its children."""
        return [pid for pid, words in _processes(self.home) if "celery" in words]

    def kill_workers(self) -> None:
        """kill -9 of the worker and its children; the watcher starts a new one."""
        for pid in self.worker_processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _processes(home: Path):
    """(pid, command line) of every process that works in `home`."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if f"ASSAY_HOME={home}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name), (folder / "cmdline").read_bytes().decode().replace("\0", " ")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _own_database(environment: dict) -> tuple[str, str] | None:
    """On an external server: make a database for this portal alone, and point the environment at it."""
    if not (given := os.environ.get("DATABASE_URL")):
        return None
    parts = urlsplit(given)
    name = f"assay_journey_{os.getpid()}_{int(time.time())}"
    server = urlunsplit(parts._replace(path="/postgres"))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    environment["DATABASE_URL"] = urlunsplit(parts._replace(path=f"/{name}"))
    return server, name


def _drop(server: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"drop database if exists {name} with (force)")
