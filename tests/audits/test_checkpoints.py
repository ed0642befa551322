"""Checkpoints: signed notes that say what the record says, checked here with the specification's own words."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import DatabaseError, IntegrityError, connection, transaction

from apps.audits import checkpoints, keys, notes
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.models import Checkpoint, Record
from apps.common.errors import BadInput
from tests.audits.test_proofs import mth

pytestmark = pytest.mark.django_db


def leaves() -> list[bytes]:
    with connection.cursor() as cursor:
        cursor.execute("select audits_leaf(r) from audits_record r order by seq")
        return [leaf.encode() for (leaf,) in cursor.fetchall()]


def test_a_checkpoint_is_a_signed_note_of_the_whole_record(acme, settings):
    settings.URL = "https://portal.example"
    made = checkpoints.make(acme.organization.pk)
    text, signature = made.note.split("\n\n")
    origin, size, root = text.split("\n")
    assert origin == made.origin == "portal.example/acme"
    assert int(size) == made.size == Record.objects.count()
    assert base64.b64decode(root) == bytes(made.root) == mth(leaves())
    dash, name, blob = signature.removesuffix("\n").split(" ")
    assert (dash, name) == ("—", origin)
    public = keys.in_use(acme.organization.pk).key.public
    mark, signed = base64.b64decode(blob)[:4], base64.b64decode(blob)[4:]
    assert mark == hashlib.sha256(origin.encode() + b"\x0a\x01" + public).digest()[:4]
    Ed25519PublicKey.from_public_bytes(public).verify(signed, (text + "\n").encode())


def test_it_is_made_once_for_each_size(acme):
    first = checkpoints.make(acme.organization.pk)
    assert checkpoints.make(acme.organization.pk) == first
    record(Event.PROJECT_CHANGED, on=acme.project, by=acme.builder)
    second = checkpoints.make(acme.organization.pk)
    assert second.size == first.size + 1
    assert checkpoints.latest(acme.organization.pk) == second


def test_a_rollback_leaves_none(acme):
    checkpoints.make(acme.organization.pk)
    before = Checkpoint.objects.count()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record(Event.PROJECT_CHANGED, on=acme.project, by=acme.builder)
        checkpoints.make(acme.organization.pk)
        raise ZeroDivisionError
    assert Checkpoint.objects.count() == before


def test_the_database_refuses_a_checkpoint_that_says_something_else(acme):
    made = checkpoints.make(acme.organization.pk)
    record(Event.PROJECT_CHANGED, on=acme.project, by=acme.builder)
    for size in (made.size + 1, 1):
        with pytest.raises(IntegrityError, match="says what the record says"), transaction.atomic():
            Checkpoint.objects.create(organization_id=made.organization_id, size=size, root=made.root, note=made.note)
    with pytest.raises(DatabaseError), transaction.atomic():
        Checkpoint.objects.create(organization_id=made.organization_id, size=99, root=made.root, note=made.note)


def test_an_older_checkpoint_is_still_read_after_rotation(acme):
    made = checkpoints.make(acme.organization.pk)
    keys.rotate(acme.organization.pk)
    assert checkpoints.kept(acme.organization.pk, made.note) == [notes.read(made.note)]


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda note: "what is this", "no checkpoint"),
        (lambda note: note.replace("\n\n", "\n"), "no checkpoint"),
        (lambda note: note.replace("/acme\n", "/rival\n"), "a checkpoint of"),
        (lambda note: "\n".join([*note.split("\n")[:2], "AAAA", "", note.split("\n")[4]]), "32 bytes"),
        (lambda note: note.split("— ")[0], "no checkpoint"),
        (lambda note: note.replace("\n\n", "x\n\n"), "base64"),
        (lambda note: note.replace("\n\n", "\nextension\n\n"), "No key"),
        (lambda note: note + "rubbish", "no signature line"),
        (lambda note: note[:-20] + "AAAAAAAAAAAAAAAAAAA\n", r"No key|base64"),
    ],
)
def test_it_says_what_is_wrong_with_a_checkpoint(acme, spoil, problem):
    note = checkpoints.make(acme.organization.pk).note
    with pytest.raises(BadInput, match=problem):
        checkpoints.kept(acme.organization.pk, spoil(note))


def test_a_checkpoint_survives_a_mail_program(acme):
    note = checkpoints.make(acme.organization.pk).note
    assert checkpoints.kept(acme.organization.pk, f"\r\n{note}\n".replace("\n", "\r\n"))
    assert checkpoints.kept(acme.organization.pk, "  ") == []
