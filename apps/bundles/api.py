"""Programs' door to what leaves the house."""

from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.response import Response

from apps.accounts.idempotency import shown_once
from apps.approvals import queries as approvals
from apps.bundles import actions, downloads, queries
from apps.bundles.models import Share
from apps.common.api import Door, Page


class ShareInput(serializers.Serializer):
    approvals = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        min_length=1,
        max_length=100,
        help_text="Ids of the sign-offs it shows.",
    )
    addressee = serializers.CharField(max_length=200, help_text="A person or firm, in words.")
    until = serializers.DateField(help_text="The last day, in UTC.")
    files = serializers.BooleanField(default=False, help_text="With the models' own files.")
    note = serializers.CharField(max_length=500, allow_blank=True, default="")


class ShareOutput(serializers.ModelSerializer):
    state = serializers.CharField()
    approvals = serializers.ListField(child=serializers.IntegerField())
    made_by = serializers.CharField(source="made_by.user")
    url = Page()

    class Meta:
        model = Share
        fields = ["id", "url", "addressee", "note", "approvals", "files", "state", "made_by", "made_at", "expires_at",
                  "revoked_at"]  # fmt: skip


class ShareMade(ShareOutput):
    link = serializers.SerializerMethodField(help_text="Opens what is shared; in this answer only.")

    class Meta(ShareOutput.Meta):
        fields = [*ShareOutput.Meta.fields, "link"]

    def get_link(self, share) -> str:
        return self.context["request"].build_absolute_uri(reverse("shared", args=[self.context["secret"]]))


class Opening(serializers.Serializer):
    """One line of a share's log."""

    seq = serializers.IntegerField()
    at = serializers.DateTimeField()
    event = serializers.CharField()
    what = serializers.CharField(source="facts.what", default="")


class ShareWhole(ShareOutput):
    log = serializers.SerializerMethodField(help_text="The latest 200 openings, downloads and changes.")

    class Meta(ShareOutput.Meta):
        fields = [*ShareOutput.Meta.fields, "log"]

    @extend_schema_field(Opening(many=True))
    def get_log(self, share):
        return Opening(queries.log(share, viewer=self.context["request"].auth)[:200], many=True).data


class Bundle(Door):
    @extend_schema(
        operation_id="approvals_bundle",
        parameters=[OpenApiParameter("files", bool, description="with the model's own files")],
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def get(self, request, pk):
        """The whole evidence of a sign-off as one archive, with what checks it."""
        approval = get_object_or_404(approvals.approvals(viewer=self.by), pk=pk)
        files = request.query_params.get("files", "").lower() in ("true", "yes", "1")
        return downloads.attachment(actions.build(approval, by=self.by, files=files))


class ShareList(Door):
    @extend_schema(responses=ShareOutput(many=True), operation_id="shares_list")
    def get(self, request):
        return self.slice(ShareOutput, queries.shares(viewer=self.by))

    @extend_schema(request=ShareInput, responses={201: ShareMade}, operation_id="shares_make")
    def post(self, request):
        given = self.read(ShareInput)
        share, secret = actions.share(given.pop("approvals"), by=self.by, **given)
        made = ShareMade(share, context={"request": request, "secret": secret})
        return shown_once(Response(made.data, status=status.HTTP_201_CREATED), link="")


class ShareDetail(Door):
    @extend_schema(responses=ShareWhole, operation_id="shares_read")
    def get(self, request, pk):
        return self.answer(ShareWhole, get_object_or_404(queries.shares(viewer=self.by), pk=pk))


class ShareRevocation(Door):
    @extend_schema(request=None, responses=ShareOutput, operation_id="shares_revoke")
    def post(self, request, pk):
        share = get_object_or_404(queries.shares(viewer=self.by), pk=pk)
        return self.answer(ShareOutput, actions.revoke(share, by=self.by))
