import pytest

from apps.approvals import reentry
from tests.accounts.conftest import standing  # noqa: F401  a committed tenant, for several connections


@pytest.fixture(autouse=True)
def _no_failures_yet():
    """Wrong passwords are counted in the process; each test begins with none."""
    reentry._failures.clear()
