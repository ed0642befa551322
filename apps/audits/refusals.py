"""Refusals are remembered too: who was refused what, on which thing and why, for every door alike.

An action that is refused leaves nothing, because its transaction is rolled back; so the record of the refusal is
written in a transaction of its own once that one has ended. It holds what a refusal of a signed-in member is: by the
rules (ActionDenied), by role or scope (NotPermitted), or because they could not prove who they are (NotProved). A form
that was filled in wrongly, and a thing that is not there, are none.

The sentence is kept without names. The same person refused the same, for the same reason, within a minute is counted
rather than written again; the count becomes a record of its own when the minute is over."""

import logging
import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import connection, models, transaction
from django.utils import timezone

from apps.audits.events import Event
from apps.audits.models import Record, Refusal
from apps.audits.recording import record, record_again
from apps.common.afterwards import afterwards
from apps.common.canonical import digest
from apps.common.errors import ActionDenied, NotProved
from apps.common.tenancy import as_organization, become, organization_ids

REFUSALS = (ActionDenied, NotProved)
WITHIN = timedelta(minutes=1)
SOMEBODY = "somebody"
ADDRESS = re.compile(r"[^\s@“”<>]+@[^\s@“”<>]+\.[\w-]+")
_acting: ContextVar[bool] = ContextVar("acting", default=False)
log = logging.getLogger(__name__)
P, R = ParamSpec("P"), TypeVar("R")


def action(do: Callable[P, R]) -> Callable[P, R]:
    """What every action is: all of it in one transaction or nothing, and remembered when it is refused."""
    return refusable(transaction.atomic(do))


def refusable(do: Callable[P, R]) -> Callable[P, R]:
    """Remember refusals of an action that has reasons of its own for when its transaction begins.

    An action inside another is part of that one: what the person asked for is what was refused."""

    @wraps(do)
    def done(*args: P.args, **given: P.kwargs) -> R:
        if _acting.get():
            return do(*args, **given)
        _acting.set(True)
        try:
            return do(*args, **given)
        except REFUSALS as refusal:
            by = given.pop("by", None)
            remember(str(refusal), verb=_verb(do), by=by, on=_thing([*args, *given.values()]))
            raise
        finally:
            _acting.set(False)

    done.refusable = True  # type: ignore[attr-defined]
    return done


@dataclass(frozen=True)
class Refused:
    """One refusal, on its way into the record."""

    by: Any  # a membership
    on: Any  # a row of any room
    verb: str  # "approvals.sign"
    reason: str

    def __str__(self):
        return f"{self.verb} by person {self.by.user_id} on {self.on._meta.model_name} {self.on.pk}"

    @property
    def key(self) -> str:
        token = self.by.token.pk if self.by.token else None
        return digest([self.by.user_id, token, self.verb, self.on._meta.model_name, self.on.pk, self.reason])

    def write(self) -> None:
        """Into the record, or, within a minute of the same, into its count. Where that fails the log has it."""
        try:
            with transaction.atomic():
                become(self.by.organization_id, self.by.user_id)
                self._write()
        except Exception:
            log.exception("This refusal is not in the record: %s.", self)

    def _write(self) -> None:
        mine = {"organization_id": self.by.organization_id, "key": self.key}
        Refusal.objects.get_or_create(**mine, defaults={"at": timezone.now() - 2 * WITHIN})
        row = Refusal.objects.select_for_update().get(**mine)
        if row.at > timezone.now() - WITHIN:
            row.repeated += 1
        else:
            _tell(row)
            record(Event.ACTION_REFUSED, on=self.on, by=self.by, verb=self.verb, reason=_without_names(self))
            newest = Record.objects.filter(organization_id=row.organization_id).order_by("-seq")
            row.first, row.at, row.repeated = newest.values_list("seq", flat=True)[0], timezone.now(), 0
        row.save()


def remember(reason: str, *, verb: str, by, on=None) -> None:
    """Have a refusal written once the transaction it happened in is over. Nobody (`by` is None) is refused nothing."""
    if by is not None:
        afterwards(Refused(by, on or by.organization, verb, reason).write)


def tell_repeated() -> None:
    """Let the record have the counts of those whose minute is over; a worker does so with its chores."""
    for organization_id in organization_ids():
        with as_organization(organization_id):
            over = Refusal.objects.select_for_update(skip_locked=True).filter(
                organization_id=organization_id, at__lt=timezone.now() - WITHIN
            )
            for row in over.order_by("first")[:200]:
                _tell(row)
                row.delete()


def _tell(row: Refusal) -> None:
    if row.repeated:
        first = Record.objects.get(organization_id=row.organization_id, seq=row.first)
        record_again(Event.ACTION_REFUSED_AGAIN, first, times=row.repeated)


def _verb(do: Callable) -> str:
    return f"{do.__module__.split('.')[1]}.{do.__name__}"


def _thing(values: list) -> Any:
    """The first row of an organization among what an action was given."""
    return next((one for one in values if isinstance(one, models.Model) and hasattr(one, "organization_id")), None)


def _without_names(refused: Refused) -> str:
    """The sentence, with “somebody” in the place of every name and address the record has for anybody."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select text from audits_opening where organization_id = %s and strpos(%s, text) > 0"
            " order by length(text) desc",
            [refused.by.organization_id, refused.reason],
        )
        names = [name for (name,) in cursor.fetchall()]
    sentence = ADDRESS.sub(SOMEBODY, refused.reason)
    for name in filter(str.strip, names):
        sentence = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", SOMEBODY, sentence)
    return sentence[:1].upper() + sentence[1:]
