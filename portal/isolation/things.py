"""Which thing an id in an address, or in a body, is of."""

from apps.accounts.models import AccessReview, EmergencyAccess, Invitation, Membership, Token
from apps.approvals.models import Approval, Delegation, PolicyVersion, Waiver
from apps.audits.models import Attestation, Checkpoint, LegalHold, Witness
from apps.bundles.models import Share
from apps.datasets.models import Dataset, DatasetVersion, Profile
from apps.deployments.models import Deployment
from apps.documents.models import Document, Statement
from apps.incidents.models import Incident
from apps.models.models import ModelVersion, RegisteredModel
from apps.notifications.models import Destination
from apps.projects.models import Project
from apps.reports.models import OperationReport, Report
from apps.training.models import TrainingRun
from portal.isolation.addresses import Address

# the word before an id in an address, and whose id it is; over REST, two words name the thing and not its version
IN_REST = {"datasets": Dataset, "models": RegisteredModel}
NOUNS = {
    "members": Membership,
    "invitations": Invitation,
    "tokens": Token,
    "emergencies": EmergencyAccess,
    "access-reviews": AccessReview,
    "policies": PolicyVersion,
    "datasets": DatasetVersion,
    "dataset-versions": DatasetVersion,
    "profiles": Profile,
    "models": ModelVersion,
    "model-versions": ModelVersion,
    "runs": TrainingRun,
    "reports": Report,
    "operation-reports": OperationReport,
    "statements": Statement,
    "documents": Document,
    "approvals": Approval,
    "waivers": Waiver,
    "delegations": Delegation,
    "deployments": Deployment,
    "holds": LegalHold,
    "incidents": Incident,
    "checkpoints": Checkpoint,
    "shares": Share,
    "witnesses": Witness,
    "attestations": Attestation,
    "destinations": Destination,
}
COUNTED = {
    "records": "each organization counts its records from 1",
    "retention": "each organization counts its retention schedules from 1",
}  # so no number is anybody's alone
WORDS = {"risk_class": "high", "kind": "fairness", "form": "pdf", "name": "model.json"}  # parameters that are no ids
WORDS |= {"statement_kind": "intended_purpose", "control": "AIA-05"}

# a field of a body that names a thing, and what it names (a project by its slug, all else by number)
IDS = {
    "project": Project,
    "model_version": ModelVersion,
    "dataset_version": DatasetVersion,
    "test_dataset_version": DatasetVersion,
    "approval": Approval,
    "policy": PolicyVersion,
    "owner": Membership,
    "delegate": Membership,
}
# a field of a body that is a list of such ids
LISTS = {"model_versions": ModelVersion, "approvals": Approval}
# a filter of a list that names a thing
FILTERS = {
    "model_version": ModelVersion, "model": ModelVersion, "version": ModelVersion, "dataset_version": DatasetVersion,
    "dataset": Dataset, "data": Dataset, "run": TrainingRun, "approval": Approval, "report": Report,
    "policy": PolicyVersion, "from": PolicyVersion, "member": Membership, "deployment": Deployment,
}  # fmt: skip


def place(address: Address, rows: dict, organization: str, project: str) -> str:
    """The address with the ids of `rows`, {model: row}."""
    values = {"organization": organization, "project": project, **WORDS}
    for name in address.parameters:
        if name not in values:
            nouns = NOUNS | IN_REST if address.is_rest else NOUNS
            assert address.noun in nouns | COUNTED, f"{address}: say in things.py what “{address.noun}” are"
            values[name] = 1 if address.noun in COUNTED else rows[nouns[address.noun]].pk
    return address.at(**values)


def names_a_thing(address: Address) -> bool:
    """Whether an id of one organization alone stands in the address."""
    return bool(set(address.parameters) - {"organization", "project", *WORDS}) and address.noun not in COUNTED
