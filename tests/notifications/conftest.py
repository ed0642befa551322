import pytest

from tests.notifications.receiver import Receiver


@pytest.fixture
def receiver(settings):
    """A server on this machine, which the operator allows here."""
    settings.INSIDE_ALLOWED = True
    server = Receiver()
    yield server
    server.close()
