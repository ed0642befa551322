"""Submissions, as a builder makes them."""

from datetime import UTC, datetime, timedelta

from apps.reports import actions, submissions
from apps.reports.models import Report

TODAY = datetime.now(UTC).date()
FIGURE = {"name": "balanced_accuracy", "value": 0.78, "low": 0.7, "high": 0.85, "n": 597}
GAP = {"name": "equalized_odds_difference", "of": "race", "value": 0.1, "low": 0.02, "high": 0.2, "n": 597,
       "smallest_group": 60}  # fmt: skip
WORDS = {"measured_by": "Example Labs", "method": "Hold-out, bootstrap of 2,000.", "data": "Spring applications."}
REGISTERED = datetime.now(UTC) - timedelta(days=30)


def given(**other) -> dict:
    return WORDS | {"measured_on": TODAY, "data_digest": "", "figures": [FIGURE]} | other


def submitted(acme, version, kind="performance", file=None, **other) -> Report:
    acme.enter(acme.builder)
    return actions.submit(version, kind=kind, given=given(**other), file=file, by=acme.builder)


def wrong(kind="performance", **other) -> dict:
    return submissions.problems(kind, given(**other), attributes=["race", "sex"], registered=REGISTERED)


def body(version, **other):
    return (
        WORDS
        | {"model_version": version.pk, "kind": "performance", "measured_on": f"{TODAY}", "figures": [FIGURE]}
        | other
    )
