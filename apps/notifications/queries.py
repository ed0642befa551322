"""Where the record is sent, as its organization sees it."""

from django.db.models import F, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from apps.audits.models import Record
from apps.notifications.models import Destination


def destinations(*, viewer):
    """Newest first, each with `lag`: how many records it has not got (or passed over), and the moment of the first."""
    records = Record.objects.filter(organization_id=viewer.organization_id)
    newest = Subquery(records.order_by("-seq").values("seq")[:1])
    return (
        Destination.objects.filter(organization_id=viewer.organization_id)
        .select_related("organization")
        .annotate(
            lag=Coalesce(newest, Value(0)) - F("cursor"),
            behind_since=Subquery(records.filter(seq=OuterRef("cursor") + 1).values("at")[:1]),
        )
    )
