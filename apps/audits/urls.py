"""Addresses of this room: `organization` lies under /<organization>/, `project` under /<organization>/<project>/."""

from django.urls import path

from apps.audits import api as rest
from apps.audits import views

organization = [
    path("records/", views.record_list, name="records"),
    path("records/verify/", views.verification, name="records-verify"),
    path("records/export/", views.export, name="records-export"),
    path("records/<int:seq>/", views.record_detail, name="record"),
]
project: list = []
api = [
    path("records/", rest.RecordList.as_view(), name="api-records"),
    path("records/verification/", rest.RecordVerification.as_view(), name="api-records-verification"),
    path("records/export/", rest.RecordExport.as_view(), name="api-records-export"),
    path("records/<int:seq>/", rest.RecordDetail.as_view(), name="api-record"),
]
