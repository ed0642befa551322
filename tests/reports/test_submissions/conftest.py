import pytest

from tests.approvals import make as sign_offs


@pytest.fixture
def version(acme):
    acme.enter(acme.builder)
    return sign_offs.model_version(acme)
