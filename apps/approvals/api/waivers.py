"""Waivers over REST: the same verbs as the pages."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status

from apps.accounts.queries import members
from apps.approvals import actions, queries
from apps.approvals.models import Waiver
from apps.common.api import Door, Page
from apps.common.errors import NothingThere

LARGEST = 2**63 - 1


class WaiverReasonInput(serializers.Serializer):
    reason = serializers.CharField(max_length=2000)


class WaiverRenewalInput(WaiverReasonInput):
    ends_at = serializers.DateTimeField(help_text="Within 90 days of the end of the one that is renewed.")


class WaiverInput(WaiverRenewalInput):
    policy = serializers.IntegerField(min_value=1, max_value=LARGEST, help_text="The policy version.")
    rule = serializers.IntegerField(min_value=1, max_value=100, help_text="Its place in the policy, from 1.")
    model_version = serializers.IntegerField(
        min_value=1, max_value=LARGEST, allow_null=True, default=None, help_text="Without one, the whole project."
    )
    project = serializers.CharField(max_length=80)
    risk = serializers.CharField(max_length=2000, help_text="What may go wrong.")
    measure = serializers.CharField(max_length=2000, help_text="What is done instead.")
    monitoring = serializers.CharField(max_length=2000, help_text="How it is watched meanwhile.")
    plan = serializers.CharField(max_length=2000, help_text="How the rule will be kept again.")
    owner = serializers.IntegerField(
        min_value=1, max_value=LARGEST, help_text="Of the membership who answers for it; not the asker."
    )
    starts_at = serializers.DateTimeField(allow_null=True, default=None)
    ends_at = serializers.DateTimeField(help_text="At most 90 days after the start.")


class WaiverOutput(serializers.ModelSerializer):
    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    model_version = serializers.IntegerField(source="model_version_id", allow_null=True)
    policy = serializers.IntegerField(source="policy_version_id")
    asks = serializers.CharField(source="asked.sentence", help_text="The rule in words.")
    state = serializers.CharField(source="status", help_text="With the clock: active or expired once approved.")
    owner = serializers.CharField(source="owner.user")
    requested_by = serializers.CharField(source="requested_by.user")
    decided_by = serializers.CharField(source="decided_by.user", default=None, allow_null=True)
    ended_by = serializers.CharField(source="ended_by.user", default=None, allow_null=True)
    renewal_of = serializers.IntegerField(source="renewal_of_id", allow_null=True)
    url = Page()

    class Meta:
        model = Waiver
        fields = ["id", "url", "project", "model_version", "policy", "rule", "asks", "state", "reason", "risk",
                  "measure", "monitoring", "plan", "owner", "requested_by", "requested_at", "starts_at", "ends_at",
                  "renewal_of", "decided_by", "decided_at", "decision_reason", "ended_by", "ended_at",
                  "ended_reason"]  # fmt: skip


class WaiverCount(serializers.Serializer):
    """What one owner answers for."""

    owner_name = serializers.CharField()
    email = serializers.CharField()
    open = serializers.IntegerField(help_text="Asked for, coming or active.")
    overdue = serializers.IntegerField(help_text="Over, and not closed.")
    renewed = serializers.IntegerField(help_text="Renewals among them.")
    all = serializers.IntegerField()


class WaiverCounts(serializers.Serializer):
    results = WaiverCount(many=True)


class OneWaiver(Door):
    """What the doors of one waiver share: it is found for who asks, or 404."""

    def waiver(self, pk) -> Waiver:
        return get_object_or_404(queries.waivers(viewer=self.by), pk=pk)

    def told(self, waiver: Waiver, *, code: int = status.HTTP_200_OK):
        return self.answer(WaiverOutput, self.waiver(waiver.pk), status=code)


class WaiverList(OneWaiver):
    @extend_schema(
        responses=WaiverOutput(many=True),
        operation_id="waivers_list",
        parameters=[OpenApiParameter("project", str), OpenApiParameter("state", str)],
    )
    def get(self, request):
        rows = queries.waivers(viewer=self.by)
        if project := request.query_params.get("project"):
            rows = rows.filter(project__slug=project)
        if state := self.word("state", among=queries.STATUSES):
            rows = queries.with_status(rows, state)
        return self.slice(WaiverOutput, rows)

    @extend_schema(request=WaiverInput, responses={201: WaiverOutput}, operation_id="waivers_ask")
    def post(self, request):
        given = self.read(WaiverInput)
        found = queries.subject_of_waiver(
            viewer=self.by,
            project=given.pop("project"),
            policy=given.pop("policy"),
            model_version=given.pop("model_version"),
        )
        owner = members(viewer=self.by).filter(pk=given.pop("owner")).first()
        if owner is None:
            raise NothingThere({"owner": "There is no such member in this organization."})
        waiver = actions.ask_waiver(
            found.project, found.policy_version, given.pop("rule"), model_version=found.model_version, owner=owner,
            by=self.by, **given,
        )  # fmt: skip
        return self.told(waiver, code=status.HTTP_201_CREATED)


class WaiverRegister(Door):
    @extend_schema(responses=WaiverCounts, operation_id="waivers_register")
    def get(self, request):
        """Open, overdue and renewed, by owner."""
        return self.answer(WaiverCounts, {"results": queries.counted(viewer=self.by)})


class WaiverDetail(OneWaiver):
    @extend_schema(responses=WaiverOutput, operation_id="waivers_read")
    def get(self, request, pk):
        return self.told(self.waiver(pk))


class WaiverApproval(OneWaiver):
    @extend_schema(request=WaiverReasonInput, responses=WaiverOutput, operation_id="waivers_approve")
    def post(self, request, pk):
        return self.told(actions.approve_waiver(self.waiver(pk), by=self.by, **self.read(WaiverReasonInput)))


class WaiverRejection(OneWaiver):
    @extend_schema(request=WaiverReasonInput, responses=WaiverOutput, operation_id="waivers_reject")
    def post(self, request, pk):
        return self.told(actions.reject_waiver(self.waiver(pk), by=self.by, **self.read(WaiverReasonInput)))


class WaiverRenewal(OneWaiver):
    @extend_schema(request=WaiverRenewalInput, responses={201: WaiverOutput}, operation_id="waivers_renew")
    def post(self, request, pk):
        renewal = actions.renew_waiver(self.waiver(pk), by=self.by, **self.read(WaiverRenewalInput))
        return self.told(renewal, code=status.HTTP_201_CREATED)


class WaiverClosure(OneWaiver):
    @extend_schema(request=WaiverReasonInput, responses=WaiverOutput, operation_id="waivers_close")
    def post(self, request, pk):
        return self.told(actions.close_waiver(self.waiver(pk), by=self.by, **self.read(WaiverReasonInput)))


class WaiverRevocation(OneWaiver):
    @extend_schema(request=WaiverReasonInput, responses=WaiverOutput, operation_id="waivers_revoke")
    def post(self, request, pk):
        return self.told(actions.revoke_waiver(self.waiver(pk), by=self.by, **self.read(WaiverReasonInput)))
