"""State what the portal cannot compute, take a statement back; have documents built, and take them away."""

import datetime as dt

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.permissions import Permission, require
from apps.audits import keys, readings
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.refusals import action
from apps.common import work
from apps.common.canonical import canonical, digest
from apps.common.errors import ActionDenied, BadInput, refuse
from apps.common.signing import KeyUnusable
from apps.common.work import WorkState
from apps.documents import queries, rules
from apps.documents.kinds import Kind
from apps.documents.models import Document, DocumentKind, Statement

STATED = "https://assay.dev/statement/v1"
TWICE = "Somebody stated this a moment ago. Read theirs; if yours still differs, state it anew."
NOT_SEEN = object()


@action
def state(
    project, kind: Kind, *, answers, by, model_version=None, dataset_version=None, valid_until=None, seen=NOT_SEEN
) -> Statement:
    """Put a person's name under what they state of a project, a model version or a dataset version.

    It supersedes what was stated of the same before; `seen` is the id of that one (None: there was none), where the
    person was shown it. Raises BadInput, ActionDenied."""
    require(by, Permission.STATEMENT_MAKE)
    refuse(rules.why_not_state(project, by=by))
    answers = rules.read(kind, answers)
    _check(kind, answers, model_version, dataset_version, valid_until)
    about = {"model_version": model_version, "dataset_version": dataset_version}
    before = queries.latest(project, kind, **about)
    if seen is not NOT_SEEN and seen != (before and before.pk):
        raise ActionDenied(TWICE)
    statement = Statement(
        organization_id=by.organization_id, project=project, kind=kind.name, subtype=kind.subtype, **about,
        valid_until=valid_until, supersedes=before, stated_by=by, stated_at=timezone.now(),
    )  # fmt: skip
    _sign(statement, answers, kind)
    try:
        with transaction.atomic():
            statement.save(force_insert=True)
    except IntegrityError as error:
        raise ActionDenied(TWICE) from error
    record(
        Event.STATEMENT_MADE, on=statement, by=by, kind=kind.name, subtype=kind.subtype, digest=statement.digest,
        supersedes=before.digest if before else "", valid_until=valid_until.isoformat() if valid_until else "",
    )  # fmt: skip
    return statement


def _check(kind, answers, model_version, dataset_version, valid_until) -> None:
    if problem := rules.wrong_thing(kind, model_version, dataset_version):
        raise BadInput({"kind": problem})
    if found := rules.problems(kind, answers):
        raise BadInput(found)
    if problem := rules.why_not_until(valid_until, timezone.now().astimezone(dt.UTC).date()):
        raise BadInput({"valid_until": problem})


def _sign(statement: Statement, answers, kind: Kind) -> None:
    """Its bytes, their digest, and the organization's signature under who stated it."""
    body = canonical(_body(statement, answers, kind))
    statement.body, statement.digest = body.decode(), digest(body)
    said = {"by": str(statement.stated_by.user), "role": statement.stated_by.role, "provenance": "declared"}
    try:
        subjects = {str(statement): statement.digest}
        statement.envelope = keys.attest(statement.organization_id, STATED, said, subjects)
    except KeyUnusable as error:
        raise ActionDenied(str(error)) from error


def _body(statement: Statement, answers, kind: Kind) -> dict:
    by, before = statement.stated_by, statement.supersedes
    return {
        "assay": "statement 1",
        "kind": kind.name,
        "subtype": kind.subtype,
        "about": about(statement),
        "answers": [
            {"question": question.name, "asked": question.asks, "reference": question.reference}
            | answers[question.name]
            for question in kind.questions
            if question.name in answers
        ],
        "provenance": "declared",
        "stated_by": {"name": str(by.user), "role": by.role},
        "stated_at": statement.stated_at.astimezone(dt.UTC).isoformat(),
        "valid_until": statement.valid_until.isoformat() if statement.valid_until else None,
        "supersedes": before.digest if before else None,
    }


def about(statement: Statement) -> dict:
    """What it is about, by name and, where there is one, by digest."""
    found = {"project": statement.project.slug}
    if version := statement.model_version:
        return found | {"model": version.model.name, "version": version.number, "digest": version.artifact_digest}
    if data := statement.dataset_version:
        return found | {"dataset": data.dataset.name, "version": data.number, "digest": data.digest}
    return found


@action
def withdraw(statement: Statement, *, reason: str, by) -> Statement:
    """It stays readable, and counts no more."""
    require(by, Permission.STATEMENT_WITHDRAW)
    found = queries.statements(statement.project).select_for_update(of=("self",))
    statement = found.get(pk=statement.pk)
    refuse(rules.why_not_withdraw(statement, by=by))
    reason = reason.strip()
    if not reason or rules.unprintable(reason):
        raise BadInput({"reason": rules.unprintable(reason) or "Say why it is withdrawn."})
    statement.withdrawn_at, statement.withdrawn_by, statement.withdrawn_reason = timezone.now(), by, reason
    statement.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason"])
    record(Event.STATEMENT_WITHDRAWN, on=statement, by=by, reason=reason, digest=statement.digest)
    return statement


# --- documents ------------------------------------------------------------------------------------------------------


@action
def build(kind: str, *, by, model_version=None, dataset_version=None, sex="", race="") -> Document:
    """Queue one document about a model version (a datasheet: about a dataset version).

    `sex` and `race` name the declared attributes a bias audit compares, where they are called otherwise. What is waived
    for the model version at this moment is printed as such. Raises BadInput, ActionDenied."""
    require(by, Permission.DOCUMENT_BUILD)
    kind = _kind(kind)
    if problem := rules.wrong_subject(kind, model_version, dataset_version):
        raise BadInput({"kind": problem})
    about = model_version or dataset_version
    refuse(rules.why_not_build(about.project, by=by))
    given = {name: value for name, value in (("sex", sex), ("race", race)) if value and kind == DocumentKind.BIAS_AUDIT}
    if given and (problems := rules.wrong_attributes(_tested_on(model_version).declaration, given)):
        raise BadInput(problems)
    waived = queries.in_force(model_version) if model_version else []
    parameters = given | ({"waived": waived} if waived else {})
    same = Document.objects.filter(
        kind=kind, model_version=model_version, dataset_version=dataset_version, parameters=parameters,
        state__in=(WorkState.QUEUED, WorkState.RUNNING),
    )  # fmt: skip
    if under_way := same.first():
        return under_way  # asked for twice, built once
    document = Document.objects.create(
        organization_id=about.organization_id, project=about.project, kind=kind, model_version=model_version,
        dataset_version=dataset_version, parameters=parameters, started_by=by,
    )  # fmt: skip
    work.enqueue(document)
    record(Event.DOCUMENT_ASKED, on=document, by=by, kind=kind, about=_digest_of(about))
    return document


def _kind(kind: str) -> DocumentKind:
    if kind not in DocumentKind.values:
        raise BadInput({"kind": f"Choose among {', '.join(DocumentKind.values)}."})
    return DocumentKind(kind)


def _tested_on(version):
    return version.test_dataset_version or version.dataset_version


def _digest_of(about) -> str:
    return getattr(about, "artifact_digest", "") or about.digest


def keep(document: Document, **written) -> None:
    """What the worker wrote becomes the document, never to change: its digests, its sources, its gaps."""
    work.finish(document, progress={}, **written)
    record(
        Event.DOCUMENT_BUILT, on=document, by=None, kind=document.kind, digest=document.digest,
        body=document.body_digest, gaps=len(document.gaps), attempt=document.attempt,
    )  # fmt: skip


def fail(document, sentence: str) -> None:
    work.finish(document, state=WorkState.FAILED, problem=sentence)
    record(Event.DOCUMENT_FAILED, on=document, by=None, kind=document.kind, problem=sentence)


@action
def take_away(document: Document, *, form: str, by) -> None:
    """Remember that somebody downloads a document, as "pdf" or "json"."""
    require(by, Permission.DOCUMENT_DOWNLOAD)
    refuse(rules.why_not_download(document, by=by))
    readings.opened(document, by=by, digest=document.digest)
    digest_of = {"pdf": document.digest, "json": document.body_digest}
    record(Event.DOCUMENT_DOWNLOADED, on=document, by=by, form=form, digest=digest_of[form])
