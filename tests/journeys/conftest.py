"""Whole stories: a portal as a user starts it, a real worker, a real broker, a real browser."""

from pathlib import Path

import pytest

from tests.journeys.browser import WIDE, Visitor, browsing
from tests.journeys.live import Portal


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.journey)


@pytest.fixture(scope="session")
def portal():
    """The portal that the journeys share."""
    portal = Portal()
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


@pytest.fixture(scope="module")
def browser():
    with browsing() as browser:
        yield browser


@pytest.fixture
def visitor(browser, portal, people):
    """`visitor("Ben Ortiz")`: signed in, in a window of their own."""
    windows = []

    def visit(name: str, *, sign_in: bool = True, **options) -> Visitor:
        windows.append(browser.new_context(viewport=WIDE, locale="en-GB", **options))
        visiting = Visitor(windows[-1].new_page(), portal.address, people[name])
        return visiting.sign_in() if sign_in else visiting

    yield visit
    for window in windows:
        window.close()
