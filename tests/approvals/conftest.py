import pytest

from tests.accounts.conftest import standing  # noqa: F401  a committed tenant, for several connections


@pytest.fixture
def call(client, acme):
    """`call(member, "post", "approvals/", {...})` as that member, at acme's REST door."""

    def request(member, verb, path, data=None, *, organization="acme", **headers):
        client.force_login(member.user)
        address = f"/api/v1/{organization}/{path}"
        options = {"content_type": "application/json"} if verb == "post" else {}
        return getattr(client, verb)(address, data, **options, **headers)

    return request
