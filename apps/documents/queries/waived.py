"""What of a document's parts is waived. Waivers are kept two floors up; the database, which binds them into every
sign-off, says which are in force."""

import datetime as dt
from collections.abc import Iterable

from django.db import connection
from django.utils import timezone

from apps.documents.kinds import KINDS

IN_FORCE = """
select distinct (waiver ->> 'waiver')::bigint, waiver ->> 'ends_at', waiver ->> 'reason',
       rule ->> 'report', rule ->> 'statement'
  from jsonb_array_elements(approvals_waivers(%(version)s, null)) waiver
  join approvals_policyversion pv on pv.organization_id = %(organization)s and pv.digest = waiver ->> 'policy'
  cross join lateral (select pv.body -> 'rules' -> ((waiver ->> 'rule')::int - 1) as rule) asked
 order by 1
"""


def in_force(version) -> list[dict]:
    """{"slot", "says", "until"} for each part that a waiver in force sets aside for a model version, which was fetched
    for a viewer."""
    with connection.cursor() as cursor:
        cursor.execute(IN_FORCE, {"version": version.pk, "organization": version.organization_id})
        found = cursor.fetchall()
    return [
        {"slot": slot, "says": f"waiver {number}, until {dt.datetime.fromisoformat(ends):%-d %B %Y}: {reason}",
         "until": ends}
        for number, ends, reason, report, statement in found
        for slot in ([report] if report else _slots(statement))
    ]  # fmt: skip


def _slots(statement: str | None) -> list[str]:
    """A rule names a statement by its kind, or by its kind and subtype."""
    return [key for key, kind in KINDS.items() if statement in (kind.name, key)]


def still(waived: Iterable[dict]) -> list[dict]:
    """Those of what a document was built with that have not ended: one that has is a gap like any other."""
    now = timezone.now()
    return [one for one in waived if "until" not in one or dt.datetime.fromisoformat(one["until"]) > now]
