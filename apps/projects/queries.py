from django.shortcuts import get_object_or_404

from apps.projects.models import Project


def projects(*, viewer):
    return Project.objects.filter(organization=viewer.organization_id).select_related("organization", "owner__user")


def project(*, viewer, slug: str) -> Project:
    """One project of the viewer's organization, or 404."""
    return get_object_or_404(projects(viewer=viewer), slug=slug)
