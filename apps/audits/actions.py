"""Prove the house's memory, and take it away. It is written by `record`, in the transaction of what it remembers."""

from django.db import IntegrityError, transaction

from apps.audits import checkpoints, exports, keys, notes, queries, rules, verification, witnesses
from apps.audits.events import Event
from apps.audits.models import Attestation, Checkpoint, SigningKey, Witness, WitnessKind
from apps.audits.recording import is_told, personal, record
from apps.audits.refusals import action
from apps.audits.verification import Verification
from apps.common import work
from apps.common.canonical import digest
from apps.common.errors import ActionDenied, BadInput, NotPermitted, WorkProblem
from apps.common.signing import KeyUnusable
from apps.common.work import WorkState

__all__ = ["checkpoint", "export", "is_told", "personal", "record", "rotate_key", "verify", "verify_for_portal"]
NAMED_BY_OWNERS = (WitnessKind.MAILBOX, WitnessKind.HTTP)


@action
def verify(*, by, known: list[notes.Checkpoint] | None = None, new: bool = False) -> Verification:
    """Recompute the record of the actor's organization, and remember the answer."""
    if reason := rules.why_not_verify(by=by):
        raise NotPermitted(reason)
    found = verification.verify(by.organization_id, known=known, new=new)
    record(Event.RECORD_VERIFIED, on=by.organization, by=by, **found.facts())
    return found


@transaction.atomic
def verify_for_portal(organization, *, known: list[notes.Checkpoint] | None = None, new: bool = False) -> Verification:
    """The same, asked by whoever runs the portal. Needs the tenant to be set."""
    found = verification.verify(organization.pk, known=known, new=new)
    record(Event.RECORD_VERIFIED, on=organization, by=None, **found.facts())
    return found


@action
def checkpoint(*, by) -> Checkpoint:
    """The checkpoint of the record as it is now."""
    if reason := rules.why_not_verify(by=by):
        raise NotPermitted(reason)
    return checkpoints.make(by.organization_id)


@action
def rotate_key(*, by) -> SigningKey:
    """A new signing key from now on; what the old ones signed still verifies."""
    if reason := rules.why_not_rotate(by=by):
        raise NotPermitted(reason)
    return keys.rotate(by.organization_id, by=by)


@action
def add_witness(*, kind: str, name: str, address: str, key: str = "", by) -> Witness:
    """Name a mailbox or an HTTP witness. A path on the server is for its operator to name."""
    if reason := rules.why_not_witness(by=by):
        raise NotPermitted(reason)
    if kind not in NAMED_BY_OWNERS:
        raise BadInput({"kind": "An owner names a mailbox or an HTTP witness; paths on the server, its operator."})
    named = {"kind": kind, "name": name, "address": address, "key": key}
    return witnesses.add(organization_id=by.organization_id, **named, by=by)


@action
def end_witness(witness: Witness, *, by) -> None:
    """It is handed nothing more."""
    if reason := rules.why_not_witness(by=by):
        raise NotPermitted(reason)
    if witness.ended_at:
        raise ActionDenied(f"{witness} was ended already.")
    witnesses.end(witness, by=by)


@action
def export(*, by, form: str, first: int = 1, **filters) -> exports.Export:
    """The records that fit `filters` as a file; that they were taken is remembered before the first byte leaves."""
    if reason := rules.why_not_export(by=by):
        raise NotPermitted(reason)
    chosen = {name: _asked(value) for name, value in filters.items() if value not in (None, "")}
    record(Event.RECORD_EXPORTED, on=by.organization, by=by, format=form, first=first, filters=chosen)
    return exports.write(queries.records(viewer=by, **filters), viewer=by, form=form, first=first)


def _asked(value) -> str:
    """What a filter was given, as it stands in an address."""
    return ":".join(map(str, value)) if isinstance(value, tuple) else str(value)


# --- the walls between organizations ---------------------------------------------------------------------------------

ISOLATION = "https://assay.dev/isolation/v1"


@action
def ask_attestation(*, by) -> Attestation:
    """Have the walls between organizations tried by a worker, and the result signed in this organization's name."""
    if reason := rules.why_not_attest(by=by):
        raise NotPermitted(reason)
    try:
        with transaction.atomic():
            attestation = Attestation.objects.create(organization_id=by.organization_id, started_by=by)
    except IntegrityError as twice:
        raise ActionDenied("The walls are being tried already; wait for that result.") from twice
    work.enqueue(attestation)
    record(Event.ATTESTATION_ASKED, on=attestation, by=by)
    return attestation


def keep_attestation(attestation: Attestation, result: dict) -> None:
    """What a worker found becomes the signed result, never to change."""
    said = digest(result)
    try:
        subject = {f"{attestation} of {attestation.organization.slug}": said}
        envelope = keys.attest(attestation.organization_id, ISOLATION, result, subject)
    except KeyUnusable as error:
        raise WorkProblem(str(error)) from error
    work.finish(attestation, progress={}, verdict=result["verdict"], digest=said, envelope=envelope)
    counts = {name: result["counts"][name] for name in ("asked", "refused", "leaked")}
    record(
        Event.ATTESTATION_FINISHED, on=attestation, by=None, verdict=result["verdict"], digest=said, **counts,
        untried=len(result["untried"]), attempt=attestation.attempt,
    )  # fmt: skip


def fail_attestation(attestation, sentence: str) -> None:
    work.finish(attestation, state=WorkState.FAILED, problem=sentence)
    record(Event.ATTESTATION_FAILED, on=attestation, by=None, problem=sentence)


@action
def take_attestation(attestation: Attestation, *, form: str, by) -> None:
    """Remember that somebody downloads a signed result, as "json" or "pdf"."""
    if reason := rules.why_not_attest(by=by):
        raise NotPermitted(reason)
    if reason := rules.why_not_take_attestation(attestation, by=by):
        raise ActionDenied(reason)
    record(Event.ATTESTATION_DOWNLOADED, on=attestation, by=by, form=form, digest=attestation.digest)
