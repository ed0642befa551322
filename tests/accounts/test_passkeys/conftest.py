import pytest

from tests.accounts.device import enrolled


@pytest.fixture
def person(acme):
    return acme.reviewer.user


@pytest.fixture
def device(person):
    return enrolled(person)
