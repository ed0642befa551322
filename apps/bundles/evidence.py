"""The parts of a bundle that other rooms keep: signatures as printed, documents, permits, the record, the keys."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from django.db.models import Q
from django.db.models.expressions import RawSQL

from apps.approvals.models import Delegation, Fulfilment, PolicyVersion
from apps.approvals.rules import Case
from apps.audits import checkpoints, proofs
from apps.audits.events import REFUSALS
from apps.audits.models import Checkpoint, LegalHold, Opening, Record, SigningKey
from apps.common import storage
from apps.common.canonical import canonical
from apps.deployments.models import Permit
from apps.documents import queries as written
from apps.reports.models import OperationReport, Provenance
from apps.reports.queries import speaking

Told = tuple[str, str, bytes]  # name, what it is, content
ORIGINAL = 2**28  # bytes, the most of one file that submitted figures came with


def printed(case: Case) -> dict[str, Any]:
    """Every name under the dossier, as it is printed; the envelopes hold the same, signed. With what an outsider needs
    to judge them: who stood in for whom, and what became of the conditions."""
    return {
        "assay": "signatures 2",
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
        "delegations": [{"id": one.pk, "ended_at": moment(one.ended_at)} for one in delegations(case)],
        "fulfilments": [
            {
                "signature": one.signature_id,
                "number": one.number,
                "evidence": one.evidence,
                "fulfilled_by": _member(one.fulfilled_by),
                "fulfilled_at": moment(one.fulfilled_at),
                "confirmed_by": _member(one.confirmed_by) if one.confirmed_by else None,
                "confirmed_at": moment(one.confirmed_at),
            }
            for one in _fulfilments(case)
        ],
        "measured": [
            {"kind": one.kind, "report": one.pk, "digest": one.digest, "finished_at": moment(one.finished_at)}
            for one in measured_since(case)
        ],
    }


def delegations(case: Case) -> list[Delegation]:
    """Those that joined a signer with anybody, at any remove, while it was in review."""
    approval, ended = case.approval, case.approval.decided_at or case.now
    mine = Delegation.objects.filter(
        Q(project=None) | Q(project=approval.project), organization_id=approval.organization_id
    )
    used = Q(pk__in=[signature.delegation_id for signature in case.signatures if signature.delegation_id])
    meanwhile = Q(starts_at__lte=ended, ends_at__gte=approval.requested_at)
    told = mine.filter(used | meanwhile & (Q(ended_at=None) | Q(ended_at__gte=approval.requested_at)))
    rows = list(told.select_related("delegator", "delegate").order_by("pk"))
    kin, before = {signature.signer.user_id for signature in case.signatures}, -1
    while before < len(kin):
        before = len(kin)
        for one in rows:
            pair = {one.delegator.user_id, one.delegate.user_id}
            kin |= pair if kin & pair else set()
    return [one for one in rows if one.delegator.user_id in kin]


def _fulfilments(case: Case):
    found = Fulfilment.objects.filter(signature__in=case.signatures).order_by("pk")
    return found.select_related("fulfilled_by__user", "confirmed_by__user")


def _member(membership) -> dict[str, Any]:
    return {"member": membership.pk, "person": membership.user_id, "name": str(membership.user)}


def measured_since(case: Case) -> list:
    """The reports on which the conditions of the sign-off are checked: those that speak, of each kind they name."""
    kinds = {condition.check["report"] for condition in case.conditions if condition.check}
    since = min((signature.signed_at for signature in case.signatures), default=case.now)
    found = speaking([case.approval.model_version_id]).filter(kind__in=kinds, finished_at__gt=since)
    return list(found.filter(provenance=Provenance.RECOMPUTED).order_by("kind"))


def why_no_original(report) -> str | None:
    """Against the file that submitted figures came with going along with them."""
    if report.original["size"] > ORIGINAL:
        return "is too large for an archive"
    return storage.why_not_whole(report.organization_id, report.original["digest"])


def in_operation(case: Case) -> list[OperationReport]:
    """The reports in operation that the dossier tells, and those that broke the sign-off since."""
    told = {one["report"] for one in case.dossier.get("operation") or []}
    told |= {breach.report_id for breach in case.breaches}
    found = OperationReport.objects.filter(organization_id=case.approval.organization_id, pk__in=told)
    return list(found.select_related("dataset_version__dataset", "model_version__model").order_by("pk"))


def broken(case: Case) -> list[dict[str, Any]]:
    """Each rule that was broken in operation, with the figure and the digest of the report that shows it."""
    return [
        {
            "rule": breach.place,
            "of": breach.of,
            "figure": breach.figure,
            "report": breach.report_id,
            "digest": breach.report.digest,
            "found_at": moment(breach.found_at),
        }
        for breach in case.breaches
    ]


def locked(case: Case) -> list[PolicyVersion]:
    """The policies that counted since the test rows were opened, but the one that judged."""
    lock = case.dossier["lock"]
    digests = {step["digest"] for step in (lock["policy"], *lock["changes"]) if step and step["digest"]}
    others = PolicyVersion.objects.filter(organization_id=case.approval.organization_id, digest__in=digests)
    return list(others.exclude(digest=case.dossier["policy"]["digest"]).order_by("digest", "pk").distinct("digest"))


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
    policies = [approval.policy_version_id, *(version.pk for version in locked(case))]
    waivers = [waiver["waiver"] for waiver in case.dossier.get("waivers") or []]
    papers = {sort: [one["number"] for one in case.dossier.get("documents") or [] if one["is"] == sort]
              for sort in ("document", "statement")}  # fmt: skip
    data = [pk for pk in (version.dataset_version_id, version.test_dataset_version_id) if pk]
    reports = list(version.reports.filter(digest__in=bound).values_list("pk", flat=True))
    holds = LegalHold.objects.filter(organization_id=approval.organization_id, versions__contains=[version.pk])
    on = (
        Q(on_type="approval", on_id=approval.pk)
        | Q(on_type="modelversion", on_id=version.pk)
        | Q(on_type="policyversion", on_id__in=policies)
        | Q(on_type="waiver", on_id__in=waivers)
        | Q(on_type="delegation", on_id__in=[one.pk for one in delegations(case)])
        | Q(on_type="document", on_id__in=papers["document"])
        | Q(on_type="statement", on_id__in=papers["statement"])
        | Q(on_type="datasetversion", on_id__in=data)
        | Q(on_type="report", on_id__in=reports)
        | Q(on_type="operationreport", on_id__in=[one.pk for one in in_operation(case)])
        | Q(on_type="legalhold", on_id__in=list(holds.values_list("pk", flat=True)))
        | Q(on_type="signingkey")
    )
    found = Record.objects.filter(on, organization_id=approval.organization_id)
    found = found.exclude(event__endswith=".downloaded").exclude(event__in=REFUSALS)
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


def moment(at) -> str | None:
    return at.isoformat() if at else None
