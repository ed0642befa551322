"""Every address. Rooms say what lies under an organization, under a project, and under the REST door."""

from allauth.mfa.base.views import authenticate
from django.urls import include, path, register_converter
from django.urls.converters import get_converters
from drf_spectacular.views import SpectacularAPIView

from apps.accounts import urls as accounts
from apps.approvals import urls as approvals
from apps.audits import urls as audits
from apps.bundles import urls as bundles
from apps.controls import urls as controls
from apps.datasets import urls as datasets
from apps.deployments import urls as deployments
from apps.documents import urls as documents
from apps.incidents import urls as incidents
from apps.models import urls as models
from apps.notifications import urls as notifications
from apps.projects import urls as projects
from apps.reports import urls as reports
from apps.training import urls as training
from portal import pages
from portal.words import OrganizationSlug, ProjectSlug

for converter, word in ((OrganizationSlug, "organization"), (ProjectSlug, "project")):
    if word not in get_converters():  # the addresses of serving, read first, know the one of organizations already
        register_converter(converter, word)

ROOMS = (
    accounts, audits, projects, datasets, models, training, reports, documents, approvals, deployments, incidents,
    controls, bundles, notifications,
)  # fmt: skip

urlpatterns = [
    path("", pages.home, name="home"),
    path("health/live", pages.live, name="health-live"),
    path("health/ready", pages.ready, name="health-ready"),
    path("", include(accounts.public)),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/authenticate/", authenticate, name="mfa_authenticate"),
    path("accounts/2fa/recovery-codes/", include("allauth.mfa.recovery_codes.urls")),
    path("", include(bundles.public)),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs", pages.rest, name="docs"),
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
