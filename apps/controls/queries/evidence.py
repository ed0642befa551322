"""Which evidence there is: one statement a source, for one model version or for every one of an organization's page.

Each of the 25 kinds is mapped to what the portal holds of it. What the portal cannot make yet is missing, and said."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from django.db.models import Q, Subquery
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from apps.accounts.queries import access_reviews
from apps.accounts.rules import REVIEW_EVERY
from apps.approvals.models import State as Asked
from apps.approvals.queries import listed_approvals
from apps.audits import checkpoints
from apps.audits.events import Event
from apps.audits.models import Checkpoint, Record
from apps.common.canonical import digest
from apps.common.errors import BadInput
from apps.controls.catalogue import KINDS
from apps.controls.queries.said import Said
from apps.controls.rules.coverage import Holding, Item, Provenance
from apps.datasets.models import DatasetVersion, Profile
from apps.deployments.queries import deployments
from apps.documents.models import Document, Statement
from apps.incidents.models import Duty
from apps.incidents.queries import Register
from apps.models.models import ModelVersion
from apps.projects.models import Project
from apps.projects.rules import NAMES
from apps.reports.models import Report
from apps.reports.queries import speaking

NOT_YET_MADE = {
    "robustness_report": "The portal measures no robustness yet.",
    "drift_report": "The portal watches for no drift of inputs yet.",
    "energy_report": "The portal measures no energy yet.",
    "reproducibility_report": "The portal makes no reproduction certificate yet.",
}
RELATED = (
    "project__organization", "model_version__model", "model_version__project__organization", "dataset_version__dataset",
    "dataset_version__project__organization",
)  # fmt: skip
CITED = (  # what documents are filled from: newer than a document, it makes it stale
    "performance_report", "fairness_report", "privacy_report", "explainability_report", "data_quality_report",
    "intended_purpose", "human_oversight_plan", "impact_assessment", "monitoring_plan",
)  # fmt: skip
CITING = ("technical_documentation", "model_card")
FRESH = dt.timedelta(days=1)  # how far the record may run ahead of its newest checkpoint
VERIFIED_EVERY = dt.timedelta(days=90)
NO_MODEL = "There is no model version yet."
COMPUTED, DECLARED = Provenance.RECOMPUTED, Provenance.DECLARED


@dataclass(frozen=True)
class Subject:
    """What is looked at: a project, and one version of one of its models, or none yet."""

    project: Project
    version: ModelVersion | None
    data: tuple[DatasetVersion, ...]  # what the version learned from and was measured on; or the newest there is

    @property
    def key(self) -> tuple[int, int | None]:
        return self.project.pk, self.version and self.version.pk


@dataclass
class Found:
    """Evidence as it comes in, by subject and kind."""

    items: dict
    lacking: dict

    def holdings(self, subject: Subject) -> dict[str, Holding]:
        newest = [item for kind in CITED for item in self.items[subject.key, kind]]
        for kind in CITING:
            items = self.items[subject.key, kind]
            items[:] = [_outdated(item, newest) for item in items]
        return {kind: self._holding(kind, (subject.key, kind)) for kind in KINDS}

    def _holding(self, kind, key) -> Holding:
        items, lacking = tuple(self.items[key]), tuple(self.lacking[key])
        if not items and not lacking and kind in NOT_YET_MADE:
            lacking = (NOT_YET_MADE[kind],)
        return Holding(kind, items, lacking)


def _outdated(document: Item, cited: list[Item]) -> Item:
    """The document, stale where something it cites is newer than it."""
    newer = next((item for item in cited if item.at > document.at), None)
    if newer is None or document.why_not_current:
        return document
    return replace(document, why_not_current=f"{newer.name} is newer than it.")


Source = Callable[..., Iterable[tuple[Subject, str, Item | str]]]


def holdings(*, viewer, subjects: list[Subject], said: dict[int, Said]) -> dict[tuple, dict[str, Holding]]:
    """Subject's key -> kind -> what there is of it."""
    found = Found(defaultdict(list), defaultdict(list))
    for source in SOURCES:
        for subject, kind, what in source(viewer=viewer, subjects=subjects, said=said):
            into = found.lacking if isinstance(what, str) else found.items
            into[subject.key, kind].append(what)
    return {subject.key: found.holdings(subject) for subject in subjects}


# --- sources: each yields (subject, kind, an item, or a sentence that says what is lacking) ------------------------


def of_project(*, viewer, subjects, said):
    """What its people answered, and what they keep it for. No statement of its own."""
    for subject in subjects:
        project, known = subject.project, said[subject.project.pk]
        yield subject, "risk_classification", _classification(project, known)
        if project.purpose.strip():
            purpose = {"name": "Purpose of the project", "digest": digest(project.purpose), "at": project.changed_at}
            yield subject, "intended_purpose", _item("intended_purpose", DECLARED, **purpose, url=_page(project))
        if known.schedule:
            yield subject, "retention_policy", _schedule(project, known.schedule)
        else:
            yield subject, "retention_policy", "No owner has published a retention schedule."


def of_organization(*, viewer, subjects, said):
    """Its memory, under a checkpoint, and the last review of who has access: the same for each project."""
    if not subjects:
        return
    found = {"audit_log": _log(viewer, subjects[0].project), "access_review": _access_review(viewer)}
    for subject in subjects:
        yield from ((subject, kind, what) for kind, what in found.items())


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
        yield subject, "lineage", _item("lineage", COMPUTED, **line, **where)
        record = {"name": f"Training record of {version}", "digest": digest(made)}
        yield subject, "training_record", _item("training_record", COMPUTED, **record, **where)


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
    by_version = _by_version(subjects)
    rows = speaking(by_version).filter(organization_id=viewer.organization_id)
    for report in rows.defer("result", "parameters", "progress").order_by("model_version_id", "kind"):
        for subject in by_version[report.model_version_id]:
            yield subject, f"{report.kind}_report", _report(subject, report)


def of_sign_off(*, viewer, subjects, said):
    """The newest sign-off of the version: evidence once it is complete, and as long as it stands."""
    by_version = _by_version(subjects)
    rows = listed_approvals(viewer=viewer).filter(model_version__in=by_version)
    newest = {row.model_version_id: row for row in reversed(rows)}
    for version, its in by_version.items():
        for subject in its:
            yield subject, "approval_signature", _sign_off(subject, newest.get(version))


def of_deployment(*, viewer, subjects, said):
    """The newest deployment of the version."""
    by_version = _by_version(subjects)
    rows = deployments(viewer=viewer).filter(model_version__in=by_version)
    newest = {row.model_version_id: row for row in reversed(rows)}
    for version, row in newest.items():
        for subject in by_version[version]:
            yield subject, "deployment_record", _deployment(subject, row)


def of_incidents(*, viewer, subjects, said):
    """The register of its project: in cadence, with no duty to tell overdue; an empty one counts once confirmed."""
    for subject in subjects:
        yield subject, "incident_record", _incidents(subject.project, said[subject.project.pk].register)


def of_statements(*, viewer, subjects, said):
    """What people stated of the project, the version or its data; the newest of each kind speaks."""
    rows = Statement.objects.filter(
        _about(subjects), organization_id=viewer.organization_id, successor=None, kind__in=KINDS
    )
    rows = rows.defer("body", "envelope").select_related(*RELATED)
    for row in rows.order_by("kind", "subtype", "pk"):
        for subject in _spoken_of(row, subjects):
            yield subject, row.kind, _statement(row)


def of_documents(*, viewer, subjects, said):
    """The newest finished document of each kind: about the version, and a datasheet for each of its data."""
    rows = Document.objects.filter(
        _about(subjects), organization_id=viewer.organization_id, state="finished", kind__in=KINDS
    )
    rows = rows.defer("libraries", "progress", "parameters", "inputs").select_related(*RELATED)
    key = ("kind", "model_version_id", "dataset_version_id")
    for row in rows.order_by(*key, "-pk").distinct(*key):
        for subject in _spoken_of(row, subjects):
            yield subject, row.kind, _document(row)


def _about(subjects) -> Q:
    """Rows that speak of a subject: of its version or its data, or of its project with neither."""
    versions = [subject.version.pk for subject in subjects if subject.version]
    data = [one.pk for subject in subjects for one in subject.data]
    project = Q(project__in=[subject.project.pk for subject in subjects], model_version=None, dataset_version=None)
    return project | Q(model_version__in=versions) | Q(dataset_version__in=data)


def _spoken_of(row, subjects) -> list[Subject]:
    if row.model_version_id:
        return [subject for subject in subjects if subject.version and subject.version.pk == row.model_version_id]
    if row.dataset_version_id:
        return [subject for subject in subjects if row.dataset_version_id in [data.pk for data in subject.data]]
    return [subject for subject in subjects if subject.project.pk == row.project_id]


SOURCES: tuple[Source, ...] = (
    of_project, of_organization, of_model, of_data, of_reports, of_sign_off, of_deployment, of_incidents, of_statements,
    of_documents,
)  # fmt: skip


# --- one item each --------------------------------------------------------------------------------------------------


def _item(kind: str, provenance: Provenance, *, name, digest, at, url="", why_not_current="", valid_until=None) -> Item:
    return Item(kind, name, digest, provenance, at, url, why_not_current, valid_until)


def _classification(project: Project, known: Said) -> Item | str:
    open_questions = [name for name in NAMES if name not in project.answers]
    if len(open_questions) == len(NAMES):
        return "Nobody has answered the questions of its risk class."
    if open_questions:
        return f"{len(open_questions)} of {len(NAMES)} questions of its risk class are unanswered."
    told = {"risk_class": project.risk_class, "answers": project.answers, "facts": known.stated}
    at = dt.datetime.fromisoformat(known.classified["at"]) if known.classified else project.changed_at
    url = reverse("project-risk", args=[project.organization.slug, project.slug])
    words = {"name": f"Answers to {len(NAMES)} questions", "digest": digest(told), "at": at, "url": url}
    return _item("risk_classification", DECLARED, **words)


def _log(viewer, project: Project) -> Item | str:
    """The newest checkpoint; stale where it is old, is not signed, or nobody verified the record of late."""
    mine = {"organization_id": viewer.organization_id}
    newest = Record.objects.filter(**mine).order_by("-seq")
    verified = newest.filter(event=Event.RECORD_VERIFIED)
    made = (
        Checkpoint.objects.filter(**mine)
        .annotate(
            newest_at=Subquery(newest.values("at")[:1]),
            verified_at=Subquery(verified.values("at")[:1]),
            found=Subquery(verified.values("facts")[:1]),
        )
        .order_by("-size")
        .first()
    )
    if made is None:
        return "No checkpoint of the record is made yet; a sign-off makes one, and so does whoever asks for it."
    words = {"name": f"Checkpoint over {made.size:,} records", "digest": made.root_hex, "at": made.made_at}
    url = reverse("checkpoint", args=[project.organization.slug, made.pk])
    return _item("audit_log", COMPUTED, **words, url=url, why_not_current=_why_log_is_stale(viewer, made))


def _why_log_is_stale(viewer, made) -> str:
    try:
        _, signed = checkpoints.read(viewer.organization_id, made.note)
    except BadInput:
        signed = False
    if not signed:
        return "No key of the organization signed its newest checkpoint."
    if made.newest_at - made.made_at > FRESH:
        return f"The record went on for more than a day after its newest checkpoint, {made.made_at:%-d %B %Y}."
    if made.verified_at is None or timezone.now() - made.verified_at > VERIFIED_EVERY:
        return f"Nobody has verified the record in the last {VERIFIED_EVERY.days} days."
    if not made.found.get("intact"):
        return f"The record was found wrong when it was verified on {made.verified_at:%-d %B %Y}."
    return ""


def _access_review(viewer) -> Item | str:
    """The last finished review of who has access, under its signature."""
    last = access_reviews(viewer=viewer).exclude(finished_at=None).order_by("-finished_at").first()
    if last is None:
        return "No review of who has access is finished yet."
    due = last.finished_at + REVIEW_EVERY
    why = "" if due > timezone.now() else f"The next review was due on {due:%-d %B %Y}."
    words = {"name": f"Access review of {last.finished_at:%-d %B %Y}", "digest": digest(last.envelope)}
    return _item("access_review", DECLARED, **words, at=last.finished_at, url=last.get_absolute_url(),
                 why_not_current=why, valid_until=due.date())  # fmt: skip


def _schedule(project: Project, row: dict) -> Item:
    url = reverse("retention", args=[project.organization.slug])
    at = dt.datetime.fromisoformat(row["at"])
    name = f"Retention schedule {row['number']}"
    return _item("retention_policy", DECLARED, name=name, digest=row["digest"], at=at, url=url)


def _profile(data: DatasetVersion, profile: Profile) -> Item:
    gone = f"{data} was withdrawn." if data.withdrawn_at else ""
    words = {"name": f"Profile of {data}", "digest": profile.digest, "at": profile.finished_at}
    return _item("data_quality_report", COMPUTED, **words, url=data.get_absolute_url(), why_not_current=gone)


def _report(subject: Subject, report: Report) -> Item:
    version = subject.version
    measured = report.inputs.get("artifact", version.artifact_digest)
    other = "" if measured == version.artifact_digest else f"It measured other bytes, {measured[:12]}."
    name = f"{report.get_kind_display()} report of {version}"
    project = subject.project
    url = reverse("report", args=[project.organization.slug, project.slug, report.pk])
    at = report.queued_at if report.is_submitted else report.finished_at
    words = {"name": name, "digest": report.digest, "at": at, "url": url, "why_not_current": other}
    return _item(f"{report.kind}_report", Provenance(report.provenance), **words)


def _sign_off(subject: Subject, row) -> Item | str:
    if row is None:
        return "Nobody has asked for its sign-off."
    if row.state == Asked.OPEN:
        return f"Its sign-off is in review: {row.signed} signed so far."
    if row.state in (Asked.RETURNED, Asked.REJECTED, Asked.WITHDRAWN):
        return f"Its sign-off was {Asked(row.state).label}."
    why = "" if row.stands else "Its sign-off no longer stands."
    if row.state == Asked.REVOKED:
        why = "Its sign-off was revoked."
    words = {"name": f"Sign-off of {subject.version}", "digest": row.dossier_digest, "at": row.decided_at}
    until = row.valid_until and row.valid_until.date()
    return _item("approval_signature", DECLARED, **words, url=row.get_absolute_url(), why_not_current=why,
                 valid_until=until)  # fmt: skip


def _deployment(subject: Subject, row) -> Item:
    ended = subject.version.retired_at is not None  # then the record of an ended deployment is what is asked for
    why = ""
    if row.state == "stopped" and not ended:
        why = f"{row.name} was stopped on {row.stopped_at:%-d %B %Y}."
    elif row.state == "serving" and ended:
        why = f"{row.name} serves a retired version."
    elif row.state == "serving" and not row.stands:
        why = f"{row.name} refuses: its sign-off no longer stands."
    told = {"deployment": row.pk, "name": row.name, "state": row.state, "approval": row.approval.dossier_digest}
    at = row.stopped_at or row.opened_at
    words = {"name": f"Deployment {row.name}, {row.state}", "digest": digest(told), "at": at}
    record = _item("deployment_record", COMPUTED, **words, url=row.get_absolute_url(), why_not_current=why)
    overdue = f"The stop of {row.name} was to be tried by {row.drill_due:%-d %B %Y}: suspend its sign-off as a drill."
    return replace(record, drill_gap=overdue if row.drill_overdue else "")


def _incidents(project: Project, register: Register | None) -> Item | str:
    if register is None:
        return "Nobody has confirmed that its incident register is empty."
    why = ""
    if register.overdue:
        number, duty, due_at = register.overdue
        why = f"Of incident {number}, {Duty(duty).label} was to be told by {due_at:%-d %B %Y}."
    elif register.due_at <= timezone.now():
        why = f"Nobody has looked through the incident register since {register.looked_at:%-d %B %Y}."
    count = register.incidents or "no"
    name = f"Incident register with {count} incident{'' if register.incidents == 1 else 's'}"
    url = reverse("incidents", args=[project.organization.slug, project.slug])
    return _item("incident_record", DECLARED, name=name, digest=register.digest, at=register.looked_at, url=url,
                 why_not_current=why, valid_until=register.due_at.date())  # fmt: skip


def _statement(row: Statement) -> Item:
    day = timezone.now()
    why = ""
    if row.withdrawn_at:
        why = f"It was withdrawn on {row.withdrawn_at:%-d %B %Y}."
    elif row.ends_at and row.ends_at <= day:
        why = f"It was valid until {row.valid_until:%-d %B %Y}."
    return Item(row.kind, str(row), row.digest, DECLARED, row.stated_at, _url(row), why, row.valid_until, row.subtype)


def _document(row: Document) -> Item:
    words = {"name": str(row), "digest": row.digest, "at": row.finished_at}
    why = f"It says itself what is missing in it: {row.gaps[0]}" if row.gaps else ""
    return _item(row.kind, COMPUTED, **words, url=_url(row), why_not_current=why)


def _url(thing) -> str:
    try:
        return thing.get_absolute_url()
    except NoReverseMatch:  # it has no page
        return ""


def _by_version(subjects) -> dict[int, list[Subject]]:
    found: dict[int, list[Subject]] = defaultdict(list)
    for subject in subjects:
        if subject.version is not None:
            found[subject.version.pk].append(subject)
    return found


def _page(project: Project) -> str:
    return project.get_absolute_url()
