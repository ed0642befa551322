"""Writers at once, on real connections: one tree without gap or fork, and nothing of what was rolled back."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from apps.audits import verification
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.models import Record
from apps.common.tenancy import as_organization

WRITERS, EACH = 8, 25


class Regret(Exception):
    """Why a transaction is rolled back here."""


def in_threads(do, count=WRITERS):
    def closing(number):
        try:
            return do(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(closing, range(count)))


def test_concurrent_writers_make_one_tree(committed):
    def write(number):
        for turn in range(EACH):
            with as_organization(committed.organization.pk):
                record(Event.PROJECT_CHANGED, on=committed.project, by=committed.builder, writer=number, turn=turn)

    in_threads(write)
    with as_organization(committed.organization.pk):
        found = verification.verify(committed.organization.pk)
        turns = list(Record.objects.filter(event=Event.PROJECT_CHANGED).order_by("seq").values_list("facts", flat=True))
    assert found.intact
    assert found.count == 1 + WRITERS * EACH
    for number in range(WRITERS):  # and each writer's own order is kept
        assert [fact["turn"] for fact in turns if fact["writer"] == number] == list(range(EACH))


def test_what_is_rolled_back_leaves_neither_record_nor_gap(committed):
    def write(number):
        for turn in range(EACH):
            try:
                with as_organization(committed.organization.pk):
                    record(Event.PROJECT_CHANGED, on=committed.project, by=committed.builder, kept=bool(turn % 2))
                    if turn % 2 == 0:
                        raise Regret
            except Regret:
                continue

    in_threads(write, 4)
    with as_organization(committed.organization.pk):
        found = verification.verify(committed.organization.pk)
        assert found.intact
        assert found.count == 1 + 4 * (EACH // 2)
        assert not Record.objects.filter(facts__kept=False).exists()


def test_several_records_of_one_transaction_follow_each_other(committed):
    def write(number):
        with as_organization(committed.organization.pk):
            for turn in range(10):
                record(Event.PROJECT_CHANGED, on=committed.project, by=committed.builder, writer=number, turn=turn)

    in_threads(write)
    with as_organization(committed.organization.pk):
        assert verification.verify(committed.organization.pk).intact
        writers = [
            facts["writer"]
            for facts in Record.objects.filter(event=Event.PROJECT_CHANGED)
            .order_by("seq")
            .values_list("facts", flat=True)
        ]
    assert all(len(set(writers[at : at + 10])) == 1 for at in range(0, len(writers), 10))


def test_a_transaction_that_looked_before_it_waited_is_refused_rather_than_forked(committed):
    """Under a snapshot taken before another's commit, the database's unique number refuses the second leaf."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set transaction isolation level repeatable read")
        cursor.execute("select set_config('assay.organization', %s, true)", [str(committed.organization.pk)])
        cursor.execute("select count(*) from audits_record")

        def write(number):
            with as_organization(committed.organization.pk):
                record(Event.PROJECT_CHANGED, on=committed.project, by=committed.builder)

        in_threads(write, 1)
        with pytest.raises(Exception, match=r"audits_node_place|audits_record_seq"), transaction.atomic():
            record(Event.PROJECT_CHANGED, on=committed.project, by=committed.owner)
    with as_organization(committed.organization.pk):
        assert verification.verify(committed.organization.pk).intact
