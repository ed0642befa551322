"""Take an incident away as a pack; that it was taken is remembered."""

from apps.accounts.permissions import Permission, require
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.refusals import action
from apps.common.errors import ActionDenied
from apps.common.signing import KeyUnusable
from apps.incidents import packs, queries
from apps.incidents.models import Incident


@action
def take(incident: Incident, *, form: str, by) -> packs.Pack:
    """`form` is "json" (the signed envelope) or "pdf" (a document that carries it)."""
    require(by, Permission.INCIDENT_DOWNLOAD)
    try:
        pack = packs.written(queries.case(incident), form)
    except KeyUnusable as error:
        raise ActionDenied(str(error)) from error
    record(Event.INCIDENT_DOWNLOADED, on=incident, by=by, form=form, digest=pack.digest)
    return pack
