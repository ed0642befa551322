"""Emergency access over REST: a person's session asks, agrees and reviews; a token reads, and ends."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status

from apps.accounts import actions, queries, rules
from apps.accounts.models import EmergencyAccess
from apps.accounts.permissions import IN_EMERGENCY
from apps.common.api import Choice, Door, Page


class EmergencyInput(serializers.Serializer):
    words = serializers.ListField(
        child=Choice(choices=[(word.value, word.label) for word in IN_EMERGENCY]), allow_empty=False
    )
    minutes = serializers.IntegerField(min_value=1, max_value=rules.EMERGENCY_MINUTES_MOST)
    reason = serializers.CharField(max_length=2000)


class FindingInput(serializers.Serializer):
    finding = serializers.CharField(max_length=4000)


class EmergencyOutput(serializers.ModelSerializer):
    words = serializers.ListField(child=serializers.CharField())
    state = serializers.CharField()
    asked_by = serializers.CharField(source="asked_by.user")
    agreed_by = serializers.CharField(source="agreed_by.user", default=None, allow_null=True)
    ended_by = serializers.CharField(source="ended_by.user", default=None, allow_null=True)
    reviewed_by = serializers.CharField(source="reviewed_by.user", default=None, allow_null=True)
    over_at = serializers.DateTimeField(allow_null=True)
    review_due = serializers.DateTimeField(allow_null=True)
    url = Page()

    class Meta:
        model = EmergencyAccess
        fields = ["id", "url", "state", "asked_by", "asked_at", "words", "minutes", "reason", "agreed_by", "agreed_at",
                  "until", "ended_by", "ended_at", "over_at", "review_due", "reviewed_by", "reviewed_at",
                  "finding"]  # fmt: skip


class EmergencyList(Door):
    @extend_schema(responses=EmergencyOutput(many=True), operation_id="emergencies_list")
    def get(self, request):
        return self.slice(EmergencyOutput, queries.emergencies(viewer=self.by))

    @extend_schema(request=EmergencyInput, responses={201: EmergencyOutput}, operation_id="emergencies_ask")
    def post(self, request):
        """Ask; it begins when a second person agrees."""
        access = actions.emergencies.ask(by=self.by, **self.read(EmergencyInput))
        return self.answer(EmergencyOutput, access, status=status.HTTP_201_CREATED)


class EmergencyDoor(Door):
    def access(self, pk) -> EmergencyAccess:
        return get_object_or_404(queries.emergencies(viewer=self.by), pk=pk)


class EmergencyDetail(EmergencyDoor):
    @extend_schema(responses=EmergencyOutput, operation_id="emergencies_read")
    def get(self, request, pk):
        return self.answer(EmergencyOutput, self.access(pk))


class EmergencyAgreement(EmergencyDoor):
    @extend_schema(request=None, responses=EmergencyOutput, operation_id="emergencies_agree")
    def post(self, request, pk):
        return self.answer(EmergencyOutput, actions.emergencies.agree(self.access(pk), by=self.by))


class EmergencyEnd(EmergencyDoor):
    @extend_schema(request=None, responses=EmergencyOutput, operation_id="emergencies_end")
    def post(self, request, pk):
        return self.answer(EmergencyOutput, actions.emergencies.end(self.access(pk), by=self.by))


class EmergencyReview(EmergencyDoor):
    @extend_schema(request=FindingInput, responses=EmergencyOutput, operation_id="emergencies_review")
    def post(self, request, pk):
        access = self.access(pk)
        reviewed = actions.emergencies.review(access, by=self.by, **self.read(FindingInput))
        return self.answer(EmergencyOutput, reviewed)
