"""A port that somebody listens on is refused before anything starts: two portals never share their visitors."""

import socket
from contextlib import contextmanager

import pytest
from django.core.management import CommandError, call_command

from portal import processes


@contextmanager
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
