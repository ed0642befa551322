"""Order, deadlines and conditions; what falls by itself, and what the record is told of it."""

from datetime import timedelta

from django.utils import timezone

from apps.approvals import actions, queries
from apps.approvals.models import Approval
from tests.approvals import make

UNEXPLAINED = "  - report: explainability\n    max_age_days: 180\n"


STABILITY = {"report": "explainability", "figure": "stability", "bound": "lower", "at_least": 0.9}


def asked_under(tenant, more: str, monkeypatch=None, *, ago=timedelta(0), explained=True):
    """A request under the built-in policy with these lines more, made some time ago."""
    source = make.policy(tenant).source
    if not explained:  # its own tests count the rules
        source = source.split("tests:")[0].replace(UNEXPLAINED, "")
    make.publish(tenant, source + "\n" + more)
    version = make.reported(tenant, without=() if explained else ("explainability",))
    tenant.enter(tenant.builder)
    if monkeypatch:
        then = timezone.now() - ago
        monkeypatch.setattr("django.utils.timezone.now", lambda: then)
    approval = actions.ask(version, note="", by=tenant.builder)
    if monkeypatch:
        monkeypatch.undo()
    return approval


def case(approval, viewer):
    return queries.case(queries.approvals(viewer=viewer).get(pk=approval.pk), viewer=viewer)


def notices():
    """A round of the pulse, in this test's own transaction."""
    from apps.approvals.actions import notices as room

    [organization] = set(Approval.objects.values_list("organization_id", flat=True))
    return sum(1 for _ in room._of_organization(organization))
