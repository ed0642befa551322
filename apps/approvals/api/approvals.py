"""Sign-offs over REST: the same verbs as the pages, and the same password under a signature."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status

from apps.approvals import actions, documents, queries
from apps.approvals.models import SIGNED_WORDS, Approval, Consequence, Decision, Signature
from apps.audits import readings
from apps.common.api import Choice, Door, Page
from apps.common.errors import NothingThere


class QuestionInput(serializers.Serializer):
    model_version = serializers.IntegerField(min_value=1)
    note = serializers.CharField(max_length=2000, allow_blank=True, default="")


class ReasonInput(serializers.Serializer):
    reason = serializers.CharField(max_length=2000)


class SuspensionInput(ReasonInput):
    drill = serializers.BooleanField(default=False, help_text="It stops what serves all the same.")


class TellingInput(serializers.Serializer):
    who = serializers.CharField(max_length=200)
    how = serializers.CharField(max_length=200)


class TellingOutput(TellingInput):
    told_at = serializers.DateTimeField()
    by = serializers.CharField(source="by.user")


class SuspensionOutput(serializers.Serializer):
    drill = serializers.BooleanField()
    reason = serializers.CharField()
    suspended_by = serializers.CharField(source="suspended_by.user")
    suspended_at = serializers.DateTimeField()
    asked_by = serializers.CharField(source="asked_by.user", default=None, allow_null=True)
    asked_at = serializers.DateTimeField(allow_null=True)
    asked_reason = serializers.CharField()


class ConditionInput(serializers.Serializer):
    text = serializers.CharField(max_length=500)
    owner = serializers.IntegerField(default=None, allow_null=True, help_text="The member who fulfils it.")
    check = serializers.DictField(
        default=None,
        allow_null=True,
        help_text="Instead of an owner: `report`, `figure`, `of`, `bound`, `at_least` or `at_most`, as in a policy.",
    )
    due_at = serializers.DateTimeField()
    consequence = Choice(choices=Consequence.choices)


class FulfilmentInput(serializers.Serializer):
    condition = serializers.IntegerField(min_value=1, max_value=999, help_text="Which of the sign-off's conditions.")
    evidence = serializers.CharField(max_length=2000)


class ConfirmationInput(serializers.Serializer):
    condition = serializers.IntegerField(min_value=1, max_value=999, help_text="Which of the sign-off's conditions.")


class ConditionOutput(serializers.Serializer):
    text = serializers.CharField()
    owner = serializers.CharField(source="owner_name")
    check = serializers.DictField(allow_null=True)
    due_at = serializers.DateTimeField()
    consequence = serializers.CharField()
    status = serializers.CharField(help_text="`met`, `overdue`, `to be confirmed` or `open`.")
    evidence = serializers.CharField(source="fulfilment.evidence", default=None, allow_null=True)


class SignatureInput(ReasonInput):
    decision = Choice(choices=Decision.choices)
    meaning = Choice(choices=list(SIGNED_WORDS), allow_blank=True, default="")
    dossier_digest = serializers.CharField(max_length=64, help_text="Of the dossier that was read.")
    conditions = ConditionInput(many=True, default=list, help_text="With `approved` alone, as far as the policy lets.")
    password = serializers.CharField(trim_whitespace=False, help_text="The signer's own, once more.", write_only=True)
    code = serializers.CharField(
        max_length=20,
        default="",
        allow_blank=True,
        write_only=True,
        help_text="Of the signer's authenticator, or a recovery code, where they have enrolled a second factor. "
        "A passkey answers on a page, and never to a program.",
    )

    def validate(self, given):
        if (given["decision"] == Decision.SIGN) != bool(given["meaning"]):
            raise serializers.ValidationError({"meaning": "Name it when you sign, and only then."})
        return given


class SignatureOutput(serializers.ModelSerializer):
    class Meta:
        model = Signature
        fields = ["id", "printed_name", "role", "place", "decision", "meaning", "reason", "conditions",
                  "dossier_digest", "signed_at", "digest", "key_id", "envelope"]  # fmt: skip


class ApprovalOutput(serializers.ModelSerializer):
    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    model_version = serializers.IntegerField(source="model_version_id")
    subject = serializers.CharField(source="model_version", help_text="The model version's name.")
    policy = serializers.IntegerField(source="policy_version_id")
    requested_by = serializers.CharField(source="requested_by.user")
    stands = serializers.BooleanField(help_text="Whether a deployment may rest on it now.")
    url = Page()

    class Meta:
        model = Approval
        fields = ["id", "url", "project", "model_version", "subject", "policy", "state", "stands", "dossier_digest",
                  "note", "requested_by", "requested_at", "decided_at", "valid_until", "ended_reason"]  # fmt: skip


class Place(serializers.Serializer):
    """A signer the policy asks for. What their verdict says is sealed until the sign-off is decided."""

    number = serializers.IntegerField()
    role = serializers.CharField()
    meaning = serializers.CharField()
    wanted = serializers.IntegerField(help_text="How many names.")
    turn = serializers.BooleanField(help_text="Whether those before have given their verdicts, where order matters.")
    given_by = serializers.SerializerMethodField(help_text="Who gave their verdict here, whatever it is.")

    def get_given_by(self, place) -> list[str]:
        return [signature.printed_name for signature in place.given]


class Reading(serializers.Serializer):
    """A piece of evidence, and when the one who asks opened it since the request."""

    kind = serializers.CharField()
    digest = serializers.CharField()
    url = serializers.CharField(help_text="The page.")
    rest = serializers.CharField(help_text="Its address here, under the organization's.")
    demanded = serializers.BooleanField(help_text="Whether it must be opened before signing.")
    opened_at = serializers.DateTimeField(allow_null=True)


class Validity(serializers.Serializer):
    valid = serializers.BooleanField(source="stands", help_text="Whether a deployment may rest on it now.")
    status = serializers.CharField(help_text="The state, or `stale` or `expired`.")
    reasons = serializers.ListField(child=serializers.CharField(), help_text="Why it does not stand.")


class BreachOutput(serializers.Serializer):
    """A rule of its policy that a report in operation shows broken."""

    rule = serializers.IntegerField(source="place", help_text="Its place in the policy.")
    of = serializers.CharField()
    figure = serializers.DictField(help_text="As the report gives it: value, interval, n, smallest group.")
    report = serializers.IntegerField(source="report_id")
    report_digest = serializers.CharField(source="report.digest")
    found_at = serializers.DateTimeField()


class CaseOutput(serializers.Serializer):
    """A sign-off with what is judged about it."""

    verdict = serializers.CharField(source="dossier.gates.verdict", help_text="Of all gates together.")
    gates = serializers.ListField(
        child=serializers.DictField(), source="outcomes", help_text="Rule by rule, as frozen in the dossier."
    )
    required = Place(many=True, source="places")
    signatures = serializers.SerializerMethodField(help_text="While in review, only one's own: verdicts are sealed.")
    reading = Reading(many=True)
    different = serializers.SerializerMethodField(help_text="What changed since the last request for this model.")
    conditions = serializers.SerializerMethodField(help_text="Under which it was given, once it is decided.")
    validity = Validity(source="*")
    suspension = SuspensionOutput(allow_null=True, help_text="The one in force.")
    breaches = BreachOutput(many=True, help_text="What was out of bounds in operation: it falls for good.")
    serving = serializers.SerializerMethodField(help_text="The deployments that were opened on it and not stopped.")
    told = serializers.SerializerMethodField(help_text="Who was told of a suspension or revocation.")

    @extend_schema_field(SignatureOutput(many=True))
    def get_signatures(self, case):
        return SignatureOutput(case.seen_by(self.context["request"].auth), many=True).data

    def get_serving(self, case) -> list[str]:
        return queries.serving_on(case.approval)

    @extend_schema_field(TellingOutput(many=True))
    def get_told(self, case):
        return TellingOutput(queries.tellings(case.approval), many=True).data

    def get_different(self, case) -> list[str]:
        return queries.since_last(case.approval, case.dossier)[1]

    @extend_schema_field(ConditionOutput(many=True))
    def get_conditions(self, case):
        return [] if case.sealed else ConditionOutput(case.conditions, many=True).data

    def to_representation(self, case):
        return ApprovalOutput(case.approval, context=self.context).data | super().to_representation(case)


class OneApproval(Door):
    # what the doors of one sign-off share: it is found for who asks, or 404
    def approval(self, pk) -> Approval:
        return get_object_or_404(queries.approvals(viewer=self.by), pk=pk)

    def told(self, pk, *, code: int = status.HTTP_200_OK):
        approval = self.approval(pk)
        readings.opened(approval, by=self.by, digest=approval.dossier_digest)
        return self.answer(CaseOutput, queries.case(approval, viewer=self.by), status=code)


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


class Fulfilments(OneApproval):
    @extend_schema(request=FulfilmentInput, responses={201: CaseOutput}, operation_id="approvals_fulfil")
    def post(self, request, pk):
        approval, given = self.approval(pk), self.read(FulfilmentInput)
        actions.fulfil(approval, given["condition"], evidence=given["evidence"], by=self.by)
        return self.told(pk, code=status.HTTP_201_CREATED)


class Confirmations(OneApproval):
    @extend_schema(request=ConfirmationInput, responses={201: CaseOutput}, operation_id="approvals_confirm")
    def post(self, request, pk):
        actions.confirm(self.approval(pk), self.read(ConfirmationInput)["condition"], by=self.by)
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


class SuspensionOfApproval(OneApproval):
    @extend_schema(request=SuspensionInput, responses={201: CaseOutput}, operation_id="approvals_suspend")
    def post(self, request, pk):
        """From now on nothing serves on it; two people let it stand again."""
        actions.suspend(self.approval(pk), by=self.by, **self.read(SuspensionInput))
        return self.told(pk, code=status.HTTP_201_CREATED)


class Resumption(OneApproval):
    @extend_schema(request=ReasonInput, responses={201: CaseOutput}, operation_id="approvals_ask_to_resume")
    def post(self, request, pk):
        """Ask for it to stand again; a second person, who had no hand in the model, grants it."""
        actions.ask_to_resume(self.approval(pk), by=self.by, **self.read(ReasonInput))
        return self.told(pk, code=status.HTTP_201_CREATED)


class ResumptionGrant(OneApproval):
    @extend_schema(request=None, responses=CaseOutput, operation_id="approvals_resume")
    def post(self, request, pk):
        actions.resume(self.approval(pk), by=self.by)
        return self.told(pk)


class Tellings(OneApproval):
    @extend_schema(request=TellingInput, responses={201: CaseOutput}, operation_id="approvals_tell")
    def post(self, request, pk):
        """Keep that somebody was told of its suspension or revocation."""
        actions.tell(self.approval(pk), by=self.by, **self.read(TellingInput))
        return self.told(pk, code=status.HTTP_201_CREATED)


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
