"""When it is serious, who must be told by when: the truth tables."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from django.db import connection

from apps.incidents import queries, rules
from tests.incidents import make

AWARE = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAYS = {2: timedelta(days=2), 10: timedelta(days=10), 15: timedelta(days=15), None: None}


@pytest.mark.parametrize(
    ("critical", "widespread", "death", "other", "days"),
    [
        (False, False, False, False, None),
        (False, False, False, True, 15),
        (False, False, True, False, 10),
        (False, False, True, True, 10),
        (False, True, False, False, 2),
        (False, True, False, True, 2),
        (False, True, True, False, 2),
        (False, True, True, True, 2),
        (True, False, False, False, 2),
        (True, False, False, True, 2),
        (True, False, True, False, 2),
        (True, False, True, True, 2),
        (True, True, False, False, 2),
        (True, True, False, True, 2),
        (True, True, True, False, 2),
        (True, True, True, True, 2),
    ],
)
def test_the_authority_is_told_by_the_earliest_limit_that_applies(critical, widespread, death, other, days):
    """WF-INC-2."""
    for one in ("harm_to_people", "fundamental_rights", "harm_to_property"):
        flags = make.NO | {"critical_infrastructure": critical, "widespread": widespread, "death": death, one: other}
        for breach in (False, True):
            found = rules.due(flags | {"personal_data": breach}, AWARE)
            assert found["authority_due_at"] == (AWARE + DAYS[days] if days else None)
            assert found["protection_due_at"] == (AWARE + timedelta(hours=72) if breach else None)


@pytest.mark.django_db
def test_the_database_counts_the_same_clocks(acme):
    """Every combination of the flags, as an entry: the trigger refuses any other due time than the rules give, and the
    duties that lists and triggers see are those of the page."""
    incident = make.reported(acme)
    names = ("critical_infrastructure", "widespread", "death", "fundamental_rights", "personal_data")
    for values in product((False, True), repeat=len(names)):
        flags = dict(zip(names, values, strict=True))
        make.amended(acme, incident, **make.NO | flags | {"harm_to_people": flags["death"]})
        case = queries.case(incident)
        with connection.cursor() as cursor:
            cursor.execute("select duty, due_at, final from incidents_duties(%s)", [incident.pk])
            told = {(duty, due_at, final) for duty, due_at, final in cursor.fetchall()}
        assert told == {(clock.duty.value, clock.due_at, clock.final) for clock in case.clocks}, flags


@pytest.mark.parametrize(
    ("told_after", "stage", "now_after", "status"),
    [
        (None, "", 14, "due"),
        (None, "", 16, "overdue"),
        (1, "incomplete", 14, "incomplete"),
        (1, "final", 14, "told"),
        (16, "incomplete", 17, "incomplete, late"),
        (16, "final", 17, "told, late"),
        (15, "final", 17, "told"),
        (1, "needless", 17, "told"),
    ],
)
def test_how_a_clock_stands(told_after, stage, now_after, status):
    notices = ()
    if told_after is not None:
        notices = (rules.Notice(duty="authority", stage=stage, told_at=AWARE + timedelta(days=told_after)),)
    clock = rules.Clock(rules.Duty.AUTHORITY, AWARE + timedelta(days=15), notices, AWARE + timedelta(days=now_after))
    assert clock.status == status
