"""The review of who has access: begun, decided line by line, and signed when nothing is left undecided."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts import queries, rules
from apps.accounts.actions import people
from apps.accounts.models import AccessDecision, AccessReview
from apps.accounts.permissions import Permission, require
from apps.audits import keys
from apps.audits.actions import personal, record
from apps.audits.events import Event
from apps.audits.refusals import action
from apps.common.canonical import digest
from apps.common.errors import ActionDenied, NothingThere, refuse
from apps.common.signing import KeyUnusable

PREDICATE = "https://assay.dev/access-review/v1"


@action
def start(*, by) -> AccessReview:
    """Begin a round through everybody and every token."""
    require(by, Permission.ACCESS_REVIEW)
    refuse(rules.why_not_start_review(queries.access_reviews(viewer=by).filter(finished_at=None).first(), by=by))
    try:
        with transaction.atomic():
            review = AccessReview.objects.create(organization_id=by.organization_id, started_by=by)
    except IntegrityError as twice:
        raise ActionDenied("Somebody else began a review at this moment; go on with that one.") from twice
    record(Event.ACCESS_REVIEW_STARTED, on=review, by=by)
    return review


@action
def decide(review: AccessReview, *, line: str, keep: bool, note: str = "", by) -> AccessDecision:
    """Keep or remove one access. Removing needs the right that removing needs anywhere."""
    review = _locked(review, by)
    require(by, Permission.ACCESS_REVIEW)
    found = next((each for each in queries.access(review) if each.key == line and not _gone(each)), None)
    if found is None:
        raise NothingThere({"line": "There is no such access in this review."})
    refuse(rules.why_not_decide(review, by=by, about=found.member))
    decision = AccessDecision.objects.create(
        organization_id=by.organization_id, review=review, member=found.member, token=found.token, held=found.held,
        keep=keep, note=note.strip(), decided_by=by,
    )  # fmt: skip
    if not keep and found.token:
        people.revoke_token(found.token, by=by)
    elif not keep:
        people.remove(found.member, by=by)
    told = {"of": personal(found.member.user), "token": str(found.token or ""), "held": found.held, "keep": keep}
    record(Event.ACCESS_REVIEW_DECIDED, on=review, by=by, note=decision.note, **told)
    return decision


@action
def finish(review: AccessReview, *, by) -> AccessReview:
    """Sign what was decided, in the organization's name."""
    review = _locked(review, by)
    lines = queries.access(review)
    require(by, Permission.ACCESS_REVIEW)
    refuse(rules.why_not_finish_review(review, sum(line.decision is None for line in lines), by=by))
    review.finished_by, review.finished_at = by, timezone.now()
    said = _predicate(review, lines)
    try:
        subject = {f"access review {review.pk} of {review.organization.slug}": digest(said)}
        review.envelope = keys.attest(review.organization_id, PREDICATE, said, subject)
    except KeyUnusable as error:
        raise ActionDenied(str(error)) from error
    review.save(update_fields=["finished_by", "finished_at", "envelope"])
    counts = {"kept": sum(line.decision.keep for line in lines), "removed": sum(not x.decision.keep for x in lines)}
    record(Event.ACCESS_REVIEW_FINISHED, on=review, by=by, digest=digest(said), **counts)
    return review


def _predicate(review: AccessReview, lines) -> dict:
    return {
        "organization": review.organization.slug,
        "started": {"by": str(review.started_by.user), "at": review.started_at.isoformat()},
        "finished": {"by": str(review.finished_by.user), "at": review.finished_at.isoformat()},
        "decisions": [
            {
                "member": str(line.member.user),
                "email": line.member.user.email,
                "token": str(line.token) if line.token else None,
                "held": line.held,
                "decision": "keep" if line.decision.keep else "remove",
                "note": line.decision.note,
                "by": str(line.decision.decided_by.user),
                "at": line.decision.decided_at.isoformat(),
            }
            for line in lines
        ],
    }


def _gone(line) -> bool:
    return line.decision is not None and not line.decision.keep


def _locked(review: AccessReview, by) -> AccessReview:
    AccessReview.objects.select_for_update().get(pk=review.pk)
    return queries.access_reviews(viewer=by).get(pk=review.pk)
