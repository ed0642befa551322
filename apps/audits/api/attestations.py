"""Trials of the walls between organizations over REST: ask for one, watch it, take the signed result away."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status

from apps.audits import actions, attestations, queries
from apps.audits.models import Attestation
from apps.common.api import Door, Page, file_answers


class AttestationOutput(serializers.ModelSerializer):
    url = Page()
    started_by = serializers.CharField(source="started_by.user")
    state = serializers.CharField()
    progress = serializers.JSONField()

    class Meta:
        model = Attestation
        fields = [
            "id", "url", "state", "verdict", "digest", "problem", "progress", "started_by", "queued_at", "finished_at",
        ]  # fmt: skip


class AttestationWhole(AttestationOutput):
    result = serializers.SerializerMethodField(help_text="What was signed; null until it is finished.")

    class Meta(AttestationOutput.Meta):
        fields = [*AttestationOutput.Meta.fields, "result"]

    def get_result(self, attestation) -> dict | None:
        return attestations.result(attestation)


class AttestationList(Door):
    @extend_schema(operation_id="attestations_list", responses=AttestationOutput(many=True))
    def get(self, request):
        return self.slice(AttestationOutput, queries.attestations(viewer=self.by))

    @extend_schema(operation_id="attestations_ask", request=None, responses={201: AttestationOutput})
    def post(self, request):
        """Have the walls tried by a worker, with two organizations made for it and gone afterwards."""
        made = actions.ask_attestation(by=self.by)
        return self.answer(AttestationOutput, _attestation(self.by, made.pk), status=status.HTTP_201_CREATED)


class AttestationDetail(Door):
    @extend_schema(operation_id="attestations_read", responses=AttestationWhole)
    def get(self, request, pk):
        return self.answer(AttestationWhole, _attestation(self.by, pk))


class AttestationFile(Door):
    """The signed result: as DSSE envelope around an in-toto statement, or as a document with the same inside."""

    form = "json"

    @extend_schema(responses=file_answers(*attestations.TYPES.values()))
    def get(self, request, pk):
        attestation = _attestation(self.by, pk)
        actions.take_attestation(attestation, form=self.form, by=self.by)
        return attestations.attachment(attestation, self.form)


def _attestation(viewer, pk):
    return get_object_or_404(queries.attestations(viewer=viewer), pk=pk)
