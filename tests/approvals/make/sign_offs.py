"""A sign-off asked for, signed, refused, suspended."""

from datetime import timedelta

from django.utils import timezone

from apps.accounts.models import Role
from apps.approvals import actions
from apps.audits import readings
from apps.models.models import ModelVersion
from apps.reports.models import Report
from tests.approvals.make.policies import policy, publish
from tests.approvals.make.reports import report, reported
from tests.make import PASSWORD, Tenant, member


def asked(tenant: Tenant, **options):
    """An open sign-off whose gates pass (or not: see `without`)."""
    policy(tenant)
    return asked_for(tenant, reported(tenant, **options))


def asked_for(tenant: Tenant, version: ModelVersion):
    tenant.enter(tenant.builder)
    return actions.ask(version, note="Ready for the spring campaign.", by=tenant.builder)


def read(approval, by):
    """As if this person had opened every report of the dossier."""
    for one in Report.objects.filter(model_version=approval.model_version, state="finished"):
        readings.opened(one, by=by, digest=one.digest)


def sign(approval, by, meaning="validated", **given):
    read(approval, by)
    given = {
        "reason": "Error rates are acceptable.",
        "dossier_digest": approval.dossier_digest,
        "password": PASSWORD,
    } | given
    return actions.sign(approval, meaning=meaning, by=by, **given)


def refuse(approval, tenant: Tenant, act):
    """Sent back or rejected (`act`) by one reviewer, signed by the other: only then is it decided."""
    tenant.enter(tenant.reviewer)
    act(approval, reason="No.", dossier_digest=approval.dossier_digest, password=PASSWORD, by=tenant.reviewer)
    tenant.enter(tenant.second_reviewer)
    sign(approval, tenant.second_reviewer, "approved")
    approval.refresh_from_db()


def approved(tenant: Tenant, **options):
    """A sign-off that stands: validated by one reviewer, approved by another."""
    return signed_off(tenant, asked(tenant, **options))


def approved_of(tenant: Tenant, version: ModelVersion):
    """The same of a model version that is there already, on reports that pass."""
    for kind in ("performance", "fairness", "privacy", "explainability"):
        report(version, kind)
    policy(tenant)
    return signed_off(tenant, asked_for(tenant, version))


def signed_off(tenant: Tenant, approval):
    for signer, meaning in ((tenant.reviewer, "validated"), (tenant.second_reviewer, "approved")):
        tenant.enter(signer)
        sign(approval, signer, meaning)
    tenant.enter(tenant.builder)
    approval.refresh_from_db()
    return approval


def suspended(tenant: Tenant, approval, *, by=None, **given):
    by = by or tenant.builder
    tenant.enter(by)
    return actions.suspend(approval, by=by, **{"reason": "A complaint came in.", **given})


def resumed(tenant: Tenant, approval):
    """Asked for by the builder, granted by a reviewer."""
    tenant.enter(tenant.builder)
    actions.ask_to_resume(approval, reason="It was unfounded.", by=tenant.builder)
    tenant.enter(tenant.reviewer)
    return actions.resume(approval, by=tenant.reviewer)


def another_reviewer(tenant: Tenant, name="third.reviewer"):
    third = member(tenant.organization, name, Role.REVIEWER)
    tenant.enter(third)
    return third


def asked_under(tenant: Tenant, more: str, number=1):
    """A request under the built-in policy with these lines more."""
    publish(tenant, policy(tenant).source + "\n" + more)
    version = reported(tenant, number=number)
    tenant.enter(tenant.builder)
    return actions.ask(version, note="", by=tenant.builder)


def handed_on_and_fulfilled(tenant: Tenant) -> tuple:
    """A delegation that is not in force yet, and the fulfilled condition of another sign-off."""
    now = timezone.now()
    days = {"starts_at": now + timedelta(days=30), "ends_at": now + timedelta(days=31)}
    tenant.enter(tenant.reviewer)
    given = {"project": None, "reason": "Away.", "password": PASSWORD, "by": tenant.reviewer}
    delegation = actions.delegate(tenant.second_reviewer, **days, **given)
    approval = asked_under(tenant, "conditions: {}", number=7)
    tenant.enter(tenant.reviewer)
    sign(approval, tenant.reviewer)
    tenant.enter(tenant.second_reviewer)
    due = {"owner": tenant.builder.pk, "due_at": now + timedelta(days=9), "consequence": "escalate"}
    sign(approval, tenant.second_reviewer, "approved", conditions=[{"text": "Measure robustness.", **due}])
    tenant.enter(tenant.builder)
    return delegation, actions.fulfil(approval, 1, evidence="Report 7.", by=tenant.builder)


def asked_for_by_second_builder(tenant: Tenant):
    """Asked for by somebody who neither trained nor uploaded."""
    policy(tenant)
    version = reported(tenant)
    asker = member(tenant.organization, "second.builder", Role.BUILDER)
    tenant.enter(asker)
    return actions.ask(version, note="", by=asker)
