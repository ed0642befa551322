"""Write one line of the house's memory, in the transaction of what it remembers; prove it, and take it away."""

from django.db import transaction

from apps.audits import chain, exports, queries, rules
from apps.audits.events import Event
from apps.audits.models import Record
from apps.common.errors import NotPermitted

SYSTEM = "Assay"  # the printed name of the portal itself


def record(event: Event, *, on, by, **facts) -> None:
    """Remember that `by` (a membership, or None for the portal) did `event` on `on` (a row of any room).

    Called last inside the action's transaction: both happen or neither. `facts` are plain values."""
    project = getattr(on, "project", None)
    Record.objects.bulk_create(  # one statement, and no read back: the database sets number, moment and digests
        [
            Record(
                organization_id=on.organization_id,
                event=event,
                by_id=by and by.user_id,
                by_name=str(by.user) if by else SYSTEM,
                by_role=by.role if by else "",
                by_token=by.token.pk if by and by.token else None,
                on_type=on._meta.model_name,
                on_id=on.pk,
                on_name=str(on),
                project=getattr(project, "slug", ""),
                facts=facts,
            )
        ]
    )


@transaction.atomic
def verify(*, by, known: chain.Head | None = None) -> chain.Verification:
    """Recompute the whole chain of the actor's organization, and remember the answer."""
    if reason := rules.why_not_verify(by=by):
        raise NotPermitted(reason)
    found = chain.verify(by.organization_id, known=known)
    record(Event.RECORD_VERIFIED, on=by.organization, by=by, **found.facts())
    return found


@transaction.atomic
def verify_for_portal(organization) -> chain.Verification:
    """The same, asked by whoever runs the portal. Needs the tenant to be set."""
    found = chain.verify(organization.pk)
    record(Event.RECORD_VERIFIED, on=organization, by=None, **found.facts())
    return found


@transaction.atomic
def export(*, by, form: str, first: int = 1, **filters) -> exports.Export:
    """The records that fit `filters` as a file; that they were taken is remembered before the first byte leaves."""
    if reason := rules.why_not_export(by=by):
        raise NotPermitted(reason)
    chosen = {name: str(value) for name, value in filters.items() if value not in (None, "")}
    record(Event.RECORD_EXPORTED, on=by.organization, by=by, format=form, first=first, **chosen)
    return exports.write(queries.records(viewer=by, **filters), viewer=by, form=form, first=first)
