import pytest

from apps.common import work
from tests.accounts.conftest import standing  # noqa: F401  a committed tenant, for several connections


@pytest.fixture(autouse=True)
def _no_pulse_from_outside(monkeypatch):
    """A test is one transaction: the pulse's own connection would not see the row, and give it up as lost."""
    monkeypatch.setattr(work, "RENEW_EVERY", 3600)
