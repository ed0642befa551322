"""Waivers, on behalf of a viewer."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Case, Count, F, Q, Value, When
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.approvals.gates.decide import Waiver as InForce
from apps.approvals.models import PolicyVersion, Waiver, WaiverState
from apps.common.errors import NothingThere
from apps.models.models import ModelVersion
from apps.projects.models import Project

ACTIVE = Q(state=WaiverState.APPROVED, starts_at__lte=Now(), ends_at__gt=Now())
OVERDUE = Q(state=WaiverState.APPROVED, ends_at__lte=Now())
STATUS = Case(
    When(OVERDUE, then=Value("expired")), When(ACTIVE, then=Value("active")), default=F("state"),
)  # fmt: skip
STATUSES = ("requested", "approved", "active", "expired", "rejected", "revoked", "closed")


def waivers(*, viewer, project=None):
    """Newest first."""
    found = Waiver.objects.filter(organization=viewer.organization_id)
    if project is not None:
        found = found.filter(project=project)
    return found.select_related(
        "project__organization", "policy_version__policy__organization", "model_version__model",
        "model_version__project__organization", "owner__user", "requested_by__user", "decided_by__user",
        "ended_by__user", "renewal_of",
    ).order_by("-pk")  # fmt: skip


def with_status(rows, status: str):
    """Those of one status, the clock considered."""
    return rows.annotate(now=STATUS).filter(now=status)


def to_end(*, viewer):
    """Those the viewer answers for that end within a month, or ended and nobody closed, the nearest first."""
    mine = waivers(viewer=viewer).filter(owner=viewer, state=WaiverState.APPROVED)
    return mine.filter(ends_at__lte=timezone.now() + timedelta(days=30)).order_by("ends_at")


def counted(*, viewer) -> list[dict[str, Any]]:
    """The register: for each owner how many are open (asked for, coming or active), overdue (over, and not closed) and
    renewals."""
    mine = Waiver.objects.filter(organization=viewer.organization_id)
    return list(
        mine.values(owner_name=F("owner__user__name"), email=F("owner__user__email"))
        .annotate(
            open=Count("pk", filter=Q(state=WaiverState.REQUESTED) | Q(state=WaiverState.APPROVED, ends_at__gt=Now())),
            overdue=Count("pk", filter=OVERDUE),
            renewed=Count("pk", filter=Q(renewal_of__isnull=False) & ~Q(state=WaiverState.REJECTED)),
            all=Count("pk"),
        )
        .order_by("owner_name", "email")
    )


def in_force(version, policy_version=None) -> list[dict[str, Any]]:
    """The waivers that hold for a model version now, as the database says them and a dossier binds them; of one policy
    version, or of any. `version` was fetched for a viewer."""
    with connection.cursor() as cursor:
        cursor.execute("select approvals_waivers(%s, %s)::text", [version.pk, policy_version and policy_version.pk])
        return json.loads(cursor.fetchone()[0])


def as_gates(bound: list[dict[str, Any]]) -> list[InForce]:
    """What a dossier says of its waivers, as what the gates decide on."""
    return [InForce(one["rule"], one["waiver"], parse_datetime(one["ends_at"])) for one in bound]


def hands_in(waiver: Waiver) -> dict[int, str]:
    """Who had a hand in what a waiver is for, in any of its models if that is a project: person's id -> the deed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select h.user_id, string_agg(distinct h.deed, ' and ') from models_modelversion v, approvals_hands(v.id) h"
            " where v.project_id = %s and (%s::bigint is null or v.id = %s) group by 1",
            [waiver.project_id, waiver.model_version_id, waiver.model_version_id],
        )
        return dict(cursor.fetchall())


@dataclass(frozen=True)
class Subject:
    """What a waiver is asked for, found for a viewer."""

    project: Project
    policy_version: PolicyVersion
    model_version: ModelVersion | None


def subject_of_waiver(*, viewer, project: str, policy: int, model_version: int | None) -> Subject:
    """Raises NothingThere, naming each that is not there."""
    mine = {"organization": viewer.organization_id}
    found = Project.objects.filter(**mine, slug=project).select_related("organization").first()
    version = PolicyVersion.objects.filter(**mine, pk=policy).select_related("policy").first()
    model = ModelVersion.objects.filter(**mine, pk=model_version, project=found).first() if model_version else None
    missing = {
        "project": (found, "There is no such project in this organization."),
        "policy": (version, "There is no such policy version in this organization."),
        "model_version": (model or not model_version, "There is no such model version in that project."),
    }
    if absent := {name: sentence for name, (there, sentence) in missing.items() if not there}:
        raise NothingThere(absent)
    return Subject(found, version, model)
