"""Founding, inviting, joining, granting; the keys of programs."""

from django.db import connection, transaction

from apps.accounts.models import Membership, Organization, Role, User
from apps.audits.actions import record
from apps.audits.events import Event
from apps.common.tenancy import become


@transaction.atomic
def found(*, slug: str, name: str, owner: User) -> Membership:
    """Make an organization with its first owner; the rest of this transaction acts inside it."""
    with connection.cursor() as cursor:
        cursor.execute("select nextval(pg_get_serial_sequence('accounts_organization', 'id'))")
        (organization_id,) = cursor.fetchone()
    become(organization_id, owner.pk)
    organization = Organization.objects.create(pk=organization_id, slug=slug, name=name)
    membership = Membership.objects.create(organization=organization, user=owner, role=Role.OWNER)
    record(Event.ORGANIZATION_FOUNDED, on=organization, by=membership, slug=slug)
    return membership
