"""From nothing to the first page: `manage.py up` in an empty folder."""

import contextlib
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

from tests.benchmarks.clock import megabytes
from tests.benchmarks.table import Row

ROOT = Path(__file__).parents[2]
LIMIT, MEMORY = 10.0, 200 * 10**6  # seconds, bytes
PATIENCE = 90.0


def measure(*, small: bool):
    with tempfile.TemporaryDirectory(prefix="assay-bench-", ignore_cleanup_errors=True) as home:
        seconds, memory = _first_page(home)
    yield Row(
        "first page after `manage.py up` in an empty folder", "a bound",
        f"**{seconds:.1f} s**; web process {megabytes(memory)}", "10 s, under 200 MB",
        seconds <= LIMIT and memory < MEMORY,
    )  # fmt: skip


def _first_page(home: str) -> tuple[float, int]:
    port, serving = _free(), _free()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    environment |= {"ASSAY_HOME": home, "ASSAY_URL": f"http://127.0.0.1:{port}"}
    command = [sys.executable, "manage.py", "up", "--port", str(port), "--serving-port", str(serving)]
    began = time.perf_counter()
    portal = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait(f"http://127.0.0.1:{port}/accounts/login/", began)
        seconds = time.perf_counter() - began
        for _ in range(50):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/accounts/login/", timeout=10).read()
        return seconds, _memory_of("portal.wsgi:application", str(port))
    finally:
        portal.send_signal(signal.SIGTERM)
        portal.wait(60)


def _wait(address: str, began: float) -> None:
    while time.perf_counter() - began < PATIENCE:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            if urllib.request.urlopen(address, timeout=10).status == 200:
                return
        time.sleep(0.02)
    raise TimeoutError(f"No page after {PATIENCE:.0f} s at {address}.")


def _memory_of(*words: str) -> int:
    """The largest memory (bytes) of the processes whose command holds all the words."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            status = (folder / "status").read_text()
            if all(word in command for word in words) or _child_of(folder, words):
                found.append(int(status.split("VmHWM:")[1].split()[0]) * 1024)
    return max(found)


def _child_of(folder: Path, words: tuple[str, ...]) -> bool:
    """Granian's worker is a child of the process that was started."""
    parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[1]
    command = Path(f"/proc/{parent}/cmdline").read_bytes().decode(errors="replace").split("\0")
    return all(word in command for word in words)


def _free() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
