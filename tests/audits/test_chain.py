"""The record: linked by the database as it is inserted, and never changed."""

import hashlib

import pytest
from django.db import DatabaseError, connection, transaction

from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.models import Record

pytestmark = pytest.mark.django_db


def leaves():
    with connection.cursor() as cursor:
        cursor.execute("select seq, previous, digest, audits_leaf(r) from audits_record r order by seq")
        return cursor.fetchall()


def test_it_links_each_record_to_the_one_before(acme):
    record(Event.PROJECT_OPENED, on=acme.project, by=acme.builder, purpose="ä “quote” \n 𝛆")
    rows = leaves()
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    before = bytes(32)
    for _seq, previous, digest, leaf in rows:
        assert bytes(previous) == before
        assert bytes(digest) == hashlib.sha256(before + leaf.encode()).digest()
        before = bytes(digest)


def test_it_numbers_each_organization_by_itself(acme, rival):
    rival.enter()
    assert [row[0] for row in leaves()] == [1]
    assert Record.objects.get().organization_id == rival.organization.pk


@pytest.mark.parametrize(
    "attack",
    [
        "update audits_record set event = 'nothing.happened'",
        "delete from audits_record",
        "truncate audits_record",
        "alter table audits_record disable trigger all",
        "drop trigger audits_link on audits_record",
        "set session_replication_role = replica",
    ],
)
def test_it_refuses_the_web_role_every_change(acme, attack):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(attack)


def test_it_refuses_a_record_for_another_organization(acme, rival):
    forged = Record(
        organization_id=rival.organization.pk, event="project.opened", by_name="x", by_role="", on_type="", on_name=""
    )
    with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        Record.objects.bulk_create([forged])


def test_it_keeps_number_moment_and_digest_to_the_database(acme):
    forged = Record(
        organization_id=acme.organization.pk, event="project.opened", by_name="x", by_role="", on_type="", on_name="",
        seq=1, digest=b"\0" * 32, previous=b"\0" * 32,
    )  # fmt: skip
    Record.objects.bulk_create([forged])
    rows = leaves()
    assert rows[-1][0] == len(rows) > 1
    assert bytes(rows[-1][2]) != b"\0" * 32
