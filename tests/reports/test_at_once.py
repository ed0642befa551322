"""Figures in operation and figures from outside, asked for and brought by several clicks at the same moment, on real
connections: one result, and the others get a clear answer."""

from datetime import date

from django.db import transaction
from django.utils import timezone

from apps.approvals import actions as approvals
from apps.approvals import queries
from apps.audits.models import Record
from apps.reports import actions
from apps.reports.models import OperationReport, Report
from tests.approvals import make
from tests.approvals.test_at_once import attempt, together


def settled(standing, act):
    """What `act` makes, committed."""
    with transaction.atomic():
        standing.enter()
        return act()


def signed(standing):
    """A sign-off, and rows from operation."""
    approval = make.approved(standing)
    return approval, make.brought(approval.model_version)


def measuring(approval, data, by, *kinds):
    given = {"kinds": list(kinds), "since": date(2026, 6, 1), "by": by}
    return lambda: attempt(by, lambda: approvals.measure_in_operation(approval, data, **given))


def test_whoever_asks_twice_for_figures_in_operation_has_them_measured_once(standing):
    approval, data = settled(standing, lambda: signed(standing))
    by, other = standing.builder, standing.reviewer
    both = [measuring(approval, data, by, "performance", "fairness")] * 2
    assert together(*both, measuring(approval, data, other, "fairness")) == ["done"] * 3
    with transaction.atomic():
        standing.enter()
        assert sorted(OperationReport.objects.values_list("kind", flat=True)) == ["fairness", "performance"]
        assert Record.objects.filter(event="operation-report.started").count() == 2


def test_a_sign_off_falls_once_by_several_reports_of_the_same_rows(standing):
    """Two workers that finish at the same moment: neither waits in vain for the other, and both are told."""
    approval, data = settled(standing, lambda: signed(standing))

    def finish():
        return make.operated(approval.model_version, measured=make.unfair(), data=data)

    assert together(*[lambda: attempt(standing.builder, finish)] * 2) == ["done", "done"]
    with transaction.atomic():
        standing.enter()
        assert approval.breaches.values("report").distinct().count() == 2
        assert not queries.approvals(viewer=standing.owner).get().stands


GIVEN = {
    "measured_by": "Example Labs", "measured_on": timezone.now().date(), "method": "Hold-out.",
    "data": "Spring.", "figures": [{"name": "accuracy", "value": 0.78, "low": 0.7, "high": 0.85, "n": 597}],
}  # fmt: skip


def submitting(version, by, **more):
    given = GIVEN | more
    return lambda: attempt(by, lambda: actions.submit(version, kind="performance", given=given, by=by))


def test_figures_are_submitted_once_however_often_the_button_is_pressed(standing):
    version = settled(standing, lambda: make.model_version(standing))
    found = together(*[submitting(version, standing.builder)] * 3)
    assert found.count("done") == 1, found
    assert sum("Exactly this was submitted before; it is report" in answer for answer in found) == 2, found
    with transaction.atomic():
        standing.enter()
        assert Report.objects.count() == Record.objects.filter(event="report.submitted").count() == 1


def test_figures_of_two_laboratories_are_both_kept_and_the_later_speaks(standing):
    version = settled(standing, lambda: make.model_version(standing))
    by = standing.builder
    found = together(submitting(version, by), submitting(version, by, measured_by="Other Labs"))
    assert found == ["done", "done"]
    with transaction.atomic():
        standing.enter()
        assert Report.objects.count() == 2
