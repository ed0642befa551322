"""Every value that any REST door takes in a body, as the schema of its operation says."""

import json
import re

from django.core.files.uploadedfile import SimpleUploadedFile
from drf_spectacular.generators import SchemaGenerator

from portal.isolation.addresses import Address, inside
from portal.isolation.doors import JSON, body


def schema() -> dict:
    return SchemaGenerator().get_schema(request=None, public=True)


def same(address: Address, route: str) -> bool:
    """Whether the schema's path is this address."""
    return re.sub(r"{\w+}", "{}", route) == "/" + re.sub(r"<[^>]+>", "{}", address.route)


def every(schema: dict) -> list[tuple[Address, str, tuple[str, ...], dict]]:
    """(address, method, field's path, shape) of every value that any door takes in its body."""
    return [
        (address, method, path, shape)
        for address in inside()
        for route, methods in schema["paths"].items()
        if same(address, route)
        for method, operation in methods.items()
        for content in operation.get("requestBody", {}).get("content", {}).values()
        for path, shape in _fields(schema, content["schema"])
    ]


def _fields(schema: dict, shape: dict, path=()) -> list[tuple[tuple[str, ...], dict]]:
    """(path, shape) of each value that a body may hold, however deep."""
    while "$ref" in shape:
        shape = schema["components"]["schemas"][shape["$ref"].rsplit("/", 1)[-1]]
    found = []
    for part in (part for several in ("allOf", "oneOf", "anyOf") for part in shape.get(several, ())):
        found += _fields(schema, part, path)
    for name, inner in shape.get("properties", {}).items():
        found += [((*path, name), inner), *_fields(schema, inner, (*path, name))]
    return found


def send(client, address: Address, method: str, where: str, *, path: tuple[str, ...], given, rows: dict, **more):
    """A well-formed request, but for one value."""
    said = json.loads(json.dumps(body(address, rows, **more)))
    inner = said
    for name in path[:-1]:
        inner = inner.setdefault(name, {})
    inner[path[-1]] = given
    if address.name == "api-datasets":
        file = SimpleUploadedFile("loans.csv", b"approve,race\n1,a\n0,b\n", content_type="text/csv")
        return client.post(where, {"project": given, "name": "x", "file": file})
    return getattr(client, method)(where, data=said, content_type=JSON)
