"""Slow work: one worker at a time holds a row, a dead one is found, and a late one stores nothing."""

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from apps.common import work
from apps.common.errors import WorkProblem
from apps.common.tenancy import as_organization
from apps.common.work import WorkState
from apps.datasets.models import Dataset, DatasetVersion, Profile

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def rung(monkeypatch):
    """The rows for which the broker's bell was rung."""
    rows = []
    monkeypatch.setattr(work.current_app, "send_task", lambda name, kwargs, queue: rows.append(kwargs["work_id"]))
    return rows


@pytest.fixture
def row(living, rung):
    builder = living.builder
    owned = {"organization": living.organization, "project": living.project}
    with as_organization(living.organization.pk):
        dataset = Dataset.objects.create(name="loans", created_by=builder, **owned)
        version = DatasetVersion.objects.create(
            dataset=dataset, number=1, filename="loans.csv", format="csv", digest="0" * 64, size=1, rows=1,
            columns=["a"], uploaded_by=builder, **owned,
        )  # fmt: skip
        profile = Profile.objects.create(version=version, started_by=builder, **owned)
        work.enqueue(profile)
    return profile


def fresh(row) -> Profile:
    with as_organization(row.organization_id):
        return Profile.objects.get(pk=row.pk)


def carry_out(row, do, **ends):
    work.carry_out(Profile, row.organization_id, row.pk, do, **ends)
    return fresh(row)


def store(row, pulse):
    with as_organization(row.organization_id):
        work.finish(row, result="{}", digest="d")


def let_the_lease_run_out(row):
    with as_organization(row.organization_id):
        Profile.objects.filter(pk=row.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_it_rings_once_the_row_is_committed(row, rung):
    assert rung == [row.pk]


def test_it_does_the_work_once(row):
    done = carry_out(row, store)
    assert (done.state, done.result, done.attempt, done.lease_until) == (WorkState.FINISHED, "{}", 1, None)
    again = []
    carry_out(row, lambda *_: again.append(1))
    assert again == []


def test_it_gives_a_row_to_one_of_many_workers(row):
    taken, barrier = [], threading.Barrier(6)

    def compete():
        barrier.wait()
        if work.claim(Profile, row.organization_id, row.pk):
            taken.append(1)
        connection.close()

    threads = [threading.Thread(target=compete) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1


def test_it_finds_the_row_of_a_dead_worker_and_takes_it_up_again(row, rung):
    work.claim(Profile, row.organization_id, row.pk)  # and the worker is killed
    work.sweep()
    assert rung.count(row.pk) == 1, "its lease still runs"
    let_the_lease_run_out(row)
    work.sweep()
    assert rung.count(row.pk) == 2
    assert carry_out(row, store).attempt == 2


def test_it_stores_nothing_of_a_worker_that_came_too_late(row):
    def is_overtaken(held, pulse):
        let_the_lease_run_out(held)
        assert work.claim(Profile, held.organization_id, held.pk)
        store(held, pulse)

    late = carry_out(row, is_overtaken)
    assert (late.state, late.result, late.attempt) == (WorkState.RUNNING, "", 2)


def test_it_gives_up_a_row_that_kills_its_workers(row, rung):
    for _ in range(work.ATTEMPTS):
        assert work.claim(Profile, row.organization_id, row.pk)
        let_the_lease_run_out(row)
        work.sweep()
    given_up = carry_out(row, store)
    assert given_up.state == WorkState.FAILED
    assert "not tried again" in given_up.problem


def test_it_stops_when_somebody_asks(row):
    with as_organization(row.organization_id):
        Profile.objects.filter(pk=row.pk).update(cancel_requested=True)
    stopped = carry_out(row, lambda held, pulse: pulse.progress(epoch=1))
    assert stopped.state == WorkState.CANCELLED
    assert stopped.progress == {"epoch": 1}


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (WorkProblem("The target is constant."), "The target is constant."),
        (MemoryError(), "ran out of memory"),
        (ZeroDivisionError(), "The portal itself failed here (ZeroDivisionError)"),
    ],
)
def test_it_fails_with_the_reason(row, error, sentence):
    def do(held, pulse):
        raise error

    failed = carry_out(row, do)
    assert failed.state == WorkState.FAILED
    assert sentence in failed.problem


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OperationalError("server closed")])
def test_it_tries_again_when_disk_or_database_fail(row, rung, error):
    def do(held, pulse):
        raise error

    put_back = carry_out(row, do)
    assert put_back.state == WorkState.RUNNING
    assert "tried again" in put_back.problem
    let_the_lease_run_out(row)
    work.sweep()
    assert carry_out(row, store).state == WorkState.FINISHED


def test_it_survives_a_broker_that_is_away(row, rung, monkeypatch):
    def away(*args, **kwargs):
        raise ConnectionError

    with as_organization(row.organization_id):
        Profile.objects.filter(pk=row.pk).update(rung_at=timezone.now() - work.RING_AGAIN * 2)
    with monkeypatch.context() as patch:
        patch.setattr(work.current_app, "send_task", away)
        work.sweep()
    with as_organization(row.organization_id):
        Profile.objects.filter(pk=row.pk).update(rung_at=timezone.now() - work.RING_AGAIN * 2)
    work.sweep()
    assert rung.count(row.pk) == 2
