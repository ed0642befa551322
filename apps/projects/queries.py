from django.shortcuts import get_object_or_404

from apps.accounts import queries as accounts
from apps.common.errors import NothingThere
from apps.projects.models import Project


def projects(*, viewer):
    return Project.objects.filter(organization=viewer.organization_id).select_related("organization", "owner__user")


def project(*, viewer, slug: str) -> Project:
    """One project of the viewer's organization, or 404."""
    found = get_object_or_404(projects(viewer=viewer).select_related(None).select_related("owner__user"), slug=slug)
    found.organization = viewer.organization
    return found


def named(*, viewer, slug: str) -> Project:
    """The project that a body names. Raises NothingThere."""
    found = projects(viewer=viewer).filter(slug=slug).first()
    if found is None:
        raise NothingThere({"project": "There is no such project in this organization."})
    return found


def possible_owners(*, viewer):
    """Those who can answer for a project: the organization's members of today."""
    return accounts.members(viewer=viewer).filter(is_active=True).order_by("user__name", "pk")
