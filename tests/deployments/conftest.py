from tests.approvals.conftest import _no_failures_yet, standing  # noqa: F401
