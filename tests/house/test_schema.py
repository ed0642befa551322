"""The generated description of the REST door: without a warning, whole, and true."""

import json
import re

import pytest
from django.core.management import call_command
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from portal.isolation.addresses import inside
from portal.isolation.bodies import same
from portal.isolation.doors import undone
from tests.house.things import place

WRITES = {"post", "put", "patch"}


@pytest.fixture(scope="module")
def schema() -> dict:
    GENERATOR_STATS.reset()
    made = SchemaGenerator().get_schema(request=None, public=True)
    assert not GENERATOR_STATS, [*GENERATOR_STATS._error_cache, *GENERATOR_STATS._warn_cache]
    return made


@pytest.fixture(scope="module")
def operations(schema) -> list[tuple[str, str, dict]]:
    """(path, method, operation) of each."""
    return [
        (path, method, operation) for path, methods in schema["paths"].items() for method, operation in methods.items()
    ]


def test_it_is_valid_openapi(tmp_path):
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yaml"))


def test_every_address_of_the_rest_door_is_in_it(schema):
    told = {re.sub(r"{\w+}", "{}", path) for path in schema["paths"]}
    there = {"/" + re.sub(r"<[^>]+>", "{}", address.route) for address in inside() if address.is_rest}
    assert there <= told


def test_every_operation_has_a_name_of_its_own(operations):
    names = [operation["operationId"] for _, _, operation in operations]
    assert sorted(names) == sorted(set(names))


def test_every_operation_says_which_organization(operations):
    wrong = [
        f"{method} {path}"
        for path, method, operation in operations
        if not any(
            one["name"] == "organization"
            and one["in"] == "path"
            and one["required"]
            and one["schema"]["type"] == "string"
            for one in operation.get("parameters", ())
        )
    ]
    assert wrong == []


def test_every_parameter_of_a_path_has_a_type(operations):
    wrong = [
        f"{method} {path}: {one['name']}"
        for path, method, operation in operations
        for one in operation.get("parameters", ())
        if one["in"] == "path" and not one["schema"].get("type")
    ]
    assert wrong == []


def test_every_answer_has_a_shape(operations):
    """204 alone has none."""
    wrong = [
        f"{method} {path}: {status}"
        for path, method, operation in operations
        for status, answer in operation["responses"].items()
        if status.startswith("2") and status != "204" and not _shaped(answer)
    ]
    assert wrong == []


def _shaped(answer: dict) -> bool:
    return any(content.get("schema") for content in answer.get("content", {}).values())


def test_every_list_says_that_it_is_a_page(schema, operations):
    """`Door.slice` answers {"results", "next"}: an operation that pages may not promise a bare list."""
    bare = [
        f"{method} {path}"
        for path, method, operation in operations
        for answer in operation["responses"].values()
        for content in answer.get("content", {}).values()
        if method == "get" and content.get("schema", {}).get("type") == "array"
    ]
    assert bare == []


def test_what_is_sent_has_a_shape(operations):
    """A POST whose body has a shape says it; one without a body has none at all."""
    wrong = [
        f"{method} {path}"
        for path, method, operation in operations
        if method in WRITES
        for content in operation.get("requestBody", {}).get("content", {}).values()
        if not content.get("schema")
    ]
    assert wrong == []


@pytest.mark.django_db
def test_it_is_served_with_a_page_to_read_it(client):
    assert client.get("/api/v1/schema").status_code == 200
    assert client.get("/api/v1/docs").status_code == 200


@pytest.mark.django_db
def test_what_is_read_has_the_shape_that_is_described(schema, both, client, acme):
    """Of every GET, by the first who may: the media type and, where it is JSON, every value; and refusals till then."""
    client.raise_request_exception = False
    wrong, read = [], set()
    for address in (found for found in inside() if found.is_rest):
        path = next(path for path in schema["paths"] if same(address, path))
        told = schema["paths"][path].get("get")
        if told is None:
            continue
        for member in acme.members.values():
            client.force_login(member.user)
            with undone():
                answer = client.get(place(address, both[0]))
            if problem := why_not_as_told(schema, told, answer):
                wrong.append(f"GET {path}: {answer.status_code} {problem}")
            if answer.status_code == 200:
                read.add(path)
                break
    shapes = {path for path, methods in schema["paths"].items() if "get" in methods and is_no_file(methods["get"])}
    assert not wrong, "\n".join(sorted(set(wrong)))
    assert sorted(shapes - read) == []


def is_no_file(told: dict) -> bool:
    """Files are what the rows of this house lack; their media types are tried in the rooms."""
    held = told["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return "$ref" in held or "properties" in held


def why_not_as_told(schema: dict, told: dict, answer) -> str:
    """What the description of an operation does not say of an answer; empty where it is as described."""
    content = (told["responses"].get(str(answer.status_code)) or told["responses"]["default"]).get("content", {})
    media = answer.get("Content-Type", "").split(";")[0]
    if media not in content:
        return f"{media} and not {', '.join(content)}"
    if not media.endswith("json"):
        return ""
    shape = content[media]["schema"] | {"components": schema["components"]}
    given = b"".join(answer) if answer.streaming else answer.content
    errors = Draft202012Validator(shape).iter_errors(json.loads(given))
    return "; ".join(f"{error.json_path}: {error.message[:200]}" for error in errors)


@pytest.mark.django_db
def test_a_filter_that_cannot_be_meant_is_refused_by_name(operations, client, acme):
    """A program that is told everything for what it did not ask would take it for its answer."""
    client.force_login(acme.auditor.user)
    wrong, asked = [], 0
    for path, method, operation in operations:
        address = re.sub("{organization}", "acme", re.sub("{project}", "lending", path))
        for one in operation.get("parameters", ()):
            shape = one["schema"]
            if method != "get" or "{" in address or one["in"] != "query":
                continue
            if shape["type"] in ("integer", "boolean") or "enum" in shape:
                answer = client.get(address, {one["name"]: "²x"})
                asked += 1
                if answer.status_code not in (400, 404) or one["name"] not in answer.json()["errors"]:
                    wrong.append(f"{path} {one['name']}: {answer.status_code} {answer.content[:200]}")
    assert not wrong, "\n".join(wrong)
    assert asked > 15
