"""Addresses of this room: `organization` lies under /<organization>/, `project` under /<organization>/<project>/."""

from django.urls import path

from apps.audits import api as rest
from apps.audits import views

organization = [
    path("records/", views.record_list, name="records"),
    path("records/verify/", views.verification, name="records-verify"),
    path("records/export/", views.export, name="records-export"),
    path("records/<int:seq>/", views.record_detail, name="record"),
    path("checkpoints/", views.checkpoint_list, name="checkpoints"),
    path("checkpoints/<int:pk>/", views.checkpoint_detail, name="checkpoint"),
    path("witnesses/", views.witness_list, name="witnesses"),
    path("witnesses/<int:pk>/end/", views.witness_end, name="witness-end"),
    path("keys/", views.signing_keys, name="keys"),
]
project: list = []
api = [
    path("records/", rest.RecordList.as_view(), name="api-records"),
    path("records/verification/", rest.RecordVerification.as_view(), name="api-records-verification"),
    path("records/export/", rest.RecordExport.as_view(), name="api-records-export"),
    path("records/consistency/", rest.RecordConsistency.as_view(), name="api-records-consistency"),
    path("records/<int:seq>/", rest.RecordDetail.as_view(), name="api-record"),
    path("records/<int:seq>/proof/", rest.RecordProof.as_view(), name="api-record-proof"),
    path("checkpoints/", rest.CheckpointList.as_view(), name="api-checkpoints"),
    path("checkpoints/<int:pk>/", rest.CheckpointDetail.as_view(), name="api-checkpoint"),
    path("witnesses/", rest.WitnessList.as_view(), name="api-witnesses"),
    path("witnesses/<int:pk>/", rest.WitnessDetail.as_view(), name="api-witness"),
    path("keys/", rest.KeyList.as_view(), name="api-keys"),
]
