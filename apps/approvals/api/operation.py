"""How a signed model fares in operation, over REST."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from apps.approvals import actions, queries
from apps.approvals.api.approvals import OneApproval
from apps.common.api import Choice
from apps.common.errors import NothingThere
from apps.datasets import queries as datasets
from apps.reports import queries as reports
from apps.reports.api import OperationReportOutput
from apps.reports.models import IN_OPERATION


class OperationInput(serializers.Serializer):
    dataset_version = serializers.IntegerField(min_value=1, help_text="Declared rows from operation, all measured.")
    kinds = serializers.ListField(child=Choice([(kind.value, kind.label) for kind in IN_OPERATION]), allow_empty=False)
    since = serializers.DateField(default=None, allow_null=True, help_text="First day of the period the rows are of.")
    until = serializers.DateField(default=None, allow_null=True, help_text="Its last day.")


class JudgedOutput(serializers.Serializer):
    """A report in operation under the policy of the sign-off."""

    verdict = serializers.CharField(help_text="Of all rules with a figure of its kind; empty while it is under way.")
    rules = serializers.SerializerMethodField(help_text="Rule by rule: place, figure, interval, threshold, n, verdict.")

    def get_rules(self, judged) -> list[dict]:
        return [outcome.to_json() for outcome in judged.outcomes]

    def to_representation(self, judged):
        told = OperationReportOutput(judged.report, context=self.context).data
        return told | {"own_verdict": told["verdict"]} | super().to_representation(judged)


class InOperation(OneApproval):
    @extend_schema(responses=JudgedOutput(many=True), operation_id="approvals_operation_list")
    def get(self, request, pk):
        """Every report in operation on its bytes, newest first, decided rule by rule as its policy says."""
        approval = self.approval(pk)
        policy, version = approval.policy_version.parsed, approval.model_version
        return self.slice(
            lambda rows, **options: JudgedOutput(queries.judged(rows, policy, version), **options),
            queries.measured(approval, viewer=self.by),
        )

    @extend_schema(
        request=OperationInput, responses={201: OperationReportOutput(many=True)}, operation_id="approvals_measure"
    )
    def post(self, request, pk):
        """Measure it on rows from operation. A required figure that they show out of bounds takes the sign-off down."""
        approval, given = self.approval(pk), self.read(OperationInput)
        data = datasets.versions(viewer=self.by).filter(pk=given.pop("dataset_version")).first()
        if data is None:
            raise NothingThere({"dataset_version": "There is no such dataset version in this organization."})
        asked = actions.measure_in_operation(approval, data, by=self.by, **given)
        found = reports.listed_operation_reports(viewer=self.by).filter(pk__in=[report.pk for report in asked])
        told = OperationReportOutput(found.order_by("pk"), many=True, context={"request": request})
        return Response({"results": told.data}, status=status.HTTP_201_CREATED)
