"""Within every 180 days what serves shows that it can be stopped: who must know is told before, and when it was not."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audits.models import Record
from apps.deployments import actions, queries
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
    sign_offs.suspended(acme, deployment.approval, drill=True)
    sign_offs.resumed(acme, deployment.approval)
    tried = queries.deployments(viewer=acme.auditor).get().tried_at
    for day, said in ((149, 0), (151, 1), (181, 1)):
        monkeypatch.setattr("django.utils.timezone.now", lambda day=day: tried + day * A_DAY)
        assert tell() == said
    assert told() == [("drill-due", 30), ("drill-overdue", None)]


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
