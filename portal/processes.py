"""The portal on one machine: pages, serving and a worker as processes, watched over until they are told to stop."""

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

PATIENCE = 20  # seconds a process has to stop by itself
CHILDS_PATIENCE = 15  # and a child of Granian's, which may be told before it listens to signals
RESTART_AFTER = 1.0  # seconds, doubled with each death up to LONGEST_WAIT
LONGEST_WAIT = 30.0


@dataclass
class Process:
    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    running: subprocess.Popen | None = None
    deaths: int = 0
    due: float = 0.0  # when it may be started again

    def start(self) -> None:
        # a session of its own: Ctrl-C in the terminal reaches the watcher alone, who then asks each to stop
        self.running = subprocess.Popen(self.command, env=os.environ | self.environment, start_new_session=True)

    def look(self) -> None:
        """Start it again if it has died."""
        if self.running and self.running.poll() is not None:
            self.deaths += 1
            self.due = time.monotonic() + min(RESTART_AFTER * 2**self.deaths, LONGEST_WAIT)
            print(f"{self.name} ended with {self.running.returncode}; it is started again.", file=sys.stderr)
            self._end()
        if self.running is None and time.monotonic() >= self.due:
            self.start()

    def stop(self) -> None:
        if self.running is None:
            return
        self.running.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.running.wait(PATIENCE)
        self._end()

    def _end(self) -> None:
        """Whatever is left of it: a child that outlives its parent would go on answering on the same port."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.running.pid, signal.SIGKILL)
        self.running.wait()
        self.running = None


def why_not_listen(host: str, port: int) -> str | None:
    """Granian would listen beside whoever listens there already, and the two would share the visitors."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            return f"Something listens on port {port} of {host} already; `ss -ltnp` names it."
        return f"Port {port} of {host} cannot be listened on: {os.strerror(problem.errno or 0)}."
    return None


def pages(host: str, port: int) -> Process:
    return _web("pages", "portal.wsgi:application", host, port)


def serving(host: str, port: int) -> Process:
    return _web("serving", "portal.serving:application", host, port, ASSAY_URLS="portal.serving_urls")


def _web(name: str, application: str, host: str, port: int, **environment: str) -> Process:
    """One Granian process, several threads, a pool of database connections."""
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port),
        "--workers", "1", "--blocking-threads", "8", "--backpressure", "64", "--log-level", "error",
        "--workers-kill-timeout", f"{CHILDS_PATIENCE}", "--no-ws", application,
    ]  # fmt: skip
    return Process(name, command, {"ASSAY_DB_POOL": "1"} | environment)


def worker(queues: str, concurrency: int) -> Process:
    command = [
        sys.executable, "-m", "celery", "--quiet", "-A", "portal", "worker", "-Q", queues, "-c", str(concurrency),
        "--without-mingle", "--without-gossip", "--without-heartbeat", "-l", "warning",
    ]  # fmt: skip
    # in a container or on one machine the worker may well be root: it unpickles nothing and takes ids only
    return Process("worker", command, {"PYTHONWARNINGS": "ignore:You're running the worker"})


def watch(processes: list[Process], stop: threading.Event) -> None:
    """Keep all alive until `stop` is set, then end them together."""
    try:
        while not stop.is_set():
            for process in processes:
                process.look()
            stop.wait(0.5)
    finally:
        stopping = [threading.Thread(target=process.stop) for process in processes]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()


def stop_on_signals() -> threading.Event:
    """An event that SIGINT and SIGTERM set."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
