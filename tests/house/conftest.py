"""Two organizations with everything in them."""

import pytest

from tests.house.things import everything


@pytest.fixture
def both(acme, rival):
    """{model: row} of acme and of rival."""
    rival.enter()
    theirs = everything(rival)
    acme.enter()
    return everything(acme), theirs
