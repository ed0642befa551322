"""The record: a leaf of the organization's tree as it is inserted, and never changed."""

import hashlib

import pytest
from django.db import DatabaseError, connection, transaction

from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.models import Node, Record

pytestmark = pytest.mark.django_db


def leaves():
    with connection.cursor() as cursor:
        cursor.execute("select seq, digest, audits_leaf(r) from audits_record r order by seq")
        return cursor.fetchall()


def test_each_record_is_a_leaf_of_the_tree(acme):
    record(Event.PROJECT_OPENED, on=acme.project, by=acme.builder, purpose="ä “quote” \n 𝛆")
    rows = leaves()
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    for _, digest, leaf in rows:
        assert bytes(digest) == hashlib.sha256(b"\0" + leaf.encode()).digest()
        assert "\n" not in leaf


def test_the_nodes_are_the_roots_of_the_whole_subtrees(acme):
    for _ in range(12):
        record(Event.PROJECT_CHANGED, on=acme.project, by=acme.builder)
    hashes = {(0, seq - 1): bytes(digest) for seq, digest, _ in leaves()}
    kept = {(node.level, node.index): bytes(node.hash) for node in Node.objects.all()}
    assert sorted(kept) == sorted(
        (level, index) for level in range(1, 4) for index in range(13 >> level)
    )  # of thirteen leaves: six pairs, three fours, one eight
    for (level, index), hash in sorted(kept.items()):
        left, right = hashes[level - 1, 2 * index], hashes[level - 1, 2 * index + 1]
        hashes[level, index] = hashlib.sha256(b"\1" + left + right).digest()
        assert hash == hashes[level, index]


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
        "update audits_node set hash = sha256('')",
        "delete from audits_node",
        "insert into audits_node select * from audits_node",
        "update audits_checkpoint set root = sha256('')",
        "delete from audits_checkpoint",
        "update audits_opening set text = 'Somebody else'",
        "delete from audits_opening",
        "update audits_personkey set key = sha256('')",
        "alter table audits_record disable trigger all",
        "drop trigger audits_append on audits_record",
        "set session_replication_role = replica",
    ],
)
def test_it_refuses_the_web_role_every_change(acme, attack):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(attack)


def test_it_refuses_a_record_for_another_organization(acme, rival):
    forged = Record(organization_id=rival.organization.pk, event="project.opened", by_role="", on_type="", thing="")
    with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        Record.objects.bulk_create([forged])


def test_it_keeps_number_moment_and_digest_to_the_database(acme):
    forged = Record(
        organization_id=acme.organization.pk, event="project.opened", by_role="", on_type="", thing="",
        seq=1, digest=b"\0" * 32,
    )  # fmt: skip
    Record.objects.bulk_create([forged])
    rows = leaves()
    assert rows[-1][0] == len(rows) > 1
    assert bytes(rows[-1][1]) != b"\0" * 32
