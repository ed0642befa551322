"""Ask how a signed model fares in operation."""

from datetime import date

from apps.accounts.permissions import Permission, require
from apps.approvals import rules
from apps.approvals.models import Approval
from apps.audits.refusals import action
from apps.common.errors import refuse
from apps.reports import actions as reports
from apps.reports.models import OperationReport


@action
def measure_in_operation(
    approval: Approval, data, *, kinds: list[str], by, since: date | None = None, until: date | None = None
) -> list[OperationReport]:
    """Queue reports on all rows of a dataset version from operation. A figure that its policy requires and that they
    show out of bounds takes the sign-off down, at the moment the worker has computed it."""
    require(by, Permission.OPERATION_MEASURE)
    refuse(rules.why_not_measure(approval, by=by))
    return reports.measure_in_operation(approval.model_version, data, kinds=kinds, since=since, until=until, by=by)
