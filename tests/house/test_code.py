"""What the code promises about itself: doors touch no tables, functions stay small, rooms keep to their files."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOORS = ("views", "api", "tasks")
SOURCES = [path for folder in ("apps", "portal") for path in sorted((ROOT / folder).rglob("*.py"))]
SOURCES = [path for path in SOURCES if "migrations" not in path.parts]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def functions(paths) -> list[tuple[str, int]]:
    """(where and which, lines) of each function and method; a decorator counts, a docstring does not."""
    found = []
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, FUNCTIONS):
                first = node.body[0]
                said = first.end_lineno - first.lineno + 1 if ast.get_docstring(node) else 0
                length = node.end_lineno - node.lineno + 1 - said
                found.append((f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", length))
    return found


def rooms(*names: str) -> list[Path]:
    """The files of that name in every room, or the files of a folder of that name."""
    return [
        path
        for path in SOURCES
        if path.parts[len(ROOT.parts)] == "apps"
        and (path.stem in names or path.parent.name in names)
        and path.parts[len(ROOT.parts) + 1] not in ("common", "ml")
    ]


def test_no_door_touches_a_table():
    reached = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in rooms(*DOORS)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("objects", "_default_manager", "_base_manager")
    ]
    assert reached == []


def test_no_door_writes():
    """No `save`, `delete` or `create` on a row: each write has its home in an action."""
    written = [
        f"{path.relative_to(ROOT)}:{node.lineno} .{node.func.attr}()"
        for path in rooms(*DOORS)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("save", "delete", "create", "bulk_create", "get_or_create", "update_or_create")
    ]
    assert written == []


def test_nothing_happens_through_signals():
    listening = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if any(word in path.read_text("utf-8") for word in ("django.db.models.signals", "django.dispatch"))
    ]
    assert listening == []


# parts of other actions, and a look that writes nothing
PARTS = {"named", "in_force", "stated", "signed", "preview", "keep_evidence", "release_evidence"}


def test_every_refusal_of_an_action_is_remembered():
    """What somebody (`by`) does is an `@action`, or `@refusable` where it begins its transaction itself."""
    forgetful = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in [*rooms("actions"), ROOT / "apps/audits/holds.py"]
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith(("_", "why_not_"))
        and "by" in [argument.arg for argument in node.args.kwonlyargs]
        and node.name not in PARTS
        and not {"action", "refusable"} & {ast.unparse(one) for one in node.decorator_list}
    ]
    assert forgetful == []


def test_functions_are_small():
    lengths = sorted(length for _, length in functions(SOURCES))
    assert lengths[int(len(lengths) * 0.95)] <= 40


def test_views_are_thin():
    long = [found for found in functions(rooms("views")) if found[1] > 25]
    assert long == []


def test_tasks_are_one_call():
    long = [found for found in functions(rooms("tasks")) if found[1] > 7]  # a decorator, the line that names it, five
    assert long == []


def lines_of_code(path: Path) -> int:
    """Lines that are neither blank, comment nor docstring."""
    text = path.read_text("utf-8")
    said = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Module)) and ast.get_docstring(node):
            said |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    lines = enumerate(text.splitlines(), start=1)
    return sum(1 for number, line in lines if line.strip() and not line.strip().startswith("#") and number not in said)


def test_files_are_short():
    """At about 300 lines a file becomes a folder."""
    assert [(str(path.relative_to(ROOT)), lines_of_code(path)) for path in SOURCES if lines_of_code(path) > 330] == []


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX", "HACK"])
def test_nothing_is_left_undone(word):
    assert [str(path.relative_to(ROOT)) for path in SOURCES if word in path.read_text("utf-8")] == []


def test_apps_itself_is_no_app():
    """Django would take the room `models` for its models module."""
    from django.conf import settings

    assert "apps" not in settings.INSTALLED_APPS
    taken = [str(path) for path in SOURCES if "from apps import models" in path.read_text("utf-8")]
    assert taken == []
