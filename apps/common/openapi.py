"""What the generated description of the REST door could not know: every list is a page, and how to turn it; and what
every refusal looks like."""

from apps.common import problems

CURSOR = (
    ("after", "cursor: where the page before ended, as its `next` says"),
    ("limit", "rows in a page, at most 200"),
)


PROBLEM = {
    "type": "object",
    "description": "A refusal (RFC 9457): what, where, and what to do.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence for a person."},
        "errors": {"type": "object", "description": "The field, or where in it, and its sentence."},
        "request": {"type": "string", "description": "By this the record and the log find it."},
    },
}


def lists_are_pages(result: dict, generator, request, public) -> dict:
    """A hook of drf-spectacular: a promised array becomes `{"results": […], "next": address or null}`."""
    for methods in result["paths"].values():
        for content in _contents(methods.get("get", {})):
            if content.get("schema", {}).get("type") == "array":
                content["schema"] = _page(content["schema"])
                _add_cursor(methods["get"].setdefault("parameters", []))
    return result


def refusals_are_problems(result: dict, generator, request, public) -> dict:
    """A hook of drf-spectacular: whatever else an operation answers is a problem."""
    shape = {"schema": {"$ref": "#/components/schemas/Problem"}}
    refused = {"description": PROBLEM["description"], "content": {problems.MEDIA_TYPE: shape}}
    for methods in result["paths"].values():
        for operation in methods.values():
            operation["responses"].setdefault("default", refused)
    result["components"]["schemas"]["Problem"] = PROBLEM
    return result


def _contents(operation: dict):
    for answer in operation.get("responses", {}).values():
        yield from answer.get("content", {}).values()


def _page(rows: dict) -> dict:
    following = {"type": ["string", "null"], "format": "uri"}
    return {"type": "object", "required": ["results", "next"], "properties": {"results": rows, "next": following}}


def _add_cursor(parameters: list[dict]) -> None:
    known = {parameter["name"] for parameter in parameters}
    parameters += [
        {"in": "query", "name": name, "schema": {"type": "string"}, "description": words}
        for name, words in CURSOR
        if name not in known
    ]
