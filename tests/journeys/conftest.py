"""Whole stories: a portal as a user starts it, a real worker, a real broker, a real browser."""

from pathlib import Path

import pytest

from tests.journeys.live import Portal


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.journey)
            item.add_marker(pytest.mark.xdist_group("journeys"))  # one portal, one after the other


@pytest.fixture(scope="session")
def portal(tmp_path_factory):
    """The portal that the journeys share."""
    portal = Portal(tmp_path_factory.mktemp("portal"))
    portal.start()
    yield portal
    portal.close()


@pytest.fixture(scope="session")
def people(portal):
    """Who works there, by printed name: {"Ben Ortiz": {"organization", "role", "email", "password", "token"}, …}."""
    return {person["name"]: person for person in portal.make_people()}


@pytest.fixture
def client_of(portal, people):
    """A REST client that acts as one of the people: `client_of("Ben Ortiz")`."""
    from portal.demo.client import Client

    def client(name: str) -> Client:
        person = people[name]
        return Client(portal.address, person["organization"], person["token"])

    return client
