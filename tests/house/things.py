"""One of everything in an organization."""

from django.utils import timezone

from apps.accounts.models import IdempotencyKey
from apps.approvals import actions as approval_actions
from apps.approvals.models import Breach, Notice
from apps.audits import checkpoints, holds, keys, witnesses
from apps.audits.models import Attestation, Node, Opening, PersonKey, Refusal, Witness
from apps.controls import actions as controls
from apps.controls.models import (
    Disposal,
    DisposalRun,
    FrameworkChoice,
    Judgement,
    RetentionSchedule,
    StatedFact,
)
from apps.datasets.models import BudgetEntry, Profile
from apps.deployments.actions import open_deployment
from apps.documents.models import Document
from apps.incidents.actions import confirm
from apps.incidents.models import Reminder
from apps.ml.recipes import Recipe
from apps.notifications import actions as notifications
from apps.notifications.models import Destination
from apps.reports.models import OperationReport, Report
from apps.training.models import LogLine, TrainingRun
from portal.isolation import things
from portal.isolation.addresses import Address
from tests.accounts import make as accounts
from tests.approvals import make as approvals
from tests.bundles import make as bundles
from tests.documents import make as documents
from tests.incidents import make as incidents
from tests.make import Tenant, project
from tests.notifications.make import OUTSIDE


def everything(tenant: Tenant) -> dict:
    """One row of every table, by the rooms' own actions where the database asks for them; {model: row}."""
    waiver = approvals.waiver(tenant, approvals.reported(tenant, number=9))
    approval = approvals.approved(tenant)
    by = tenant.enter(tenant.reviewer).reviewer
    mine = {"organization": tenant.organization}
    words = {"control": "AIA-05", "adequate": True, "reason": "Read.", "evidence_digest": "0" * 64}
    judged = Judgement.objects.create(**mine, project=tenant.project, **words, by=by)
    hold = holds.place(tenant.project, reason="A complaint in court.", by=tenant.enter(tenant.owner).owner)
    by, told = tenant.owner, {"framework": "gdpr", "followed": True, "catalogue_digest": "0" * 64}
    said = [
        judged,
        FrameworkChoice.objects.create(**mine, **told, by=by),
        _schedule(tenant),
        StatedFact.objects.create(**mine, project=tenant.project, name="continual_learning", answer=False, by=by),
        DisposalRun.objects.create(**mine, day="2026-11-22", result={"disposed": {}, "spared": {}}),
    ]
    tenant.enter(tenant.builder)
    version = approval.model_version
    own = {"organization": tenant.organization, "project": tenant.project}
    data = version.dataset_version
    run = TrainingRun.objects.create(
        **own, model=version.model, dataset_version=data, recipe=Recipe("logistic").to_json(), started_by=tenant.builder
    )
    deployment = open_deployment(approval, name="screening", by=tenant.builder)
    emergency, (review, decision) = accounts.emergency(tenant, by=tenant.second_reviewer), accounts.review(tenant)
    approvals.suspended(tenant, approval, drill=True)
    telling = approval_actions.tell(approval, who="The deployer", how="By letter.", by=tenant.builder)
    suspension = approvals.resumed(tenant, approval)
    tenant.enter(tenant.builder)
    told = Notice.objects.create(organization=tenant.organization, approval=approval, kind="overdue")
    shared, _ = bundles.share(tenant, approval)
    tenant.enter(tenant.builder)
    operated, breach = _operated(tenant)
    rows = [
        tenant.builder,
        told,
        telling,
        suspension,
        *approvals.handed_on_and_fulfilled(tenant),
        accounts.invitation(tenant.owner, email=f"new@{tenant.organization.slug}.example")[0],
        accounts.token(tenant.builder)[0],
        approval,
        waiver,
        approval.policy_version,
        approval.policy_version.policy,
        approval.signatures.first(),
        data.dataset,
        data,
        version.model,
        version,
        run,
        Report.objects.filter(model_version=version).first(),
        LogLine.objects.create(organization=tenant.organization, run=run, text="epoch 1"),
        keys.in_use(tenant.organization.pk).row,
        hold,
        documents.stated(tenant),
        Document.objects.create(**own, kind="model_card", model_version=version, started_by=tenant.builder),
        *said,
        Disposal.objects.create(**own, version=data, digest=data.digest, size=1, why="Its time had passed."),
        (witness := _witness(tenant)),
        witness.deliveries.get(),
        _destination(tenant),
        checkpoints.make(tenant.organization.pk),
        Refusal.objects.create(organization_id=tenant.organization.pk, key="0" * 64, at=timezone.now()),
        Attestation.objects.create(organization=tenant.organization, started_by=tenant.auditor),
        *(model.objects.filter(organization_id=tenant.organization.pk).first() for model in (Node, Opening, PersonKey)),
        Profile.objects.create(**own, version=data, started_by=tenant.builder),
        BudgetEntry.objects.create(
            **own, dataset=data.dataset, version=data, run_id=run.pk, epsilon=1, delta=1e-5, mechanism={}
        ),
        IdempotencyKey.objects.create(organization=tenant.organization, membership=tenant.builder, key="k"),
        deployment,
        deployment.permits.first(),
        version.signature,
        shared,
        operated,
        breach,
        project(tenant.builder, slug=f"only-{tenant.organization.slug}"),
        *_incident(tenant),
        emergency,
        review,
        decision,
        tenant.organization,
    ]
    return {type(row): row for row in rows}


def _incident(tenant: Tenant) -> list:
    """A serious one, of a model that nothing else here is of, with one row of everything that hangs on it."""
    incident = incidents.reported(tenant, **incidents.SERIOUS)
    notice, signature = incidents.told(tenant, incident, stage="incomplete"), incidents.asked(tenant, incident)
    tenant.enter(tenant.builder)
    reminder = Reminder.objects.create(organization=tenant.organization, incident=incident, kind="authority overdue")
    entry, confirmation = incident.entries.get(), confirm(tenant.project, by=tenant.builder)
    return [incident, entry, entry.snapshot, notice, signature, confirmation, reminder]


def _operated(tenant: Tenant) -> tuple[OperationReport, Breach]:
    """One that waits, and what another did to a sign-off: of other bytes than those that serve."""
    approval = approvals.approved(tenant, number=8, files={"model.json": b"another"})
    report = approvals.operated(approval.model_version, measured=approvals.unfair())
    asked = {"kind": "performance", "dataset_version": report.dataset_version, "model_version": report.model_version}
    own = {"organization": tenant.organization, "project": tenant.project, "started_by": tenant.builder}
    return OperationReport.objects.create(**own, **asked), Breach.objects.get(report=report)


def _schedule(tenant: Tenant) -> RetentionSchedule:
    """One in force, so that it is there to be read."""
    tenant.enter(tenant.owner)
    proposed = controls.propose_schedule(periods={}, maximum_personal=None, by=tenant.owner)
    tenant.enter(tenant.reviewer)
    published = controls.publish_schedule(proposed, by=tenant.reviewer)
    tenant.enter(tenant.owner)
    return published


def _witness(tenant: Tenant) -> Witness:
    mailbox = {"kind": "mailbox", "name": "Notary", "address": "notary@elsewhere.example"}
    return witnesses.add(organization_id=tenant.organization.pk, **mailbox, by=tenant.owner)


def _destination(tenant: Tenant) -> Destination:
    hook = {"kind": "webhook", "name": "Desk", "address": f"{OUTSIDE}/in"}
    return notifications.make(**hook, by=tenant.owner)[0]


def place(address: Address, rows: dict, organization: str = "acme", project: str = "lending") -> str:
    """The address with the ids of `rows`."""
    return things.place(address, rows, organization, project)
