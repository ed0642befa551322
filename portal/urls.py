"""Every address. Rooms say what lies under an organization, under a project, and under the REST door."""

from django.urls import include, path, register_converter
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from apps.accounts import urls as accounts
from apps.approvals import urls as approvals
from apps.audits import urls as audits
from apps.datasets import urls as datasets
from apps.deployments import urls as deployments
from apps.models import urls as models
from apps.projects import urls as projects
from apps.reports import urls as reports
from apps.training import urls as training
from portal import pages
from portal.words import OrganizationSlug, ProjectSlug

register_converter(OrganizationSlug, "organization")
register_converter(ProjectSlug, "project")

ROOMS = (accounts, audits, projects, datasets, models, training, reports, approvals, deployments)

urlpatterns = [
    path("", pages.home, name="home"),
    path("health/live", pages.live, name="health-live"),
    path("health/ready", pages.ready, name="health-ready"),
    path("accounts/", include("allauth.urls")),
    path("", include(accounts.public)),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    *(path("api/v1/<organization:organization>/", include(room.api)) for room in ROOMS),
    path("<organization:organization>/", pages.organization, name="organization"),
    *(path("<organization:organization>/", include(room.organization)) for room in ROOMS),
    path("<organization:organization>/<project:project>/", pages.project, name="project"),
    *(path("<organization:organization>/<project:project>/", include(room.project)) for room in ROOMS),
]

handler400 = "portal.pages.bad_request"
handler403 = "portal.pages.forbidden"
handler404 = "portal.pages.not_found"
handler500 = "portal.pages.failed"
