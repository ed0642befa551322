"""Every value that any REST door takes in a body, as the schema of its operation says."""

import json
import re
from itertools import pairwise

from django.core.files.uploadedfile import SimpleUploadedFile
from drf_spectacular.generators import SchemaGenerator

from portal.isolation.addresses import Address, inside
from portal.isolation.doors import ITEMS, JSON, body
from portal.isolation.things import IDS, LISTS

Path = tuple[str | int, ...]  # of a value in a body: names, and 0 for the first of a list


def schema() -> dict:
    return SchemaGenerator().get_schema(request=None, public=True)


def same(address: Address, route: str) -> bool:
    """Whether the schema's path is this address."""
    return re.sub(r"{\w+}", "{}", route) == "/" + re.sub(r"<[^>]+>", "{}", address.route)


def every(schema: dict) -> list[tuple[Address, str, Path, dict]]:
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


def names(path: Path) -> type | None:
    """What the value there names by its id, if it names a thing."""
    return LISTS.get(path[-2]) if path[-1] == 0 else IDS.get(path[-1])


def _fields(schema: dict, shape: dict, path: Path = ()) -> list[tuple[Path, dict]]:
    """(path, shape) of each value that a body may hold, however deep."""
    while "$ref" in shape:
        shape = schema["components"]["schemas"][shape["$ref"].rsplit("/", 1)[-1]]
    found = []
    for part in (part for several in ("allOf", "oneOf", "anyOf") for part in shape.get(several, ())):
        found += _fields(schema, part, path)
    for name, inner in shape.get("properties", {}).items():
        found += [((*path, name), inner), *_fields(schema, inner, (*path, name))]
    if inner := shape.get("items"):
        found += [((*path, 0), inner), *_fields(schema, inner, (*path, 0))]
    return found


def send(client, address: Address, method: str, where: str, *, path: Path, given, rows: dict, **more):
    """A well-formed request, but for one value."""
    said = json.loads(json.dumps(body(address, rows, **more)))
    inner = said
    for name, below in pairwise(path):
        inner = inner[0] if name == 0 else inner.setdefault(name, [dict(ITEMS.get(name, {}))] if below == 0 else {})
    inner[path[-1]] = given
    if address.name == "api-datasets":
        file = SimpleUploadedFile("loans.csv", b"approve,race\n1,a\n0,b\n", content_type="text/csv")
        return client.post(where, {"project": given, "name": "x", "file": file})
    return getattr(client, method)(where, data=said, content_type=JSON)
