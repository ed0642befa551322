"""Legal holds with the names of people and projects, for pages and programs."""

from dataclasses import dataclass

from apps.accounts.models import User
from apps.audits import holds
from apps.audits.models import LegalHold
from apps.projects.models import Project


@dataclass(frozen=True)
class Held:
    hold: LegalHold
    project: Project | None
    placed_by: str
    asked_by: str
    released_by: str
    why_not_release: str | None


def holds_with_names(*, viewer, only: int | None = None) -> list[Held]:
    """Newest first; three statements for any number."""
    rows = holds.every(viewer.organization_id)
    rows = list(rows if only is None else rows.filter(pk=only))
    people = User.objects.filter(
        pk__in={who for row in rows for who in _who(row) if who}, memberships__organization=viewer.organization_id
    )
    names = {user.pk: str(user) for user in people}
    wanted = {row.project_id for row in rows if row.project_id}
    projects = {each.pk: each for each in _projects(viewer).filter(pk__in=wanted)}
    return [
        Held(
            row,
            projects.get(row.project_id),
            *(names.get(who, "a former member") if who else "" for who in _who(row)),
            why_not_release=holds.why_not_release(row, by=viewer),
        )
        for row in rows
    ]


def _who(hold: LegalHold) -> tuple[int | None, ...]:
    return hold.placed_by_id, hold.asked_by_id, hold.released_by_id


def project_of(hold: LegalHold, *, viewer) -> Project | None:
    return _projects(viewer).filter(pk=hold.project_id).first()


def _projects(viewer):
    return Project.objects.filter(organization_id=viewer.organization_id).select_related("organization")
