"""One of everything in an organization, and which id an address means."""

from apps.accounts.models import IdempotencyKey, Invitation, Membership, Token
from apps.approvals.models import Approval, PolicyVersion
from apps.datasets.models import BudgetEntry, Dataset, DatasetVersion, Profile
from apps.deployments.models import Deployment
from apps.ml.recipes import Recipe
from apps.models.models import ModelVersion, RegisteredModel
from apps.reports.models import Report
from apps.training.models import LogLine, TrainingRun
from tests.accounts import make as accounts
from tests.approvals import make as approvals
from tests.make import Tenant, project

# the word before an id in an address, and whose id it is; over REST, two words name the thing and not its version
IN_REST = {"datasets": Dataset, "models": RegisteredModel}
NOUNS = {
    "members": Membership,
    "invitations": Invitation,
    "tokens": Token,
    "policies": PolicyVersion,
    "datasets": DatasetVersion,
    "dataset-versions": DatasetVersion,
    "profiles": Profile,
    "models": ModelVersion,
    "model-versions": ModelVersion,
    "runs": TrainingRun,
    "reports": Report,
    "approvals": Approval,
    "deployments": Deployment,
}
COUNTED = {"records": "each organization counts its records from 1"}  # so no number is anybody's alone
WORDS = {"risk_class": "high", "kind": "fairness", "form": "pdf", "name": "model.json"}  # parameters that are no ids


def everything(tenant: Tenant) -> dict:
    """One row of every table, by the rooms' own actions where the database asks for them; {model: row}."""
    approval = approvals.approved(tenant)
    tenant.enter(tenant.builder)
    version = approval.model_version
    own = {"organization": tenant.organization, "project": tenant.project}
    data = version.dataset_version
    run = TrainingRun.objects.create(
        **own, model=version.model, dataset_version=data, recipe=Recipe("logistic").to_json(), started_by=tenant.builder
    )
    rows = [
        tenant.builder,
        accounts.invitation(tenant.owner, email=f"new@{tenant.organization.slug}.example")[0],
        accounts.token(tenant.builder)[0],
        approval,
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
        Profile.objects.create(**own, version=data, started_by=tenant.builder),
        BudgetEntry.objects.create(
            **own, dataset=data.dataset, version=data, run_id=run.pk, epsilon=1, delta=1e-5, mechanism={}
        ),
        IdempotencyKey.objects.create(organization=tenant.organization, membership=tenant.builder, key="k"),
        Deployment.objects.create(
            **own, name="screening", model_version=version, approval=approval, opened_by=tenant.builder
        ),
        project(tenant.builder, slug=f"only-{tenant.organization.slug}"),
        tenant.organization,
    ]
    return {type(row): row for row in rows}
