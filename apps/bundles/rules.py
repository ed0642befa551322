"""Who may take a bundle away or share it with somebody outside, and when."""

import datetime as dt

from apps.accounts.permissions import Permission, why_not
from apps.approvals.models import State
from apps.bundles import archive

LONGEST = dt.timedelta(days=365)  # from the day a share is made
USUAL = dt.timedelta(days=30)


def why_not_build(approval, *, by, files: bool = False) -> str | None:
    """Against this person taking the bundle of a sign-off, with the model's own files or without."""
    if reason := why_not(by, Permission.APPROVAL_DOWNLOAD):
        return reason
    if files and (reason := why_not(by, Permission.MODEL_DOWNLOAD)):
        return reason
    return why_not_whole(approval, files=files)


def why_not_whole(approval, *, files: bool = False) -> str | None:
    """Against there being a bundle of it at all."""
    if approval.state == State.OPEN:
        return "It is in review: a bundle is made once it is decided, so that no reviewer's verdict leaves before."
    if files and sum(file["size"] for file in approval.model_version.files.values()) > archive.LIMIT // 2:
        return "The model's files are too large for one archive; download them one by one, and check their digests."
    return None


def why_not_share(*, by, files: bool = False) -> str | None:
    if reason := why_not(by, Permission.SHARE_MAKE):
        return reason
    return why_not(by, Permission.MODEL_DOWNLOAD) if files else None


def why_not_revoke(share, *, by) -> str | None:
    if reason := why_not(by, Permission.SHARE_MAKE):
        return reason
    return None if share.state == "live" else f"This share is {share.state} already: its link opens nothing."


def why_not_until(until: dt.date, today: dt.date) -> str | None:
    if until < today:
        return "That day has passed; name one that is to come."
    if until > today + LONGEST:
        return f"A share lasts at most {LONGEST.days} days; make another one then."
    return None
