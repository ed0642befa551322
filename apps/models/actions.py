"""Name models, register and sign what was trained, take files away, retire versions."""

import logging

from django.db import transaction
from django.utils import timezone

from apps.accounts.permissions import Permission, require
from apps.audits.actions import personal, record
from apps.audits.events import Event
from apps.audits.refusals import action
from apps.common.canonical import digest
from apps.common.errors import ActionDenied, BadInput, refuse
from apps.common.signing import KeyUnusable
from apps.models import queries, rules, signatures
from apps.models.models import ModelSignature, ModelVersion, RegisteredModel

log = logging.getLogger(__name__)


def named(project, name: str, *, by) -> RegisteredModel:
    """The project's model of that name, made if there is none; inside the caller's transaction."""
    made, _ = RegisteredModel.objects.get_or_create(
        organization_id=project.organization_id, project=project, name=name, defaults={"created_by": by}
    )
    return made


@transaction.atomic
def register(
    model: RegisteredModel, *, files: dict, recipe: dict, dataset_version, trained_by, **facts
) -> ModelVersion:
    """The next version of a model, for good. `files` {name: {"digest", "size"}} are stored already.

    Called by the training room, on a worker: the person who launched the run is the one who trained."""
    model = RegisteredModel.objects.select_for_update().get(pk=model.pk)
    refuse(queries.why_not_alter(model))
    last = model.versions.order_by("-number").values_list("number", flat=True).first() or 0
    version = ModelVersion.objects.create(
        organization_id=model.organization_id,
        project_id=model.project_id,
        model=model,
        number=last + 1,
        files=files,
        artifact_digest=digest({name: file["digest"] for name, file in files.items()}),
        recipe=recipe,
        recipe_digest=digest(recipe),
        seed=recipe["seed"],
        dataset_version=dataset_version,
        data_digest=dataset_version.digest,
        declaration_digest=dataset_version.declaration_digest,
        trained_by=trained_by,
        **facts,
    )
    record(
        Event.MODEL_REGISTERED, on=version, by=None, artifact=version.artifact_digest, run=version.run_id,
        data=version.data_digest, declaration=version.declaration_digest, recipe=version.recipe_digest,
        trained_by=personal(trained_by.user),
    )  # fmt: skip
    try:
        sign(version)
    except ActionDenied:  # the work of hours is not thrown away for it; nothing is served before it is signed
        log.exception("%s is registered, and not signed.", version)
    return version


@transaction.atomic
def sign(version: ModelVersion) -> ModelSignature:
    """The organization's signature over the files of a version, made where there is none. Nobody's verdict: it says
    which bytes were registered here."""
    try:
        signature, _ = ModelSignature.objects.get_or_create(
            version=version,
            defaults={
                "organization_id": version.organization_id,
                "envelope": lambda: signatures.envelope(version),
            },
        )
    except KeyUnusable as error:
        raise ActionDenied(str(error)) from error
    return signature


@action
def take_away(version: ModelVersion, name: str, *, by) -> None:
    """Remember that somebody downloads one file of a model."""
    require(by, Permission.MODEL_DOWNLOAD)
    refuse(rules.why_not_download(version, by=by))
    file = version.files[name]
    record(Event.MODEL_DOWNLOADED, on=version, by=by, file=name, digest=file["digest"], size=file["size"])


@action
def retire(version: ModelVersion, *, reason: str, by) -> ModelVersion:
    """Nothing new is built on it: no report, no sign-off, no deployment. It stays as evidence."""
    require(by, Permission.MODEL_RETIRE)
    found = ModelVersion.objects.select_related("model", "project__organization")
    version = found.select_for_update(of=("self",)).get(pk=version.pk)
    refuse(rules.why_not_retire(version, queries.why_not_alter(version.model), by=by))
    if not reason.strip():
        raise BadInput({"reason": "Say why it is retired."})
    version.retired_at, version.retired_by, version.retired_reason = timezone.now(), by, reason.strip()
    version.save(update_fields=["retired_at", "retired_by", "retired_reason"])
    record(Event.MODEL_RETIRED, on=version, by=by, reason=version.retired_reason, artifact=version.artifact_digest)
    return version
