"""What a model version and its data show, and what was measured of it."""

from django.urls import reverse

from apps.common.canonical import digest
from apps.controls.queries.evidence.subjects import COMPUTED, NO_MODEL, Subject, item_of, of_each_version
from apps.controls.rules.coverage import Item, Provenance
from apps.datasets.models import DatasetVersion, Profile
from apps.reports.models import Report
from apps.reports.queries import speaking


def of_model(*, viewer, subjects, said):
    """Lineage and training record: what the version's own row binds."""
    for subject in subjects:
        if (version := subject.version) is None:
            yield from ((subject, kind, NO_MODEL) for kind in ("lineage", "training_record", "approval_signature"))
            continue
        gone = next((f"{data} was withdrawn." for data in subject.data if data.withdrawn_at), "")
        bound = {"artifact": version.artifact_digest, "recipe": version.recipe_digest,
                 "data": [[data.digest, data.declaration_digest] for data in subject.data]}  # fmt: skip
        made = {"recipe": version.recipe_digest, "seed": str(version.seed), "code": version.code_version,
                "libraries": version.libraries, "device": version.device, "data": version.data_digest,
                "artifact": version.artifact_digest}  # fmt: skip
        where = {"at": version.created_at, "url": version.get_absolute_url()}
        line = {"name": f"Lineage of {version}", "digest": digest(bound), "why_not_current": gone}
        yield subject, "lineage", item_of("lineage", COMPUTED, **line, **where)
        record = {"name": f"Training record of {version}", "digest": digest(made)}
        yield subject, "training_record", item_of("training_record", COMPUTED, **record, **where)


def of_data(*, viewer, subjects, said):
    """The finished profile of each dataset version, made in the light of its declaration."""
    wanted = {data.pk for subject in subjects for data in subject.data}
    rows = Profile.objects.filter(
        organization_id=viewer.organization_id, version__in=wanted, state="finished", declared=True
    )
    newest = rows.defer("result").order_by("version_id", "-pk").distinct("version_id")
    profiles = {profile.version_id: profile for profile in newest}
    for subject in subjects:
        if not subject.data:
            yield subject, "data_quality_report", "There is no declared data yet."
        for data in subject.data:
            if profile := profiles.get(data.pk):
                yield subject, "data_quality_report", _profile(data, profile)
            else:
                yield subject, "data_quality_report", f"{data} has no finished profile under its declaration."


def of_reports(*, viewer, subjects, said):
    """The report of each kind that speaks."""
    by_version = of_each_version(subjects)
    rows = speaking(by_version).filter(organization_id=viewer.organization_id)
    for report in rows.defer("result", "parameters", "progress").order_by("model_version_id", "kind"):
        for subject in by_version[report.model_version_id]:
            yield subject, f"{report.kind}_report", _report(subject, report)


def _profile(data: DatasetVersion, profile: Profile) -> Item:
    gone = f"{data} was withdrawn." if data.withdrawn_at else ""
    words = {"name": f"Profile of {data}", "digest": profile.digest, "at": profile.finished_at}
    return item_of("data_quality_report", COMPUTED, **words, url=data.get_absolute_url(), why_not_current=gone)


def _report(subject: Subject, report: Report) -> Item:
    version = subject.version
    measured = report.inputs.get("artifact", version.artifact_digest)
    other = "" if measured == version.artifact_digest else f"It measured other bytes, {measured[:12]}."
    name = f"{report.get_kind_display()} report of {version}"
    project = subject.project
    url = reverse("report", args=[project.organization.slug, project.slug, report.pk])
    at = report.queued_at if report.is_submitted else report.finished_at
    words = {"name": name, "digest": report.digest, "at": at, "url": url, "why_not_current": other}
    return item_of(f"{report.kind}_report", Provenance(report.provenance), **words)
