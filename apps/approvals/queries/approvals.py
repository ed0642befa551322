"""Sign-offs, on behalf of a viewer."""

import json
from datetime import datetime

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

from apps.accounts.permissions import Permission
from apps.approvals.gates.changes import differences
from apps.approvals.gates.policy import Policy as PolicyText
from apps.approvals.models import Approval, Delegation, Fulfilment, Signature, State, Suspension, Waiver
from apps.approvals.queries.dossiers import bound_now, hands
from apps.approvals.queries.operation import breaches
from apps.approvals.queries.standing import STANDS
from apps.approvals.queries.suspensions import suspension
from apps.approvals.rules import Case, Condition, Conflict, Evidence, broken
from apps.audits import readings
from apps.audits.events import REFUSALS, Event
from apps.audits.models import Record
from apps.models.models import ModelVersion


def approvals(*, viewer, project=None):
    """Newest first; each with `.stands` and `.signed` (verdicts so far)."""
    found = Approval.objects.filter(organization=viewer.organization_id)
    given = Signature.objects.filter(approval=OuterRef("pk")).order_by().values("approval")
    signed = given.annotate(count=Count("pk")).values("count")
    if project is not None:
        found = found.filter(project=project)
    return (
        found.select_related(
            "project__organization",
            "model_version__model",
            "requested_by__user",
            "ended_by__user",
            "policy_version__policy__organization",
        )
        .annotate(stands=STANDS, signed=Coalesce(Subquery(signed), 0))
        .order_by("-pk")
    )


def listed_approvals(*, viewer, project=None):
    """The same without what only the page of one shows: a dossier is large."""
    return approvals(viewer=viewer, project=project).defer("dossier", "bound", "policy_version__source")


def earlier(version: ModelVersion, *, viewer):
    """The sign-offs so far of a model version; and those that ended what has the same bytes for good."""
    same_bytes = Q(model_version__artifact_digest=version.artifact_digest)
    final = Q(state=State.REVOKED) | Q(state=State.REJECTED, project=version.project_id)
    held = Suspension.objects.filter(approval=OuterRef("pk"), approval__state=State.APPROVED, resumed_at=None)
    found = approvals(viewer=viewer).filter(Q(model_version=version) | same_bytes & final)
    return found.annotate(held=Exists(held))


def model_versions(*, viewer, project):
    """What a sign-off may be asked for, newest first; each with the state of its latest sign-off."""
    latest = Approval.objects.filter(model_version=OuterRef("pk")).order_by("-pk")
    return (
        ModelVersion.objects.filter(organization=viewer.organization_id, project=project, retired_at=None)
        .select_related("model", "project__organization", "project__owner__user", "dataset_version__dataset")
        .annotate(latest_state=Subquery(latest.values("state")[:1]))
        .order_by("-pk")
    )


def case(approval: Approval, *, viewer=None) -> Case:
    """Everything that is judged about a sign-off, as it is now. `approval` came from `approvals(viewer=)`; with a
    viewer, also what they have read of it."""
    dossier, policy = json.loads(approval.dossier), PolicyText.from_json(approval.policy_version.body)
    found = breaches(approval)
    return Case(
        approval=approval,
        dossier=dossier,
        policy=policy,
        signatures=tuple(approval.signatures.select_related("signer__user").order_by("pk")),
        hands=hands(approval.model_version_id),
        newcomers=_newcomers(approval),
        changes=(*(broken(breach, policy) for breach in found), *differences(dossier, bound_now(approval))),
        breaches=found,
        now=timezone.now(),
        reading=_reading(approval, dossier, viewer) if viewer else (),
        conflict=conflict(approval, viewer) if viewer else None,
        delegation=delegation(approval, viewer=viewer) if viewer else None,
        conditions=_conditions(approval),
        lapsed=_lapsed(approval),
        suspension=suspension(approval),
    )


def delegation(approval: Approval, *, viewer) -> Delegation | None:
    """By which the viewer may sign in another's place now. A token signs for its own person alone."""
    if viewer.may(Permission.APPROVAL_SIGN) or viewer.token:
        return None
    return active_delegations(approval.project).filter(delegate=viewer).select_related("delegator__user").first()


def active_delegations(project):
    now = timezone.now()
    mine = Delegation.objects.filter(organization_id=project.organization_id, ended_at=None)
    return mine.filter(Q(project=None) | Q(project=project), starts_at__lte=now, ends_at__gt=now)


def conflict(approval: Approval, viewer) -> Conflict | None:
    """What keeps the viewer from deciding about it."""
    with connection.cursor() as cursor:
        cursor.execute("select own, name, deed from approvals_conflict(%s, %s)", [approval.pk, viewer.user_id])
        found = cursor.fetchone()
    return Conflict(*found) if found else None


def _conditions(approval: Approval) -> tuple[Condition, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select signature_id, number, condition::text, met, overdue from approvals_conditions(%s) order by 1, 2",
            [approval.pk],
        )
        found = cursor.fetchall()
    if not found:
        return ()
    signatures = {signature.pk: signature for signature in approval.signatures.all()}
    kept = Fulfilment.objects.filter(signature__approval=approval).select_related(
        "fulfilled_by__user", "confirmed_by__user"
    )
    fulfilled = {(each.signature_id, each.number): each for each in kept}
    return tuple(
        _condition(signatures[pk], json.loads(said), met, overdue, fulfilled.get((pk, number)))
        for pk, number, said, met, overdue in found
    )


def _condition(signature, said: dict, met: bool, overdue: bool, fulfilment) -> Condition:
    return Condition(
        signature=signature,
        number=said["number"],
        text=said["text"],
        owner=said["owner"],
        owner_name=said["owner_name"],
        due_at=datetime.fromisoformat(said["due_at"]),
        consequence=said["consequence"],
        check=said["check"],
        met=met,
        overdue=overdue,
        fulfilment=fulfilment,
    )


def _lapsed(approval: Approval) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select approvals_lapsed(%s)", [approval.pk])
        return cursor.fetchone()[0]


def _reading(approval: Approval, dossier: dict, viewer) -> tuple[Evidence, ...]:
    """What the dossier rests on, each with the moment the viewer opened it since the request."""
    when = readings.first(organization_id=approval.organization_id, person=viewer.user_id, since=approval.requested_at)
    where = [approval.project.organization.slug, approval.project.slug]
    rests_on = {
        rule.get(word) for rule in dossier["policy_body"]["rules"] for word in ("report", "document", "statement")
    }
    papers = tuple(
        Evidence(
            kind=paper["kind"],
            name=f"the {paper['kind'].replace('_', ' ')}" + (f" ({paper['subtype']})" if paper["subtype"] else ""),
            digest=paper["digest"],
            url=reverse(paper["is"], args=[*where, paper["number"]]),
            rest=f"{paper['is']}s/{paper['number']}/",
            demanded=bool({paper["kind"], f"{paper['kind']}-{paper['subtype'].lower()}"} & rests_on),
            opened_at=when.get(paper["digest"]),
        )
        for paper in dossier.get("documents") or []
    )
    return papers + tuple(
        Evidence(
            kind=report["kind"],
            name=f"the {report['kind']} report",
            digest=report["digest"],
            url=reverse("report", args=[*where, report["report"]]),
            rest=f"reports/{report['report']}/",
            demanded=report["kind"] in rests_on,
            opened_at=when.get(report["digest"]),
        )
        for report in dossier["evidence"]
    )


def since_last(approval: Approval, dossier: dict) -> tuple[Approval | None, list[str]]:
    """The request before this one for the same model, and what is different, in sentences (WF-APP-5)."""
    before = Approval.objects.filter(
        organization_id=approval.organization_id, model_version__model=approval.model_version.model, pk__lt=approval.pk
    )
    last = before.select_related("project__organization", "model_version__model").order_by("-pk").first()
    if last is None:
        return None, []
    earlier = json.loads(last.dossier)
    was = {(one["rule"], one.get("of")): one["verdict"] for one in earlier["gates"]["outcomes"]}
    verdicts = [
        f"“{one['rule']}” was {was[key]} and is now {one['verdict']}."
        for one in dossier["gates"]["outcomes"]
        if (key := (one["rule"], one.get("of"))) in was and was[key] != one["verdict"]
    ]
    return last, [*differences(earlier, dossier), *verdicts]


def _newcomers(approval: Approval) -> frozenset[int]:
    """Memberships that began or changed after the request: a role gained then does not count for it."""
    later = Record.objects.filter(
        organization_id=approval.organization_id,
        on_type="membership",
        event__in=(Event.MEMBER_JOINED, Event.MEMBER_CHANGED),
        at__gt=approval.requested_at,
    )
    return frozenset(later.values_list("on_id", flat=True))


def history(thing: Approval | Waiver) -> list[tuple[Record, str]]:
    """What the record remembers of a sign-off or waiver, oldest first: (record, what was done)."""
    found = Record.objects.filter(
        organization_id=thing.organization_id, on_type=thing._meta.model_name, on_id=thing.pk
    ).exclude(event__in=REFUSALS)
    found = found.order_by("seq")
    return [(entry, Event(entry.event).label) for entry in found]


def model_version(pk: int, *, viewer) -> ModelVersion | None:
    """One model version of the viewer's organization, to be asked for."""
    mine = ModelVersion.objects.filter(organization=viewer.organization_id, pk=pk)
    return mine.select_related(
        "model", "project__organization", "project__owner__user", "dataset_version__dataset"
    ).first()
