"""Whatever a program sends, the REST door answers with a refusal that says why, never by breaking down."""

import json
from itertools import product

import pytest
from django.db import transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.isolation.addresses import inside
from portal.isolation.bodies import same
from portal.isolation.things import FILTERS
from tests.house.things import place

pytestmark = pytest.mark.django_db

TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["", "\x00", "a\x00b", "\ud800", "=1+1", "../..", "𝛆" * 10, "x" * 3000, "9" * 40, "-1", "1e400", "null"]
    ),
)
NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([0, -1, 1, 2**31, 2**63 - 1, 2**63, 10**40]))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)
MALFORMED = ("", "{", "[]", "null", "1", '"x"', "{}" * 2, "\x00", '{"a":' * 3000, '{"name": NaN}')


def fields(operation: dict, schema: dict) -> list[str]:
    """Names that the body of an operation may have."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = body.get("$ref", "").rsplit("/", 1)[-1]
    return list(schema["components"]["schemas"].get(name, body).get("properties", ()))


def bodies(names: list[str]):
    """A body of any shape; mostly one with the operation's own names, so that it comes past the first gate."""
    own = st.fixed_dictionaries({}, optional=dict.fromkeys(names, VALUES)) if names else st.just({})
    return st.one_of(own, own, own, VALUES)


def wrong_of(answers) -> list[str]:
    """What broke: a 5xx that is not the serving process's honest 503, or a refusal that is no problem document."""
    return [
        f"{said}: {answer.status_code}"
        for said, answer in answers
        if answer.status_code in (500, 501, 502)
        or (answer.status_code >= 400 and answer["Content-Type"] != "application/problem+json")
    ]


def test_no_body_breaks_a_door(both, client, acme):
    schema = SchemaGenerator().get_schema(request=None, public=True)
    paths = {address.name: path for address in inside() for path in schema["paths"] if same(address, path)}
    doors = [
        (address, method, fields(operation, schema))
        for address in inside()
        if address.name in paths
        for method, operation in schema["paths"][paths[address.name]].items()
        if method in ("post", "put", "patch", "delete")
    ]
    members = [acme.owner, acme.builder, acme.reviewer]

    @settings(max_examples=4, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def attack(data):
        client.force_login(data.draw(st.sampled_from(members)).user)
        answers = []
        for address, method, names in doors:
            where, body = place(address, both[0]), _written(data.draw(bodies(names)))
            point = transaction.savepoint()
            answer = getattr(client, method)(where, data=body, content_type="application/json")
            transaction.savepoint_rollback(point)
            answers.append((f"{method} {where} {body[:300]}", answer))
        assert wrong_of(answers) == []

    attack()


def test_no_question_breaks_a_door(both, client, acme):
    schema = SchemaGenerator().get_schema(request=None, public=True)
    lists = [address for address in inside() if address.is_rest and "pk" not in address.parameters]
    asked = {
        address: [
            one["name"]
            for path, methods in schema["paths"].items()
            if same(address, path)
            for one in methods.get("get", {}).get("parameters", ())
            if one["in"] == "query"
        ]
        for address in lists
    }
    client.force_login(acme.auditor.user)

    @settings(max_examples=6, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def attack(data):
        answers = []
        for address, names in asked.items():
            question = {
                name: _asked(data.draw(st.one_of(TEXTS, NUMBERS))) for name in {*names, "after", "limit", "project"}
            }
            where = place(address, both[0])
            answers.append((f"{where} {question}", client.get(where, question)))
        assert wrong_of(answers) == []

    attack()


def test_no_text_in_a_numbers_place_breaks_a_list(both, client, acme):
    client.force_login(acme.builder.user)
    lists = [address for address in inside() if not {"pk", "seq"} & set(address.parameters)]
    wrong = []
    for text, address in product(("²", "-1", "9" * 40), lists):
        answer = client.get(place(address, both[0]), dict.fromkeys([*FILTERS, "after", "before", "limit"], text))
        if answer.status_code >= 500:
            wrong.append(f"{address} {text}: {answer.status_code}")
    assert wrong == []


def test_no_number_breaks_an_address(both, client, acme):
    client.force_login(acme.builder.user)
    things = [address for address in inside() if {"pk", "seq"} & set(address.parameters)]
    wrong = []
    for number, address in product((0, 2**31, 2**63 - 1, 2**63, 10**30), things):
        where = address.at(
            organization="acme", project="lending", pk=number, seq=number, risk_class="high", name="x", form="pdf"
        )
        for method in ("get", "post"):
            answer = getattr(client, method)(where)
            if answer.status_code not in (404, 405):
                wrong.append(f"{method} {where}: {answer.status_code}")
    assert wrong == []


def test_no_malformed_body_breaks_a_door(both, client, acme):
    client.force_login(acme.builder.user)
    answers = []
    for body, address in product(MALFORMED, [found for found in inside() if found.is_rest]):
        point = transaction.savepoint()
        where = place(address, both[0])
        answer = client.post(where, data=body, content_type="application/json")
        answers.append((f"{where} {body[:40]}", answer))
        transaction.savepoint_rollback(point)
    assert wrong_of(answers) == []


def _written(body) -> str:
    return json.dumps(body)


def _asked(value) -> str:
    return str(value).encode("utf-8", "replace").decode()
