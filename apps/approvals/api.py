"""Policies and sign-offs over REST: the same verbs as the pages, and the same password under a signature."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status

from apps.approvals import actions, documents, queries
from apps.approvals.gates.lines import LONGEST
from apps.approvals.gates.schema import MEANINGS, RISK_CLASSES
from apps.approvals.models import Approval, Decision, PolicyVersion, Signature
from apps.common.api import Door
from apps.common.errors import NothingThere


class PolicyInput(serializers.Serializer):
    source = serializers.CharField(max_length=LONGEST, trim_whitespace=False, help_text="The policy, in YAML.")


class AdoptionInput(serializers.Serializer):
    risk_class = serializers.ChoiceField(choices=RISK_CLASSES)


class PolicyOutput(serializers.ModelSerializer):
    name = serializers.CharField(source="policy.name")
    risk_class = serializers.CharField(source="policy.risk_class")
    published_by = serializers.CharField(source="published_by.user", default=None)

    class Meta:
        model = PolicyVersion
        fields = ["id", "name", "number", "risk_class", "digest", "body", "source", "published_by", "published_at",
                  "withdrawn_at"]  # fmt: skip


class QuestionInput(serializers.Serializer):
    model_version = serializers.IntegerField(min_value=1)
    note = serializers.CharField(max_length=2000, allow_blank=True, default="")


class ReasonInput(serializers.Serializer):
    reason = serializers.CharField(max_length=2000)


class SignatureInput(ReasonInput):
    decision = serializers.ChoiceField(choices=Decision.choices)
    meaning = serializers.ChoiceField(choices=list(MEANINGS), allow_blank=True, default="")
    dossier_digest = serializers.CharField(max_length=64, help_text="Of the dossier that was read.")
    password = serializers.CharField(trim_whitespace=False, help_text="The signer's own, once more.", write_only=True)

    def validate(self, given):
        if (given["decision"] == Decision.SIGN) != bool(given["meaning"]):
            raise serializers.ValidationError({"meaning": "Name it when you sign, and only then."})
        return given


class SignatureOutput(serializers.ModelSerializer):
    class Meta:
        model = Signature
        fields = ["id", "printed_name", "role", "decision", "meaning", "reason", "dossier_digest", "signed_at"]


class ApprovalOutput(serializers.ModelSerializer):
    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    model_version = serializers.IntegerField(source="model_version_id")
    subject = serializers.CharField(source="model_version", help_text="The model version's name.")
    policy = serializers.IntegerField(source="policy_version_id")
    requested_by = serializers.CharField(source="requested_by.user")
    stands = serializers.BooleanField(help_text="Whether a deployment may rest on it now.")
    url = serializers.CharField(source="get_absolute_url", help_text="The page.")

    class Meta:
        model = Approval
        fields = ["id", "url", "project", "model_version", "subject", "policy", "state", "stands", "dossier_digest",
                  "note", "requested_by", "requested_at", "decided_at", "valid_until", "ended_reason"]  # fmt: skip


class Place(serializers.Serializer):
    """A name the policy asks for."""

    role = serializers.CharField()
    meaning = serializers.CharField()
    signed_by = serializers.CharField(source="signature.printed_name", default=None)


class Validity(serializers.Serializer):
    valid = serializers.BooleanField(source="stands", help_text="Whether a deployment may rest on it now.")
    status = serializers.CharField(help_text="The state, or `stale` or `expired`.")
    reasons = serializers.ListField(child=serializers.CharField(), help_text="Why it does not stand.")


class CaseOutput(serializers.Serializer):
    """A sign-off with what is judged about it."""

    verdict = serializers.CharField(source="dossier.gates.verdict", help_text="Of all gates together.")
    gates = serializers.ListField(
        child=serializers.DictField(), source="outcomes", help_text="Rule by rule, as frozen in the dossier."
    )
    required = Place(many=True, source="places")
    signatures = SignatureOutput(many=True)
    validity = Validity(source="*")

    def to_representation(self, case):
        return ApprovalOutput(case.approval, context=self.context).data | super().to_representation(case)


class PolicyList(Door):
    @extend_schema(responses=PolicyOutput(many=True), operation_id="policies_list")
    def get(self, request):
        return self.slice(PolicyOutput, queries.policy_versions(viewer=self.by))

    @extend_schema(request=PolicyInput, responses={201: PolicyOutput}, operation_id="policies_publish")
    def post(self, request):
        version = actions.publish(by=self.by, **self.read(PolicyInput))
        return self.answer(PolicyOutput, version, status=status.HTTP_201_CREATED)


class PolicyAdoptions(Door):
    @extend_schema(request=AdoptionInput, responses={201: PolicyOutput}, operation_id="policies_adopt")
    def post(self, request):
        version = actions.adopt_default(by=self.by, **self.read(AdoptionInput))
        return self.answer(PolicyOutput, version, status=status.HTTP_201_CREATED)


class PolicyDetail(Door):
    @extend_schema(responses=PolicyOutput, operation_id="policies_read")
    def get(self, request, pk):
        return self.answer(PolicyOutput, get_object_or_404(queries.policy_versions(viewer=self.by), pk=pk))


class PolicyWithdrawal(Door):
    @extend_schema(request=None, responses=PolicyOutput, operation_id="policies_withdraw")
    def post(self, request, pk):
        version = get_object_or_404(queries.policy_versions(viewer=self.by), pk=pk)
        return self.answer(PolicyOutput, actions.withdraw_policy(version, by=self.by))


class OneApproval(Door):
    """What the doors of one sign-off share: it is found for who asks, or 404."""

    def approval(self, pk) -> Approval:
        return get_object_or_404(queries.approvals(viewer=self.by), pk=pk)

    def told(self, pk, *, code: int = status.HTTP_200_OK):
        return self.answer(CaseOutput, queries.case(self.approval(pk)), status=code)


class ApprovalList(OneApproval):
    @extend_schema(
        responses=ApprovalOutput(many=True),
        operation_id="approvals_list",
        parameters=[OpenApiParameter("project", str)],
    )
    def get(self, request):
        rows = queries.listed_approvals(viewer=self.by)
        if project := request.query_params.get("project"):
            rows = rows.filter(project__slug=project)
        return self.slice(ApprovalOutput, rows)

    @extend_schema(request=QuestionInput, responses={201: CaseOutput}, operation_id="approvals_ask")
    def post(self, request):
        given = self.read(QuestionInput)
        version = queries.model_version(given["model_version"], viewer=self.by)
        if version is None:
            raise NothingThere({"model_version": "There is no such model version in this organization."})
        return self.told(actions.ask(version, note=given["note"], by=self.by).pk, code=status.HTTP_201_CREATED)


class ApprovalDetail(OneApproval):
    @extend_schema(responses=CaseOutput, operation_id="approvals_read")
    def get(self, request, pk):
        return self.told(pk)


class Signatures(OneApproval):
    @extend_schema(request=SignatureInput, responses={201: CaseOutput}, operation_id="approvals_sign")
    def post(self, request, pk):
        actions.decide(self.approval(pk), by=self.by, **self.read(SignatureInput))
        return self.told(pk, code=status.HTTP_201_CREATED)


class Withdrawal(OneApproval):
    @extend_schema(request=ReasonInput, responses=CaseOutput, operation_id="approvals_withdraw")
    def post(self, request, pk):
        actions.withdraw(self.approval(pk), by=self.by, **self.read(ReasonInput))
        return self.told(pk)


class Revocation(OneApproval):
    @extend_schema(request=ReasonInput, responses=CaseOutput, operation_id="approvals_revoke")
    def post(self, request, pk):
        actions.revoke(self.approval(pk), by=self.by, **self.read(ReasonInput))
        return self.told(pk)


class Dossier(OneApproval):
    @extend_schema(responses=OpenApiTypes.OBJECT, operation_id="approvals_dossier")
    def get(self, request, pk):
        """The dossier's exact bytes: their SHA-256 is the digest that was signed."""
        return self._taken(pk, "json")

    def _taken(self, pk, form: str):
        approval = self.approval(pk)
        actions.download(approval, form=form, by=self.by)
        content, kind = documents.written(queries.case(approval), form, queries.history(approval))
        return HttpResponse(content, content_type=kind)


class Document(Dossier):
    @extend_schema(responses={(200, "application/pdf"): OpenApiTypes.BINARY}, operation_id="approvals_document")
    def get(self, request, pk):
        """The sign-off as PDF, with dossier and signatures attached."""
        return self._taken(pk, "pdf")
