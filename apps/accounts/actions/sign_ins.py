"""Whoever did not prove to be the person they said: kept at once, whoever it was, and told to the record by a worker.

One row is written whether or not anybody here goes by what was given, so that the time an answer takes does not tell
which accounts exist. What was typed is kept nowhere: people type passwords where an address belongs."""

import logging
from collections import Counter

from django.db import transaction

from apps.accounts.actions.factors import in_each_organization
from apps.accounts.models import RefusedSignIn, User
from apps.audits.actions import personal, record
from apps.audits.events import Event
from apps.common.origin import PAGE, coming_from, origin

AT_ONCE, SHOWN = 1000, 5  # rows in a round, addresses in a record
log = logging.getLogger(__name__)


def refuse_sign_in(person: User | None, *, proof: str, address: str) -> None:
    """Keep that a `proof` ("password") that this is `person` (None: nobody here) was wrong, from a network address."""
    whose = f"person {person.pk}" if person else "nobody here"
    log.warning("A sign-in was refused: wrong %s of %s, from %s.", proof, whose, address)
    asked = {"address": address, "request": origin().get("request", "")}
    RefusedSignIn.objects.create(user_id=person.pk if person else None, proof=proof, **asked)


def tell_refused_sign_ins() -> int:
    """One round: each person's organizations are told once of all that was refused since the last, however often it
    was. Returns how many persons it was about; of nobody, the log alone tells."""
    RefusedSignIn.objects.filter(user_id=None).delete()
    waiting = RefusedSignIn.objects.order_by("user_id").values_list("user_id", flat=True).distinct()
    return sum(_tell_of(user_id) for user_id in list(waiting[:AT_ONCE]) if user_id)


@transaction.atomic
def _tell_of(user_id: int) -> bool:
    kept = RefusedSignIn.objects.select_for_update(skip_locked=True).filter(user_id=user_id)
    rows = list(kept.order_by("pk")[:AT_ONCE])
    if not rows:
        return False
    person, first = User.objects.get(pk=user_id), rows[0]
    addresses = ", ".join(list(dict.fromkeys(row.address for row in rows))[:SHOWN])
    facts = {"proofs": dict(Counter(row.proof for row in rows)), "since": first.at.isoformat()}
    with coming_from(PAGE, request=first.request):
        for membership in in_each_organization(person):
            record(Event.SIGN_IN_REFUSED, on=membership, by=None, addresses=personal(person, addresses), **facts)
    RefusedSignIn.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return True
