"""The one address of the serving process, the same as the pages' process knows, and its health."""

from django.urls import path, register_converter
from django.urls.converters import get_converters

from apps.deployments.serving import Predict
from portal import pages
from portal.words import OrganizationSlug

if "organization" not in get_converters():
    register_converter(OrganizationSlug, "organization")

urlpatterns = [
    path("health/live", pages.live),
    path("health/ready", pages.ready),
    path("api/v1/<organization:organization>/deployments/<int:pk>/predict", Predict.as_view()),
]

handler400 = "portal.pages.bad_request"
handler403 = "portal.pages.forbidden"
handler404 = "portal.pages.not_found"
handler500 = "portal.pages.failed"
