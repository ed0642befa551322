"""Everything that people may be asked to state: one small table, from which forms, pages and documents are made."""

from apps.documents.kinds import data, project, version
from apps.documents.kinds.parts import About, Kind, Question

KINDS: dict[str, Kind] = {kind.key: kind for kind in (*project.KINDS, *version.KINDS, *data.KINDS)}
NAMES = tuple(dict.fromkeys(kind.name for kind in KINDS.values()))

__all__ = ["KINDS", "NAMES", "About", "Kind", "Question", "named"]


def named(name: str, subtype: str = "") -> Kind | None:
    """The kind of that name and subtype, or None."""
    return next((kind for kind in KINDS.values() if (kind.name, kind.subtype) == (name, subtype)), None)
