"""Policies over REST."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status

from apps.approvals import actions, queries
from apps.approvals.gates.lines import LONGEST
from apps.approvals.gates.schema import RISK_CLASSES
from apps.approvals.gates.versions import differences
from apps.approvals.models import PolicyVersion
from apps.common.api import Choice, Door


class PolicyInput(serializers.Serializer):
    source = serializers.CharField(max_length=LONGEST, trim_whitespace=False, help_text="The policy, in YAML.")


class AdoptionInput(serializers.Serializer):
    risk_class = Choice(choices=RISK_CLASSES)


class PolicyOutput(serializers.ModelSerializer):
    name = serializers.CharField(source="policy.name")
    risk_class = serializers.CharField(source="policy.risk_class")
    proposed_by = serializers.CharField(source="proposed_by.user", default=None, allow_null=True)
    published_by = serializers.CharField(source="published_by.user", default=None, allow_null=True)
    status = serializers.CharField(help_text="proposed, published or withdrawn")

    class Meta:
        model = PolicyVersion
        fields = ["id", "name", "number", "risk_class", "digest", "body", "source", "status", "proposed_by",
                  "proposed_at", "published_by", "published_at", "withdrawn_at"]  # fmt: skip


class PolicyList(Door):
    @extend_schema(responses=PolicyOutput(many=True), operation_id="policies_list")
    def get(self, request):
        return self.slice(PolicyOutput, queries.policy_versions(viewer=self.by))

    @extend_schema(request=PolicyInput, responses={201: PolicyOutput}, operation_id="policies_propose")
    def post(self, request):
        """A new version, to be published by a second person."""
        version = actions.propose(by=self.by, **self.read(PolicyInput))
        return self.answer(PolicyOutput, version, status=status.HTTP_201_CREATED)


class PolicyAdoptions(Door):
    @extend_schema(request=AdoptionInput, responses={201: PolicyOutput}, operation_id="policies_adopt")
    def post(self, request):
        version = actions.adopt_default(by=self.by, **self.read(AdoptionInput))
        return self.answer(PolicyOutput, version, status=status.HTTP_201_CREATED)


class TurnedRule(serializers.Serializer):
    rule = serializers.CharField()
    of = serializers.CharField(allow_blank=True)
    was = serializers.CharField(allow_null=True, help_text="The verdict then; null: it was not asked.")
    now = serializers.CharField(allow_null=True, help_text="The verdict under the draft; null: it is not asked.")
    why = serializers.CharField()


class TurnedOutput(serializers.Serializer):
    """A past decision that a draft would turn."""

    approval = serializers.IntegerField(source="approval.pk")
    subject = serializers.CharField(source="approval.model_version")
    was = serializers.CharField()
    now = serializers.CharField()
    rules = TurnedRule(many=True)


class PreviewOutput(serializers.Serializer):
    looked_at = serializers.IntegerField(help_text="Past decisions the draft is for.")
    turned = TurnedOutput(many=True)


class ReplayedDecision(serializers.Serializer):
    approval = serializers.IntegerField()
    exact = serializers.BooleanField()
    differences = serializers.ListField(child=serializers.CharField())


class ReplayOutput(serializers.Serializer):
    results = ReplayedDecision(many=True)


class PolicyChanges(serializers.Serializer):
    results = serializers.ListField(child=serializers.CharField())


class PolicyPreview(Door):
    @extend_schema(request=PolicyInput, responses=PreviewOutput, operation_id="policies_preview")
    def post(self, request):
        """Which past decisions this draft would turn, and by which rules. Nothing is published."""
        return self.answer(PreviewOutput, actions.preview(by=self.by, **self.read(PolicyInput)))


class PolicyReplay(Door):
    @extend_schema(responses=ReplayOutput, operation_id="policies_replay")
    def get(self, request, pk):
        """Every decision judged by this version, judged by it once more."""
        version = get_object_or_404(queries.policy_versions(viewer=self.by), pk=pk)
        found = queries.replays(version, viewer=self.by)
        told = [{"approval": one.pk, "exact": not said, "differences": said} for one, said in found]
        return self.answer(ReplayOutput, {"results": told})


class PolicyDifferences(Door):
    @extend_schema(responses=PolicyChanges, operation_id="policies_changes")
    def get(self, request, pk):
        """What this version decides otherwise than the one before it, rule by rule."""
        version = get_object_or_404(queries.policy_versions(viewer=self.by), pk=pk)
        before = queries.version_before(version, viewer=self.by)
        said = differences(before.parsed, version.parsed) if before else ()
        return self.answer(PolicyChanges, {"results": list(said)})


class PolicyDetail(Door):
    @extend_schema(responses=PolicyOutput, operation_id="policies_read")
    def get(self, request, pk):
        return self.answer(PolicyOutput, get_object_or_404(queries.policy_versions(viewer=self.by), pk=pk))


class PolicyPublication(Door):
    @extend_schema(request=None, responses=PolicyOutput, operation_id="policies_publish")
    def post(self, request, pk):
        """Put what another person proposed in force."""
        version = get_object_or_404(queries.policy_versions(viewer=self.by), pk=pk)
        return self.answer(PolicyOutput, actions.publish(version, by=self.by))


class PolicyWithdrawal(Door):
    @extend_schema(request=None, responses=PolicyOutput, operation_id="policies_withdraw")
    def post(self, request, pk):
        version = get_object_or_404(queries.policy_versions(viewer=self.by), pk=pk)
        return self.answer(PolicyOutput, actions.withdraw_policy(version, by=self.by))
