"""Who may say what about controls. Every objection is a sentence; none is None."""

from apps.accounts.permissions import Permission, why_not
from apps.controls.rules.coverage import Clause, State
from apps.projects.rules import why_not_work_in


def why_not_state(project, *, by) -> str | None:
    return why_not(by, Permission.FACT_STATE) or why_not_work_in(project)


def why_not_choose(*, by) -> str | None:
    return why_not(by, Permission.FRAMEWORK_CHOOSE)


def why_not_set_retention(*, by) -> str | None:
    return why_not(by, Permission.RETENTION_SET)


def why_not_publish_schedule(schedule, in_force, *, by) -> str | None:
    """`schedule`: what was proposed; `in_force`: the one that counts now, or None."""
    if reason := why_not(by, Permission.RETENTION_PUBLISH):
        return reason
    if schedule.published_at:
        return "This schedule is published already."
    if schedule.by.user_id == by.user_id:
        return "You proposed it; a second person publishes it."
    if in_force and in_force.number > schedule.number:
        return f"{str(in_force).capitalize()} was published since; propose the change anew."
    return None


def why_not_judge(clause: Clause, deed: str | None, *, by) -> str | None:
    """`deed`: what they did to the model version, if anything."""
    if reason := why_not(by, Permission.EVIDENCE_JUDGE):
        return reason
    if deed:
        return f"You {deed}; somebody who had no hand in this model judges its evidence."
    if clause.state == State.NOT_APPLICABLE:
        return "This clause does not apply to this project."
    if not any(holding.items for holding in clause.holdings):
        return "There is no evidence to judge yet."
    return None
