"""A page asks the database as often for many rows as for few; pages that a room's own tests count are not repeated."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts import actions as people
from tests.accounts.device import enrolled
from tests.approvals import make
from tests.reports.test_submissions.make import FIGURE, submitted

pytestmark = pytest.mark.django_db


def submissions(acme):
    version = make.model_version(acme)
    for rows in range(100, 105):
        yield lambda rows=rows: submitted(acme, version, figures=[FIGURE | {"n": rows}])


def in_operation(acme):
    version = make.approved(acme).model_version
    for _ in range(5):
        yield lambda: make.operated(version)


def passkeys(acme):
    for _ in range(5):
        yield lambda: enrolled(acme.builder.user)


def devices(acme):
    for number in range(5):
        yield lambda number=number: _at_work(acme.builder.user, f"192.0.2.{number}")


def _at_work(person, ip):
    browser = Client()
    browser.force_login(person)
    people.seen(person=person, session_key=browser.session.session_key, ip=ip, user_agent="curl/8")


@pytest.mark.parametrize(
    ("made", "address"),
    [
        (submissions, "/acme/lending/reports/"),
        (submissions, "/api/v1/acme/reports/"),
        (in_operation, "/acme/lending/operation-reports/"),
        (in_operation, "/api/v1/acme/operation-reports/"),
        (passkeys, "/accounts/2fa/"),
        (devices, "/accounts/devices/"),
    ],
)
def test_more_rows_cost_no_more_statements(acme, client, made, address):
    client.force_login(acme.builder.user)
    rows, counts = list(made(acme)), []
    for more in (rows[:1], rows[1:]):
        acme.enter(acme.builder)
        for make_one in more:
            make_one()
        assert client.get(address).status_code == 200
        with CaptureQueriesContext(connection) as asked:
            client.get(address)
        counts.append(len(asked))
    assert counts[0] == counts[1]
