"""As many statements for many as for one."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.deployments import actions as deployments
from tests.approvals import make


def statements(client, address) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


@pytest.mark.parametrize("address", ["/acme/lending/approvals/", "/api/v1/acme/approvals/", "/acme/policies/",
                                     "/acme/lending/deployments/", "/api/v1/acme/deployments/"])  # fmt: skip
def test_a_list_of_many_asks_no_more_than_a_list_of_one(client, acme, address):
    def another(number):
        approval = make.approved(acme, number=number)
        deployments.open_deployment(approval, name=f"screening-{number}", by=acme.builder)

    another(1)
    client.force_login(acme.auditor.user)
    statements(client, address)  # what is asked once in a process, such as content types
    one = statements(client, address)
    acme.enter()
    for number in range(2, 6):
        another(number)
    assert statements(client, address) == one
    assert one <= 15, one


def test_one_sign_off_asks_no_more_however_many_there_are(client, acme):
    approval = make.approved(acme)
    client.force_login(acme.reviewer.user)
    statements(client, approval.get_absolute_url())
    one = statements(client, approval.get_absolute_url())
    acme.enter()
    for number in range(2, 5):
        make.approved(acme, number=number)
    assert statements(client, approval.get_absolute_url()) == one
