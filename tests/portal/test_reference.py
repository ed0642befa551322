"""The page to read the REST door tells all of it, to everybody."""

import pytest
from django.test import Client

from portal import reference

pytestmark = pytest.mark.django_db


def test_it_tells_every_operation_of_the_description(client: Client):
    schema = client.get("/api/v1/schema", headers={"accept": "application/json"}).json()
    page = client.get("/api/v1/docs").content.decode()
    told = [operation for operations in reference.rooms().values() for operation in operations]
    assert len(told) == sum(len(methods) for methods in schema["paths"].values())
    for methods in schema["paths"].values():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in page


def test_a_body_is_told_value_by_value(client):
    operations = {one.name: one for found in reference.rooms().values() for one in found}
    stop = operations["deployments_stop"]
    assert [(field.path, field.required) for field in stop.body] == [("reason", True)]
    fields = {field.path for field in operations["deployments_list"].answers[0][2]}
    assert {"results", "results[].artifact_digest", "next"} <= fields


def test_it_holds_nothing_of_any_organization(client, acme):
    assert "acme" not in client.get("/api/v1/docs").content.decode()
