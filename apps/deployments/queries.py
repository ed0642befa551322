"""What serves, and with which permits, on behalf of a viewer."""

from datetime import timedelta

from django.conf import settings
from django.db.models import BooleanField, DateTimeField, Exists, ExpressionWrapper, F, Func, OuterRef, Subquery
from django.db.models.functions import Coalesce, Least, Now
from django.utils import timezone

from apps.approvals import queries as approvals
from apps.approvals.models import Suspension
from apps.audits.events import REFUSALS, Event
from apps.audits.models import Record
from apps.deployments.models import DRILL_EVERY, DRILL_WARNED, LONGEST, STOPS_WITHIN, Deployment, Permit, State

STANDS = Func(F("approval_id"), function="approvals_stands", output_field=BooleanField())
PERMIT_STANDS = Func(F("pk"), function="deployments_permit_stands", output_field=BooleanField())
MOMENT = DateTimeField()


def deployments(*, viewer, project=None):
    """Newest first; each with `.stands`: whether the sign-off it rests on stands now, and `.permitted`: whether a
    permit for this environment is in force; and `.tried_at`: when its stop was last tried and held in time."""
    found = Deployment.objects.filter(organization=viewer.organization_id)
    if project is not None:
        found = found.filter(project=project)
    return (
        found.select_related(
            "project__organization", "model_version__model", "approval", "opened_by__user", "stopped_by__user"
        )
        .defer("approval__dossier", "approval__bound")
        .annotate(stands=STANDS, permitted=_permitted(), tried_at=_tried_at())
        .order_by("-pk")
    )


def _tries(pk, *, approval, opened_at):
    """The suspensions that are over and met a deployment with a permit in force, drill or not, the newest first; each
    with `.stopped_at`: when the last of the permits that were in force as it began had fallen."""
    began = OuterRef("suspended_at")
    then = Permit.objects.filter(
        deployment=pk, issued_at__lte=began, expires_at__range=(began, ExpressionWrapper(began + LONGEST, MOMENT))
    )
    fell = Least("revoked_at", "expires_at")
    last = then.annotate(fell_at=fell).filter(fell_at__gte=began).order_by("-fell_at").values("fell_at")[:1]
    over = Suspension.objects.filter(approval=approval, resumed_at__isnull=False, suspended_at__gte=opened_at)
    return over.annotate(stopped_at=Subquery(last)).exclude(stopped_at=None).order_by("-suspended_at")


def _tried_at() -> Subquery:
    """When a deployment last showed that it stops in time; a try that took longer shows nothing."""
    tries = _tries(OuterRef(OuterRef("pk")), approval=OuterRef("approval"), opened_at=OuterRef("opened_at"))
    in_time = tries.filter(stopped_at__lte=ExpressionWrapper(F("suspended_at") + STOPS_WITHIN, MOMENT))
    return Subquery(in_time.values("suspended_at")[:1])


def last_try(deployment: Deployment) -> Suspension | None:
    """The newest, in time or not; with `.stopped_at`."""
    return _tries(deployment.pk, approval=deployment.approval_id, opened_at=deployment.opened_at).first()


def _permitted():
    here = Permit.objects.filter(deployment=OuterRef("pk"), environment=settings.ENVIRONMENT)
    return Exists(here.filter(revoked_at=None, expires_at__gt=Now()))


def loaded(pk: int) -> Deployment:
    """One deployment of the tenant, for the process that has its model in memory; with `.stands`."""
    return deployments(viewer=Deployment.objects.only("organization").get(pk=pk)).get(pk=pk)


def why_it_does_not_stand(deployment: Deployment) -> tuple[str, ...]:
    """Why the sign-off it rests on does not stand now; nothing where it does. The database's word decides."""
    if deployment.stands:
        return ()
    return approvals.case(deployment.approval).reasons or ("Something it covers is changing at this moment.",)


def history(deployment: Deployment) -> list[tuple[Record, str]]:
    """What the record remembers of it, oldest first: (record, what was done)."""
    found = Record.objects.filter(
        organization_id=deployment.organization_id, on_type="deployment", on_id=deployment.pk
    ).exclude(event__in=REFUSALS)
    found = found.order_by("seq")
    return [(entry, Event(entry.event).label) for entry in found]


def permits(*, viewer):
    """Newest first; each with `.stands`: whether it lets its model run now."""
    found = Permit.objects.filter(organization=viewer.organization_id)
    return found.select_related("deployment__project__organization").annotate(stands=PERMIT_STANDS).order_by("-pk")


def permit(deployment: Deployment) -> Permit | None:
    """The newest of a deployment for the environment of this process, whatever became of it; with `.stands`."""
    return permits(viewer=deployment).filter(deployment=deployment, environment=settings.ENVIRONMENT).first()


def unexpired(deployment: Deployment):
    """Its permits that nobody revoked and whose time is not over, in any environment."""
    return Permit.objects.filter(deployment=deployment, revoked_at=None, expires_at__gt=timezone.now())


def serving() -> list[Deployment]:
    """Every deployment of the tenant that has not been stopped; with `.stands`, and `.permitted_until` in here."""
    here = Permit.objects.filter(deployment=OuterRef("pk"), environment=settings.ENVIRONMENT, revoked_at=None)
    until = Subquery(here.order_by("-expires_at").values("expires_at")[:1])
    found = Deployment.objects.filter(state=State.SERVING).annotate(stands=STANDS, permitted_until=until)
    return list(found.order_by("pk"))


def to_be_tried() -> list[Deployment]:
    """What serves in high-risk projects of the tenant, and has to show within days that it can be stopped, or had to;
    each with `.tried_at`."""
    found = Deployment.objects.annotate(tried_at=_tried_at())
    return list(
        _due(found).select_related("project__organization", "model_version__model", "opened_by__user").order_by("pk")
    )


def to_try(*, viewer):
    """Those of them that the viewer opened."""
    return _due(deployments(viewer=viewer).filter(opened_by=viewer))


def _due(found):
    soon = timezone.now() - DRILL_EVERY + timedelta(days=max(DRILL_WARNED))
    due = found.filter(state=State.SERVING, project__risk_class="high")
    return due.alias(since=Coalesce("tried_at", "opened_at")).filter(since__lte=soon)


def fallen(*, viewer, since):
    """Permits for this environment that were to last longer than `since`, and let nothing run any more."""
    mine = permits(viewer=viewer).filter(environment=settings.ENVIRONMENT, expires_at__gt=since)
    return mine.filter(stands=False)
