"""Say what is so, judge, export, dispose."""

from apps.controls.actions.disposal import dispose_daily, dispose_now
from apps.controls.actions.exports import export_coverage, export_inventory
from apps.controls.actions.said import choose_framework, judge, propose_schedule, publish_schedule, state_facts

__all__ = [
    "choose_framework",
    "dispose_daily",
    "dispose_now",
    "export_coverage",
    "export_inventory",
    "judge",
    "propose_schedule",
    "publish_schedule",
    "state_facts",
]
