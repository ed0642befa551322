"""The worst intruder: every right on the database, every trigger off, and time to make each hash anew.

Nothing inside the database can show such a forgery; a checkpoint that a witness kept shows each of them."""

import base64
import hashlib
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from apps.audits import checkpoints, keys, notes, verification
from apps.audits.actions import record
from apps.audits.events import Event
from apps.common.tenancy import as_organization
from tests.audits.test_proofs import subproof

COUNT = 1300  # more than one block


@pytest.fixture
def witnessed(committed, tmp_path):
    """A record of COUNT lines whose checkpoint a witness keeps in a file; (tenant, file)."""
    grow(committed, COUNT - 2)
    with as_organization(committed.organization.pk):
        kept = checkpoints.make(committed.organization.pk)
    assert kept.size == COUNT
    path = tmp_path / "kept"
    path.write_text(kept.note)
    grow(committed, 40)
    return committed, path


def grow(tenant, count: int) -> None:
    with as_organization(tenant.organization.pk):
        for number in range(count):
            record(Event.PROJECT_CHANGED, on=tenant.project, by=tenant.builder, number=number)


def command(path) -> str:
    """What `audit verify` says; the word REFUSED before it where it fails."""
    out = StringIO()
    try:
        call_command("audit", "verify", "acme", checkpoint=[path] if path else [], stdout=out, stderr=out)
    except CommandError:
        return f"REFUSED {out.getvalue()}"
    return out.getvalue()


def forge(tenant, *statements: str) -> None:
    """Change the record and make everything that follows from it anew: digests, nodes, checkpoints, signatures."""
    mine = tenant.organization.pk
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        for table in ("audits_record", "audits_node", "audits_checkpoint"):
            cursor.execute(f"alter table {table} disable trigger user")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute(
            "update audits_record r set digest = sha256('\\x00'::bytea || convert_to(audits_leaf(r), 'UTF8'))"
        )
        cursor.execute("delete from audits_node")
        cursor.execute("select digest from audits_record order by seq")
        level, height = [bytes(digest) for (digest,) in cursor.fetchall()], 0
        while len(level) > 1:
            level = [
                hashlib.sha256(b"\1" + b"".join(level[at : at + 2])).digest() for at in range(0, len(level) - 1, 2)
            ]
            height += 1
            for index, root in enumerate(level):
                cursor.execute("insert into audits_node (organization_id, level, index, hash) values (%s, %s, %s, %s)",
                               [mine, height, index, root])  # fmt: skip
        cursor.execute("delete from audits_checkpoint where size > (select coalesce(max(seq), 0) from audits_record)")
        cursor.execute("select size, audits_root(%s, size) from audits_checkpoint", [mine])
        for size, root in cursor.fetchall():
            said = notes.Checkpoint(_origin(tenant), size, bytes(root))
            note = notes.signed(said, _key(tenant))
            cursor.execute("update audits_checkpoint set root = %s, note = %s where size = %s", [root, note, size])
        cursor.execute("set constraints all immediate")
        for table in ("audits_record", "audits_node", "audits_checkpoint"):
            cursor.execute(f"alter table {table} enable trigger user")


def _origin(tenant) -> str:
    with as_organization(tenant.organization.pk):
        return checkpoints.origin(tenant.organization.pk)


def _key(tenant):
    with as_organization(tenant.organization.pk):
        return keys.in_use(tenant.organization.pk).key


REORDER = (
    "update audits_record set seq = -seq where seq in (700, 701)",
    "update audits_record set seq = 1401 + seq where seq in (-700, -701)",
)
LAST_WEEK = f"delete from audits_record where seq > {COUNT - 100}"


def test_what_nobody_touched_agrees_with_the_witness(witnessed):
    _, path = witnessed
    assert "intact" in command(path)


@pytest.mark.parametrize(
    ("attack", "problem"),
    [
        ((f"delete from audits_record where seq > {COUNT - 10}",), "its end was cut off"),
        (("update audits_record set event = 'run.failed' where seq = 700",), "the record was rewritten"),
        (REORDER, "the record was rewritten"),
        ((LAST_WEEK,), "its end was cut off"),
        (("delete from audits_record",), "its end was cut off"),
    ],
    ids=["tail", "rewritten", "reordered", "last week's backup", "everything"],
)
def test_a_whole_forgery_is_found_by_the_witness_alone(witnessed, attack, problem):
    tenant, path = witnessed
    forge(tenant, *attack)
    if "delete from audits_record" not in attack:
        assert "intact" in command(None)  # within the database nothing is left to see it by
    found = command(path)
    assert found.startswith("REFUSED")
    assert problem in found


def test_last_weeks_backup_that_grew_on_is_a_fork(witnessed):
    """Restored, and worked with again until it is longer than before."""
    tenant, path = witnessed
    forge(tenant, LAST_WEEK)
    grow(tenant, 300)
    assert "intact" in command(None)
    assert "the record was rewritten somewhere" in command(path)


def test_two_histories_of_one_record_do_not_prove_each_other(witnessed):
    """A witness is shown one history, an auditor another: no consistency proof leads from the first to the second."""
    tenant, path = witnessed
    seen = notes.read(path.read_text())
    forge(tenant, LAST_WEEK)
    grow(tenant, 300)
    with as_organization(tenant.organization.pk):
        from apps.audits import proofs
        from tests.audits.test_checkpoints import leaves

        other = notes.read(checkpoints.make(tenant.organization.pk).note)
        proof = proofs.consistency(tenant.organization.pk, seen.size, other.size)
        assert proof == subproof(seen.size, leaves(), True)  # as good as a proof gets
    assert _first_root(seen.size, other.size, proof) != seen.root


def _first_root(old: int, new: int, proof: list[bytes]) -> bytes:
    """RFC 9162, 2.1.4.2: the root of the older tree that a consistency proof gives."""
    path = list(proof)
    fn, sn = old - 1, new - 1
    if old & (old - 1) == 0:
        raise AssertionError("the test uses an uneven size")
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    root = path.pop(0)
    for hash in path:
        if fn & 1 or fn == sn:
            root = hashlib.sha256(b"\1" + hash + root).digest()
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        fn, sn = fn >> 1, sn >> 1
    return root


def test_a_forger_who_also_took_the_keys_is_found(witnessed):
    """The organization's keys are exchanged too: the witness's file then has a signature nobody here knows."""
    tenant, path = witnessed
    forge(tenant, "update audits_record set event = 'run.failed' where seq = 700")
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        cursor.execute("alter table audits_signingkey disable trigger user")
        cursor.execute("update audits_signingkey set public = sha256(public)")
        cursor.execute("alter table audits_signingkey enable trigger user")
    found = command(path)
    assert "no key that this portal knows signed this checkpoint" in found
    assert found.startswith("REFUSED")


def test_a_checkpoint_of_another_log_is_not_taken(witnessed, tmp_path):
    path = tmp_path / "other"
    root = base64.b64encode(bytes(32)).decode()
    path.write_text(f"elsewhere.example/acme\n5\n{root}\n\n— x AAAAAAAA\n")
    with pytest.raises(CommandError, match=r"of no organization.* It is of elsewhere\.example/acme; this portal is "):
        call_command("audit", "verify", checkpoint=[path], stdout=StringIO())
    with pytest.raises(CommandError, match="No such file"):
        call_command("audit", "verify", checkpoint=[tmp_path / "none"], stdout=StringIO())
    assert verification.BLOCK < COUNT
