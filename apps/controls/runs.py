"""The portal's own round of disposal, organization by organization."""

from django.utils import timezone

from apps.accounts.models import Organization
from apps.common import storage
from apps.common.tenancy import as_organization, organization_ids
from apps.controls import actions
from apps.controls.models import DisposalRun


def dispose() -> list[tuple[str, DisposalRun | None]]:
    """(organization's address, the round that was made; None where today's was made before)."""
    storage.clear_incoming(timezone.now())
    made = []
    for organization_id in organization_ids():
        with as_organization(organization_id):
            organization = Organization.objects.get(pk=organization_id)
            made.append((organization.slug, actions.dispose_daily(organization)))
    return made
