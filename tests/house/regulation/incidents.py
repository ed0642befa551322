"""Incidents (4.6)."""

PROVED: dict[str, tuple[str, ...]] = {}
OTHERWISE: dict[str, str] = {}
OPEN = {f"WF-INC-{number}" for number in range(1, 7)}
