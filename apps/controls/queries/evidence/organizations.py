"""What an organization shows once for all of its projects: its memory, and who has access."""

import datetime as dt

from django.db.models import Subquery
from django.urls import reverse
from django.utils import timezone

from apps.accounts.queries import access_reviews
from apps.accounts.rules import REVIEW_EVERY
from apps.audits import checkpoints
from apps.audits.events import Event
from apps.audits.models import Checkpoint, Record
from apps.common.canonical import digest
from apps.common.errors import BadInput
from apps.controls.queries.evidence.subjects import COMPUTED, DECLARED, item_of
from apps.controls.rules.coverage import Item
from apps.projects.models import Project

FRESH = dt.timedelta(days=1)  # how far the record may run ahead of its newest checkpoint
VERIFIED_EVERY = dt.timedelta(days=90)


def of_organization(*, viewer, subjects, said):
    """Its memory, under a checkpoint, and the last review of who has access: the same for each project."""
    if not subjects:
        return
    found = {"audit_log": _log(viewer, subjects[0].project), "access_review": _access_review(viewer)}
    for subject in subjects:
        yield from ((subject, kind, what) for kind, what in found.items())


def _log(viewer, project: Project) -> Item | str:
    """The newest checkpoint; stale where it is old, is not signed, or nobody verified the record of late."""
    mine = {"organization_id": viewer.organization_id}
    newest = Record.objects.filter(**mine).order_by("-seq")
    verified = newest.filter(event=Event.RECORD_VERIFIED)
    made = (
        Checkpoint.objects.filter(**mine)
        .annotate(
            newest_at=Subquery(newest.values("at")[:1]),
            verified_at=Subquery(verified.values("at")[:1]),
            found=Subquery(verified.values("facts")[:1]),
        )
        .order_by("-size")
        .first()
    )
    if made is None:
        return "No checkpoint of the record is made yet; a sign-off makes one, and so does whoever asks for it."
    words = {"name": f"Checkpoint over {made.size:,} records", "digest": made.root_hex, "at": made.made_at}
    url = reverse("checkpoint", args=[project.organization.slug, made.pk])
    return item_of("audit_log", COMPUTED, **words, url=url, why_not_current=_why_log_is_stale(viewer, made))


def _why_log_is_stale(viewer, made) -> str:
    try:
        _, signed = checkpoints.read(viewer.organization_id, made.note)
    except BadInput:
        signed = False
    if not signed:
        return "No key of the organization signed its newest checkpoint."
    if made.newest_at - made.made_at > FRESH:
        return f"The record went on for more than a day after its newest checkpoint, {made.made_at:%-d %B %Y}."
    if made.verified_at is None or timezone.now() - made.verified_at > VERIFIED_EVERY:
        return f"Nobody has verified the record in the last {VERIFIED_EVERY.days} days."
    if not made.found.get("intact"):
        return f"The record was found wrong when it was verified on {made.verified_at:%-d %B %Y}."
    return ""


def _access_review(viewer) -> Item | str:
    """The last finished review of who has access, under its signature."""
    last = access_reviews(viewer=viewer).exclude(finished_at=None).order_by("-finished_at").first()
    if last is None:
        return "No review of who has access is finished yet."
    due = last.finished_at + REVIEW_EVERY
    why = "" if due > timezone.now() else f"The next review was due on {due:%-d %B %Y}."
    words = {"name": f"Access review of {last.finished_at:%-d %B %Y}", "digest": digest(last.envelope)}
    return item_of("access_review", DECLARED, **words, at=last.finished_at, url=last.get_absolute_url(),
                 why_not_current=why, valid_until=due.date())  # fmt: skip
