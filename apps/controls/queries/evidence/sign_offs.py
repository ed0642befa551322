"""Whether a model version is signed off, and how it serves."""

from dataclasses import replace

from apps.approvals.models import State as Asked
from apps.approvals.queries import listed_approvals
from apps.common.canonical import digest
from apps.controls.queries.evidence.subjects import COMPUTED, DECLARED, Subject, item_of, of_each_version
from apps.controls.rules.coverage import Item
from apps.deployments.queries import deployments


def of_sign_off(*, viewer, subjects, said):
    """The newest sign-off of the version: evidence once it is complete, and as long as it stands."""
    by_version = of_each_version(subjects)
    rows = listed_approvals(viewer=viewer).filter(model_version__in=by_version)
    newest = {row.model_version_id: row for row in reversed(rows)}
    for version, its in by_version.items():
        for subject in its:
            yield subject, "approval_signature", _sign_off(subject, newest.get(version))


def of_deployment(*, viewer, subjects, said):
    """The newest deployment of the version."""
    by_version = of_each_version(subjects)
    rows = deployments(viewer=viewer).filter(model_version__in=by_version)
    newest = {row.model_version_id: row for row in reversed(rows)}
    for version, row in newest.items():
        for subject in by_version[version]:
            yield subject, "deployment_record", _deployment(subject, row)


def _sign_off(subject: Subject, row) -> Item | str:
    if row is None:
        return "Nobody has asked for its sign-off."
    if row.state == Asked.OPEN:
        return f"Its sign-off is in review: {row.signed} signed so far."
    if row.state in (Asked.RETURNED, Asked.REJECTED, Asked.WITHDRAWN):
        return f"Its sign-off was {Asked(row.state).label}."
    why = "" if row.stands else "Its sign-off no longer stands."
    if row.state == Asked.REVOKED:
        why = "Its sign-off was revoked."
    words = {"name": f"Sign-off of {subject.version}", "digest": row.dossier_digest, "at": row.decided_at}
    until = row.valid_until and row.valid_until.date()
    return item_of("approval_signature", DECLARED, **words, url=row.get_absolute_url(), why_not_current=why,
                 valid_until=until)  # fmt: skip


def _deployment(subject: Subject, row) -> Item:
    ended = subject.version.retired_at is not None  # then the record of an ended deployment is what is asked for
    why = ""
    if row.state == "stopped" and not ended:
        why = f"{row.name} was stopped on {row.stopped_at:%-d %B %Y}."
    elif row.state == "serving" and ended:
        why = f"{row.name} serves a retired version."
    elif row.state == "serving" and not row.stands:
        why = f"{row.name} refuses: its sign-off no longer stands."
    told = {"deployment": row.pk, "name": row.name, "state": row.state, "approval": row.approval.dossier_digest}
    at = row.stopped_at or row.opened_at
    words = {"name": f"Deployment {row.name}, {row.state}", "digest": digest(told), "at": at}
    record = item_of("deployment_record", COMPUTED, **words, url=row.get_absolute_url(), why_not_current=why)
    overdue = f"The stop of {row.name} was to be tried by {row.drill_due:%-d %B %Y}: suspend its sign-off as a drill."
    return replace(record, drill_gap=overdue if row.drill_overdue else "")
