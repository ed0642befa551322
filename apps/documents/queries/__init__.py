"""What is asked of statements, documents and the evidence they are filled from."""

from apps.documents.queries.documents import about, changes, current, documents, newest, of_version, written
from apps.documents.queries.statements import (
    answered,
    asked_of,
    kind_of,
    latest,
    speaking_of,
    standing,
    statements,
)
from apps.documents.queries.waived import in_force

__all__ = [
    "about",
    "answered",
    "asked_of",
    "changes",
    "current",
    "documents",
    "in_force",
    "kind_of",
    "latest",
    "newest",
    "of_version",
    "speaking_of",
    "standing",
    "statements",
    "written",
]
