"""Who may ask how a signed model fares in operation; and a rule that is broken there, in a sentence."""

from collections.abc import Sequence

from apps.accounts.permissions import Permission, why_not
from apps.approvals.gates.policy import Policy
from apps.approvals.models import Approval, Breach, State
from apps.common.numbers import interval, number, rounded
from apps.reports.rules import why_not_measure as why_not_measure_version

GIVEN = (State.APPROVED, State.REVOKED)


def why_not_measure(approval: Approval, *, by) -> str | None:
    """Only what was signed off has been in operation; it may be looked at after its sign-off fell, too."""
    if reason := why_not(by, Permission.OPERATION_MEASURE):
        return reason
    if approval.state not in GIVEN:
        return f"{approval.model_version} was not signed off; there is no operation of it to measure."
    return why_not_measure_version(approval.model_version, by=by)


def broken(breach: Breach, policy: Policy) -> str:
    """Which rule, what was measured, on how many rows and by which report."""
    figure, report, rule = breach.figure, breach.report, policy.rules[breach.place - 1]
    value = rounded(figure["value"], figure.get("low"), figure.get("high"), figure.get("n"))
    ends = interval(figure.get("low"), figure.get("high"))
    smallest = figure.get("smallest_group")
    rows = f"n = {number(figure.get('n'))}" + (f", smallest group {number(smallest)}" if smallest is not None else "")
    return (
        f"Rule {breach.place} fails in operation: {rule.sentence(breach.of)}. Measured: "
        f"{value}{f' ({ends})' if ends else ''}, {rows}, by the {report.kind} report in operation {report.pk} "
        f"({report.digest[:12]}) on {report.dataset_version}."
    )


def why_not_again(found: Sequence[Breach], policy: Policy) -> str | None:
    """Against asking for a sign-off while figures in operation are out of bounds."""
    if not found:
        return None
    more = f" And {len(found) - 1} more." if len(found) > 1 else ""
    return f"{broken(found[0], policy)}{more} Measure again in operation once it is mended, or train a new version."
