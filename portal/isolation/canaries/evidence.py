"""What is measured and stated of the model, and an incident with it."""

import json

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from apps.documents.kinds import KINDS
from apps.incidents.models import Reminder
from apps.incidents.rules import FLAGS, WORDS
from apps.models.models import ModelVersion
from portal.isolation.canaries.canary import Canary, worked
from portal.isolation.doors import PASSWORD


def evidence(canary: Canary) -> None:
    version = canary.rows[ModelVersion].pk
    canary.do("builder", "api-reports", model_version=version, kinds=["performance", "fairness"])
    figure = {"name": "membership_auc", "value": 0.5, "low": 0.4, "high": 0.6, "n": 240}
    said = {"measured_by": canary.word("lab"), "method": canary.word("method"), "data": canary.word("rows")}
    original = SimpleUploadedFile(canary.word("original") + ".txt", canary.word("figures").encode())
    canary.do("builder", "api-report-submissions", model_version=version, kind="privacy", file=original,
              measured_on=f"{timezone.now():%Y-%m-%d}", figures=json.dumps([figure]), **said)  # fmt: skip
    kind = KINDS["intended_purpose"]
    answers = {one.name: canary.word("statement") for one in kind.questions}
    canary.do("builder", "api-statements", project=canary.project, kind=kind.name, answers=answers)
    canary.do("builder", "api-documents", kind="model_card", model_version=version)
    worked(canary)


def incident(canary: Canary) -> None:
    """A serious one whose evidence two people have released, so that the model may be signed and trained again."""
    version, now = canary.rows[ModelVersion].pk, timezone.now()
    told = {name: canary.word("incident" + name.replace("_", "")) for name in (*WORDS, "title")}
    flags = dict.fromkeys(FLAGS, False) | {"fundamental_rights": True, "personal_data": True}
    moments = {"occurred_at": now.isoformat(), "aware_at": now.isoformat(), "severity": "major"}
    given = {"project": canary.project, "model_versions": [version], **told, **flags, **moments}
    reported = canary.do("builder", "api-incidents", **given)
    incident, shown = reported["id"], {"entry_digest": reported["entries"][-1]["digest"], "password": PASSWORD}
    whom = {name: canary.word("notice" + name) for name in ("who", "how", "reference", "note")}
    canary.do("builder", "api-incident-notices", incident, duty="authority", stage="final",
              told_at=timezone.now().isoformat(), **whom)  # fmt: skip
    canary.do("reviewer", "api-incident-release", incident, reason=canary.word("release"), **shown)
    canary.do("owner", "api-incident-release-grant", incident, reason=canary.word("grant"), **shown)
    canary.do("builder", "api-incident-confirmations", project=canary.project, note=canary.word("confirmation"))
    canary.enter()
    Reminder.objects.create(organization=canary.organization, incident_id=incident, kind="protection in 72 hours")
