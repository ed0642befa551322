"""Report, amend, tell, release, close; confirm the register; take a pack away."""

from apps.incidents.actions.notifying import notify, remind
from apps.incidents.actions.reporting import amend, confirm, report, suspend
from apps.incidents.actions.signing import ask_release, close, release
from apps.incidents.actions.taking import take

__all__ = [
    "amend",
    "ask_release",
    "close",
    "confirm",
    "notify",
    "release",
    "remind",
    "report",
    "suspend",
    "take",
]
