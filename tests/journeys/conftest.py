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
    """The portal that the journeys of a process share."""
    portal = Portal()
    portal.start()
    yield portal
    portal.close()


@pytest.fixture(scope="module")
def said():
    """What earlier chapters of a story learned: addresses, ids and digests. The chapters are told in order."""
    return {}


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


@pytest.fixture(scope="module")
def signed_in():
    """The cookies of those who signed in, by name: once a module, not once a chapter."""
    return {}


@pytest.fixture
def visitor(browser, portal, people, signed_in):
    """`visitor("Ben Ortiz")`: signed in, in a window of their own."""
    windows = []

    def visit(name: str, *, sign_in: bool = True, **options) -> Visitor:
        known = signed_in.get(name) if sign_in else None
        windows.append(browser.new_context(viewport=WIDE, locale="en-GB", storage_state=known, **options))
        visiting = Visitor(windows[-1].new_page(), portal.address, people[name])
        if sign_in and not known:
            signed_in[name] = visiting.sign_in().page.context.storage_state()
        return visiting

    yield visit
    for window in windows:
        window.close()
