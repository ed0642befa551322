"""What the system of an incident was when it became known to be serious: digests of all that must not be altered.

The bytes behind them lie in the store, where nothing changes and, under the hold, nothing is disposed of."""

from typing import Any

from apps.approvals.models import Approval
from apps.audits import checkpoints
from apps.deployments.models import Deployment
from apps.documents.models import Document, Statement
from apps.models.models import ModelVersion
from apps.reports.models import Report


def taken(incident, versions: list[ModelVersion]) -> dict[str, Any]:
    """As plain values. The record under its checkpoint is the log; the dossiers are the configuration."""
    made, project = checkpoints.make(incident.organization_id), incident.project
    checkpoint = {"origin": checkpoints.origin(incident.organization_id), "size": made.size, "root": made.root_hex}
    return {
        "assay": "evidence 1",
        "organization": project.organization.slug,
        "incident": incident.pk,
        "project": {"slug": project.slug, "purpose": project.purpose, "risk_class": project.risk_class,
                    "answers": project.answers},
        "models": [_version(version) for version in sorted(versions, key=lambda version: version.pk)],
        "checkpoint": checkpoint,
    }  # fmt: skip


def _version(version: ModelVersion) -> dict[str, Any]:
    test = version.test_dataset_version
    return {
        "name": version.model.name,
        "version": version.number,
        "artifact_digest": version.artifact_digest,
        "files": {name: file["digest"] for name, file in sorted(version.files.items())},
        "recipe_digest": version.recipe_digest,
        "code_version": version.code_version,
        "libraries": version.libraries,
        "device": version.device,
        "data": {"digest": version.data_digest, "declaration_digest": version.declaration_digest},
        "test_data": test and {"digest": test.digest, "declaration_digest": test.declaration_digest},
        "reports": [
            {"report": one.pk, "kind": one.kind, "digest": one.digest}
            for one in Report.objects.filter(model_version=version, state="finished").order_by("pk")
        ],
        "papers": [
            {"is": type(one).__name__.lower(), "number": one.pk, "kind": one.kind, "digest": one.digest}
            for table, said in ((Statement, {}), (Document, {"state": "finished"}))
            for one in table.objects.filter(model_version=version, **said).order_by("pk")
        ],
        "sign_offs": [
            {"approval": one.pk, "state": one.state, "dossier_digest": one.dossier_digest}
            for one in Approval.objects.filter(model_version=version).order_by("pk")
        ],
        "deployments": [_deployment(one) for one in Deployment.objects.filter(model_version=version).order_by("pk")],
    }


def _deployment(deployment: Deployment) -> dict[str, Any]:
    newest = deployment.permits.order_by("-pk").first()
    return {
        "deployment": deployment.pk,
        "name": deployment.name,
        "state": deployment.state,
        "limits": deployment.limits,
        "opened_at": deployment.opened_at.isoformat(),
        "permit": newest and {"number": str(newest.number), "token_digest": newest.token_digest},
    }
