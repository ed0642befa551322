"""Bring data in, say what it means, measure it, take it away, withdraw it, charge its privacy budget."""

import contextlib

from django.conf import settings
from django.utils import timezone

from apps.accounts.permissions import Permission, require
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.refusals import action
from apps.common import storage, work
from apps.common.canonical import canonical, digest
from apps.common.delimited import DelimitedProblem, Structure, examine, format_of
from apps.common.errors import ActionDenied, BadInput, refuse
from apps.common.numbers import size as printed_size
from apps.common.work import WorkState
from apps.datasets import queries, rules
from apps.datasets.models import BudgetEntry, Dataset, DatasetVersion, Profile

# --- bring in ------------------------------------------------------------------------------------------------------


@action
def upload(project, *, name: str, file, by, encoding="", delimiter="", quote=None) -> DatasetVersion:
    """Keep an upload's exact bytes as the next version of the dataset of that name, if they are a table.

    What is not chosen is found. Nothing is kept of a file that is refused. Raises BadInput, ActionDenied."""
    require(by, Permission.DATASET_ADD)
    refuse(rules.why_not_upload(project, by=by))
    found = _examined(file, encoding=encoding, delimiter=delimiter, quote=quote)
    stored = _digested(file)
    dataset = _dataset(project, name, by)
    last = dataset.versions.order_by("-number").first()
    if last and last.digest == stored.digest and not last.withdrawn_at:
        raise ActionDenied(f"These exact bytes are {last} already. To declare them anew, withdraw it first.")
    version = DatasetVersion.objects.create(
        organization_id=by.organization_id,
        project=project,
        dataset=dataset,
        number=last.number + 1 if last else 1,
        filename=_filename(file),
        format=found.format,
        encoding=found.encoding,
        delimiter=found.delimiter,
        quote=found.quote,
        digest=stored.digest,
        size=stored.size,
        rows=found.rows,
        columns=list(found.columns),
        uploaded_by=by,
    )
    _ask_for_profile(version, by=by, declared=False)
    _keep_bytes(version, file)
    return version


def _examined(file, **chosen) -> Structure:
    """Refuses what is no table, saying where."""
    if file.size > settings.UPLOAD_LIMIT:
        limit = printed_size(settings.UPLOAD_LIMIT)
        raise BadInput({"file": f"The file has {printed_size(file.size)}; at most {limit} are taken. Split it."})
    chosen = {name: value or None for name, value in chosen.items() if name != "quote"} | {"quote": chosen["quote"]}
    try:
        return examine(file.temporary_file_path(), format=format_of(file.name), **chosen)
    except DelimitedProblem as problem:
        raise BadInput({"file": problem.message}) from problem


def _digested(file) -> storage.Stored:
    """The digest was computed while the bytes came in."""
    return storage.Stored(digest=file.sha256, size=file.size)


def _filename(file) -> str:
    return "".join(letter for letter in file.name if letter.isprintable())[-255:] or "data"


def _dataset(project, name: str, by) -> Dataset:
    """The project's dataset of that name, locked, made if there is none."""
    name = " ".join(name.split())
    if not name or len(name) > rules.LONGEST_NAME:
        raise BadInput({"name": f"Give the data a name of at most {rules.LONGEST_NAME} characters."})
    made, _ = Dataset.objects.get_or_create(
        organization_id=by.organization_id, project=project, name=name, defaults={"created_by": by}
    )
    return Dataset.objects.select_for_update().get(pk=made.pk)


def _keep_bytes(version: DatasetVersion, file) -> None:
    """Store the file and remember it: the last step, so that a refusal by the database comes before it.

    Bytes that this call stored are removed if it fails; uploads of the same bytes wait for each other."""
    storage.alone(version.digest)
    new = False
    try:
        new = not _is_stored(version)
        storage.put(version.organization_id, file)
        record(
            Event.DATASET_ADDED,
            on=version,
            by=version.uploaded_by,
            digest=version.digest,
            size=version.size,
            rows=version.rows,
            columns=len(version.columns),
            filename=version.filename,
        )
    except BaseException as error:
        if new:
            with contextlib.suppress(OSError):  # what cannot be removed now goes with what no row names
                storage.forget(version.organization_id, version.digest)
        if isinstance(error, OSError):
            raise ActionDenied(_no_room(error)) from error
        raise


def _is_stored(version: DatasetVersion) -> bool:
    try:
        storage.open_stored(version.organization_id, version.digest).close()
    except FileNotFoundError:
        return False
    return True


def _no_room(error: OSError) -> str:
    why = error.strerror or type(error).__name__
    return f"The portal could not keep the file ({why}). Nothing was stored; tell its operator and send it again."


# --- say what it means ---------------------------------------------------------------------------------------------


@action
def declare(version: DatasetVersion, *, declaration: dict, by) -> DatasetVersion:
    """Fix what the columns mean, for good, and have the data measured in that light. Raises BadInput, ActionDenied."""
    require(by, Permission.DATASET_DECLARE)
    version = _locked(version)
    refuse(rules.why_not_declare(version, by=by))
    if problems := rules.problems_of(declaration, version.columns, queries.facts_by_column(version)):
        raise BadInput(problems)
    version.declaration = rules.declaration_of(declaration)
    version.declaration_digest = digest(version.declaration)
    version.declared_by, version.declared_at = by, timezone.now()
    version.save(update_fields=["declaration", "declaration_digest", "declared_by", "declared_at"])
    _ask_for_profile(version, by=by, declared=True)
    said = version.declaration
    record(
        Event.DATASET_DECLARED,
        on=version,
        by=by,
        target=said["target"],
        favourable=said["favourable"],
        sensitive=[attribute["name"] for attribute in said["sensitive"]],
        left_out=said["left_out"],
        missing=said["missing"],
        digest=version.declaration_digest,
    )
    return version


@action
def withdraw(version: DatasetVersion, *, reason: str, by) -> DatasetVersion:
    """Nothing new learns from it; what it taught, and its bytes, stay as evidence."""
    require(by, Permission.DATASET_WITHDRAW)
    version = _locked(version)
    refuse(rules.why_not_withdraw(version, by=by))
    if not reason.strip():
        raise BadInput({"reason": "Say why it is withdrawn."})
    version.withdrawn_at, version.withdrawn_by, version.withdrawn_reason = timezone.now(), by, reason.strip()
    version.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason"])
    record(Event.DATASET_WITHDRAWN, on=version, by=by, reason=version.withdrawn_reason, digest=version.digest)
    return version


@action
def take_away(version: DatasetVersion, *, by) -> None:
    """Remember that somebody downloads the exact bytes."""
    require(by, Permission.DATASET_DOWNLOAD)
    record(Event.DATASET_DOWNLOADED, on=version, by=by, digest=version.digest, size=version.size)


def _locked(version: DatasetVersion) -> DatasetVersion:
    found = DatasetVersion.objects.select_related("dataset", "project__organization", "uploaded_by__user")
    return found.select_for_update(of=("self",)).get(pk=version.pk)


# --- measure -------------------------------------------------------------------------------------------------------


@action
def profile_again(version: DatasetVersion, *, by) -> Profile:
    """Ask once more for a profile that failed."""
    require(by, Permission.DATASET_ADD)
    version = _locked(version)
    refuse(rules.why_not_profile(version, queries.latest_profile(version), by=by))
    return _ask_for_profile(version, by=by, declared=version.declaration is not None)


def _ask_for_profile(version: DatasetVersion, *, by, declared: bool) -> Profile:
    profile = Profile.objects.create(
        organization_id=version.organization_id,
        project_id=version.project_id,
        version=version,
        declared=declared,
        started_by=by,
    )
    work.enqueue(profile)
    return profile


def keep_profile(profile: Profile, result: dict) -> None:
    """Store what a worker found; inside the worker's transaction."""
    text = canonical(result).decode()
    work.finish(profile, result=text, digest=digest(text.encode()), progress={})
    record(
        Event.DATASET_PROFILED,
        on=profile.version,
        by=None,
        profile=profile.pk,
        declared=profile.declared,
        digest=profile.digest,
        findings=len(result["findings"]),
    )


def fail_profile(profile, sentence):
    work.finish(profile, state=WorkState.FAILED, problem=sentence)
    record(Event.DATASET_PROFILE_FAILED, on=profile.version, by=None, profile=profile.pk, problem=sentence)


# --- privacy spent -------------------------------------------------------------------------------------------------


@action
def charge(
    version: DatasetVersion, *, run_id: int, epsilon: float, delta: float, mechanism, by=None, note=""
) -> BudgetEntry:
    """Enter what a run spent of the dataset's privacy, finished or not. Called by the training room."""
    entry = BudgetEntry.objects.create(
        organization_id=version.organization_id,
        project_id=version.project_id,
        dataset_id=version.dataset_id,
        version=version,
        run_id=run_id,
        epsilon=epsilon,
        delta=delta,
        mechanism=mechanism,
        note=note[:200],
    )
    record(
        Event.BUDGET_CHARGED,
        on=version,
        by=by,
        run=run_id,
        epsilon=epsilon,
        delta=delta,
        entry=entry.pk,
        note=entry.note,
    )
    return entry


@action
def set_budget(dataset: Dataset, *, cap: float | None, by) -> Dataset:
    """The most that all runs on a dataset may spend together; None: no limit. It holds for every launch from now on."""
    require(by, Permission.BUDGET_SET)
    dataset = Dataset.objects.select_for_update(of=("self",)).select_related("project").get(pk=dataset.pk)
    refuse(rules.why_not_budget(dataset, by=by))
    if reason := rules.why_not_cap(cap, spent=queries.spent(viewer=by, dataset=dataset)["epsilon"] or 0.0):
        raise BadInput({"cap": reason})
    before, dataset.epsilon_cap = dataset.epsilon_cap, cap
    dataset.save(update_fields=["epsilon_cap"])
    record(Event.BUDGET_SET, on=dataset, by=by, cap=cap, before=before)
    return dataset
