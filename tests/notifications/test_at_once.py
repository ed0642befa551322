"""Deliveries side by side, in threads with connections of their own: rows are committed."""

import threading
import time

from django.db import connection

from apps.common.tenancy import as_organization
from apps.notifications import actions, deliveries
from tests.notifications.make import deliver, destination, happen, now
from tests.notifications.receiver import Receiver


def is_whole(receiver, first: int, last: int) -> bool:
    return receiver.numbers == list(range(first, last + 1))


def test_two_workers_never_deliver_to_one_at_once(living, receiver):
    row = destination(living, receiver, "webhook")
    happen(living, 10)
    receiver.slow, arrived = 0.02, []

    def work():
        try:
            for _ in range(5):
                arrived.append(deliver(row))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert receiver.most_at_once == 1 and sum(arrived) == 11
    assert is_whole(receiver, row.cursor + 1, row.cursor + 11)


def test_a_slow_one_holds_neither_the_others_nor_the_round(living, receiver):
    slow = Receiver()
    slow.slow = 3
    try:
        first, other = destination(living, slow, "webhook"), destination(living, receiver, "webhook")
        happen(living, 3)
        rounds, begun = deliveries.Rounds(), time.monotonic()
        rounds.round()
        rounds.round()
        while now(other).lag and time.monotonic() - begun < 10:
            time.sleep(0.02)
        assert now(other).lag == 0 and slow.took == []  # the slow one has not answered its first message yet
        assert deliver(first) == 0  # it is being delivered to
        with as_organization(living.organization.pk):
            actions.remove(first, by=living.owner)
        while rounds._at_work and time.monotonic() - begun < 10:
            time.sleep(0.05)
        assert len(slow.took) == 1  # removed while a message was under way: no other followed
    finally:
        slow.close()
