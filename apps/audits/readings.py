"""Who opened what: each page, download or REST answer that shows evidence, by the digest of what it showed.

No records: reading is not yet a deed. A signature asks what its signer has read, and names it."""

from apps.audits.models import Reading


def opened(on, *, by, digest: str) -> None:
    """Remember that `by` (a membership) was shown the bytes of `digest`, which are those of `on` (a row)."""
    if digest:
        Reading.objects.create(
            organization_id=on.organization_id,
            by_id=by.user_id,
            on_type=on._meta.model_name,
            on_id=on.pk,
            digest=digest,
        )


def first(*, organization_id: int, person: int, since) -> dict[str, object]:
    """Digest -> when this person first opened it, after a moment."""
    found = Reading.objects.filter(organization_id=organization_id, by_id=person, at__gte=since).order_by("-at")
    return {reading.digest: reading.at for reading in found}
