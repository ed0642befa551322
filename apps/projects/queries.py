from django.shortcuts import get_object_or_404

from apps.accounts import queries as accounts
from apps.projects.models import Project


def projects(*, viewer):
    return Project.objects.filter(organization=viewer.organization_id).select_related("organization", "owner__user")


def project(*, viewer, slug: str) -> Project:
    """One project of the viewer's organization, or 404."""
    return get_object_or_404(projects(viewer=viewer), slug=slug)


def possible_owners(*, viewer):
    """Those who can answer for a project: the organization's members of today."""
    return accounts.members(viewer=viewer).filter(is_active=True).order_by("user__name", "pk")
