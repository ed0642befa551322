"""Witnesses: who keeps checkpoints where this portal cannot reach, and how each is handed over.

A folder and a git repository are paths on this server, so that only its operator names them, on the command line; a
mailbox and an HTTP witness (C2SP tlog-witness) are named by the organization's owner. Each checkpoint is a delivery to
each witness, in order; one that fails is tried again, later and later, until it arrives."""

import base64
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core import mail
from django.db import transaction
from django.utils import timezone

from apps.audits import checkpoints, notes, proofs, recording
from apps.audits.events import Event
from apps.audits.models import Checkpoint, Delivery, Witness, WitnessKind
from apps.common import outside
from apps.common.errors import BadInput
from apps.common.signing import verifies
from apps.common.tenancy import as_organization, organization_ids

CLAIM = timedelta(minutes=2)  # how long a delivery under way is left alone
LONGEST = timedelta(hours=1)  # between two tries
AT_ONCE = 50  # deliveries of one round


class Failed(Exception):
    """It did not arrive; the sentence says why. It is tried again."""


def watch() -> None:
    """One round for every organization: make the checkpoint that is due, and hand over what waits."""
    for organization_id in organization_ids():
        with as_organization(organization_id):
            _make_if_due(organization_id)
        deliver(organization_id)


def _make_if_due(organization_id: int) -> None:
    last = checkpoints.latest(organization_id)
    waited = last is None or timezone.now() - last.made_at >= timedelta(seconds=settings.CHECKPOINT_EVERY)
    if waited and proofs.size(organization_id) > (last.size if last else 0):
        checkpoints.make(organization_id)


def add(*, organization_id: int, kind: str, name: str, address: str, key: str = "", by=None) -> Witness:
    """Name a witness, who is given the latest checkpoint at once. Raises BadInput."""
    kind = WitnessKind(kind)
    if objection := _objection(kind, address, key):
        raise BadInput(objection)
    with transaction.atomic():
        row = Witness.objects.create(
            organization_id=organization_id, kind=kind, name=name.strip() or kind.label, address=address, key=key
        )
        recording.record(Event.WITNESS_ADDED, on=row, by=by, kind=kind.value, address=address)
        checkpoint = checkpoints.make(organization_id)
        Delivery.objects.get_or_create(organization_id=organization_id, witness=row, checkpoint=checkpoint)
    return row


def _objection(kind: WitnessKind, address: str, key: str) -> dict[str, str]:
    if kind == WitnessKind.HTTP:
        if reason := outside.why_not_address(address):
            return {"address": reason}
        try:
            verifier(key)
        except notes.NoNote as error:
            return {"key": str(error)}
    if kind == WitnessKind.MAILBOX and ("@" not in address or "\n" in address):
        return {"address": "Give the address of a mailbox."}
    if kind in (WitnessKind.FOLDER, WitnessKind.GIT) and not Path(address).is_dir():
        return {"address": f"There is no folder {address}."}
    if kind == WitnessKind.GIT and not (Path(address) / ".git").exists():
        return {"address": f"{address} is no working copy of a git repository. Clone one there first."}
    return {}


def verifier(key: str) -> tuple[str, bytes]:
    """(name, public key) of a cosigner's verifier key "name+hash+base64", as C2SP writes it. Raises NoNote."""
    name, _, rest = key.strip().partition("+")
    mark, _, encoded = rest.partition("+")
    try:
        content = base64.b64decode(encoded, validate=True)
    except ValueError:
        content = b""
    kind, public = content[:1], content[1:]
    if len(public) != 32 or kind != notes.COSIGNATURE or notes.key_hash(name, public, kind).hex() != mark.lower():
        raise notes.NoNote("Give the witness’s verifier key, such as witness.example+0a1b2c3d+BPx…: name, hash, key.")
    return name, public


def end(witness: Witness, *, by=None) -> None:
    """It is handed nothing more. What it keeps, it keeps."""
    with transaction.atomic():
        Witness.objects.filter(pk=witness.pk, ended_at=None).update(ended_at=timezone.now())
        recording.record(Event.WITNESS_ENDED, on=witness, by=by, address=witness.address)


def deliver(organization_id: int) -> None:
    """Hand over what waits and is due, each outside of any transaction."""
    for _ in range(AT_ONCE):
        with as_organization(organization_id):
            found = _claimed(organization_id)
        if found is None:
            return
        try:
            answer, problem = HAND[WitnessKind(found.witness.kind)](found), ""
        except Failed as failure:
            answer, problem = None, str(failure)
        with as_organization(organization_id):
            _settle(found, answer, problem)


def _claimed(organization_id: int) -> Delivery | None:
    """The oldest delivery whose witness has none before it, if its time has come; nobody else takes it for a while."""
    waiting = Delivery.objects.filter(organization_id=organization_id, delivered_at=None, witness__ended_at=None)
    first = waiting.order_by("witness", "checkpoint__size").distinct("witness")
    found = (
        Delivery.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("witness", "checkpoint")
        .filter(pk__in=first.values("pk"), next_at__lte=timezone.now())
        .first()
    )
    if found is not None:
        Delivery.objects.filter(pk=found.pk).update(next_at=timezone.now() + CLAIM, attempts=found.attempts + 1)
        found.attempts += 1
    return found


def _settle(delivery: Delivery, answer: str | None, problem: str) -> None:
    now, row = timezone.now(), Delivery.objects.filter(pk=delivery.pk)
    if answer is not None:
        row.update(delivered_at=now, answer=answer, problem="")
        return
    wait = min(LONGEST, timedelta(seconds=5 * 2 ** min(delivery.attempts, 12)))
    row.update(next_at=now + wait, problem=problem)


# The four kinds of witness: each takes a delivery and answers with what came back.


def _to_folder(delivery: Delivery) -> str:
    """A file for each checkpoint, named by log and size; one that is there with other content is a fork."""
    checkpoint = delivery.checkpoint
    path = Path(delivery.witness.address) / _filed(checkpoint) / f"{checkpoint.size:012d}.checkpoint"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "x", encoding="utf-8", newline="") as file:
            file.write(checkpoint.note)
    except FileExistsError:
        if not _same(path.read_text("utf-8"), checkpoint.note):
            raise Failed(
                f"{path.name} is there already and says something else: the record has two histories."
            ) from None
    except OSError as error:
        raise Failed(f"{path}: {error.strerror}") from error
    return ""


def _to_git(delivery: Delivery) -> str:
    """A commit in a repository's working tree; pushed where it knows where to."""
    folder, checkpoint = delivery.witness.address, delivery.checkpoint
    _to_folder(delivery)
    _git(folder, "add", "--", _filed(checkpoint))
    if _git(folder, "status", "--porcelain", "--", _filed(checkpoint)):
        _git(folder, "commit", "--quiet", "-m", f"{checkpoint.origin}, {checkpoint.size} records", "--",
             _filed(checkpoint))  # fmt: skip
    if _git(folder, "remote"):
        _git(folder, "push", "--quiet")
    return _git(folder, "rev-parse", "HEAD")


def _git(folder: str, *words: str) -> str:
    who = ("-c", "user.name=Assay", "-c", "user.email=assay@localhost", "-c", "core.hooksPath=/dev/null")
    try:
        done = subprocess.run(
            ["git", *who, "-C", folder, *words], capture_output=True, text=True, timeout=60, check=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise Failed(f"git {words[0]}: {getattr(error, 'stderr', '') or error}".strip()[:500]) from error
    return done.stdout.strip()


def _to_mailbox(delivery: Delivery) -> str:
    checkpoint = delivery.checkpoint
    message = mail.EmailMessage(
        subject=f"Checkpoint of {checkpoint.origin} over {checkpoint.size} records",
        body="Keep this text as it is: it shows whether the record was changed, even by those who own its database.\n\n"
        + checkpoint.note,
        to=[delivery.witness.address],
    )
    message.attach(f"{checkpoint.size:012d}.checkpoint", checkpoint.note.encode(), "application/octet-stream")
    try:
        message.send()
    except OSError as error:  # smtplib's errors are too
        raise Failed(f"The mail was not taken: {error}") from error
    return ""


def _to_http(delivery: Delivery) -> str:
    """C2SP tlog-witness: the size it knows, the proof from there, the checkpoint; a cosignature comes back."""
    witness, checkpoint = delivery.witness, delivery.checkpoint
    old = _last_size(delivery)
    answer = _asked(delivery, old)
    if answer.status == 409 and (known := _number(answer.body)) is not None and known != old:
        if known > checkpoint.size:
            return ""  # it has a later one; this one is covered by it
        answer = _asked(delivery, known)
    if answer.status != 200:
        said = answer.body.decode("utf-8", "replace").strip()[:200]
        raise Failed(f"The witness answered {answer.status}{f': {said}' if said else ''}.")
    return cosignature(checkpoint.note, answer.body.decode("utf-8", "replace"), witness.key)


def _asked(delivery: Delivery, old: int) -> outside.Answer:
    checkpoint = delivery.checkpoint
    try:
        with as_organization(checkpoint.organization_id):
            proof = proofs.consistency(checkpoint.organization_id, old, checkpoint.size) if old else []
        body = "".join([f"old {old}\n", *(f"{base64.b64encode(hash).decode()}\n" for hash in proof), "\n"])
        return outside.post(f"{delivery.witness.address.rstrip('/')}/add-checkpoint", (body + checkpoint.note).encode())
    except BadInput:
        raise Failed(f"The witness knows {old} records, of which this record has no proof.") from None
    except (outside.Refused, outside.Unreachable) as error:
        raise Failed(str(error)) from error


def cosignature(note: str, answer: str, key: str) -> str:
    """The witness's own line out of its answer, verified. Raises Failed."""
    name, public = verifier(key)
    mark, text = notes.key_hash(name, public, notes.COSIGNATURE), note.partition("\n\n")[0]
    try:
        found = notes.lines(answer)
    except notes.NoNote as error:
        raise Failed(f"The witness’s answer cannot be read. {error}") from error
    for said, signed in found:
        at, signature = int.from_bytes(signed[4:12]), signed[12:]
        message = f"cosignature/v1\ntime {at}\n{text}\n".encode()
        if said == name and signed[:4] == mark and verifies(public, message, signature):
            return notes.line(said, signed)
    raise Failed("The witness’s answer holds no signature of the key that was named for it.")


def _last_size(delivery: Delivery) -> int:
    with as_organization(delivery.organization_id):
        done = Delivery.objects.filter(witness=delivery.witness_id).exclude(delivered_at=None)
        return max((size for size in done.values_list("checkpoint__size", flat=True)), default=0)


def _number(body: bytes) -> int | None:
    text = body.strip()
    return int(text) if text.isdigit() and len(text) < 19 else None


def _same(one: str, other: str) -> bool:
    """Whether two notes say the same: the signature may be by another key."""
    return one.partition("\n\n")[0] == other.partition("\n\n")[0]


def _filed(checkpoint: Checkpoint) -> str:
    return checkpoint.origin.replace(":", "_")


HAND: dict[WitnessKind, Callable[[Delivery], str]] = {
    WitnessKind.FOLDER: _to_folder,
    WitnessKind.GIT: _to_git,
    WitnessKind.MAILBOX: _to_mailbox,
    WitnessKind.HTTP: _to_http,
}
