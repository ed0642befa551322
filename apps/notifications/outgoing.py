"""Records as events, oldest first: what each way out is made of."""

from typing import Any

from apps.audits.models import Record
from apps.notifications import ocsf


def after(
    organization, seq: int, *, to: int | None = None, wanted: list[str] | None = None, most: int
) -> list[tuple[int, dict[str, Any]]]:
    """(number, event) of the records after `seq`: up to `to`, of the `wanted` events, if any are given, and at most so
    many. Names are those the record shows now: who was erased stays so. Needs the tenant to be set."""
    found = Record.objects.filter(organization_id=organization.pk, seq__gt=seq)
    if to is not None:
        found = found.filter(seq__lte=to)
    if wanted:
        found = found.filter(event__in=wanted)
    return [(each.seq, ocsf.event(each, organization=organization)) for each in found.order_by("seq")[:most]]
