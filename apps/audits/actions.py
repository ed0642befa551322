"""Write one line of the house's memory, in the transaction of what it remembers."""

from apps.audits.events import Event
from apps.audits.models import Record

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
