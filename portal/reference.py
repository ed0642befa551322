"""The page to read the REST door: the same OpenAPI description that programs get, as plain page. What every refusal
looks like is said there once.

The description is made once a process and holds nothing of any organization."""

from dataclasses import dataclass
from functools import cache

from drf_spectacular.generators import SchemaGenerator

PREFIX = "/api/v1/{organization}/"
DEEP = 4  # shapes within shapes that are told; deeper ones are named only
KINDS = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
    "object": "object",
}
NULL = {"type": "null"}
LIMITS = {"minimum": "at least", "maximum": "at most", "maxLength": "at most this many characters:"}


@dataclass(frozen=True)
class Field:
    """One value of a parameter list, a body or an answer. `path`: its place, as `rows[].age`."""

    path: str
    kind: str
    required: bool
    words: str


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    name: str
    words: str
    parameters: tuple[Field, ...]
    media: tuple[str, ...]  # what a body may be sent as
    body: tuple[Field, ...]
    answers: tuple[tuple[str, str, tuple[Field, ...]], ...]  # (status, media type, fields)


@cache
def rooms() -> dict[str, tuple[Operation, ...]]:
    """The word after the organization -> its operations, in the order of their addresses."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    found: dict[str, list[Operation]] = {}
    for path, methods in sorted(schema["paths"].items()):
        noun = path.removeprefix(PREFIX).split("/")[0]
        for method, told in methods.items():
            found.setdefault(noun, []).append(_operation(path, method, told, schema["components"]["schemas"]))
    return {noun: tuple(operations) for noun, operations in found.items()}


def _operation(path: str, method: str, told: dict, shapes: dict) -> Operation:
    sent = told.get("requestBody", {}).get("content", {})
    return Operation(
        method=method.upper(),
        path=path,
        name=told["operationId"],
        words=told.get("description", ""),
        parameters=tuple(_parameter(each, shapes) for each in told.get("parameters", ())),
        media=tuple(sent),
        body=_fields(next(iter(sent.values()), {}).get("schema", {}), shapes),
        answers=tuple(_answers(told.get("responses", {}), shapes)),
    )


def _answers(responses: dict, shapes: dict):
    for status, answer in ((status, answer) for status, answer in responses.items() if status != "default"):
        content = answer.get("content", {})
        for media, held in content.items():
            yield status, media, _fields(held.get("schema", {}), shapes)
        if not content:
            yield status, "", ()


def _parameter(told: dict, shapes: dict) -> Field:
    kind = _kind(told.get("schema", {}), shapes)
    return Field(told["name"], kind, told.get("required", False), told.get("description", ""))


def _fields(schema: dict, shapes: dict, before: str = "", depth: int = 0) -> tuple[Field, ...]:
    """Every value of a shape, those within others included, in reading order."""
    schema = _resolved(schema, shapes)
    if schema.get("type") == "array":
        return _fields(schema["items"], shapes, f"{before}[]", depth)
    found: list[Field] = []
    for name, held in schema.get("properties", {}).items():
        place = f"{before}.{name}" if before else name
        resolved = _resolved(held, shapes)
        words = held.get("description") or resolved.get("description", "")
        found.append(Field(place, _kind(held, shapes), name in schema.get("required", ()), words))
        if depth < DEEP:
            found += _fields(resolved, shapes, place, depth + 1)
    return tuple(found)


def _resolved(schema: dict, shapes: dict) -> dict:
    """The schema a reference names; of several alternatives the first, with what all of them share."""
    if "$ref" in schema:
        return _resolved(shapes[schema["$ref"].rsplit("/", 1)[-1]], shapes)
    for several in ("allOf", "oneOf", "anyOf"):
        if several in schema:
            first, *others = schema[several]
            empty = {"nullable": True} if NULL in others else {}
            return _resolved(first, shapes) | {k: v for k, v in schema.items() if k != several} | empty
    if isinstance(schema.get("type"), list):
        kind, *_ = (kind for kind in schema["type"] if kind != "null")
        return schema | {"type": kind, "nullable": "null" in schema["type"]}
    return schema


def _kind(schema: dict, shapes: dict) -> str:
    schema = _resolved(schema, shapes)
    if "enum" in schema:
        return "one of " + ", ".join(str(value) or "“”" for value in schema["enum"] if value is not None)
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'], shapes)}"
    kind = schema.get("format") if schema.get("format") in ("date-time", "date", "binary", "uri", "uuid") else None
    limits = [f"{word} {schema[key]:,}" for key, word in LIMITS.items() if isinstance(schema.get(key), int)]
    said = kind or KINDS.get(schema.get("type", ""), "any JSON value")
    return ", ".join([said + (" or null" if schema.get("nullable") else ""), *limits])
