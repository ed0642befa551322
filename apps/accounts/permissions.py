"""Who may do what: one table of words, one function that reads it. The page of that name is rendered from here."""

from django.db.models import TextChoices

from apps.common.errors import NotPermitted


class Permission(TextChoices):
    READ = "read", "read everything in the organization"
    MEMBER_INVITE = "member.invite", "invite people and take invitations back"
    MEMBER_CHANGE = "member.change", "change roles and remove members"
    TOKEN_CREATE = "token.create", "create API tokens for oneself"
    TOKEN_REVOKE = "token.revoke", "revoke anybody's API tokens"
    PROJECT_OPEN = "project.open", "open projects"
    PROJECT_CHANGE = "project.change", "change a project's purpose, owner and risk class"
    PROJECT_CLOSE = "project.close", "close projects"
    DATASET_ADD = "dataset.add", "upload data"
    DATASET_DECLARE = "dataset.declare", "declare target, sensitive columns and missing values"
    DATASET_DOWNLOAD = "dataset.download", "download data"
    DATASET_WITHDRAW = "dataset.withdraw", "withdraw a dataset version"
    RUN_LAUNCH = "run.launch", "launch training runs"
    RUN_CANCEL = "run.cancel", "cancel training runs"
    MODEL_DOWNLOAD = "model.download", "download models"
    MODEL_RETIRE = "model.retire", "retire model versions"
    REPORT_START = "report.start", "ask for reports"
    REPORT_DOWNLOAD = "report.download", "download reports"
    POLICY_PUBLISH = "policy.publish", "publish and withdraw policies"
    APPROVAL_ASK = "approval.ask", "ask for sign-off, and withdraw the request"
    APPROVAL_SIGN = "approval.sign", "sign, send back or reject"
    APPROVAL_REVOKE = "approval.revoke", "revoke a sign-off"
    APPROVAL_DOWNLOAD = "approval.download", "download dossiers"
    DEPLOYMENT_OPEN = "deployment.open", "deploy what is signed"
    DEPLOYMENT_STOP = "deployment.stop", "stop a deployment"
    PREDICT = "predict", "ask a deployed model"
    RECORD_EXPORT = "record.export", "export the record"
    RECORD_VERIFY = "record.verify", "verify the record"


P = Permission
EVERYBODY = {P.READ, P.TOKEN_CREATE, P.REPORT_DOWNLOAD, P.APPROVAL_DOWNLOAD, P.RECORD_VERIFY}

GRANTS: dict[str, frozenset[Permission]] = {
    "owner": frozenset(
        EVERYBODY
        | {P.MEMBER_INVITE, P.MEMBER_CHANGE, P.TOKEN_REVOKE, P.PROJECT_OPEN, P.PROJECT_CHANGE, P.PROJECT_CLOSE}
        | {P.DATASET_WITHDRAW, P.POLICY_PUBLISH, P.DEPLOYMENT_STOP, P.RECORD_EXPORT}
    ),
    "builder": frozenset(
        EVERYBODY
        | {P.PROJECT_OPEN, P.PROJECT_CHANGE, P.DATASET_ADD, P.DATASET_DECLARE, P.DATASET_DOWNLOAD, P.DATASET_WITHDRAW}
        | {P.RUN_LAUNCH, P.RUN_CANCEL, P.MODEL_DOWNLOAD, P.MODEL_RETIRE, P.REPORT_START, P.APPROVAL_ASK}
        | {P.DEPLOYMENT_OPEN, P.DEPLOYMENT_STOP, P.PREDICT}
    ),
    "reviewer": frozenset(
        EVERYBODY
        | {P.REPORT_START, P.APPROVAL_SIGN, P.APPROVAL_REVOKE, P.DEPLOYMENT_STOP, P.MODEL_DOWNLOAD, P.RECORD_EXPORT}
    ),
    "auditor": frozenset(EVERYBODY | {P.RECORD_EXPORT}),
}


def allows(by, permission: Permission) -> bool:
    """Whether a membership's role grants it, and, where it came with a token, the token's scopes do too."""
    if by is None or not by.is_active or permission not in GRANTS.get(by.role, ()):
        return False
    return by.token is None or permission in by.token.scopes


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
