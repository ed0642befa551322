"""When the sealed test rows of a model version were opened, which policy counted then, and what was changed since.

A threshold chosen after the figures were seen is worth less than one chosen before. Nobody is asked when that was: what
opens the test rows of a model version is its training run, where that measured them, or else the first report on it.
The policy in force at that moment is the lock. That other versions were measured on the same rows before is not looked
at."""

from datetime import datetime
from typing import Any

from apps.approvals.gates.defaults import built_in_policy
from apps.approvals.gates.policy import Policy, policy_digest
from apps.approvals.gates.versions import differences
from apps.approvals.models import PolicyVersion
from apps.approvals.queries.policies import built_in_applies, policy_in_force
from apps.models.models import ModelVersion
from apps.reports.models import Report


def opened(version: ModelVersion) -> tuple[datetime, str] | None:
    """When and by what: as soon as a report was asked for, its rows count as seen, whatever became of it."""
    if (version.metrics or {}).get("holdout"):
        return version.created_at, f"training run {version.run_id}"
    first = Report.objects.filter(model_version=version).order_by("pk").first()
    return (first.queued_at, f"{first.kind} report {first.pk}") if first else None


def lock(version: ModelVersion, judged_by: PolicyVersion | None, *, viewer) -> dict[str, Any]:
    """Plain values for a dossier and a page: when and by what the rows were opened, the policy then, and for each
    policy that came to count for the project since, what it changed."""
    found = opened(version)
    if found is None:
        return {"opened_at": None, "by": None, "policy": None, "changes": [], "kept": True}
    (at, by), project = found, version.project
    then = policy_in_force(project.risk_class, answers=project.answers, viewer=viewer, at=at)
    text, told = _then(then, project.risk_class, viewer, at)
    changes = _since(text, then, judged_by, at)
    return {
        "opened_at": at.isoformat(),
        "by": by,
        "policy": told,
        "changes": changes,
        "kept": not changes,
    }


def _then(then: PolicyVersion | None, risk_class: str, viewer, at: datetime) -> tuple[Policy | None, dict | None]:
    if then:
        return then.parsed, _named(then)
    if built_in_applies(risk_class, viewer=viewer, at=at):
        return built_in_policy(risk_class), {"name": built_in_policy(risk_class).name, "version": None, "digest": None}
    return None, None


def _since(text: Policy | None, then: PolicyVersion | None, judged_by: PolicyVersion | None, at: datetime) -> list:
    """Every version between the lock and the one that judges, oldest first, each with what it changed."""
    if judged_by is None or (then and then.pk == judged_by.pk):
        return []
    between = PolicyVersion.objects.filter(
        organization_id=judged_by.organization_id,
        policy_id=judged_by.policy_id,
        published_at__gt=at,
        number__lte=judged_by.number,
    ).select_related("policy", "proposed_by__user", "published_by__user")
    steps, found = [*between.order_by("number")], []
    if not steps or steps[-1].pk != judged_by.pk:
        steps.append(judged_by)  # published before, and chosen only later
    for step in steps:
        what = list(differences(text, step.parsed)) if text else ["There was no policy before it."]
        if what:
            by = str((step.proposed_by or step.published_by).user) if step.published_by else "Assay"
            found.append(_named(step) | {"at": step.published_at.isoformat(), "by": by, "what": what})
        text = step.parsed
    return found


def _named(version: PolicyVersion) -> dict[str, Any]:
    return {"name": version.policy.name, "version": version.number, "digest": policy_digest(version.body)}
