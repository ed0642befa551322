"""Verification finds what an intruder with every right did to the record, and names the first wrong one."""

import tracemalloc
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.audits import checkpoints, notes, proofs, verification
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.models import Record
from apps.common.tenancy import as_organization

SWAP = (
    "update audits_record set seq = -3 where seq = 3",
    "update audits_record set seq = 3 where seq = 4",
    "update audits_record set seq = 4 where seq = -3",
)
LEAF_HASH = "sha256('\\x00'::bytea || convert_to(audits_leaf(r), 'UTF8'))"
REWRITE = f"update audits_record r set digest = {LEAF_HASH} where seq = 3"


@pytest.fixture
def written(committed):
    """Seven records."""
    with as_organization(committed.organization.pk):
        for number in range(6):
            record(Event.PROJECT_OPENED, on=committed.project, by=committed.builder, number=number)
    return committed


def verified(tenant, **how) -> verification.Verification:
    with as_organization(tenant.organization.pk):
        return verification.verify(tenant.organization.pk, **how)


def checkpoint(tenant) -> notes.Checkpoint:
    with as_organization(tenant.organization.pk):
        return notes.read(checkpoints.make(tenant.organization.pk).note)


def test_it_finds_an_untouched_record_intact(written):
    found = verified(written)
    assert found.intact
    assert found.count == 7
    with as_organization(written.organization.pk):
        assert proofs.root(written.organization.pk, 7).hex() == found.root


@pytest.mark.parametrize(
    "change",
    [
        "event = 'project.closed'",
        "at = at + interval '1 microsecond'",
        "by_id = by_id + 1",
        "by_id = null",
        "names = '{}'",
        "by_role = 'owner'",
        "by_token = 1",
        "on_type = 'dataset'",
        "on_id = on_id + 1",
        "thing = 'Lending '",
        "project = ''",
        """facts = '{"number": 9}'""",
        "organization_id = -organization_id, seq = seq",
        "digest = sha256('')",
    ],
)
def test_it_finds_a_change_of_any_column(written, owner_sql, change):
    owner_sql(f"update audits_record set {change} where seq = 3")
    found = verified(written)
    assert (found.count, found.wrong) == (2, 3)
    assert "Record 3" in found.problem


@pytest.mark.parametrize(
    ("attack", "wrong", "problem"),
    [
        (("delete from audits_record where seq = 3",), 3, "Record 3 is missing: after record 2 comes record 4."),
        (("delete from audits_record where seq = 1",), 1, "Record 1 is missing"),
        (SWAP, 3, "Record 3 was changed"),
        (("update audits_record set seq = 0 where seq = 1",), 1, "The number 0 was given twice"),
        (("update audits_record set thing = 'x' where seq = 3", REWRITE), 3, "node over records 3 to 4"),
        (("update audits_node set hash = sha256('') where level = 2",), 1, "node over records 1 to 4"),
        (("delete from audits_node where level = 1 and index = 1",), 3, "node over records 3 to 4"),
        (("update audits_node set index = 7 where level = 2",), 8, "a node over records 29 to 32: its end was cut off"),
    ],
)
def test_it_names_the_first_wrong_record_and_says_why(written, owner_sql, attack, wrong, problem):
    owner_sql(*attack)
    found = verified(written)
    assert problem in found.problem
    assert found.wrong == wrong


def test_it_finds_a_node_that_no_records_give(written, owner_sql):
    owner_sql("insert into audits_node (organization_id, level, index, hash)"
              " select organization_id, 3, 0, hash from audits_node limit 1")  # fmt: skip
    found = verified(written)
    assert (found.wrong, "a node over records 1 to 8" in found.problem) == (8, True)


def test_it_finds_a_name_put_in_the_place_of_another(written, owner_sql):
    owner_sql("update audits_opening set text = 'Somebody Else' where text = 'Builder'")
    found = verified(written)
    assert found.wrong == 2
    assert "“Somebody Else” was put in the place" in found.problem


def test_it_compares_the_checkpoints_that_are_kept_here(written, owner_sql):
    checkpoint(written)
    assert verified(written).checkpoints == 1
    owner_sql("update audits_checkpoint set root = sha256('')")
    assert "another root" in verified(written).problem
    owner_sql("update audits_checkpoint set root = audits_root(organization_id, size), note = replace(note, '— ', '')")
    assert "signature line" in verified(written).problem


def test_a_clock_that_goes_back_does_not_take_the_moment_with_it(written, owner_sql):
    owner_sql("update audits_record set at = at + interval '1 hour' where seq = 7")
    with as_organization(written.organization.pk):
        record(Event.PROJECT_CHANGED, on=written.project, by=written.builder)
        assert Record.objects.get(seq=8).at == Record.objects.get(seq=7).at


def test_the_transaction_lives_on_after_an_early_end(written, owner_sql):
    owner_sql("update audits_record set thing = 'x' where seq = 2")
    with as_organization(written.organization.pk):
        assert not verification.verify(written.organization.pk).intact
        assert Record.objects.count() == 7


# Over several blocks of 1024 records, where checkpoints fall within and between.


def many(tenant, count: int) -> None:
    with as_organization(tenant.organization.pk):
        Record.objects.bulk_create(
            Record(
                organization_id=tenant.organization.pk, event=Event.PROJECT_OPENED, by_role="", on_type="project",
                thing=f"{number} " + "y" * 100,
            )
            for number in range(count)
        )  # fmt: skip


@pytest.fixture
def long(committed):
    """Records with checkpoints at uneven sizes, at the end of a block and one after it."""
    at = 1
    for size in (500, 1024, 1025, 3000, 4096, 4500):
        many(committed, size - at - (at == 1))  # the first key is a record of its own
        checkpoint(committed)
        at = size
    return committed


def test_a_long_record_agrees_with_every_checkpoint(long):
    found = verified(long)
    assert (found.problem, found.count, found.checkpoints) == ("", 4500, 6)


@pytest.mark.parametrize("seq", [1, 1024, 1025, 2049, 4500])
def test_it_names_a_wrong_record_in_any_block(long, owner_sql, seq):
    owner_sql(f"update audits_record set thing = 'x' where seq = {seq}")
    found = verified(long)
    assert (found.wrong, found.count) == (seq, seq - 1)


@pytest.mark.parametrize(("first", "last", "wrong"), [(1024, 1024, 1024), (1025, 2048, 1025), (1025, 2500, 1025),
                                                      (900, 1100, 900), (1, 4400, 1), (4401, 4500, 4401)])  # fmt: skip
def test_it_names_the_first_record_that_is_missing(long, owner_sql, first, last, wrong):
    owner_sql(f"delete from audits_record where seq between {first} and {last}")
    assert verified(long).wrong == wrong


@pytest.mark.parametrize("level", [1, 9, 10, 11, 12])
def test_it_finds_a_wrong_node_at_any_level(long, owner_sql, level):
    owner_sql(f"update audits_node set hash = sha256('') where level = {level} and index = 0")
    assert "The tree was changed" in verified(long).problem


def test_it_goes_on_from_the_last_checkpoint(long, owner_sql):
    many(long, 700)
    found = verified(long, new=True)
    assert (found.problem, found.count, found.since, found.checkpoints) == ("", 5200, 4500, 1)
    assert found.root == verified(long).root
    owner_sql("update audits_record set thing = 'x' where seq = 4800")
    assert verified(long, new=True).wrong == 4800


@pytest.mark.parametrize("end", [4096, 4500])
def test_going_on_it_does_not_trust_nodes_that_give_another_root(long, owner_sql, end):
    owner_sql(
        f"delete from audits_checkpoint where size > {end}", "update audits_node set hash = '\\x00' where level = 12"
    )
    found = verified(long, new=True)
    assert (found.wrong, "another root" in found.problem) == (1, True)


def test_going_on_it_says_what_is_missing(long, owner_sql):
    owner_sql("delete from audits_node where level = 12")
    assert "no node 0 at level 12" in verified(long, new=True).problem


def test_it_needs_the_same_memory_for_many_records(committed):
    def peak(more: int) -> int:
        many(committed, more)
        with as_organization(committed.organization.pk):
            tracemalloc.start()
            found = verification.verify(committed.organization.pk)
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert found.intact
        return most

    few = peak(2000)
    assert peak(9000) < few + 200_000


# The command.


def test_the_command_verifies_every_organization_and_remembers(written):
    out = StringIO()
    call_command("audit", "verify", stdout=out)
    assert "acme: intact, 7 records, 0 checkpoints agree, root " in out.getvalue()
    with as_organization(written.organization.pk):
        last = Record.objects.get(seq=8)
    assert (last.event, last.by_name, last.facts["intact"]) == ("record.verified", "Assay", True)


def test_the_command_goes_on_from_the_last_checkpoint(written):
    checkpoint(written)
    out = StringIO()
    call_command("audit", "verify", "--new", stdout=out)
    assert "8 records, the first 8 taken as verified before, 1 checkpoints agree" in out.getvalue()


def test_the_command_fails_on_a_broken_record(written, owner_sql):
    owner_sql("delete from audits_record where seq = 3")
    out = StringIO()
    with pytest.raises(CommandError, match="not intact"):
        call_command("audit", "verify", "acme", stdout=out)
    assert "acme: BROKEN at record 3. Record 3 is missing" in out.getvalue()


def test_the_command_says_when_nobody_has_that_name(written):
    with pytest.raises(CommandError, match="No organization is called nobody"):
        call_command("audit", "verify", "nobody", stdout=StringIO())
