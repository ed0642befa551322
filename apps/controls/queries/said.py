"""What people said of projects and of the organization, and what the record knows: one statement for any number of
projects, since each is a short row of its own."""

import datetime as dt
from dataclasses import dataclass

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import JSONObject
from django.urls import NoReverseMatch, reverse

from apps.approvals.gates.policy import Policy
from apps.approvals.models import Waiver as Waiving
from apps.approvals.queries.waivers import ACTIVE
from apps.audits.events import Event
from apps.audits.models import Record
from apps.controls.models import FrameworkChoice, Judgement, RetentionSchedule, StatedFact
from apps.controls.rules.coverage import Judgement as Judged
from apps.controls.rules.coverage import Waiver
from apps.incidents.queries import REGISTER, Register
from apps.incidents.queries import register as read_register
from apps.projects.models import Project

NAME = F("by__user__name")


@dataclass(frozen=True)
class Said:
    """Everything known of one project that is neither data nor model."""

    stated: dict[str, bool]  # what is registered is so, whatever was stated before
    stated_by: dict[str, dict]  # fact -> {"by", "at"}
    judged: dict[tuple[int | None, str], Judged]  # (model version's id or None, control)
    choices: dict[str, dict]  # framework -> {"followed", "reason", "by", "at"}
    schedule: dict | None  # the organization's retention schedule in force
    waived: list[tuple[int | None, str, Waiver]]  # (model version's id or None for all, kind, waiver)
    classified: dict | None  # {"seq", "at"} of the record of its risk class
    register: Register | None  # of its incidents; None where nobody wrote in it or confirmed it

    def waivers_for(self, version: int | None) -> dict[str, Waiver]:
        """Kind of evidence -> the waiver because of which it need not be there, for a model version."""
        return {kind: waiver for of, kind, waiver in self.waived if of in (None, version) and version is not None}

    def follows(self, framework: str) -> bool:
        """An organization follows every framework that no owner has excluded."""
        return self.choices.get(framework, {}).get("followed", True)


def said(*, viewer, projects) -> dict[int, Said]:
    """Project's id -> what was said of it, for projects of the viewer's organization."""
    mine = viewer.organization_id
    rows = (
        Project.objects.filter(organization_id=mine, pk__in=[project.pk for project in projects])
        .annotate(
            stated=_latest(StatedFact.objects.filter(project=OuterRef("pk")), "name", answer="answer"),
            judged=_latest(
                Judgement.objects.filter(project=OuterRef("pk")), "control", "model_version",
                adequate="adequate", reason="reason", evidence="evidence_digest",
            ),
            waived=ArraySubquery(_waived()),
            choices=_latest(choices(viewer=viewer), "framework", followed="followed", reason="reason"),
            schedule=_newest(schedules(viewer=viewer), number="number", digest="digest", at="published_at"),
            classified=_newest(_classified(mine), seq="seq", at="at"),
            register=REGISTER,
        )
        .values("pk", "stated", "judged", "waived", "choices", "schedule", "classified", "register")
    )  # fmt: skip
    return {row.pop("pk"): _said(**row) for row in rows}


def choices(*, viewer):
    """What owners decided about frameworks, newest first."""
    found = FrameworkChoice.objects.filter(organization_id=viewer.organization_id)
    return found.select_related("by__user").order_by("-pk")


def latest_choices(*, viewer) -> list[dict]:
    """The choice that counts for each framework that somebody decided about."""
    newest = choices(viewer=viewer).order_by("framework", "-pk").distinct("framework")
    return list(newest.values("framework", "followed", "reason", "at", "catalogue_digest", by_name=NAME))


def schedules(*, viewer):
    """The retention schedules that were published, newest first: the first is in force."""
    return every_schedule(viewer=viewer).exclude(published_at=None)


def every_schedule(*, viewer):
    """Also those that are proposed."""
    found = RetentionSchedule.objects.filter(organization_id=viewer.organization_id)
    return found.select_related("by__user", "published_by__user").order_by("-number")


def _classified(organization_id: int):
    return Record.objects.filter(
        organization_id=organization_id,
        on_type="project",
        on_id=OuterRef("pk"),
        event__in=(Event.PROJECT_OPENED, Event.PROJECT_CLASSIFIED),
    )


def _latest(rows, *key: str, **fields):
    """The newest row of each key."""
    told = JSONObject(**{name: name for name in key}, **fields, by=NAME, at="at")
    return ArraySubquery(rows.order_by(*key, "-pk").distinct(*key).values(it=told))


def _newest(rows, **fields):
    return Subquery(rows.order_by("-pk").values(it=JSONObject(**fields))[:1])


def _waived():
    """The waivers in force on rules of a project's policy."""
    rows = Waiving.objects.filter(ACTIVE, project=OuterRef("pk")).order_by("-pk")
    where = {"organization": F("organization__slug"), "project": F("project__slug"), "pk": "pk"}
    told = JSONObject(rule="rule", body=F("policy_version__body"), version="model_version", reason="reason",
                      owner=F("owner__user__name"), ends="ends_at", **where)  # fmt: skip
    return rows.values(it=told)


def _waiver(row: dict) -> tuple[int | None, str, Waiver] | None:
    """What a waiver says of evidence: only a rule that asks for its presence has a kind; a figure's limit has none."""
    rule = Policy.from_json(row["body"]).rules[row["rule"] - 1]
    if rule.figure:
        return None
    kind = f"{rule.kind}_report" if rule.noun == "report" else rule.kind.split("-")[0]
    url = page_of("waiver", row["organization"], row["project"], row["pk"])
    until = dt.datetime.fromisoformat(row["ends"]).date()
    return row["version"], kind, Waiver(row["owner"], row["reason"], until, url)


def page_of(name: str, *where) -> str:
    """The page of that name; nothing where the portal has none."""
    try:
        return reverse(name, args=where)
    except NoReverseMatch:
        return ""


def _said(*, stated, judged, choices, waived, register, **rest) -> Said:
    kept = read_register(register)
    return Said(
        waived=[found for row in waived if (found := _waiver(row))],
        stated={row["name"]: row["answer"] for row in stated} | registered(kept),
        register=kept,
        stated_by={row["name"]: row for row in stated},
        judged={(row["model_version"], row["control"]): _judged(row) for row in judged},
        choices={row["framework"]: row for row in choices},
        **rest,
    )


def registered(register: Register | None) -> dict[str, bool]:
    """The facts that an incident of the register makes so, whatever anybody states."""
    found = {"serious_incident": register.serious, "personal_data_breach": register.breach} if register else {}
    return {name: True for name, is_so in found.items() if is_so}


def _judged(row) -> Judged:
    at = dt.datetime.fromisoformat(row["at"])
    return Judged(row["adequate"], row["reason"], row["by"], at, row["evidence"])
