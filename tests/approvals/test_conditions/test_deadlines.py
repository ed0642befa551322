"""What happens once a deadline is over."""

from datetime import timedelta

import pytest

from apps.audits.models import Record
from apps.common.errors import ActionDenied
from tests.approvals import make
from tests.approvals.test_conditions import asked_under, notices


def test_after_the_deadline_it_is_sent_back_by_itself(acme, monkeypatch):
    approval = asked_under(acme, "deadline_days: 7\non_deadline: return", monkeypatch, ago=timedelta(days=8))
    acme.enter(acme.reviewer)
    with pytest.raises(ActionDenied, match="The 7 days to sign it are over"):
        make.sign(approval, acme.reviewer)
    assert notices() == 1 and notices() == 0
    approval.refresh_from_db()
    last = Record.objects.filter(on_type="approval").order_by("seq").last()
    assert (approval.state, last.event, last.by_name) == ("returned", "approval.returned", "Assay")
    assert "0 of 2 verdicts" in last.facts["reason"]


def test_before_the_deadline_nothing_happens(acme, monkeypatch):
    approval = asked_under(acme, "deadline_days: 7\non_deadline: return", monkeypatch, ago=timedelta(days=6))
    assert notices() == 0
    acme.enter(acme.reviewer)
    make.sign(approval, acme.reviewer)


def test_a_deadline_that_only_reminds_is_told_once(acme, monkeypatch):
    approval = asked_under(acme, "deadline_days: 7", monkeypatch, ago=timedelta(days=8))
    assert notices() == 1 and notices() == 0
    assert Record.objects.filter(event="approval.overdue", on_id=approval.pk).count() == 1
    acme.enter(acme.reviewer)
    make.sign(approval, acme.reviewer)
