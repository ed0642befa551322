"""What the generated description of the REST door could not know: every list is a page, and how to turn it."""

CURSOR = (
    ("after", "cursor: where the page before ended, as its `next` says"),
    ("limit", "rows in a page, at most 200"),
)


def lists_are_pages(result: dict, generator, request, public) -> dict:
    """A hook of drf-spectacular: a promised array becomes `{"results": […], "next": address or null}`."""
    for methods in result["paths"].values():
        for content in _contents(methods.get("get", {})):
            if content.get("schema", {}).get("type") == "array":
                content["schema"] = _page(content["schema"])
                _add_cursor(methods["get"].setdefault("parameters", []))
    return result


def _contents(operation: dict):
    for answer in operation.get("responses", {}).values():
        yield from answer.get("content", {}).values()


def _page(rows: dict) -> dict:
    following = {"type": "string", "format": "uri", "nullable": True}
    return {"type": "object", "required": ["results", "next"], "properties": {"results": rows, "next": following}}


def _add_cursor(parameters: list[dict]) -> None:
    known = {parameter["name"] for parameter in parameters}
    parameters += [
        {"in": "query", "name": name, "schema": {"type": "string"}, "description": words}
        for name, words in CURSOR
        if name not in known
    ]
