"""What is asked of controls, always on behalf of a viewer."""

from apps.controls.queries.coverage import Coverage, coverage, coverages, every_coverage, subject, subjects, versions
from apps.controls.queries.evidence import Subject, holdings
from apps.controls.queries.holds import holds_with_names, project_of
from apps.controls.queries.said import Said, choices, every_schedule, latest_choices, registered, said, schedules

__all__ = [
    "Coverage",
    "Said",
    "Subject",
    "choices",
    "coverage",
    "coverages",
    "every_coverage",
    "every_schedule",
    "holdings",
    "holds_with_names",
    "latest_choices",
    "project_of",
    "registered",
    "said",
    "schedules",
    "subject",
    "subjects",
    "versions",
]
