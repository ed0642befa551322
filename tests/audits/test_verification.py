"""Verification finds what an intruder with every right did to the record, and names the first wrong one."""

import tracemalloc
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.audits import chain
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.models import Record
from apps.common.tenancy import as_organization

SWAP = (
    "update audits_record set seq = -3 where seq = 3",
    "update audits_record set seq = 3 where seq = 4",
    "update audits_record set seq = 4 where seq = -3",
)
REWRITE = "update audits_record r set digest = sha256(previous || convert_to(audits_leaf(r), 'UTF8')) where seq = 3"


@pytest.fixture
def written(committed):
    """Seven records."""
    with as_organization(committed.organization.pk):
        for number in range(6):
            record(Event.PROJECT_OPENED, on=committed.project, by=committed.builder, number=number)
    return committed


def verified(tenant, **known) -> chain.Verification:
    with as_organization(tenant.organization.pk):
        return chain.verify(tenant.organization.pk, **known)


def test_it_finds_an_untouched_record_intact(written):
    found = verified(written)
    assert found.intact
    assert found.count == found.head.seq == 7
    with as_organization(written.organization.pk):
        assert Record.objects.get(seq=7).digest_hex == found.head.digest


@pytest.mark.parametrize(
    "change",
    [
        "event = 'project.closed'",
        "at = at + interval '1 microsecond'",
        "by_id = by_id + 1",
        "by_id = null",
        "by_name = by_name || ' '",
        "by_role = 'owner'",
        "by_token = 1",
        "on_type = 'dataset'",
        "on_id = on_id + 1",
        "on_name = 'Lending '",
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
        (SWAP, 3, "Record 3 does not follow record 2"),
        (("update audits_record set on_name = 'x' where seq = 3", REWRITE), 4, "Record 4 does not follow record 3"),
        (("update audits_record set previous = sha256('') where seq = 1",), 1, "does not begin the chain"),
        (("update audits_record set seq = 0 where seq = 1",), 1, "The number 0 was given twice"),
    ],
)
def test_it_names_the_first_wrong_record_and_says_why(written, owner_sql, attack, wrong, problem):
    owner_sql(*attack)
    found = verified(written)
    assert found.wrong == wrong
    assert problem in found.problem


def test_it_tells_a_cut_off_end_by_a_head_that_was_kept(written, owner_sql):
    kept = verified(written).head
    owner_sql("delete from audits_record where seq > 5")
    assert verified(written).intact
    found = verified(written, known=kept)
    assert (found.count, found.wrong) == (5, 6)
    assert "cut off" in found.problem


def test_it_tells_a_rewritten_past_by_a_head_that_was_kept(written):
    found = verified(written, known=chain.Head(4, "0" * 64))
    assert found.wrong == 4
    assert "rewritten" in found.problem


def test_the_transaction_lives_on_after_an_early_end(written, owner_sql):
    owner_sql("update audits_record set on_name = 'x' where seq = 2")
    with as_organization(written.organization.pk):
        assert not chain.verify(written.organization.pk).intact
        assert Record.objects.count() == 7


def test_it_needs_the_same_memory_for_many_records(committed):
    def peak(more: int) -> int:
        with as_organization(committed.organization.pk):
            for _ in range(more // 1000):
                Record.objects.bulk_create(
                    Record(
                        organization_id=committed.organization.pk, event=Event.PROJECT_OPENED, by_name="x" * 100,
                        by_role="", on_type="project", on_name="y" * 300,
                    )
                    for _ in range(1000)
                )  # fmt: skip
            tracemalloc.start()
            found = chain.verify(committed.organization.pk)
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert found.intact
        return most

    few = peak(1000)
    assert peak(9000) < few + 100_000


def test_the_command_verifies_every_organization_and_remembers(written):
    out = StringIO()
    call_command("audit", "verify", stdout=out)
    assert "acme: intact, 7 records, head 7 " in out.getvalue()
    with as_organization(written.organization.pk):
        last = Record.objects.get(seq=8)
    assert (last.event, last.by_name, last.facts["intact"]) == ("record.verified", "Assay", True)


def test_the_command_fails_on_a_broken_record(written, owner_sql):
    owner_sql("delete from audits_record where seq = 3")
    out = StringIO()
    with pytest.raises(CommandError, match="not intact"):
        call_command("audit", "verify", "acme", stdout=out)
    assert "acme: BROKEN at record 3. Record 3 is missing" in out.getvalue()


def test_the_command_says_when_nobody_has_that_name(written):
    with pytest.raises(CommandError, match="No organization is called nobody"):
        call_command("audit", "verify", "nobody", stdout=StringIO())
