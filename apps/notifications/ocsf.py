"""A record as an event of the Open Cybersecurity Schema Framework, version 1.3.0.

Which class: people (3001 Account Change), sign-ins that were refused (3002 Authentication), what an organization is
governed by (3004 Entity Management) and everything else that is done through the portal's doors (6003 API Activity,
which asks for a source: the portal, as the record does not keep from where somebody came). What the schema has no place
for stays in `unmapped`; names of people are those the record shows, so who was erased stays so."""

from typing import Any

from apps.audits.events import DONE, outcome

VERSION = "1.3.0"
PRODUCT = "Assay"
API_ACTIVITY, ENTITY, SIGN_IN, ACCOUNT = 6003, 3004, 3002, 3001
CLASSES = {
    "member": ACCOUNT, "invitation": ACCOUNT, "factor": ACCOUNT, "sign-in": SIGN_IN, "token": ENTITY,
    "organization": ENTITY, "project": ENTITY, "policy": ENTITY, "key": ENTITY, "hold": ENTITY, "retention": ENTITY,
    "share": ENTITY, "delegation": ENTITY, "witness": ENTITY, "destination": ENTITY,
}  # fmt: skip
NAMES = {
    API_ACTIVITY: "API Activity",
    ENTITY: "Entity Management",
    SIGN_IN: "Authentication",
    ACCOUNT: "Account Change",
}
IDENTITY = (3, "Identity & Access Management")
CATEGORIES = {API_ACTIVITY: (6, "Application Activity"), ENTITY: IDENTITY, SIGN_IN: IDENTITY, ACCOUNT: IDENTITY}
OTHER = 99
CREATE, READ, UPDATE, DELETE = 1, 2, 3, 4
ACTIVITIES = {CREATE: "Create", READ: "Read", UPDATE: "Update", DELETE: "Delete"}
DEEDS = {  # the verb in the past -> what it is to the schema; every other is Other, under its own name
    CREATE: {"founded", "created", "opened", "added", "registered", "published", "adopted", "asked", "launched",
             "started", "invited", "joined", "placed", "signed", "made", "built", "stated", "submitted"},
    READ: {"downloaded", "exported", "verified", "read"},
    UPDATE: {"changed", "renamed", "classified", "declared", "approved", "finished", "rotated", "profiled", "paused",
             "resumed"},
    DELETE: {"removed", "revoked", "withdrawn", "closed", "retired", "stopped", "cancelled", "erased", "disposed",
             "ended"},
}  # fmt: skip
ACCOUNT_DEEDS = {CREATE: 1, DELETE: 6}
FACTOR_DEEDS = {"enrolled": 10, "removed": 11}
ACCOUNT_ACTIVITIES = {
    1: "Create",
    6: "Delete",
    10: "MFA Factor Enable",
    11: "MFA Factor Disable",
}  # a role's change has no activity of its own: Other
LOGON = 1
NAMED = {ACCOUNT: ACCOUNT_ACTIVITIES, SIGN_IN: {LOGON: "Logon"}}  # other classes: ACTIVITIES
INFORMATIONAL, MEDIUM, HIGH, CRITICAL = 1, 3, 4, 5
SEVERITIES = {
    "isolation.broken": CRITICAL, "approval.revoked": HIGH, "approval.broken": HIGH, "deployment.stopped": MEDIUM,
    "member.removed": MEDIUM, "key.rotated": MEDIUM, "destination.removed": MEDIUM,
}  # fmt: skip
SEVERITY = {INFORMATIONAL: "Informational", MEDIUM: "Medium", HIGH: "High", CRITICAL: "Critical"}
SUCCESS, FAILURE = 1, 2


def event(record, *, organization) -> dict[str, Any]:
    """One record, with `opened` names, as plain values."""
    noun, _, verb = record.event.partition(".")
    kind = CLASSES.get(noun, API_ACTIVITY)
    activity = FACTOR_DEEDS[verb] if noun == "factor" else _activity(kind, verb)
    went_well = outcome(record.event) == DONE
    severity = SEVERITIES.get(record.event, INFORMATIONAL if went_well else MEDIUM)
    category, category_name = CATEGORIES[kind]
    told: dict[str, Any] = {
        "class_uid": kind,
        "class_name": NAMES[kind],
        "category_uid": category,
        "category_name": category_name,
        "activity_id": activity,
        "activity_name": NAMED.get(kind, ACTIVITIES).get(activity, record.deed),
        "type_uid": kind * 100 + activity,
        "time": int(record.at.timestamp() * 1000),
        "severity_id": severity,
        "severity": SEVERITY[severity],
        "status_id": SUCCESS if went_well else FAILURE,
        "message": f"{record.by_name} {record.deed}: {record.on_name}",
        "metadata": {
            "version": VERSION,
            "product": {"name": PRODUCT, "vendor_name": PRODUCT},
            "uid": f"{organization.slug}/{record.seq}",
            "sequence": record.seq,
            "tenant_uid": organization.slug,
            "event_code": record.event,
            **({"correlation_uid": record.origin["request"]} if "request" in record.origin else {}),
        },
        "actor": {"user": _person(record)},
        "unmapped": {"facts": record.told, "project": record.project, "leaf_sha256": record.digest_hex,
                     "origin": record.origin,
                     "on": {"kind": record.on_type, "id": record.on_id, "name": record.on_name}},
    }  # fmt: skip
    return told | _object(kind, record)


def _activity(kind: int, verb: str) -> int:
    if kind == SIGN_IN:
        return LOGON
    deed = next((number for number, verbs in DEEDS.items() if verb in verbs), OTHER)
    return ACCOUNT_DEEDS.get(deed, OTHER) if kind == ACCOUNT else deed


def _person(record) -> dict[str, Any]:
    found: dict[str, Any] = {"name": record.by_name, "type_id": 3 if record.by_id is None else 1}  # System, User
    if record.by_id is not None:
        found["uid"] = str(record.by_id)
        found["groups"] = [{"name": record.by_role}]
    if record.by_token is not None:
        found["credential_uid"] = f"token {record.by_token}"
    return found


def _object(kind: int, record) -> dict[str, Any]:
    about = {"uid": f"{record.on_type}:{record.on_id}", "name": record.on_name, "type": record.on_type}
    if kind == ENTITY:
        return {"entity": about}
    user = {"uid": about["uid"], "name": record.on_name}
    if kind == SIGN_IN:
        return {"user": user, "service": {"name": PRODUCT}}
    if kind == ACCOUNT:
        return {"user": user}
    return {
        "api": {"operation": record.event, "service": {"name": PRODUCT}},
        "resources": [about],
        "src_endpoint": {"svc_name": PRODUCT},
    }
