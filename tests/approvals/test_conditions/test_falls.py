"""A sign-off that falls by itself is told once."""

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts import actions as accounts
from apps.approvals import actions
from apps.audits.models import Record
from apps.common.errors import ActionDenied
from apps.datasets.models import DatasetVersion
from tests.approvals import make
from tests.approvals.test_conditions import notices
from tests.make import member


def test_a_fall_is_told_to_the_record_once_with_its_sentences(acme):
    approval = make.approved(acme)
    assert notices() == 0
    DatasetVersion.objects.update(withdrawn_at=timezone.now())
    assert notices() == 1 and notices() == 0
    [told] = Record.objects.filter(event="approval.stale")
    assert told.on_id == approval.pk and "was withdrawn" in told.facts["reason"] and told.by_id is None


def test_that_the_owner_left_is_told_once_and_nothing_is_asked_for_until_another_is_named(acme):
    leaving = member(acme.organization, "leaving", "builder")
    type(acme.project).objects.update(owner=leaving)
    acme.project.refresh_from_db()
    approval = make.approved(acme)
    assert notices() == 0
    acme.enter(acme.owner)
    accounts.remove(leaving, by=acme.owner)
    assert notices() == 1 and notices() == 0
    [told] = Record.objects.filter(event="approval.ownerless")
    assert told.on_id == approval.pk and told.told["owner"] == leaving.user.name and told.by_id is None
    again = make.reported(acme, number=2)
    acme.enter(acme.builder)
    again.project.refresh_from_db()
    with pytest.raises(ActionDenied, match="who owns this project, left; name another owner first"):
        actions.ask(again, note="", by=acme.builder)
    type(acme.project).objects.update(owner=acme.builder)
    assert make.asked_for(acme, type(again).objects.get(pk=again.pk)).state == "open"


def test_what_was_told_is_not_taken_back(acme):
    make.approved(acme)
    DatasetVersion.objects.update(withdrawn_at=timezone.now())
    notices()
    with pytest.raises(Exception, match=r"permission denied|cannot be changed"), connection.cursor() as cursor:
        cursor.execute("delete from approvals_notice")
