"""What goes into a bundle: everything a sign-off rests on, each thing under its own name, for who cannot ask us.

A member's bytes are made only when they are asked for: the page of a share lists them all and serves one."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.approvals.rules import Case
from apps.audits import keys
from apps.bundles import evidence
from apps.bundles.archive import Packed, Stored
from apps.common.canonical import canonical, digest
from apps.common.signing import pem
from apps.reports.sheets import files as sheets

MANIFEST = "manifest.dsse.json"
BUNDLE = "https://assay.dev/bundle/v1"
TEMPLATES = Path(settings.BASE_DIR, "templates", "bundles")


@dataclass
class Member:
    """One file of a bundle. `about`: what it is, in words; `stored`: where its bytes lie, when they are many."""

    name: str
    about: str
    make: Callable[[], bytes]
    stored: Stored | None = None

    @cached_property
    def content(self) -> bytes:
        return self.make()

    @property
    def digest(self) -> str:
        return self.stored.digest if self.stored else digest(self.content)

    @property
    def packed(self) -> Packed | Stored:
        return self.stored or Packed(self.name, self.content)

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES.get(self.name.rsplit(".", 1)[-1], "application/octet-stream")


MEDIA_TYPES = {
    "json": "application/json",
    "pdf": "application/pdf",
    "yaml": "text/plain; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "py": "text/plain; charset=utf-8",
    "pem": "text/plain; charset=utf-8",
    "note": "text/plain; charset=utf-8",
    "jwt": "text/plain; charset=utf-8",
}


def programs() -> list[Member]:
    """What checks a bundle, where Python and `cryptography` are and nothing of ours: the same in every bundle."""
    return [
        Member("verify.py", "checks that the bundle is whole and signed", _template("verify.py")),
        Member("decide.py", "decides again what the portal decided; needs verify.py beside it", _template("decide.py")),
    ]


class Contents:
    """The members of the bundle of one sign-off. `files`: the model's own files too."""

    def __init__(self, case: Case, *, viewer, files: bool = False):
        self.case, self.viewer, self.with_files = case, viewer, files
        self.approval, self.version = case.approval, case.approval.model_version
        self.gaps: list[str] = []

    @cached_property
    def members(self) -> list[Member]:
        """All but the manifest, which names them, in their order. Two of one name are of one digest: one file."""
        keys.in_use(self.approval.organization_id)  # made now, if there was none: the manifest needs one
        found = [
            Member("README.txt", "what this is, and how to check it", _template("README.txt")),
            *programs(),
            Member("dossier.json", "what was signed, byte for byte", self.approval.dossier.encode),
            *self._reports(),
            *self._documents(),
            *self._operation(),
            *self._model(),
            *self._data(),
            *self._policy(),
            *self._signatures(),
            *self._permits(),
            *self._record(),
            *self._keys(),
        ]
        return sorted({member.name: member for member in found}.values(), key=lambda member: member.name)

    def manifest(self) -> Member:
        """Every other member by its digest, as an in-toto statement under the organization's key."""
        subjects = {member.name: member.digest for member in self.members}
        signed = keys.attest(self.approval.organization_id, BUNDLE, self._predicate(), subjects)
        return Member(MANIFEST, "every other file by its digest, signed", lambda: canonical(signed))

    def packed(self) -> list[Packed | Stored]:
        return [member.packed for member in (self.manifest(), *self.members)]

    def _predicate(self) -> dict[str, Any]:
        approval = self.approval
        for member in self.members:
            member.digest  # noqa: B018  a report that cannot be set as a document says so only when it is made
        return {
            "assay": "bundle 2",
            "subject": {
                "organization": approval.project.organization.slug,
                "project": approval.project.slug,
                "model": str(self.version),
                "approval": approval.pk,
            },
            "dossier_digest": approval.dossier_digest,
            "state": {
                "state": approval.state,
                "status": self.case.status,
                "decided_at": evidence.moment(approval.decided_at),
                "valid_until": evidence.moment(approval.valid_until),
                "ended_reason": approval.ended_reason,
                "reasons": list(self.case.reasons),
            },
            "answer": f"this is the whole evidence of the sign-off of {self.version}; it is {self.case.status}",
            "members": {member.name: member.about for member in self.members},
            "gaps": sorted(self.gaps),
        }

    # The parts, each as its members.

    def _reports(self):
        bound = {part["digest"] for part in self.case.dossier["reports"]}
        bound |= {report.digest for report in evidence.measured_since(self.case)}
        there = self.version.reports.filter(state="finished", digest__in=bound)
        for report in there.order_by("digest", "pk").distinct("digest"):
            name = f"reports/{report.kind}-{report.digest[:12]}"
            about = f"the {report.kind} report"
            yield Member(f"{name}.json", f"{about}: the figures that were judged", report.result.encode)
            if document := self._set(report):
                yield Member(f"{name}.pdf", f"{about}, to read", document)
            if report.original:
                yield from self._original(report, f"{name}-original")

    def _original(self, report, name):
        if why_not := evidence.why_no_original(report):
            self.gaps.append(f"the file that the {report.kind} report {report.digest[:12]} came with {why_not}")
            return
        kept = Stored(name, report.organization_id, report.original["digest"], report.original["size"])
        about = f"the file that the figures of the {report.kind} report came with; nobody opened it"
        yield Member(name, about, lambda: b"".join(kept.chunks()), kept)

    def _set(self, report):
        """How the report's document is made; None, and a gap, where its form is of another time."""
        try:
            sheets.facts(report, sheets.sheets.sheet(report))
        except (KeyError, TypeError, AttributeError):
            self.gaps.append(f"the {report.kind} report {report.digest[:12]} can no longer be set as a document")
            return None
        return lambda: sheets.pdf(report)

    def _documents(self):
        for name, about, content in evidence.documents(self.case, viewer=self.viewer, gaps=self.gaps):
            yield Member(name, about, content)

    def _operation(self):
        found = evidence.in_operation(self.case)
        for report in found:
            name, about = f"operation/{report.kind}-{report.digest[:12]}", f"the {report.kind} report in operation"
            told = f"{about} {report.pk}, on {report.dataset_version}: no evidence of the sign-off"
            yield Member(f"{name}.json", told, report.result.encode)
        if self.case.breaches:
            told = canonical(evidence.broken(self.case))
            yield Member("operation/broken.json", "the rules that were broken in operation since", lambda: told)

    def _model(self):
        version = self.version
        yield Member("model/version.json", "the registered model: its digests and how it was made", self._registered)
        yield Member("model/recipe.json", "its recipe", lambda: canonical(version.recipe))
        for name, file in version.files.items() if self.with_files else ():
            kept = Stored(f"model/files/{name}", version.organization_id, file["digest"], file["size"])
            yield Member(kept.name, "a file of the model", lambda kept=kept: b"".join(kept.chunks()), kept)

    def _registered(self) -> bytes:
        version = self.version
        return canonical(
            {
                "model": version.model.name,
                "version": version.number,
                "artifact_digest": version.artifact_digest,
                "files": version.files,
                "recipe_digest": version.recipe_digest,
                "data_digest": version.data_digest,
                "declaration_digest": version.declaration_digest,
                "seed": version.seed,
                "code_version": version.code_version,
                "libraries": version.libraries,
                "input_schema": version.input_schema,
                "registered_at": evidence.moment(version.created_at),
            }
        )

    def _data(self):
        for use, data in (("training", self.version.dataset_version), ("test", self.version.test_dataset_version)):
            if data:
                about = f"what the columns of the {use} data mean; no rows"
                yield Member(f"data/{use}-declaration.json", about, lambda data=data: canonical(data.declaration))

    def _policy(self):
        policy = self.approval.policy_version
        yield Member("policy/policy.yaml", "the policy as it was written", policy.source.encode)
        yield Member("policy/policy.json", "the policy as it was applied", lambda: canonical(policy.body))
        for other in evidence.locked(self.case):
            name = f"policy/{other.policy.name}-v{other.number}.json"
            yield Member(name, "a policy that counted before", lambda other=other: canonical(other.body))

    def _signatures(self):
        printed = canonical(evidence.printed(self.case))
        yield Member("signatures/signatures.json", "every name under the dossier", lambda: printed)
        for signature in self.case.signatures:
            if envelope := signature.envelope:
                about = f"the signature of {signature.printed_name}"
                name = f"signatures/{signature.pk}.dsse.json"
                yield Member(name, about, lambda envelope=envelope: canonical(envelope))
        for one in evidence.delegations(self.case):
            name = f"signatures/delegation-{one.pk}.dsse.json"
            about = "a place handed to somebody else, signed"
            yield Member(name, about, lambda envelope=one.envelope: canonical(envelope))

    def _permits(self):
        for name, about, content in evidence.permits(self.approval):
            yield Member(name, about, lambda content=content: content)

    def _record(self):
        for name, about, content in evidence.record(self.case):
            yield Member(name, about, lambda content=content: content)

    def _keys(self):
        rows = evidence.keys(self.approval.organization_id)
        told = [
            {
                "key_id": row.key_id,
                "number": row.number,
                "from": evidence.moment(row.created_at),
                "until": evidence.moment(row.retired_at),
            }
            for row in rows
        ]
        yield Member(
            "keys/keys.json", "the organization's public keys, and when each was in use", lambda: canonical(told)
        )
        for row in rows:
            written = pem(bytes(row.public)).encode()
            yield Member(f"keys/{row.key_id}.pem", f"public key {row.number}", lambda written=written: written)


def _template(name: str) -> Callable[[], bytes]:
    return (TEMPLATES / name).read_bytes
