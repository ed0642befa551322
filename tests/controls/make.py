"""A project that is answered and built as far as a test needs, and clauses looked at."""

from apps.controls import queries
from apps.controls.rules import Clause
from apps.datasets.models import Profile
from apps.projects import rules
from apps.projects.models import Project
from tests.make import Tenant
from tests.projects.make import LENDING, answers


def answered(tenant: Tenant, given: dict | None = None) -> Project:
    """The project with its questions answered, and the class that follows."""
    project, given = tenant.project, LENDING if given is None else given
    project.answers, project.risk_class = given, rules.risk_class(given)
    project.save()
    return project


def profile(data, *, declared=True, **fields) -> Profile:
    fields = {"state": "finished", "finished_at": data.uploaded_at, "result": "{}", "digest": "a" * 64} | fields
    return Profile.objects.create(
        organization=data.organization, project=data.project, version=data, declared=declared,
        started_by=data.uploaded_by, **fields,
    )  # fmt: skip


def coverage(tenant: Tenant, version=None, by=None, **options) -> queries.Coverage:
    tenant.enter(by or tenant.auditor)
    return queries.coverage(viewer=by or tenant.auditor, project=tenant.project, version=version, **options)


def clause(tenant: Tenant, control: str, **options) -> Clause:
    return next(each for each in coverage(tenant, **options).clauses if each.control.id == control)


def holding(tenant: Tenant, kind: str, **options):
    return coverage(tenant, **options).holdings[kind]


__all__ = ["LENDING", "answered", "answers", "clause", "coverage", "holding", "profile"]
