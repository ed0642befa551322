"""Addresses of this room: `organization` lies under /<organization>/, `project` under /<organization>/<project>/."""

from django.urls import path

from apps.bundles import api as rest
from apps.bundles import views

organization = [
    path("shares/", views.shares, name="shares"),
    path("shares/new/", views.share_new, name="share-new"),
    path("shares/<int:pk>/", views.share_detail, name="share"),
    path("shares/<int:pk>/revoke/", views.share_revoke, name="share-revoke"),
]
project = [
    path("approvals/<int:pk>/bundle/", views.bundle, name="bundle"),
    path("approvals/<int:pk>/bundle.zip", views.bundle_file, name="bundle-file"),
]
api = [
    path("approvals/<int:pk>/bundle/", rest.Bundle.as_view(), name="api-approval-bundle"),
    path("shares/", rest.ShareList.as_view(), name="api-shares"),
    path("shares/<int:pk>/", rest.ShareDetail.as_view(), name="api-share"),
    path("shares/<int:pk>/revocation/", rest.ShareRevocation.as_view(), name="api-share-revocation"),
]
public = [  # under no organization: each with a reason in tests/house
    path("portal/programs/<str:name>", views.program, name="program"),
    path("shared/<str:secret>/", views.shared, name="shared"),
    path("shared/<str:secret>/<int:pk>/", views.shared_sign_off, name="shared-sign-off"),
    path("shared/<str:secret>/<int:pk>/bundle.zip", views.shared_bundle, name="shared-bundle"),
    path("shared/<str:secret>/<int:pk>/files/<path:name>", views.shared_file, name="shared-file"),
]
