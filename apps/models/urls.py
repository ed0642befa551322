"""Addresses of this room: `organization` lies under /<organization>/, `project` under /<organization>/<project>/."""

from django.urls import path

from apps.models import api as rest
from apps.models import views

organization: list = []
project = [
    path("models/", views.model_list, name="models"),
    path("models/<int:pk>/", views.model_detail, name="model"),
    path("models/<int:pk>/signature", views.model_signature, name="model-signature"),
    path("models/<int:pk>/files/<str:name>", views.model_file, name="model-file"),
]
api = [
    path("models/", rest.ModelList.as_view(), name="api-models"),
    path("models/<int:pk>/", rest.ModelDetail.as_view(), name="api-model"),
    path("model-versions/", rest.VersionList.as_view(), name="api-model-versions"),
    path("model-versions/<int:pk>/", rest.VersionDetail.as_view(), name="api-model-version"),
    path("model-versions/<int:pk>/files/<str:name>/", rest.VersionFile.as_view(), name="api-model-version-file"),
    path("model-versions/<int:pk>/signature/", rest.VersionSignature.as_view(), name="api-model-version-signature"),
    path("model-versions/<int:pk>/retirement/", rest.VersionRetirement.as_view(), name="api-model-version-retirement"),
]
