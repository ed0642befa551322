"""What a dossier says: what it binds, what was measured, who had a hand in it."""

import json
from datetime import datetime
from typing import Any

from django.db import connection

from apps.approvals.gates.decide import Evidence, decide, overall
from apps.approvals.gates.policy import Policy as PolicyText
from apps.approvals.models import PolicyVersion
from apps.approvals.queries import locks, papers, waivers
from apps.audits import checkpoints
from apps.models.models import ModelVersion
from apps.reports.models import Report
from apps.reports.queries import speaking


def bound(version_id: int, policy_version_id: int) -> dict[str, Any]:
    """What a sign-off of this model version under this policy version would bind now. The database says it, because
    its own triggers, and every prediction, ask the same question."""
    with connection.cursor() as cursor:
        cursor.execute("select approvals_bound(%s, %s)::text", [version_id, policy_version_id])
        return json.loads(cursor.fetchone()[0])


def bound_now(approval) -> dict[str, Any]:
    """The same of a sign-off that exists, but for reports that its own conditions asked for."""
    with connection.cursor() as cursor:
        cursor.execute("select approvals_bound_now(%s)::text", [approval.pk])
        return json.loads(cursor.fetchone()[0])


def operation(version: ModelVersion) -> list[dict[str, Any]]:
    """Everything measured in operation of these bytes, as a dossier tells it. The database says it, and asks for it."""
    with connection.cursor() as cursor:
        cursor.execute("select approvals_operation(%s)::text", [version.pk])
        return json.loads(cursor.fetchone()[0])


def hands(version_id: int) -> dict[int, str]:
    """Who had a hand in a model version: person's id -> what they did."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select user_id, string_agg(distinct deed, ' and ') from approvals_hands(%s) group by 1", [version_id]
        )
        return dict(cursor.fetchall())


def latest_reports(version: ModelVersion) -> list[Report]:
    """The report of each kind that speaks."""
    return list(speaking([version.pk]).select_related("project__organization").order_by("kind"))


def gates(version: ModelVersion, policy: PolicyText, reports: list[Report], now: datetime, *, waived=(), filed=None):
    """Each rule of the policy against what was measured of this version. `waived`: as a dossier tells its waivers;
    `filed`: as it tells its papers, where they were read already."""
    evidence = [
        Evidence(report.kind, json.loads(report.result), report.digest, report.finished_at, _outdated(report, version))
        for report in reports
    ]
    return decide(
        policy,
        evidence,
        attributes=attributes(version),
        now=now,
        papers=papers.as_gates(papers.filed(version) if filed is None else filed),
        waivers=waivers.as_gates(waived),
    )


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
    covers = bound(version.pk, policy_version.pk)
    filed = papers.filed(version)
    outcomes = gates(version, policy, reports, at, waived=covers["waivers"], filed=filed)
    return {
        "assay": "dossier 2",
        **covers,
        "policy_body": policy_version.body,
        "lock": locks.lock(version, policy_version, viewer=by),
        "sensitive": attributes(version),
        "evidence": [_evidence(report) for report in reports],
        "papers": filed,
        "operation": operation(version),
        "gates": {"verdict": overall(outcomes).value, "outcomes": [outcome.to_json() for outcome in outcomes]},
        "hands": _named_hands(version, policy_version, covers["waivers"]),
        "checkpoint": _checkpoint(version.organization_id),
        "asked": {"by": str(by.user), "person": by.user_id, "role": by.role, "at": at.isoformat(), "note": note},
    }


def _checkpoint(organization_id: int) -> dict[str, Any]:
    """The record as it stood when it was asked for."""
    made = checkpoints.make(organization_id)
    return {"origin": checkpoints.origin(organization_id), "size": made.size, "root": bytes(made.root).hex()}


def _evidence(report: Report) -> dict[str, Any]:
    result = json.loads(report.result)
    return {
        "kind": report.kind,
        "report": report.pk,
        "digest": report.digest,
        "finished_at": report.finished_at.isoformat(),
        "verdict": report.verdict,
        "answer": result.get("answer", ""),
        "provenance": result.get("provenance", ""),
    }


HANDS = """
with deeds as (
    select user_id, deed from approvals_hands(%(version)s)
    union select m.user_id, case m.id when pv.proposed_by_id then 'proposed its policy' else 'published its policy' end
      from approvals_policyversion pv join accounts_membership m on m.id in (pv.proposed_by_id, pv.published_by_id)
     where pv.id = %(policy)s
    union select m.user_id, 'asked for a waiver that it rests on'
      from accounts_membership m where m.id = any(%(waived)s)
    union select m.user_id, 'asked for its reports'
      from approvals_policyversion pv
      join reports_report r on r.model_version_id = %(version)s and r.state = 'finished'
      join accounts_membership m on m.id = r.started_by_id
     where pv.id = %(policy)s and pv.body -> 'measured_by_others' = 'true')
select u.id, u.name, deed from deeds join accounts_user u on u.id = deeds.user_id order by deed, u.name, u.id
"""


def _named_hands(version: ModelVersion, policy_version: PolicyVersion, waivers: list[dict]) -> list[dict[str, Any]]:
    """Everybody whose deeds keep them from signing, as `approvals_conflict` says of each: an outsider compares them
    with the signers."""
    given = {"version": version.pk, "policy": policy_version.pk, "waived": [one["requested_by"] for one in waivers]}
    with connection.cursor() as cursor:
        cursor.execute(HANDS, given)
        return [{"person": person, "name": name, "deed": deed} for person, name, deed in cursor.fetchall()]
