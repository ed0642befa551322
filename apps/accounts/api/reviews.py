"""The review of who has access over REST: its lines, a decision on each, and the signed result."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiTypes, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.response import Response

from apps.accounts import actions, queries, rules
from apps.accounts.models import AccessReview
from apps.common.api import Door, Page
from apps.common.errors import ActionDenied


class AccessReviewOutput(serializers.ModelSerializer):
    started_by = serializers.CharField(source="started_by.user")
    finished_by = serializers.CharField(source="finished_by.user", default=None, allow_null=True)
    url = Page()

    class Meta:
        model = AccessReview
        fields = ["id", "url", "started_by", "started_at", "finished_by", "finished_at"]


class AccessLineOutput(serializers.Serializer):
    line = serializers.CharField(source="key", help_text="How a decision names it.")
    member = serializers.CharField(source="member.user")
    token = serializers.CharField(allow_null=True)
    held = serializers.CharField(help_text="The role, or the token's scopes.")
    keep = serializers.BooleanField(source="decision.keep", default=None, allow_null=True)
    note = serializers.CharField(source="decision.note", default="")
    decided_by = serializers.CharField(source="decision.decided_by.user", default=None, allow_null=True)


class AccessReviewWhole(AccessReviewOutput):
    lines = serializers.SerializerMethodField()

    class Meta(AccessReviewOutput.Meta):
        fields = [*AccessReviewOutput.Meta.fields, "lines"]

    @extend_schema_field(AccessLineOutput(many=True))
    def get_lines(self, review):
        return AccessLineOutput(queries.access(review), many=True).data


class DecisionInput(serializers.Serializer):
    line = serializers.CharField(max_length=40)
    keep = serializers.BooleanField()
    note = serializers.CharField(max_length=1000, allow_blank=True, default="")


class AccessReviewList(Door):
    @extend_schema(responses=AccessReviewOutput(many=True), operation_id="access_reviews_list")
    def get(self, request):
        return self.slice(AccessReviewOutput, queries.access_reviews(viewer=self.by))

    @extend_schema(request=None, responses={201: AccessReviewWhole}, operation_id="access_reviews_start")
    def post(self, request):
        return self.answer(AccessReviewWhole, actions.reviews.start(by=self.by), status=status.HTTP_201_CREATED)


class AccessReviewDoor(Door):
    def review(self, pk) -> AccessReview:
        return get_object_or_404(queries.access_reviews(viewer=self.by), pk=pk)


class AccessReviewDetail(AccessReviewDoor):
    @extend_schema(responses=AccessReviewWhole, operation_id="access_reviews_read")
    def get(self, request, pk):
        """The review, with everybody and every token that has access now and what was decided."""
        return self.answer(AccessReviewWhole, self.review(pk))


class AccessReviewDecisions(AccessReviewDoor):
    @extend_schema(request=DecisionInput, responses=AccessReviewWhole, operation_id="access_reviews_decide")
    def post(self, request, pk):
        """Keep or remove one access; what is removed is removed at once."""
        review = self.review(pk)
        actions.reviews.decide(review, by=self.by, **self.read(DecisionInput))
        return self.answer(AccessReviewWhole, review)


class AccessReviewAttestation(AccessReviewDoor):
    @extend_schema(
        responses={(200, "application/json"): OpenApiTypes.OBJECT}, operation_id="access_reviews_attestation"
    )
    def get(self, request, pk):
        """The signed result of a finished review: a DSSE envelope around an in-toto statement."""
        review = self.review(pk)
        if reason := rules.why_not_take_attestation(review):
            raise ActionDenied(reason)
        return Response(review.envelope)

    @extend_schema(request=None, responses=AccessReviewOutput, operation_id="access_reviews_finish")
    def post(self, request, pk):
        """Finish the review and sign its result; nothing may be left undecided."""
        return self.answer(AccessReviewOutput, actions.reviews.finish(self.review(pk), by=self.by))
