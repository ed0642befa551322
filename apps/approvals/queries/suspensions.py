"""Sign-offs held up or taken back: since when, what rested on them, who was told."""

from apps.approvals.models import Approval, Suspension, Telling


def suspension(approval: Approval) -> Suspension | None:
    """The one in force."""
    mine = Suspension.objects.filter(approval=approval, resumed_at=None)
    return mine.select_related("suspended_by__user", "asked_by__user").first()


def serving_on(approval: Approval) -> list[str]:
    """The names of the deployments that were opened on it and not stopped."""
    return list(approval.deployments.filter(state="serving").order_by("pk").values_list("name", flat=True))


def tellings(approval: Approval) -> list[Telling]:
    """Who was told, oldest first."""
    return list(Telling.objects.filter(approval=approval).select_related("by__user").order_by("pk"))
