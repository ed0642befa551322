"""Within every 180 days what serves shows that it can be stopped: who must know is told before, and when it was not."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audits.models import Record
from apps.deployments import actions, queries, views
from apps.deployments.models import Permit
from apps.projects.models import Project
from tests.approvals import make as sign_offs
from tests.deployments import make

pytestmark = pytest.mark.django_db
A_DAY = timedelta(days=1)


def tell() -> int:
    """A round of the pulse, in this test's own transaction."""
    return sum(actions._tell_drill(deployment) for deployment in queries.to_be_tried())


def told() -> list[tuple[str, int | None]]:
    found = Record.objects.filter(on_type="deployment", event__startswith="deployment.drill").order_by("seq")
    return [(each.event.removeprefix("deployment."), each.facts.get("days")) for each in found]


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (149, []),
        (151, [("drill-due", 30)]),
        (174, [("drill-due", 7)]),
        (181, [("drill-overdue", None)]),
    ],
)
def test_it_is_told_before_its_day_and_once_it_is_over(acme, monkeypatch, after, said):
    make.deployed(acme)
    deployment = queries.deployments(viewer=acme.auditor).get()
    at = deployment.opened_at + after * A_DAY
    monkeypatch.setattr("django.utils.timezone.now", lambda: at)
    assert [tell(), tell()] == [len(said), 0] and told() == said
    for each in Record.objects.filter(event__startswith="deployment.drill"):
        assert each.told["opened_by"] == acme.builder.user.name and each.by_id is None
        assert each.facts["due"] == deployment.drill_due.isoformat()


def test_a_suspension_that_is_over_begins_the_days_anew(acme, monkeypatch):
    deployment = make.deployed(acme)
    make.tried(acme, deployment)
    tried = queries.deployments(viewer=acme.auditor).get().tried_at
    for day, said in ((149, 0), (151, 1), (181, 1)):
        monkeypatch.setattr("django.utils.timezone.now", lambda day=day: tried + day * A_DAY)
        assert tell() == said
    assert told() == [("drill-due", 30), ("drill-overdue", None)]


def test_a_stop_that_took_too_long_does_not_count_and_its_page_says_so(acme, client, monkeypatch):
    deployment = make.deployed(acme)
    make.tried(acme, deployment, drill=False)
    assert queries.deployments(viewer=acme.auditor).get().tried_at
    monkeypatch.setattr(queries, "STOPS_WITHIN", timedelta(0))
    monkeypatch.setattr(views, "STOPS_WITHIN", timedelta(0))
    slow = queries.deployments(viewer=acme.auditor).get()
    assert slow.tried_at is None and slow.drill_due == slow.opened_at + timedelta(days=180)
    client.force_login(acme.auditor.user)
    assert "does not count" in client.get(deployment.get_absolute_url()).content.decode()


def test_a_permit_that_nobody_took_back_in_time_counts_until_its_own_end(acme):
    """No worker came by while it was suspended: what runs elsewhere went on."""
    deployment = make.deployed(acme)
    sign_offs.suspended(acme, deployment.approval, drill=True)
    sign_offs.resumed(acme, deployment.approval)
    (found,) = queries.deployments(viewer=acme.auditor)
    assert found.tried_at is None
    assert queries.last_try(found).stopped_at == Permit.objects.get().expires_at


def test_a_suspension_that_met_no_permit_in_force_was_no_try(acme):
    deployment = make.deployed(acme)
    Permit.objects.update(revoked_at=timezone.now())
    sign_offs.suspended(acme, deployment.approval, drill=True)
    sign_offs.resumed(acme, deployment.approval)
    (found,) = queries.deployments(viewer=acme.auditor)
    assert found.tried_at is None and queries.last_try(found) is None


def test_of_what_is_stopped_or_not_of_high_risk_nobody_is_told(acme, monkeypatch):
    deployment = make.deployed(acme)
    late = timezone.now() + 181 * A_DAY
    monkeypatch.setattr("django.utils.timezone.now", lambda: late)
    assert len(queries.to_be_tried()) == 1
    Project.objects.update(risk_class="limited")
    assert tell() == 0
    Project.objects.update(risk_class="high")
    actions.stop(deployment, reason="Replaced.", by=acme.builder)
    assert tell() == 0 and told() == []


@pytest.mark.parametrize(("after", "word"), [(100, None), (151, "due"), (181, "overdue")])
def test_its_page_says_so(acme, client, monkeypatch, after, word):
    deployment = make.deployed(acme)
    client.force_login(acme.auditor.user)
    monkeypatch.setattr(
        type(deployment), "drill_due", property(lambda self: self.opened_at + timedelta(days=180 - after))
    )
    page = client.get(deployment.get_absolute_url()).content.decode()
    assert ("within 30 days" in page) == (word == "due") and (">overdue<" in page) == (word == "overdue")
