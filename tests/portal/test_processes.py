"""A port that somebody listens on is refused before anything starts: two portals never share their visitors. And
nothing of a process outlives it."""

import contextlib
import os
import signal
import socket
import sys
import time

import pytest
from django.core.management import CommandError, call_command

from portal import processes


@contextlib.contextmanager
def listener():
    """Somebody who shares the port with whoever asks so, as Granian does."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_that_is_listened_on_is_named_and_a_free_one_is_not():
    with listener() as port:
        assert f"port {port} of 127.0.0.1 already" in processes.why_not_listen("127.0.0.1", port)
    assert processes.why_not_listen("127.0.0.1", port) is None


def test_an_address_of_another_machine_is_refused_with_the_reason():
    assert "Cannot assign requested address" in processes.why_not_listen("192.0.2.1", 8000)


@pytest.mark.parametrize("command", ["up", "demo"])
@pytest.mark.parametrize("which", ["port", "serving_port"])
def test_the_portal_does_not_start_beside_another(command, which, monkeypatch):
    monkeypatch.setattr(processes, "stop_on_signals", lambda: None)
    monkeypatch.setattr(f"portal.management.commands.{command}.prepare", lambda: pytest.fail("It starts."))
    with listener() as free:
        pass
    with listener() as taken, pytest.raises(CommandError, match=rf"port {taken} .*--port and --serving-port"):
        call_command(command, **{"port": free, "serving_port": free, which: taken})


def test_the_pages_alone_do_not_start_beside_another_either(monkeypatch):
    monkeypatch.setattr("os.execv", lambda *command: pytest.fail(str(command)))
    with listener() as taken, pytest.raises(CommandError, match=f"port {taken} .*--port"):
        call_command("serve", port=taken)


PARENT = """
import os, signal, sys, time
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with open(sys.argv[1], "w") as file:
        print(os.getpid(), file=file)
time.sleep(600)
"""


@pytest.fixture
def parent(tmp_path, monkeypatch):
    """A process whose child does not listen, as Granian's while it starts; (it, the child)."""
    monkeypatch.setattr(processes, "PATIENCE", 5)
    told = tmp_path / "child"
    process = processes.Process("pages", [sys.executable, "-c", PARENT, str(told)])
    process.start()
    group = process.running.pid
    assert within(20, lambda: told.exists() and told.read_text().endswith("\n"))
    yield process, int(told.read_text())
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def within(seconds, holds):
    until = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def gone(pid):
    """It is not, or is only not yet buried."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_child_that_does_not_listen_ends_with_its_parent(parent):
    process, child = parent
    process.stop()
    assert within(5, lambda: gone(child))


def test_a_process_that_was_killed_is_started_again_without_its_old_child(parent):
    process, child = parent
    os.kill(process.running.pid, signal.SIGKILL)
    process.running.wait()
    process.look()
    assert within(5, lambda: gone(child))
