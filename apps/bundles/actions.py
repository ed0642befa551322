"""Take a bundle out of the house; show one to somebody outside, for a time."""

import datetime as dt
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from apps.accounts.permissions import Permission, require
from apps.accounts.queries import secret_digest
from apps.approvals import queries as approvals
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.refusals import action
from apps.bundles import archive, rules
from apps.bundles.contents import Contents
from apps.bundles.models import Share
from apps.common.errors import ActionDenied, BadInput, NothingThere


@dataclass(frozen=True)
class Bundle:
    """An archive on its way: its bytes in pieces, how many they are, and what to call it."""

    content: Iterator[bytes]
    size: int
    filename: str


@action
def build(approval, *, by, files: bool = False) -> Bundle:
    """The bundle of a sign-off; that it was taken is remembered before the first byte leaves."""
    require(by, Permission.APPROVAL_DOWNLOAD)
    if files:
        require(by, Permission.MODEL_DOWNLOAD)
    if reason := rules.why_not_build(approval, by=by, files=files):
        raise ActionDenied(reason)
    bundle = packed(approval, viewer=by, files=files)
    record(Event.BUNDLE_DOWNLOADED, on=approval, by=by, dossier=approval.dossier_digest, files=files)
    return bundle


def packed(approval, *, viewer, files: bool = False) -> Bundle:
    members = Contents(approvals.case(approval), viewer=viewer, files=files).packed()
    name = f"bundle-{approval.model_version.model.name}-v{approval.model_version.number}-{approval.dossier_digest[:12]}"
    return Bundle(archive.written(members), archive.length(members), f"{name}.zip")


@action
def share(
    chosen: Sequence[int], *, addressee: str, until: dt.date, by, note: str = "", files: bool = False
) -> tuple[Share, str]:
    """Make a link that shows sign-offs, named by their ids, to somebody outside: the share and the link's secret."""
    require(by, Permission.SHARE_MAKE)
    if reason := rules.why_not_share(by=by, files=files):
        raise ActionDenied(reason)
    if reason := rules.why_not_until(until, timezone.now().date()):
        raise BadInput({"until": reason})
    found = list(approvals.approvals(viewer=by).filter(pk__in=chosen))
    if not found or len(found) != len(set(chosen)):
        raise NothingThere({"approvals": "There is no such sign-off in this organization."})
    if reason := next(filter(None, (rules.why_not_whole(one, files=files) for one in found)), None):
        raise ActionDenied(reason)
    secret = secrets.token_urlsafe(32)
    made = Share.objects.create(
        organization=by.organization,
        addressee=addressee,
        note=note,
        approvals=sorted(one.pk for one in found),
        files=files,
        digest=secret_digest(secret),
        made_by=by,
        expires_at=dt.datetime.combine(until + dt.timedelta(days=1), dt.time.min, dt.UTC),
    )
    record(Event.SHARE_MADE, on=made, by=by, approvals=made.approvals, files=files, until=until.isoformat())
    return made, secret


@action
def revoke(share: Share, *, by) -> Share:
    """Take a share back: its link opens nothing from the next request on."""
    held = Share.objects.select_for_update(of=("self",)).select_related("organization", "made_by__user")
    share = held.get(pk=share.pk)
    require(by, Permission.SHARE_MAKE)
    if reason := rules.why_not_revoke(share, by=by):
        raise ActionDenied(reason)
    share.revoked_at, share.revoked_by = timezone.now(), by
    share.save(update_fields=["revoked_at", "revoked_by"])
    record(Event.SHARE_REVOKED, on=share, by=by)
    return share


def shown(share: Share, what: str) -> None:
    """Remember that the link was opened, and what it showed."""
    record(Event.SHARE_OPENED, on=share, by=None, what=what)


@transaction.atomic
def hand_out(share: Share, approval) -> Bundle:
    """The bundle of a shared sign-off, to whoever holds the link."""
    bundle = packed(approval, viewer=share, files=share.files)
    record(Event.SHARE_DOWNLOADED, on=share, by=None, what="bundle", approval=approval.pk)
    return bundle


@transaction.atomic
def hand_out_part(share: Share, approval, name: str):
    """One file of it."""
    members = Contents(approvals.case(approval), viewer=share, files=share.files).members
    member = next((one for one in members if one.name == name), None)
    if member is None:
        raise NothingThere({"name": "There is no such file in what is shared."})
    record(Event.SHARE_DOWNLOADED, on=share, by=None, what=name, approval=approval.pk)
    return member
