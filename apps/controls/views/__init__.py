"""Pages of this room."""

from apps.controls.views.coverage import clause, controls, export, facts
from apps.controls.views.organization import (
    frameworks,
    hold_release,
    holds,
    inventory,
    inventory_export,
    retention,
    retention_dispose,
    retention_publish,
)

__all__ = [
    "clause",
    "controls",
    "export",
    "facts",
    "frameworks",
    "hold_release",
    "holds",
    "inventory",
    "inventory_export",
    "retention",
    "retention_dispose",
    "retention_publish",
]
