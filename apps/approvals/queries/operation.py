"""How a model that was signed off fares in operation, and what of that breaks a rule of its policy."""

import json
from dataclasses import dataclass

from django.db import connection

from apps.approvals.gates.decide import Evidence, Outcome, decide, overall
from apps.approvals.gates.policy import Policy
from apps.approvals.models import Approval, Breach, PolicyVersion
from apps.approvals.queries.dossiers import attributes
from apps.models.models import ModelVersion
from apps.reports import queries as reports
from apps.reports.models import OperationReport


@dataclass(frozen=True)
class Judged:
    """A report in operation, and each rule of a policy with a figure of its kind decided on it; none while it is under
    way."""

    report: OperationReport
    outcomes: tuple[Outcome, ...]

    @property
    def verdict(self) -> str:
        """Of all these rules together; empty where it is not finished, or no rule asks for its figures."""
        return overall(self.outcomes).value if self.outcomes else ""


@dataclass(frozen=True)
class Operation:
    """How a sign-off's model fares in operation: the newest finished report of each kind, and what broke a rule."""

    newest: tuple[Judged, ...]
    breaches: tuple[Breach, ...]

    @property
    def outcomes(self) -> list[dict]:
        """Each rule with a figure of these kinds, with the address of its report; what does not pass comes first."""
        found = [
            outcome.to_json() | {"url": one.report.get_absolute_url()}
            for one in self.newest
            for outcome in one.outcomes
        ]
        return sorted(found, key=lambda outcome: outcome["verdict"] == "pass")

    @property
    def beyond(self) -> list[dict]:
        """What does not pass of that."""
        return [outcome for outcome in self.outcomes if outcome["verdict"] != "pass"]

    @property
    def answer(self) -> str:
        """The first sentence about it."""
        if self.breaches:
            return "Out of bounds: a required figure broke its rule in operation, and the sign-off fell for good."
        if not self.newest:
            return "Nobody can tell yet: no rows from operation were measured."
        if "fail" in {outcome["verdict"] for outcome in self.beyond}:
            return "Out of bounds: a required figure breaks its rule in operation."
        if self.beyond:
            number = f"{len(self.beyond)} of {len(self.outcomes)}"
            return f"As far as can be told, within bounds; {number} required figures do not decide their rule."
        return "Within bounds: every required figure that was measured keeps its rule."


def in_operation(approval: Approval, *, viewer) -> Operation:
    """The sign-off's model in operation, under the policy it was signed by."""
    finished = measured(approval, viewer=viewer).filter(state="finished")
    newest = finished.order_by("kind", "-pk").distinct("kind")
    judged_now = judged(newest, approval.policy_version.parsed, approval.model_version)
    return Operation(tuple(judged_now), breaches(approval))


def measured(approval: Approval, *, viewer):
    """Every report in operation on the same bytes in its project, newest first."""
    return reports.operation_reports(viewer=viewer, version=approval.model_version)


def judged(found, policy: Policy, version: ModelVersion) -> list[Judged]:
    """Reports in operation under a policy, by the arithmetic of the gates."""
    return [Judged(report, _outcomes(report, policy, version)) for report in found]


def _outcomes(report: OperationReport, policy: Policy, version: ModelVersion) -> tuple[Outcome, ...]:
    if not report.result:
        return ()
    evidence = [Evidence(report.kind, json.loads(report.result), report.digest, report.finished_at)]
    decided = decide(policy, evidence, attributes=attributes(version), now=report.finished_at)
    return tuple(outcome for outcome in decided if outcome.report == report.kind and outcome.figure)


def breaches(approval: Approval) -> tuple[Breach, ...]:
    """What of it broke a rule of the sign-off's policy, as the database kept it; oldest first."""
    found = Breach.objects.filter(approval=approval).order_by("pk")
    related = found.select_related("report__dataset_version__dataset", "report__project__organization")
    return tuple(related.defer("report__result", "report__inputs", "report__dataset_version__declaration"))


def out_of_bounds(version: ModelVersion, policy_version: PolicyVersion | None) -> list[Breach]:
    """What is out of bounds now, whoever signed: it keeps a new request from being made. Not kept: told as breaches."""
    if policy_version is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            'select place, "of", report_id, figure::text from approvals_out_of_bounds(%s, %s)',
            [version.pk, policy_version.pk],
        )
        found = cursor.fetchall()
    mine = OperationReport.objects.filter(pk__in=[report for _, _, report, _ in found])
    known = mine.select_related("dataset_version__dataset", "project__organization").in_bulk()
    return [Breach(place=place, of=of, report=known[pk], figure=json.loads(said)) for place, of, pk, said in found]
