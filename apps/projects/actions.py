"""Opening, changing, classifying and closing projects."""

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from apps.accounts.models import Membership
from apps.accounts.permissions import Permission, require
from apps.audits.actions import personal, record
from apps.audits.events import Event
from apps.audits.refusals import action
from apps.common.errors import ActionDenied, BadInput
from apps.common.words import NOT_PROJECTS
from apps.projects import queries, rules
from apps.projects.models import Project, RiskClass

STALE = "Somebody changed this project after you opened the page. Look at it as it is now, then change it again."


@action
def open_project(
    *, name: str, purpose: str, answers: dict, by: Membership, owner: Membership | None = None, risk_class: str = ""
) -> Project:
    """Open a project. Its address follows from its name for good; its class from the answers, unless raised."""
    require(by, Permission.PROJECT_OPEN)
    owner = owner or by
    if problems := rules.problems(answers, risk_class) | _owner_problems(owner, by):
        raise BadInput(problems)
    fields = {"purpose": purpose, "owner": owner, "answers": answers, "created_by": by}
    project = _create(by, name, risk_class=RiskClass(risk_class or rules.risk_class(answers)), **fields)
    facts = {"purpose": purpose, "owner": personal(owner.user), "risk_class": project.risk_class, "answers": answers}
    record(Event.PROJECT_OPENED, on=project, by=by, slug=project.slug, **facts)
    return project


@action
def change(project: Project, *, by: Membership, seen=None, **fields) -> Project:
    """Change name, purpose or owner. `seen`: when the page this came from was last changed."""
    project = _locked(project, by, seen)
    if problems := _owner_problems(fields.get("owner"), by):
        raise BadInput(problems)
    changed = {name: value for name, value in fields.items() if getattr(project, name) != value}
    before = {name: _told(getattr(project, name)) for name in changed}
    if not changed:
        return project
    for name, value in changed.items():
        setattr(project, name, value)
    _save(project, *changed)
    after = {name: _told(value) for name, value in changed.items()}
    record(Event.PROJECT_CHANGED, on=project, by=by, before=before, after=after)
    return project


@action
def classify(project: Project, *, answers: dict, by: Membership, risk_class: str = "", seen=None) -> Project:
    """Answer the questions anew. The class follows from the answers; `risk_class` may raise it."""
    project = _locked(project, by, seen)
    if problems := rules.problems(answers, risk_class):
        raise BadInput(problems)
    before = {"risk_class": project.risk_class, "answers": project.answers}
    chosen = RiskClass(risk_class or rules.risk_class(answers))
    after = {"risk_class": chosen.value, "answers": answers}
    if before == after:
        return project
    project.risk_class, project.answers = chosen, answers
    _save(project, "risk_class", "answers")
    record(Event.PROJECT_CLASSIFIED, on=project, by=by, before=before, after=after)
    return project


@action
def close(project: Project, *, reason: str, by: Membership) -> Project:
    """End a project: it stays to be read, and nothing new begins in it."""
    require(by, Permission.PROJECT_CLOSE)
    project = queries.projects(viewer=by).select_for_update(of=("self",)).get(pk=project.pk)
    if objection := rules.why_not_close(project, by=by):
        raise ActionDenied(objection)
    project.closed_at = timezone.now()
    _save(project, "closed_at")
    record(Event.PROJECT_CLOSED, on=project, by=by, reason=reason)
    return project


def _locked(project: Project, by: Membership, seen) -> Project:
    require(by, Permission.PROJECT_CHANGE)
    project = queries.projects(viewer=by).select_for_update(of=("self",)).get(pk=project.pk)
    if objection := rules.why_not_change(project, by=by):
        raise ActionDenied(objection)
    if seen and seen != project.changed_at:
        raise ActionDenied(STALE)
    return project


def _save(project: Project, *fields: str) -> None:
    project.changed_at = timezone.now()
    project.save(update_fields=[*fields, "changed_at"])


def _create(by: Membership, name: str, **fields) -> Project:
    slug = slugify(name)[: Project._meta.get_field("slug").max_length].strip("-")
    if not slug or slug in NOT_PROJECTS:
        raise BadInput({"name": "A project's address is made from its name; this one gives none. Choose another name."})
    try:
        with transaction.atomic():
            return Project.objects.create(organization=by.organization, name=name, slug=slug, **fields)
    except IntegrityError as taken:
        raise BadInput({"name": f"There is a project at the address “{slug}” already: choose another name."}) from taken


def _owner_problems(owner: Membership | None, by: Membership) -> dict[str, str]:
    if owner is None or (owner.organization_id == by.organization_id and owner.is_active):
        return {}
    return {"owner": "The owner must be a member of this organization."}


def _told(value):
    """A value as a fact of the record: a member's name so that it can be erased."""
    return personal(value) if isinstance(value, Membership) else str(value)
