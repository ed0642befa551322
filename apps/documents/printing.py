"""A document's content as PDF: the same bytes from the same content, which travels inside it."""

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.common import documents
from apps.common.canonical import digest

TEMPLATE = "documents/document.typ"
LIBRARIES = ("typst", "rfc8785")
LONG = re.compile(r"(\S{40})(?=\S)")
DIGEST = re.compile(r"[0-9a-f]{64}")
ZERO_WIDTH_SPACE = "\u200b"


def pdf(content: dict, body: bytes) -> bytes:
    """`body`: the canonical JSON of `content`, which is attached."""
    named = {item["slot"]: item for item in content["evidence"]}
    sections = [one | {"sources": _sources(one["evidence"], named)} for one in content["sections"]]
    data = {
        "title": content["title"],
        "subject": _subject(content["subject"]),
        "answer": content["answer"],
        "verdict": "missing" if content["gaps"] else "",
        "digest": digest(body),
        "at": content["at"],
        "facts": [["After", content["after"]], ["About", content["subject"]["digest"]]],
        "gaps": content["gaps"],
        "sections": sections,
        "evidence": content["evidence"],
    }
    attached = documents.Attachment("document.json", body, "The same document for machines, RFC 8785.")
    return documents.render(TEMPLATE, _breakable(data), attachments=[attached])


def template_digest() -> str:
    """SHA-256 of what the document is set by: its template after the one that all documents share."""
    folder = Path(settings.BASE_DIR, "templates")
    return digest(b"".join(Path(folder, name).read_bytes() for name in (documents.SHARED, TEMPLATE)))


def libraries() -> dict[str, str]:
    return {name: version(name) for name in LIBRARIES}


def _subject(subject: dict) -> str:
    named = subject.get("model") or subject["dataset"]
    return f"{subject['organization']} · {subject['project']} · {named} v{subject['version']}"


def _sources(slots, named) -> list[str]:
    """Each source with the first twelve characters of its digest; the table at the end has all."""
    found = (named[slot] for slot in slots if slot in named)
    return [f"{item['name']} {item['digest'][:12]}" for item in found if item["digest"]]


def _breakable(value: Any) -> Any:
    """Words too long for a line may break; digests stay whole."""
    if isinstance(value, str):
        return value if DIGEST.fullmatch(value) else LONG.sub(rf"\1{ZERO_WIDTH_SPACE}", value)
    if isinstance(value, dict):
        return {name: _breakable(inner) for name, inner in value.items()}
    return [_breakable(inner) for inner in value] if isinstance(value, list) else value
