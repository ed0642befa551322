"""How an export streams: after the request, on committed rows, at once, and beside writers."""

import threading
import time

from django.db import connection

from apps.audits import actions
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.models import Record
from apps.common.tenancy import as_organization, become


def many(tenant, count: int) -> None:
    with as_organization(tenant.organization.pk), connection.cursor() as cursor:
        cursor.execute(
            "insert into audits_record (organization_id, seq, at, event, by_role, on_type, thing, project,"
            " names, facts, origin, digest) select %s, 0, now(), 'project.opened', '', 'project', 'name ' || i, '',"
            " '{}', '{}', '{}', '' from generate_series(1, %s) i",
            [tenant.organization.pk, count],
        )


def test_the_stream_has_its_own_transaction_as_the_tenant(committed):
    many(committed, 2000)
    with as_organization(committed.organization.pk):
        taking = actions.export(by=committed.auditor, form="csv")
    become(None)  # the request is over; nobody is set any more
    assert b"".join(taking.content).count(b"\n") == 2003


def test_a_reader_who_leaves_early_leaves_a_usable_connection(committed):
    many(committed, 5000)
    with as_organization(committed.organization.pk):
        taking = actions.export(by=committed.auditor, form="jsonl")
    assert next(taking.content)
    taking.content.close()
    with as_organization(committed.organization.pk):
        assert Record.objects.count() == 5002


def test_the_first_bytes_do_not_wait_for_the_last(committed):
    many(committed, 60_000)
    with as_organization(committed.organization.pk):
        taking = actions.export(by=committed.auditor, form="jsonl")
    began = time.perf_counter()
    next(taking.content)
    first = time.perf_counter() - began
    for _ in taking.content:
        pass
    assert first < (time.perf_counter() - began) / 4


def test_writers_go_on_while_an_export_streams(committed):
    many(committed, 5000)
    with as_organization(committed.organization.pk):
        taking = actions.export(by=committed.auditor, form="jsonl")
    next(taking.content)

    def write():
        with as_organization(committed.organization.pk):
            record(Event.PROJECT_CHANGED, on=committed.project, by=committed.builder)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    writer.join(timeout=5)
    assert not writer.is_alive()
    assert sum(piece.count(b"\n") for piece in taking.content)
