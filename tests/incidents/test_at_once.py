"""Several at the same moment, on real connections: one result, and the others get a clear answer."""

import re
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from apps.approvals.models import Suspension
from apps.audits.models import Record
from apps.incidents import actions, queries
from apps.incidents.models import Confirmation, Entry, Incident, Notice, Signature
from tests.approvals import make as approvals
from tests.approvals.test_at_once import attempt, together
from tests.incidents import make


def settled(standing, act):
    """What `act` makes, committed."""
    with transaction.atomic():
        standing.enter()
        return act()


def counted(standing, **models) -> dict:
    with transaction.atomic():
        standing.enter()
        return {name: model.objects.count() for name, model in models.items()}


@pytest.fixture
def incident(standing):
    return settled(standing, lambda: make.reported(standing, **make.SERIOUS))


def test_one_presses_twice_and_reports_once(standing):
    version, facts = settled(standing, lambda: (make.version(standing), make.facts(**make.SERIOUS)))
    by = standing.builder

    def report():
        return actions.report(standing.project, title="Refusals", model_versions=[version], by=by, **facts)

    found = together(*[lambda: attempt(by, report)] * 3)
    assert found.count("done") == 1, found
    assert sum("You reported exactly this already: it is incident" in answer for answer in found) == 2, found
    assert counted(standing, incidents=Incident, entries=Entry) == {"incidents": 1, "entries": 1}


def test_two_who_report_the_same_are_both_heard(standing):
    version, facts = settled(standing, lambda: (make.version(standing), make.facts()))

    def reporting(by):
        given = {"title": "Refusals", "model_versions": [version], "by": by}
        return lambda: attempt(by, lambda: actions.report(standing.project, **given, **facts))

    assert together(reporting(standing.builder), reporting(standing.reviewer)) == ["done", "done"]


def amending(standing, incident, by):
    """What `by` is to add, read and written down before the others."""

    def read():
        known = queries.case(incident).known
        kept = {name: getattr(known, name) for name in (*make.WORDS, *make.NO, "severity", "occurred_at", "aware_at")}
        return kept | {"entry_digest": known.digest, "model_versions": queries.affected(queries.case(incident))}

    given = settled(standing, read)
    return lambda: attempt(by, lambda: actions.amend(incident, reason="It is new.", by=by, **given))


def test_of_two_amendments_of_one_entry_the_second_reads_the_first(standing, incident):
    found = together(*(amending(standing, incident, by) for by in (standing.builder, standing.owner)))
    assert found.count("done") == 1, found
    assert any("Entry 2 counts by now, and it is not the one that you were shown" in answer for answer in found), found
    assert counted(standing, entries=Entry) == {"entries": 2}


def test_a_notice_is_kept_once(standing, incident):
    by, now = standing.builder, timezone.now()
    given = {"duty": "authority", "who": "It", "how": "Its form.", "told_at": now}
    for stage in ("incomplete", "final"):
        notify = lambda stage=stage: actions.notify(incident, stage=stage, by=by, **given)  # noqa: E731
        found = together(*[lambda notify=notify: attempt(by, notify)] * 2)
        assert found.count("done") == 1, found
        assert any("kept already" in answer or "nothing follows" in answer for answer in found), found
    assert counted(standing, notices=Notice) == {"notices": 2}


def test_a_register_is_confirmed_once(standing):
    by = standing.builder
    found = together(*[lambda: attempt(by, lambda: actions.confirm(standing.project, note="Asked.", by=by))] * 2)
    assert sorted(found) == ["You confirmed it a moment ago.", "done"]
    assert counted(standing, confirmations=Confirmation) == {"confirmations": 1}


def test_its_sign_offs_are_suspended_once(standing):
    incident = settled(standing, lambda: make.reported(standing, [approvals.approved(standing).model_version]))
    found = together(
        *(
            lambda by=by: attempt(by, lambda: actions.suspend(incident, by=by))
            for by in (standing.builder, standing.owner)
        )
    )
    assert found.count("done") == 1, found
    assert any(re.search("left to suspend|suspended it on .* already|at this moment", answer) for answer in found), (
        found
    )
    assert counted(standing, suspensions=Suspension) == {"suspensions": 1}


def test_two_people_close_it_at_the_same_moment(standing, incident):
    settled(standing, lambda: make.done(standing, incident))

    def closing(by):
        proof = settled(standing, lambda: make.proved(incident))
        return lambda: attempt(by, lambda: actions.close(incident, by=by, **proof | make.CLOSING))

    found = together(closing(standing.reviewer), closing(standing.owner))
    assert found.count("done") == 1, found
    assert any("closed it on" in answer or "This incident is closed" in answer for answer in found), found
    with transaction.atomic():
        standing.enter()
        assert Signature.objects.filter(purpose="close").count() == 1
        assert Record.objects.filter(event="incident.closed").count() == 1


def test_two_people_grant_the_release_at_the_same_moment(standing, incident):
    settled(standing, lambda: (make.told(standing, incident), make.asked(standing, incident)))

    def granting(by):
        proof = settled(standing, lambda: make.proved(incident))
        return lambda: attempt(by, lambda: actions.release(incident, reason="Agreed.", by=by, **proof))

    found = together(granting(standing.owner), granting(standing.second_reviewer))
    assert found.count("done") == 1, found
    assert any("released already" in answer or "no evidence to release" in answer for answer in found), found
    assert counted(standing, signatures=Signature) == {"signatures": 2}


def test_who_closes_does_not_close_over_what_is_added_at_that_moment(standing, incident):
    settled(standing, lambda: make.done(standing, incident))
    proof, by = settled(standing, lambda: make.proved(incident)), standing.reviewer
    adding = amending(standing, incident, standing.builder)
    found = together(adding, lambda: attempt(by, lambda: actions.close(incident, by=by, **proof | make.CLOSING)))
    assert found.count("done") == 1, found
    with transaction.atomic():
        standing.enter()
        case = queries.case(queries.incidents(viewer=standing.owner).get())
        assert bool(case.closing) != (len(case.entries) == 2)


def test_what_is_told_later_is_another_notice(standing, incident):
    """What keeps a double click out keeps nothing else out."""
    given = {"stage": "incomplete", "who": "It", "how": "Its form."}
    now = timezone.now()
    for told_at in (now - timedelta(minutes=5), now):
        settled(standing, lambda told_at=told_at: make.told(standing, incident, told_at=told_at, **given))
    assert counted(standing, notices=Notice) == {"notices": 2}
