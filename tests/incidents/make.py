"""Incidents of a model version, as far as a test needs them."""

from datetime import timedelta

from django.utils import timezone

from apps.incidents import actions, queries
from apps.models.models import ModelVersion, RegisteredModel
from tests.approvals import make as approvals
from tests.documents import make as documents
from tests.make import PASSWORD, Tenant

WORDS = {
    "source": "A complaint by telephone.",
    "data_reported": "Three letters of refusal.",
    "description": "Applicants of one town were refused without exception.",
    "impacts": "Forty people were refused a loan.",
    "stakeholders": "Applicants of the north.",
}
NO = dict.fromkeys(
    ("harm_to_people", "critical_infrastructure", "fundamental_rights", "harm_to_property", "death", "widespread",
     "personal_data"), False,
)  # fmt: skip
SERIOUS = {"fundamental_rights": True, "severity": "major"}


def facts(**more) -> dict:
    now = timezone.now()
    moments = {"occurred_at": now - timedelta(days=1), "aware_at": now - timedelta(hours=1)}
    return WORDS | NO | moments | {"severity": "minor"} | more


def version(tenant: Tenant, *, model="ranking", number=1) -> ModelVersion:
    """Of a model of its own, so that what is held beside it is not held by accident."""
    tenant.enter(tenant.builder)
    own = {"organization": tenant.organization, "project": tenant.project}
    named, _ = RegisteredModel.objects.get_or_create(**own, name=model, defaults={"created_by": tenant.builder})
    data = approvals.dataset_version(tenant, number=100 + number)
    return ModelVersion.objects.create(
        **own, model=named, number=number, run_id=tenant.organization.pk * 1000 + 500 + number, dataset_version=data,
        artifact_digest="a" * 64, files={}, recipe={"estimator": "logistic"}, recipe_digest="b" * 64, seed=0,
        data_digest=data.digest, declaration_digest=data.declaration_digest, code_version="1", libraries={},
        device={"kind": "cpu"}, duration_s=1.0, input_schema=[], metrics={}, trained_by=tenant.builder,
    )  # fmt: skip


def reported(tenant: Tenant, versions=None, *, by=None, title="Refusals in the north", suspend=False, **more):
    by = by or tenant.builder
    versions = versions or [version(tenant)]
    tenant.enter(by)
    made = actions.report(
        tenant.project, title=title, model_versions=versions, suspend=suspend, by=by, **facts(**more)
    )  # fmt: skip
    return found(tenant, made)


def found(tenant: Tenant, incident):
    return queries.incidents(viewer=tenant.owner).get(pk=incident.pk)


def amended(tenant: Tenant, incident, *, by=None, versions=None, reason="A second complaint.", **more):
    by, known = by or tenant.builder, queries.case(incident).known
    tenant.enter(by)
    before = {"occurred_at": known.occurred_at, "aware_at": known.aware_at, "severity": known.severity}
    before |= {name: getattr(known, name) for name in NO}
    versions = versions or list(queries.affected(queries.case(incident)))
    given = WORDS | before | {"entry_digest": known.digest} | more
    return actions.amend(incident, reason=reason, model_versions=versions, by=by, **given)


def told(tenant: Tenant, incident, duty="authority", stage="final", *, by=None, **more):
    by = by or tenant.builder
    tenant.enter(by)
    given = {"who": "The authority", "how": "By its form.", "told_at": timezone.now(), "reference": "N 7"} | more
    return actions.notify(incident, duty=duty, stage=stage, by=by, **given)


def proved(incident) -> dict:
    """What a signature needs beside what it says: the entry that was read, and who signs."""
    return {"entry_digest": queries.case(incident).known.digest, "password": PASSWORD}


def asked(tenant: Tenant, incident, *, by=None):
    by = by or tenant.reviewer
    tenant.enter(by)
    return actions.ask_release(incident, reason="It is understood.", by=by, **proved(incident))


def released(tenant: Tenant, incident, *, by=None):
    """Asked for by a reviewer, granted by the owner."""
    asked(tenant, incident)
    by = by or tenant.owner
    tenant.enter(by)
    return actions.release(incident, reason="Agreed.", by=by, **proved(incident))


CLOSING = {
    "root_cause": "A column leaked.",
    "corrective_action": "It was left out.",
    "verification": "Measured again.",
    "hazards": "Hazard 3, refusal by place.",
}


def assessed(tenant: Tenant):
    """The risks, stated anew."""
    tenant.enter(tenant.builder)
    return documents.stated(tenant, "impact_assessment-risk")


def closed(tenant: Tenant, incident, *, by=None, **more):
    by = by or tenant.reviewer
    tenant.enter(by)
    return actions.close(incident, by=by, **proved(incident) | CLOSING | more)


def done(tenant: Tenant, incident):
    """Told, released and assessed: it can be closed."""
    told(tenant, incident)
    released(tenant, incident)
    assessed(tenant)
    return incident
