"""Proofs and roots, compared with RFC 6962 as it is written: recursive, from all leaves, without stored nodes."""

import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.audits import proofs, tree
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.models import Record
from apps.common.errors import BadInput

# RFC 6962, section 2.1


def mth(leaves: list[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = largest_power_of_two_below(len(leaves))
    return hashlib.sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = largest_power_of_two_below(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = largest_power_of_two_below(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def largest_power_of_two_below(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


LEAVES = [f"leaf {number}".encode() for number in range(300)]


def answered(spans: list[tree.Span], leaves: list[bytes]) -> list[bytes]:
    """The roots over spans, from whole subtrees alone, as the stored nodes give them."""
    found = []
    for span in spans:
        parts = [leaves[index << level : (index + 1) << level] for level, index in tree.peaks(span)]
        assert all(len(part) == 1 << level for part, (level, _) in zip(parts, tree.peaks(span), strict=True))
        found.append(tree.folded([mth(part) for part in parts]))
    return found


@given(size=st.integers(0, 300))
def test_a_root_is_that_of_rfc_6962(size):
    assert answered([(0, size)], LEAVES)[0] == mth(LEAVES[:size])


@settings(deadline=None)
@given(st.data())
def test_an_inclusion_proof_is_that_of_rfc_6962(data):
    size = data.draw(st.integers(1, 300))
    index = data.draw(st.integers(0, size - 1))
    assert answered(tree.inclusion(index, size), LEAVES[:size]) == path(index, LEAVES[:size])


@settings(deadline=None)
@given(st.data())
def test_a_consistency_proof_is_that_of_rfc_6962(data):
    new = data.draw(st.integers(1, 300))
    old = data.draw(st.integers(1, new))
    assert answered(tree.consistency(old, new), LEAVES[:new]) == subproof(old, LEAVES[:new], True)


@given(st.integers(1, 2**40), st.data())
def test_a_proof_reads_few_nodes(size, data):
    index = data.draw(st.integers(0, size - 1))
    for spans in (tree.inclusion(index, size), tree.consistency(index + 1, size)):
        assert len({place for span in spans for place in tree.peaks(span)}) <= 2 * size.bit_length()


@pytest.mark.django_db
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_the_stored_nodes_give_the_same(acme, data):
    if Record.objects.count() < 70:
        for number in range(70):
            record(Event.PROJECT_CHANGED, on=acme.project, by=acme.builder, number=number)
    mine, there = acme.organization.pk, Record.objects.count()
    leaves = [leaf.encode() for leaf in Record.objects.order_by("seq").values_list(_leaf(), flat=True)]
    size = data.draw(st.integers(1, there))
    seq = data.draw(st.integers(1, size))
    assert proofs.root(mine, size) == mth(leaves[:size])
    assert proofs.inclusion(mine, seq, size) == path(seq - 1, leaves[:size])
    assert proofs.consistency(mine, seq, size) == subproof(seq, leaves[:size], True)


def _leaf():
    from django.db.models.expressions import RawSQL

    return RawSQL("audits_leaf(audits_record)", [])


@pytest.mark.django_db
def test_what_is_not_there_has_no_proof(acme):
    mine = acme.organization.pk
    for seq, size in [(0, 1), (2, 1), (1, 2), (1, 0)]:
        with pytest.raises(BadInput):
            proofs.inclusion(mine, seq, size)
    for old, new in [(2, 1), (1, 2), (-1, 1)]:
        with pytest.raises(BadInput):
            proofs.consistency(mine, old, new)


@pytest.mark.django_db
def test_another_organizations_tree_is_not_seen(acme, rival):
    with pytest.raises(BadInput):
        proofs.inclusion(rival.organization.pk, 1, 1)


@pytest.mark.django_db
@pytest.mark.parametrize("size", [1, 64, 71])
def test_a_proof_is_one_statement(acme, size, django_assert_max_num_queries):
    for number in range(70):
        record(Event.PROJECT_CHANGED, on=acme.project, by=acme.builder, number=number)
    with django_assert_max_num_queries(2):  # how many records there are, and the nodes
        proofs.inclusion(acme.organization.pk, 1, size)
