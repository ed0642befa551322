"""The documents and statements that speak about a model version, as the room of documents tells them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from apps.approvals.gates.decide import Paper
from apps.documents.queries import current
from apps.models.models import ModelVersion

KEPT = ("kind", "subtype", "name", "digest", "valid_until")


def filed(version: ModelVersion) -> list[dict[str, Any]]:
    """What may be relied on today, as plain values, in one order."""
    told = [{word: one.get(word) for word in KEPT} for one in current(version)]
    return sorted(told, key=lambda one: (one["kind"], one["subtype"] or "", one["digest"]))


def as_gates(told: list[dict[str, Any]]) -> list[Paper]:
    return [paper for one in told for paper in _papers(one)]


def _papers(one: dict[str, Any]) -> Iterator[Paper]:
    """One with a subtype answers to its kind and to its subtype."""
    paper = Paper(one["kind"], one.get("name", ""), one["digest"], _end(one["valid_until"]))
    yield paper
    if one.get("subtype"):
        yield Paper(f"{one['kind']}-{one['subtype'].lower()}", paper.name, paper.digest, paper.valid_until)


def _end(day: str | None) -> datetime | None:
    """The first moment after the last day, in UTC."""
    return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time.min, UTC) if day else None
