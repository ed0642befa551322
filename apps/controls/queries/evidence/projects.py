"""What a project and its register of incidents show."""

import datetime as dt

from django.urls import reverse
from django.utils import timezone

from apps.common.canonical import digest
from apps.controls.queries.evidence.subjects import DECLARED, item_of
from apps.controls.queries.said import Said
from apps.controls.rules.coverage import Item
from apps.incidents.models import Duty
from apps.incidents.queries import Register
from apps.projects.models import Project
from apps.projects.rules import NAMES


def of_project(*, viewer, subjects, said):
    """What its people answered, and what they keep it for. No statement of its own."""
    for subject in subjects:
        project, known = subject.project, said[subject.project.pk]
        yield subject, "risk_classification", _classification(project, known)
        if project.purpose.strip():
            purpose = {"name": "Purpose of the project", "digest": digest(project.purpose), "at": project.changed_at}
            where = project.get_absolute_url()
            yield subject, "intended_purpose", item_of("intended_purpose", DECLARED, **purpose, url=where)
        if known.schedule:
            yield subject, "retention_policy", _schedule(project, known.schedule)
        else:
            yield subject, "retention_policy", "No owner has published a retention schedule."


def of_incidents(*, viewer, subjects, said):
    """The register of its project: in cadence, with no duty to tell overdue; an empty one counts once confirmed."""
    for subject in subjects:
        yield subject, "incident_record", _incidents(subject.project, said[subject.project.pk].register)


def _classification(project: Project, known: Said) -> Item | str:
    open_questions = [name for name in NAMES if name not in project.answers]
    if len(open_questions) == len(NAMES):
        return "Nobody has answered the questions of its risk class."
    if open_questions:
        return f"{len(open_questions)} of {len(NAMES)} questions of its risk class are unanswered."
    told = {"risk_class": project.risk_class, "answers": project.answers, "facts": known.stated}
    at = dt.datetime.fromisoformat(known.classified["at"]) if known.classified else project.changed_at
    url = reverse("project-risk", args=[project.organization.slug, project.slug])
    words = {"name": f"Answers to {len(NAMES)} questions", "digest": digest(told), "at": at, "url": url}
    return item_of("risk_classification", DECLARED, **words)


def _schedule(project: Project, row: dict) -> Item:
    url = reverse("retention", args=[project.organization.slug])
    at = dt.datetime.fromisoformat(row["at"])
    name = f"Retention schedule {row['number']}"
    return item_of("retention_policy", DECLARED, name=name, digest=row["digest"], at=at, url=url)


def _incidents(project: Project, register: Register | None) -> Item | str:
    if register is None:
        return "Nobody has confirmed that its incident register is empty."
    why = ""
    if register.overdue:
        number, duty, due_at = register.overdue
        why = f"Of incident {number}, {Duty(duty).label} was to be told by {due_at:%-d %B %Y}."
    elif register.due_at <= timezone.now():
        why = f"Nobody has looked through the incident register since {register.looked_at:%-d %B %Y}."
    count = register.incidents or "no"
    name = f"Incident register with {count} incident{'' if register.incidents == 1 else 's'}"
    url = reverse("incidents", args=[project.organization.slug, project.slug])
    return item_of("incident_record", DECLARED, name=name, digest=register.digest, at=register.looked_at, url=url,
                 why_not_current=why, valid_until=register.due_at.date())  # fmt: skip
