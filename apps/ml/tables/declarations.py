"""What the columns of one dataset version mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Attribute:
    """A sensitive attribute: a column as it is, numbers cut into ranges, or several 0/1 flags read as one."""

    name: str
    kind: Literal["column", "cuts", "flags"] = "column"
    column: str | None = None
    cuts: tuple[float, ...] = ()
    flags: tuple[tuple[str, str], ...] = ()  # (column, label)
    otherwise: str = ""  # the label of a row on which no flag is set

    def columns(self) -> tuple[str, ...]:
        """The columns of the table it is read from."""
        if self.kind == "flags":
            return tuple(column for column, _ in self.flags)
        return (self.column or self.name,)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "column": self.column,
            "cuts": list(self.cuts),
            "flags": [list(flag) for flag in self.flags],
            "otherwise": self.otherwise,
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Attribute:
        return cls(
            name=fields["name"],
            kind=fields.get("kind", "column"),
            column=fields.get("column"),
            cuts=tuple(float(cut) for cut in fields.get("cuts", ())),
            flags=tuple((column, label) for column, label in fields.get("flags", ())),
            otherwise=fields.get("otherwise", ""),
        )


@dataclass(frozen=True)
class Declaration:
    """What the columns of one dataset version mean."""

    target: str
    favourable: str
    sensitive: tuple[Attribute, ...] = ()
    left_out: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def sensitive_columns(self) -> tuple[str, ...]:
        """Every column a sensitive attribute is read from, each once, in declared order."""
        return tuple(dict.fromkeys(column for attribute in self.sensitive for column in attribute.columns()))

    def inputs(self, columns: Iterable[str], *, with_sensitive: bool) -> tuple[str, ...]:
        """The columns a model may learn from, in table order."""
        barred = {self.target, *self.left_out, *(() if with_sensitive else self.sensitive_columns())}
        return tuple(column for column in columns if column not in barred)

    def to_json(self) -> dict[str, Any]:
        return {
            "target": self.target,
            "favourable": self.favourable,
            "sensitive": [attribute.to_json() for attribute in self.sensitive],
            "left_out": list(self.left_out),
            "missing": list(self.missing),
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Declaration:
        return cls(
            target=fields["target"],
            favourable=fields["favourable"],
            sensitive=tuple(Attribute.from_json(attribute) for attribute in fields.get("sensitive", ())),
            left_out=tuple(fields.get("left_out", ())),
            missing=tuple(fields.get("missing", ())),
        )
