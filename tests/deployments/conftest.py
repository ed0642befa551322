from tests.approvals.conftest import standing  # noqa: F401
