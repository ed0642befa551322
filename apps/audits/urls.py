"""Addresses of this room: `organization` lies under /<organization>/, `project` under /<organization>/<project>/."""

from django.urls import path

from apps.audits.api import attestations as rest_attestations
from apps.audits.api import records as rest
from apps.audits.views import attestations
from apps.audits.views import records as views

organization = [
    path("records/", views.record_list, name="records"),
    path("records/verify/", views.verification, name="records-verify"),
    path("records/export/", views.export, name="records-export"),
    path("records/<int:seq>/", views.record_detail, name="record"),
    path("checkpoints/", views.checkpoint_list, name="checkpoints"),
    path("checkpoints/<int:pk>/", views.checkpoint_detail, name="checkpoint"),
    path("witnesses/", views.witness_list, name="witnesses"),
    path("witnesses/<int:pk>/end/", views.witness_end, name="witness-end"),
    path("attestations/", attestations.attestation_list, name="attestations"),
    path("attestations/<int:pk>/", attestations.attestation_detail, name="attestation"),
    path("attestations/<int:pk>/json/", attestations.attestation_file, {"form": "json"}, name="attestation-json"),
    path("attestations/<int:pk>/pdf/", attestations.attestation_file, {"form": "pdf"}, name="attestation-pdf"),
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
    path("attestations/", rest_attestations.AttestationList.as_view(), name="api-attestations"),
    path("attestations/<int:pk>/", rest_attestations.AttestationDetail.as_view(), name="api-attestation"),
    path(
        "attestations/<int:pk>/json/",
        rest_attestations.AttestationFile.as_view(form="json"),
        name="api-attestation-json",
    ),
    path(
        "attestations/<int:pk>/pdf/", rest_attestations.AttestationFile.as_view(form="pdf"), name="api-attestation-pdf"
    ),
    path("keys/", rest.KeyList.as_view(), name="api-keys"),
]
