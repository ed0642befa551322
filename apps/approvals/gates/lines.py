"""YAML that remembers on which line each thing stood, and holds only what JSON can say."""

from math import isfinite
from typing import Any

import yaml

from apps.common.canonical import can_be_kept

LONGEST = 64 * 1024  # characters
DEEPEST = 12  # a policy needs four

Path = tuple[str | int, ...]


class YamlProblem(ValueError):
    """Why a text is not plain YAML: `.line` (from 1) and the sentence."""

    def __init__(self, line: int, sentence: str):
        super().__init__(sentence)
        self.line = line


def read(text: str) -> tuple[Any, dict[Path, int]]:
    """The value of a YAML text, and the line of every place in it."""
    if len(text) > LONGEST:
        raise YamlProblem(1, f"The policy is {len(text):,} characters long; at most {LONGEST:,} are read.")
    try:
        node = _Plain(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlProblem(mark.line + 1 if mark else 1, f"This is not YAML: {_complaint(error)}.") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlProblem(line, f"Character U+{error.character:04X} has no place in YAML; remove it.") from error
    if node is None:
        raise YamlProblem(1, "The policy is empty; write at least name, risk_class, valid_days, rules and signers.")
    lines: dict[Path, int] = {(): node.start_mark.line + 1}
    return _value(node, (), lines), lines


def _complaint(error: yaml.MarkedYAMLError) -> str:
    if error.context == "while scanning an alias":
        return 'a star has another meaning there; put it in quotes: "*"'
    return error.problem or error.context or "it cannot be read"


class _Plain(yaml.SafeLoader):
    """Makes the tree of nodes, and refuses it before it is made where it nests too deeply or refers back to itself."""

    depth = 0

    def compose_node(self, parent, index):
        event = self.peek_event()
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            raise YamlProblem(line, "Anchors and aliases (& and *) are not used in policies; write the value out.")
        if isinstance(event, yaml.ScalarEvent) and not can_be_kept(event.value):
            raise YamlProblem(line, "NUL, or half of a surrogate pair: no text can keep that.")
        if self.depth == DEEPEST and isinstance(event, yaml.CollectionStartEvent):
            raise YamlProblem(line, f"Lists inside lists more than {DEEPEST} deep; a policy needs four.")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _value(node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, lines)
    if isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            lines[(*path, place)] = item.start_mark.line + 1
        return [_value(item, (*path, place), lines) for place, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: yaml.MappingNode, path: Path, lines: dict[Path, int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
            raise YamlProblem(line, "A name before the colon must be one plain word.")
        key = key_node.value
        if key in found:
            raise YamlProblem(line, f"“{key}” stands twice in the same place (first on line {lines[(*path, key)]}).")
        lines[(*path, key)] = line
        found[key] = _value(value_node, (*path, key), lines)
    return found


def _scalar(node: yaml.Node) -> str | int | float | bool | None:
    """Text, numbers, true, false and nothing; never a date, bytes or an object."""
    line, kind = node.start_mark.line + 1, node.tag.removeprefix("tag:yaml.org,2002:")
    if kind not in {"str", "int", "float", "bool", "null"}:
        raise YamlProblem(line, f"“{node.value}” reads as a {kind}; put it in quotes if it is meant as text.")
    try:
        value = yaml.SafeLoader("").construct_object(node)
    except (ValueError, KeyError) as error:
        raise YamlProblem(line, f"“{node.value}” cannot be read as {kind}.") from error
    if kind == "float" and not isfinite(value):
        raise YamlProblem(line, f"“{node.value}” is not a finite number; nothing can be measured against it.")
    if kind == "int" and abs(value) >= 2**53:
        raise YamlProblem(line, f"“{node.value}” is too large a number to be written exactly.")
    return value
