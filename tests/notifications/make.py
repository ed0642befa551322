"""Small builders: a destination of an organization, and things that happen there."""

from django.utils import timezone

from apps.audits.actions import record
from apps.audits.events import Event
from apps.common.tenancy import as_organization
from apps.notifications import actions, deliveries, queries
from apps.notifications.models import Destination

OUTSIDE = "https://93.184.215.14"  # an address by number is judged without a look-up; it is never asked
TOKEN = "a/token+of\"the'SIEM"


def destination(tenant, receiver, kind="jsonl", **options) -> Destination:
    """From now on, unless `after` says otherwise."""
    return with_secret(tenant, receiver, kind, **options)[0]


def with_secret(tenant, receiver, kind, **options) -> tuple[Destination, str]:
    """The destination, and what its receiver verifies with."""
    token = "" if kind.startswith("webhook") else TOKEN
    given = {"kind": kind, "name": "SIEM", "address": receiver.address, "token": token} | options
    with as_organization(tenant.organization.pk):
        row, secret = actions.make(**given, by=tenant.owner)
    return row, secret or row.verifier


def happen(tenant, times=1, event=Event.PROJECT_CHANGED) -> None:
    with as_organization(tenant.organization.pk):
        for _ in range(times):
            record(event, on=tenant.project, by=tenant.builder)


def deliver(row: Destination) -> int:
    return deliveries.deliver(row.organization_id, row.pk)


def now(row: Destination) -> Destination:
    """The row as its page shows it."""

    class Viewer:
        organization_id = row.organization_id

    with as_organization(row.organization_id):
        return queries.destinations(viewer=Viewer).get(pk=row.pk)


def hurry(row: Destination) -> None:
    """As if the time of the next try had come."""
    with as_organization(row.organization_id):
        Destination.objects.filter(pk=row.pk).update(next_at=timezone.now())
