from tests.accounts.conftest import standing  # noqa: F401  a committed tenant, for several connections
