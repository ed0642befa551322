"""What is asked of policies and sign-offs, always on behalf of a viewer."""

import json
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Count, F, Func, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.approvals.gates.changes import differences
from apps.approvals.gates.decide import Evidence, decide, overall
from apps.approvals.gates.policy import Policy as PolicyText
from apps.approvals.models import Approval, PolicyVersion, Signature, State
from apps.approvals.rules import Case
from apps.audits.events import Event
from apps.audits.models import Record
from apps.models.models import ModelVersion
from apps.reports.models import Report

STANDS = Func(F("pk"), function="approvals_stands", output_field=BooleanField())


def policy_versions(*, viewer):
    return PolicyVersion.objects.filter(organization=viewer.organization_id).select_related(
        "policy__organization", "published_by__user", "withdrawn_by__user"
    )


def policy_in_force(risk_class: str, *, viewer) -> PolicyVersion | None:
    """The version published last, of any policy for that risk class, unless it was withdrawn."""
    return (
        policy_versions(viewer=viewer)
        .filter(policy__risk_class=risk_class, withdrawn_at=None)
        .order_by("-published_at", "-pk")
        .first()
    )


def built_in_applies(risk_class: str, *, viewer) -> bool:
    """Whether nobody has ever published a policy for that class, so that the built-in one is what counts."""
    return not policy_versions(viewer=viewer).filter(policy__risk_class=risk_class).exists()


def policies_in_force(*, viewer) -> dict[str, PolicyVersion]:
    """Risk class -> the version in force, for the classes that have one."""
    live = policy_versions(viewer=viewer).filter(withdrawn_at=None)
    newest = live.order_by("policy__risk_class", "-published_at", "-pk").distinct("policy__risk_class")
    return {version.policy.risk_class: version for version in newest}


def resting_on(version: PolicyVersion, *, viewer) -> int:
    """How many sign-offs that stand, or are in review, would fall with this policy version."""
    mine = Approval.objects.filter(organization=viewer.organization_id, policy_version=version).annotate(stands=STANDS)
    return mine.filter(Q(stands=True) | Q(state=State.OPEN)).count()


def approvals(*, viewer, project=None):
    """Newest first; each with `.stands` and `.signed` (signatures so far)."""
    found = Approval.objects.filter(organization=viewer.organization_id)
    given = Signature.objects.filter(approval=OuterRef("pk"), decision="sign").order_by().values("approval")
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


def model_versions(*, viewer, project):
    """What a sign-off may be asked for, newest first; each with the state of its latest sign-off."""
    latest = Approval.objects.filter(model_version=OuterRef("pk")).order_by("-pk")
    return (
        ModelVersion.objects.filter(organization=viewer.organization_id, project=project, retired_at=None)
        .select_related("model", "project__organization", "dataset_version__dataset")
        .annotate(latest_state=Subquery(latest.values("state")[:1]))
        .order_by("-pk")
    )


def case(approval: Approval) -> Case:
    """Everything that is judged about a sign-off, as it is now. `approval` came from `approvals(viewer=)`."""
    dossier = json.loads(approval.dossier)
    return Case(
        approval=approval,
        dossier=dossier,
        policy=PolicyText.from_json(approval.policy_version.body),
        signatures=tuple(approval.signatures.select_related("signer__user").order_by("pk")),
        hands=hands(approval.model_version_id),
        newcomers=_newcomers(approval),
        changes=differences(dossier, bound(approval.model_version_id, approval.policy_version_id)),
        now=timezone.now(),
    )


def bound(version_id: int, policy_version_id: int) -> dict[str, Any]:
    """What a sign-off of this model version under this policy version would bind now. The database says it, because
    its own triggers, and every prediction, ask the same question."""
    with connection.cursor() as cursor:
        cursor.execute("select approvals_bound(%s, %s)::text", [version_id, policy_version_id])
        return json.loads(cursor.fetchone()[0])


def hands(version_id: int) -> dict[int, str]:
    """Who had a hand in a model version: person's id -> what they did."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select user_id, string_agg(distinct deed, ' and ') from approvals_hands(%s) group by 1", [version_id]
        )
        return dict(cursor.fetchall())


def _newcomers(approval: Approval) -> frozenset[int]:
    """Memberships that began or changed after the request: a role gained then does not count for it."""
    later = Record.objects.filter(
        organization_id=approval.organization_id,
        on_type="membership",
        event__in=(Event.MEMBER_JOINED, Event.MEMBER_CHANGED),
        at__gt=approval.requested_at,
    )
    return frozenset(later.values_list("on_id", flat=True))


def latest_reports(version: ModelVersion) -> list[Report]:
    """The newest finished report of each kind: the one that speaks."""
    finished = Report.objects.filter(model_version=version, state="finished").select_related("project__organization")
    return list(finished.order_by("kind", "-pk").distinct("kind"))


def gates(version: ModelVersion, policy: PolicyText, reports: list[Report], now: datetime):
    """Each rule of the policy against what was measured of this version."""
    evidence = [
        Evidence(report.kind, json.loads(report.result), report.digest, report.finished_at, _outdated(report, version))
        for report in reports
    ]
    return decide(policy, evidence, attributes=attributes(version), now=now)


def _outdated(report: Report, version: ModelVersion) -> str:
    measured = report.inputs.get("artifact", version.artifact_digest)
    return "" if measured == version.artifact_digest else f"It measured other bytes, {measured[:12]}."


def attributes(version: ModelVersion) -> list[str]:
    """The sensitive attributes the model's data declares."""
    return [attribute["name"] for attribute in (version.dataset_version.declaration or {}).get("sensitive", [])]


def draft(version: ModelVersion, policy_version: PolicyVersion, *, by, note: str, at: datetime) -> dict[str, Any]:
    """The dossier as it would be frozen now: what it binds, how the gates stand, who had a hand in it, who asks."""
    policy = PolicyText.from_json(policy_version.body)
    reports = latest_reports(version)
    outcomes = gates(version, policy, reports, at)
    return {
        "assay": "dossier 1",
        **bound(version.pk, policy_version.pk),
        "policy_body": policy_version.body,
        "sensitive": attributes(version),
        "evidence": [_evidence(report) for report in reports],
        "gates": {"verdict": overall(outcomes).value, "outcomes": [outcome.to_json() for outcome in outcomes]},
        "hands": _named_hands(version),
        "asked": {"by": str(by.user), "role": by.role, "at": at.isoformat(), "note": note},
    }


def _evidence(report: Report) -> dict[str, Any]:
    result = json.loads(report.result)
    return {
        "kind": report.kind,
        "report": report.pk,
        "digest": report.digest,
        "finished_at": report.finished_at.isoformat(),
        "verdict": report.verdict,
        "answer": result.get("answer", ""),
    }


def _named_hands(version: ModelVersion) -> list[dict[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select u.name, h.deed from approvals_hands(%s) h join accounts_user u on u.id = h.user_id"
            " group by 1, 2 order by 2, 1",
            [version.pk],
        )
        return [{"name": name, "deed": deed} for name, deed in cursor.fetchall()]


def history(approval: Approval) -> list[tuple[Record, str]]:
    """What the record remembers of this sign-off, oldest first: (record, what was done)."""
    found = Record.objects.filter(
        organization_id=approval.organization_id, on_type="approval", on_id=approval.pk
    ).order_by("seq")
    return [(entry, Event(entry.event).label) for entry in found]


def model_version(pk: int, *, viewer) -> ModelVersion | None:
    """One model version of the viewer's organization, to be asked for."""
    mine = ModelVersion.objects.filter(organization=viewer.organization_id, pk=pk)
    return mine.select_related("model", "project__organization", "dataset_version__dataset").first()
