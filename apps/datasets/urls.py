"""Addresses of this room: `organization` lies under /<organization>/, `project` under /<organization>/<project>/."""

from django.urls import path

from apps.datasets import api as rest
from apps.datasets import views

organization: list = []
project = [
    path("datasets/", views.dataset_list, name="datasets"),
    path("datasets/new/", views.dataset_new, name="dataset-new"),
    path("datasets/<int:pk>/", views.dataset_detail, name="dataset"),
    path("datasets/<int:pk>/declaration/", views.dataset_declare, name="dataset-declare"),
    path("datasets/<int:pk>/profile/", views.dataset_profile_again, name="dataset-profile"),
    path("datasets/<int:pk>/withdrawal/", views.dataset_withdraw, name="dataset-withdraw"),
    path("datasets/<int:pk>/budget/", views.dataset_budget, name="dataset-budget"),
    path("datasets/<int:pk>/file/", views.dataset_file, name="dataset-file"),
]
api = [
    path("datasets/", rest.DatasetList.as_view(), name="api-datasets"),
    path("datasets/<int:pk>/budget/", rest.DatasetBudget.as_view(), name="api-dataset-budget"),
    path("dataset-versions/", rest.VersionList.as_view(), name="api-dataset-versions"),
    path("dataset-versions/<int:pk>/", rest.VersionDetail.as_view(), name="api-dataset-version"),
    path("dataset-versions/<int:pk>/file/", rest.VersionFile.as_view(), name="api-dataset-version-file"),
    path(
        "dataset-versions/<int:pk>/declaration/",
        rest.VersionDeclaration.as_view(),
        name="api-dataset-version-declaration",
    ),
    path("dataset-versions/<int:pk>/profile/", rest.VersionProfile.as_view(), name="api-dataset-version-profile"),
    path(
        "dataset-versions/<int:pk>/withdrawal/", rest.VersionWithdrawal.as_view(), name="api-dataset-version-withdrawal"
    ),
]
