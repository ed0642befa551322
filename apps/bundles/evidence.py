"""The parts of a bundle that other rooms keep: signatures as printed, documents, permits, the record, the keys."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from django.db.models import Q
from django.db.models.expressions import RawSQL

from apps.approvals.rules import Case
from apps.audits import checkpoints, proofs
from apps.audits.models import Checkpoint, Opening, Record, SigningKey
from apps.common import storage
from apps.common.canonical import canonical
from apps.deployments.models import Permit
from apps.documents import queries as written

Told = tuple[str, str, bytes]  # name, what it is, content


def printed(case: Case) -> dict[str, Any]:
    """Every name under the dossier, as it is printed; the envelopes hold the same, signed."""
    return {
        "assay": "signatures 1",
        "approval": case.approval.pk,
        "dossier_digest": case.approval.dossier_digest,
        "signatures": [
            {
                "id": signature.pk,
                "signer": signature.signer.user_id,
                "printed_name": signature.printed_name,
                "role": signature.role,
                "decision": signature.decision,
                "meaning": signature.meaning,
                "place": signature.place,
                "delegation": signature.delegation_id,
                "conditions": signature.conditions,
                "reason": signature.reason,
                "signed_at": signature.signed_at.isoformat(),
            }
            for signature in case.signatures
        ],
    }


def documents(case: Case, *, viewer, gaps: list[str]) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    """What is written about the model: what the dossier binds, and what has been written since."""
    version = case.approval.model_version
    bound = case.dossier.get("documents") or []
    known = {part["digest"] for part in bound}
    since = [part for part in written.current(version) if part["digest"] not in known]
    stated = {one.digest: one for one in written.statements(viewer=viewer).filter(project=case.approval.project)}
    for part, about in [(part, "bound by the dossier") for part in bound] + [
        (part, "not bound by the dossier: written later") for part in since
    ]:
        content = _content(part["digest"], stated, version.organization_id)
        if content is None:
            gaps.append(f"the {_words(part)} {part['digest'][:12]} is no longer in the store")
            continue
        ending = "pdf" if content.startswith(b"%PDF") else "json"
        name = f"documents/{part['kind']}-{part['digest'][:12]}.{ending}"
        yield name, f"{part.get('name') or _words(part)}: {about}", lambda content=content: content


def _content(digest: str, stated: dict, organization_id: int) -> bytes | None:
    """The bytes of a statement, which are its row's, or of a rendered document, which lie in the store."""
    if digest in stated:
        return stated[digest].body.encode()
    try:
        return storage.read(organization_id, digest)
    except (FileNotFoundError, storage.DamagedFile):
        return None


def _words(part: dict) -> str:
    return part["kind"].replace("_", " ")


def permits(approval) -> Iterator[Told]:
    """The newest permit of each deployment on the sign-off, as it was handed out, and what became of it."""
    found = Permit.objects.filter(approval=approval).select_related("deployment").order_by("deployment_id", "-pk")
    newest = list(found.distinct("deployment_id"))
    if not newest:
        return
    told = [
        {
            "deployment": permit.deployment_id,
            "name": permit.deployment.name,
            "number": str(permit.number),
            "environment": permit.environment,
            "issued_at": permit.issued_at.isoformat(),
            "expires_at": permit.expires_at.isoformat(),
            "revoked_at": permit.revoked_at.isoformat() if permit.revoked_at else None,
            "revoked_reason": permit.revoked_reason,
        }
        for permit in newest
    ]
    yield "permits/permits.json", "the newest permit of each deployment on it, and what became of it", canonical(told)
    for permit in newest:
        yield f"permits/{permit.number}.jwt", f"the permit of {permit.deployment.name}", permit.token.encode()


def record(case: Case) -> Iterator[Told]:
    """The records about the sign-off and what it rests on, and the proofs that they are in a record that only grew."""
    organization_id = case.approval.organization_id
    told = list(_about(case))
    notes = _checkpoints(case, told[-1].seq)
    newest = notes[-1].size
    lines = [
        {
            "seq": entry.seq,
            "leaf": entry.leaf,
            "opened": _opened(entry),
            "proof": _hex(proofs.inclusion(organization_id, entry.seq, newest)),
        }
        for entry in told
    ]
    yield "record/records.json", "the record's own lines about it, each with its proof", canonical(lines)
    grown = [
        {"old": old.size, "new": new.size, "proof": _hex(proofs.consistency(organization_id, old.size, new.size))}
        for old, new in pairwise(notes)
    ]
    yield "record/consistency.json", "proofs that each checkpoint goes on from the one before", canonical(grown)
    for note in notes:
        about = f"the record at {note.size:,} lines, signed, and by witnesses where they saw it"
        yield f"record/checkpoints/{note.size}.note", about, note.cosigned.encode()


def _about(case: Case):
    """Records on the sign-off and on each thing it binds, oldest first. That somebody took something away is no part of
    the evidence, and would change it with every download."""
    approval, version = case.approval, case.approval.model_version
    bound = {part["digest"] for part in case.dossier["reports"]}
    data = [pk for pk in (version.dataset_version_id, version.test_dataset_version_id) if pk]
    reports = list(version.reports.filter(digest__in=bound).values_list("pk", flat=True))
    on = (
        Q(on_type="approval", on_id=approval.pk)
        | Q(on_type="modelversion", on_id=version.pk)
        | Q(on_type="policyversion", on_id=approval.policy_version_id)
        | Q(on_type="datasetversion", on_id__in=data)
        | Q(on_type="report", on_id__in=reports)
        | Q(on_type="signingkey")
    )
    found = Record.objects.filter(on, organization_id=approval.organization_id).exclude(event__endswith=".downloaded")
    return found.annotate(leaf=RawSQL("audits_leaf(audits_record)", [])).order_by("seq")


def _checkpoints(case: Case, last: int) -> list[Checkpoint]:
    """The one that the dossier binds, and the newest: one that is there already, where it holds record `last`."""
    organization_id = case.approval.organization_id
    newest = checkpoints.latest(organization_id)
    if newest is None or newest.size < last:
        newest = checkpoints.make(organization_id)
    bound = (case.dossier.get("checkpoint") or {}).get("size", newest.size)
    first = Checkpoint.objects.filter(organization_id=organization_id, size=bound).first()
    return [newest] if first is None or first.size == newest.size else [first, newest]


def _opened(entry: Record) -> dict[str, dict[str, str]]:
    """The personal words of a record with what opens their commitments; who was erased is left out."""
    wanted = list(entry.names.values())
    known = Opening.objects.filter(organization_id=entry.organization_id, commitment__in=wanted).select_related(
        "person"
    )
    openings = {opening.commitment: opening for opening in known}
    return {
        place: {"text": openings[commitment].text, "key": bytes(openings[commitment].person.key).hex()}
        for place, commitment in entry.names.items()
        if commitment in openings
    }


def _hex(proof: list[bytes]) -> list[str]:
    return [node.hex() for node in proof]


def keys(organization_id: int) -> list[SigningKey]:
    return list(SigningKey.objects.filter(organization_id=organization_id).order_by("number"))
