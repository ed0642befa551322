"""Who may do what: one table of words, one function that reads it. The page of that name is rendered from here."""

from django.db.models import TextChoices

from apps.common.errors import NotPermitted


class Permission(TextChoices):
    READ = "read", "read everything in the organization"
    MEMBER_INVITE = "member.invite", "invite people and take invitations back"
    MEMBER_CHANGE = "member.change", "change roles and remove members"
    MEMBER_ERASE = "member.erase", "erase a former member's name from the record"
    TOKEN_CREATE = "token.create", "create API tokens for oneself"
    TOKEN_REVOKE = "token.revoke", "revoke anybody's API tokens"
    EMERGENCY_ASK = "emergency.ask", "ask for emergency access"
    EMERGENCY_AGREE = "emergency.agree", "agree to emergency access of others, and review it afterwards"
    ACCESS_REVIEW = "access.review", "review who has access"
    PROJECT_OPEN = "project.open", "open projects"
    PROJECT_CHANGE = "project.change", "change a project's purpose, owner and risk class"
    PROJECT_CLOSE = "project.close", "close projects"
    DATASET_ADD = "dataset.add", "upload data"
    DATASET_DECLARE = "dataset.declare", "declare target, sensitive columns and missing values"
    DATASET_DOWNLOAD = "dataset.download", "download data"
    DATASET_WITHDRAW = "dataset.withdraw", "withdraw a dataset version"
    BUDGET_SET = "budget.set", "set the privacy budget of a dataset"
    RUN_LAUNCH = "run.launch", "launch training runs"
    RUN_CANCEL = "run.cancel", "cancel training runs"
    MODEL_DOWNLOAD = "model.download", "download models"
    MODEL_RETIRE = "model.retire", "retire model versions"
    REPORT_START = "report.start", "ask for reports"
    REPORT_SUBMIT = "report.submit", "submit figures that were measured elsewhere, and withdraw them"
    REPORT_DOWNLOAD = "report.download", "download reports"
    OPERATION_MEASURE = "operation.measure", "ask for figures in operation"
    STATEMENT_MAKE = "statement.make", "state what the portal cannot compute"
    STATEMENT_WITHDRAW = "statement.withdraw", "withdraw statements"
    DOCUMENT_BUILD = "document.build", "have documents built"
    DOCUMENT_DOWNLOAD = "document.download", "download documents"
    POLICY_PROPOSE = "policy.propose", "propose and withdraw policies"
    POLICY_PUBLISH = "policy.publish", "publish policies that somebody else proposed"
    WAIVER_ASK = "waiver.ask", "ask for waivers, renew and close them"
    WAIVER_APPROVE = "waiver.approve", "approve and reject waivers"
    WAIVER_REVOKE = "waiver.revoke", "revoke waivers"
    APPROVAL_ASK = "approval.ask", "ask for sign-off, and withdraw the request"
    APPROVAL_SIGN = "approval.sign", "sign, send back or reject"
    APPROVAL_REVOKE = "approval.revoke", "revoke a sign-off"
    APPROVAL_SUSPEND = "approval.suspend", "suspend a sign-off, ask for it to stand again, and say who was told"
    APPROVAL_RESUME = "approval.resume", "let a suspended sign-off stand again"
    APPROVAL_DOWNLOAD = "approval.download", "download dossiers"
    SHARE_MAKE = "share.make", "share a sign-off with an auditor outside, and take it back"
    DEPLOYMENT_OPEN = "deployment.open", "deploy what is signed"
    DEPLOYMENT_STOP = "deployment.stop", "stop a deployment"
    PERMIT_TAKE = "permit.take", "take a deployment's permit away, for a CI job or a cluster"
    INCIDENT_REPORT = "incident.report", "report incidents, say who was told of them, and confirm the register"
    INCIDENT_RELEASE = "incident.release", "sign the release of an incident's evidence"
    INCIDENT_CLOSE = "incident.close", "close incidents that somebody else reported"
    INCIDENT_DOWNLOAD = "incident.download", "download incident packs"
    PREDICT = "predict", "ask a deployed model"
    FACT_STATE = "fact.state", "state facts of a project's system"
    FRAMEWORK_CHOOSE = "framework.choose", "choose which frameworks the organization follows"
    EVIDENCE_JUDGE = "evidence.judge", "judge whether evidence is good enough"
    RETENTION_SET = "retention.set", "propose how long things are kept, and dispose of what is past it"
    RETENTION_PUBLISH = "retention.publish", "publish retention schedules that somebody else proposed"
    HOLD_CHANGE = "hold.change", "place and release legal holds"
    WITNESS_CHANGE = "witness.change", "name and end the witnesses of the record"
    DESTINATION_CHANGE = "destination.change", "name, change and remove the destinations of events"
    KEY_ROTATE = "key.rotate", "put a new signing key in place of the old"
    ISOLATION_ATTEST = "isolation.attest", "have the walls between organizations tried, and take the result away"
    RECORD_EXPORT = "record.export", "export the record"
    RECORD_VERIFY = "record.verify", "verify the record"


P = Permission
EVERYBODY = {
    P.READ, P.TOKEN_CREATE, P.REPORT_DOWNLOAD, P.DOCUMENT_DOWNLOAD, P.APPROVAL_DOWNLOAD, P.RECORD_VERIFY,
    P.INCIDENT_DOWNLOAD,
}  # fmt: skip

GRANTS: dict[str, frozenset[Permission]] = {
    "owner": frozenset(
        EVERYBODY
        | {P.MEMBER_INVITE, P.MEMBER_CHANGE, P.TOKEN_REVOKE, P.PROJECT_OPEN, P.PROJECT_CHANGE, P.PROJECT_CLOSE}
        | {P.DATASET_WITHDRAW, P.BUDGET_SET, P.POLICY_PROPOSE, P.DEPLOYMENT_STOP, P.RECORD_EXPORT, P.HOLD_CHANGE}
        | {P.POLICY_PUBLISH, P.RETENTION_PUBLISH, P.APPROVAL_SUSPEND}
        | {P.STATEMENT_MAKE, P.STATEMENT_WITHDRAW, P.DOCUMENT_BUILD}
        | {P.FACT_STATE, P.FRAMEWORK_CHOOSE, P.RETENTION_SET}
        | {P.WAIVER_ASK, P.WAIVER_REVOKE}
        | {P.EMERGENCY_ASK, P.EMERGENCY_AGREE, P.ACCESS_REVIEW}
        | {P.SHARE_MAKE}
        | {P.INCIDENT_REPORT, P.INCIDENT_RELEASE, P.INCIDENT_CLOSE}
        | {P.MEMBER_ERASE, P.KEY_ROTATE, P.WITNESS_CHANGE, P.DESTINATION_CHANGE, P.ISOLATION_ATTEST}
    ),
    "builder": frozenset(
        EVERYBODY
        | {P.PROJECT_OPEN, P.PROJECT_CHANGE, P.DATASET_ADD, P.DATASET_DECLARE, P.DATASET_DOWNLOAD, P.DATASET_WITHDRAW}
        | {P.RUN_LAUNCH, P.RUN_CANCEL, P.MODEL_DOWNLOAD, P.MODEL_RETIRE, P.REPORT_START, P.APPROVAL_ASK}
        | {P.OPERATION_MEASURE}
        | {P.STATEMENT_MAKE, P.STATEMENT_WITHDRAW, P.DOCUMENT_BUILD, P.DEPLOYMENT_OPEN, P.DEPLOYMENT_STOP, P.PREDICT}
        | {P.FACT_STATE, P.WAIVER_ASK, P.PERMIT_TAKE, P.EMERGENCY_ASK, P.APPROVAL_SUSPEND, P.REPORT_SUBMIT}
        | {P.INCIDENT_REPORT}
    ),
    "reviewer": frozenset(
        EVERYBODY
        | {P.REPORT_START, P.OPERATION_MEASURE, P.DOCUMENT_BUILD, P.MODEL_DOWNLOAD, P.RECORD_EXPORT, P.HOLD_CHANGE}
        | {P.APPROVAL_SIGN, P.APPROVAL_REVOKE, P.DEPLOYMENT_STOP, P.EVIDENCE_JUDGE}
        | {P.APPROVAL_SUSPEND, P.APPROVAL_RESUME, P.RETENTION_PUBLISH}
        | {P.WAIVER_APPROVE, P.WAIVER_REVOKE, P.POLICY_PUBLISH}
        | {P.EMERGENCY_ASK, P.EMERGENCY_AGREE, P.ACCESS_REVIEW}
        | {P.SHARE_MAKE}
        | {P.INCIDENT_REPORT, P.INCIDENT_RELEASE, P.INCIDENT_CLOSE}
    ),
    "auditor": frozenset(EVERYBODY | {P.RECORD_EXPORT, P.ISOLATION_ATTEST}),
}

# What emergency access may give for a few hours: never a signature, never a say over people, policies or the emergency
# itself. The database holds the same list.
IN_EMERGENCY = (
    P.TOKEN_REVOKE, P.PROJECT_CHANGE, P.PROJECT_CLOSE, P.DATASET_DOWNLOAD, P.DATASET_WITHDRAW, P.RUN_CANCEL,
    P.MODEL_DOWNLOAD, P.MODEL_RETIRE, P.DEPLOYMENT_OPEN, P.DEPLOYMENT_STOP, P.PREDICT, P.RECORD_EXPORT,
)  # fmt: skip


def holds(by, permission: Permission) -> bool:
    """Whether a membership's role grants it, and, where it came with a token, the token's scopes do too."""
    if by is None or not by.is_active or permission not in GRANTS.get(by.role, ()):
        return False
    return by.token is None or permission in by.token.scopes


def allows(by, permission: Permission) -> bool:
    """Whether a membership holds it, or has it for these hours by emergency access: a person, never a token."""
    if holds(by, permission):
        return True
    if by is None or not by.is_active or by.token is not None or permission not in IN_EMERGENCY:
        return False
    return by.emergency is not None and by.emergency.is_active and permission in by.emergency.words


def why_not(by, permission: Permission) -> str | None:
    """The objection as a sentence, or None."""
    if allows(by, permission):
        return None
    if permission in GRANTS.get(by.role, ()) and by.is_active:
        return f"This token has no scope “{permission}”."
    holders = [role for role, words in GRANTS.items() if permission in words]
    return f"Only {_and(f'{role}s' for role in holders)} of this organization {permission.label}."


def require(by, permission: Permission) -> None:
    """Raises NotPermitted with the reason."""
    if reason := why_not(by, permission):
        raise NotPermitted(reason)


def _and(words) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
