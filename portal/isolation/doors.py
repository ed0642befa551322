"""What is sent to a door so that it is well formed: then it is the permission that decides."""

import hashlib
from contextlib import contextmanager
from datetime import timedelta

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Membership
from apps.approvals.gates.defaults import built_in
from apps.approvals.models import Approval, Delegation, PolicyVersion
from apps.datasets.models import DatasetVersion
from apps.documents.kinds import KINDS
from apps.incidents.rules import CLOSING, FLAGS
from apps.models.models import ModelVersion
from apps.projects.rules import NAMES
from portal.isolation.addresses import Address

PASSWORD = "correct horse battery staple"  # noqa: S105  of people made for a trial, who are gone with it
OUTSIDE = "https://93.184.215.14"  # an address by number is judged without a look-up; it is never asked
JSON = "application/json"
PURPOSE = {question.name: "said" for question in KINDS["intended_purpose"].questions}
# in the address, by name of the door
ASKED = {
    "records-export": "?format=csv",
    "api-records-export": "?format=csv",
    "approval-new": "?model_version={model_version}",
    "deployment-new": "?approval={approval}",
}
# where a door wants something else under one of the names below, or more
OWN: dict[str, dict] = {
    "api-waivers": {"starts_at": None},
    "api-statements": {"kind": "intended_purpose", "answers": PURPOSE, "dataset_version": None, "model_version": None},
    "api-documents": {"kind": "model_card", "dataset_version": None},
    "statement-new": PURPOSE,
    "documents": {"kind": "model_card"},
    "witnesses": {"kind": "mailbox", "address": "notary@elsewhere.example"},
    "api-witnesses": {"kind": "mailbox", "address": "notary@elsewhere.example"},
    "destination-new": {"kind": "webhook", "address": f"{OUTSIDE}/in"},
    "api-destinations": {"kind": "webhook", "address": f"{OUTSIDE}/in"},
    "approval-operation": {"since": "", "until": ""},
    "api-approval-operation-reports": {"since": None, "until": None},
    "dataset-declare": {"role-0": "ordinary", "role-1": "ordinary", "role-2": "ordinary"},
    "tokens-new": {"scopes": ["read"]},
    "deployment-new": {"rows": 5},
    "api-deployments": {"rows": 5},
    "api-judgements": {"control": "RMF-MS-2.11", "adequate": True, "evidence_digest": "0" * 64},
    "api-frameworks": {"framework": "gdpr", "followed": True},
    "frameworks": {"framework": "gdpr", "followed": "yes"},
    "api-facts": {"answers": {"serious_incident": False}},
    "api-retention": {"periods": {"data": 30}, "maximum_personal": None},
    "control": {"adequate": "yes", "evidence_digest": "0" * 64},
    "access-review-decide": {"decision": "keep"},
    "api-incidents": (REPORTED := {"source": "A call.", **dict.fromkeys(FLAGS, False)}),
    "api-incident-entries": REPORTED,
    "incident-new": {"source": "A call."},
    "incident-amend": {"source": "A call."},
    "api-report-submissions": {"kind": "performance"},
    "report-submission": {"kind": "performance", "rows": "9", "value_0": "0.8"},
}
# of a list that no door needs, one with all it must have
ITEMS = {"conditions": {"text": "A person looks.", "due_at": "2099-01-01T00:00:00Z", "consequence": "block"}}
IN_FORMS = dict.fromkeys((*NAMES, *FLAGS), "no") | {"choice": "return"}


def words(rows: dict, project: str = "lending") -> dict:
    """Every name that a form or a body of the portal has, with a value it takes; doors leave what they do not know."""
    return {
        "name": "another", "project": project, "purpose": "Advise.", "reason": "Because.", "note": "Please.",
        "email": "somebody@people.example", "role": "auditor", "risk_class": "high",
        "answers": dict.fromkeys(NAMES, False),
        "scopes": ["read"], "days": 3, "source": built_in("high"), "target": "approve", "favourable": "1",
        "decision": "return", "password": PASSWORD, "dossier_digest": hashlib.sha256(b"").hexdigest(),
        "kinds": ["performance"], "model": "screening", "estimator": "logistic", "seed": 0, "test_share": 0.3,
        "recipe": {"estimator": "logistic"}, "dataset_version": rows[DatasetVersion].pk, "test_dataset_version": None,
        "model_version": rows[ModelVersion].pk, "approval": rows[Approval].pk, "rows": [{}], "gpu": False,
        "owner": rows[Membership].pk,
        "policy": rows[PolicyVersion].pk, "rule": 2, "risk": "Some.", "measure": "A person looks.",
        "monitoring": "Weekly.", "plan": "Anew.",
        "words": ["predict"], "minutes": 30, "finding": "It was needed.", "line": f"member-{rows[Membership].pk}",
        "keep": True, "cap": 3.5,
        "approvals": [rows[Approval].pk], "addressee": "A notary",
        "until": f"{timezone.now() + timedelta(20):%Y-%m-%d}",
        "delegate": rows[Delegation].delegate_id, "starts_at": "2099-01-01T00:00:00Z",
        "ends_at": "2099-01-02T00:00:00Z",
        "model_versions": [rows[ModelVersion].pk], "title": "Refusals", "severity": "minor",
        "occurred_at": "2026-01-01T00:00:00Z", "aware_at": "2026-01-02T00:00:00Z", "data_reported": "Letters.",
        "description": "They were refused.", "impacts": "No loan.", "stakeholders": "Applicants.", "suspend": False,
        "duty": "authority", "stage": "final", "told_at": f"{timezone.now():%Y-%m-%dT%H:%M:%SZ}", "reference": "N 7",
        **dict.fromkeys(CLOSING, "Said."), "entry_digest": "0" * 64,
        "measured_by": "A lab", "measured_on": f"{timezone.now():%Y-%m-%d}", "method": "Hold-out.", "data": "Its rows.",
        "figures": [{"name": "accuracy", "value": 0.8, "n": 9}],
        "condition": 1, "evidence": "Report 7.", "who": "The deployer", "how": "By letter.", "drill": False,
    }  # fmt: skip


def body(address: Address, rows: dict, **more) -> dict:
    """The words, with what this door wants otherwise, and `more` over them."""
    soon = timezone.now() + timedelta(days=9)
    own = OWN.get(address.name, {})
    if address.name == "api-waivers":
        own = own | {"ends_at": soon.isoformat()}
    if address.name in ("waiver-new", "waiver-renew"):
        own = own | {"ends_on": soon.date().isoformat()}
    return words(rows) | own | more


def asked_with(address: Address, rows: dict) -> str:
    """What stands behind the address, where it wants something there."""
    return ASKED.get(address.name, "").format(**words(rows))


def knock(client, method: str, address: Address, where: str, rows: dict, *, more: dict | None = None, **headers):
    """A well-formed request at a door, as a page or as REST; `more` stands over what is well-formed."""
    if method == "get":
        return client.get(where + ASKED.get(address.name, "").format(**words(rows) | (more or {})), **headers)
    given = body(address, rows, **(more or {}))
    where += ASKED.get(address.name, "").format(**given)
    if address.is_rest and address.name != "api-datasets":
        return getattr(client, method)(where, data=given, content_type=JSON, **headers)
    form = {
        name: value for name, value in (IN_FORMS | given).items() if not isinstance(value, (dict, bool, type(None)))
    }
    form["file"] = SimpleUploadedFile("loans.csv", b"approve,race\n1,a\n0,b\n", content_type="text/csv")
    return client.post(where, form, **headers)


def ask(client, method: str, where: str, **headers):
    """A request with nothing in it."""
    if method == "get":
        return client.get(where, **headers)
    nothing = {"data": "{}", "content_type": JSON} if where.startswith("/api/") else {}
    return getattr(client, method)(where, **nothing, **headers)


def content_of(answer) -> bytes:
    """The whole body, streamed or not."""
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


@contextmanager
def undone():
    """What happens inside is rolled back, whoever the transaction acts for by then."""
    point = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(point)
