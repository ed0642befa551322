"""Bundles, and what verify.py and decide.py say of them; archives as an attacker would write them."""

import base64
import contextlib
import datetime as dt
import importlib.util
import io
import json
from functools import cache
from pathlib import Path

from django.utils import timezone

from apps.approvals import queries as approvals
from apps.audits import keys
from apps.bundles import actions
from apps.bundles.archive import Packed, written
from apps.bundles.contents import BUNDLE, MANIFEST
from apps.common.canonical import canonical, digest
from apps.common.signing import IN_TOTO, Key, envelope, statement
from tests.approvals import make as sign_offs

PROGRAMS = Path(__file__).parents[2] / "templates" / "bundles"


@cache
def program(name):
    """A program as a module: for tests that ask it many times."""
    spec = importlib.util.spec_from_file_location(name, PROGRAMS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def verifier():
    return program("verify")


def decider():
    return program("decide")


def approval(tenant):
    """A sign-off that stands, as its page fetches it."""
    made = sign_offs.approved(tenant)
    return fetched(tenant, made.pk)


def fetched(tenant, pk):
    tenant.enter(tenant.auditor)
    return approvals.approvals(viewer=tenant.auditor).get(pk=pk)


def bundle(tenant, found=None, *, by=None, files=False) -> bytes:
    return b"".join(actions.build(found or approval(tenant), by=by or tenant.auditor, files=files).content)


def share(tenant, *found, by=None, days=30, files=False, addressee="Auditors & Co"):
    """(share, secret) of a link to sign-offs; to one that stands, if none is given."""
    chosen = [one.pk for one in found or [approval(tenant)]]
    tenant.enter(by or tenant.owner)
    until = timezone.now().date() + dt.timedelta(days=days)
    return actions.share(chosen, addressee=addressee, until=until, by=by or tenant.owner, files=files)


def members(content: bytes) -> dict[str, bytes]:
    """The members of a whole bundle, in their order."""
    import zipfile

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: dict[str, bytes]) -> bytes:
    """An archive of the portal's own form with any members; the manifest first, the others in order."""
    names = sorted(members, key=lambda name: (name != MANIFEST, name))
    return b"".join(written([Packed(name, members[name]) for name in names]))


def checked(content: bytes, folder: Path, *options: str, by=decider) -> dict:
    """What decide.py says, or verify.py alone: {"verified", "answer", "checks", "status"}."""
    path, said = folder / "bundle.zip", io.StringIO()
    path.write_bytes(content)
    with contextlib.redirect_stdout(said):
        status = by().main([str(path), "--json", *options])
    return json.loads(said.getvalue()) | {"status": status}


def right(content: bytes, folder: Path, *options: str, by=decider) -> dict:
    """What it says of an archive that must pass."""
    told = checked(content, folder, *options, by=by)
    assert told["verified"] and told["status"] == 0, told["answer"]
    return told


def wrong(content: bytes, folder: Path, *options: str, by=verifier) -> str:
    """Everything that verify.py alone, or decide.py, says is wrong with an archive that must not pass."""
    told = checked(content, folder, *options, by=by)
    assert told["status"] == 1 and not told["verified"] and told["answer"].startswith("NOT VERIFIED: ")
    return "\n".join(f"{one['check']}: {one['what']}" for one in told["checks"] if one["mark"] == "WRONG")


def key_of(tenant) -> Key:
    tenant.enter()
    return keys.in_use(tenant.organization.pk).key


def notes(content: bytes) -> list:
    """The checkpoints in a bundle, as verify.py reads them, the smallest first."""
    found = [one for name, one in members(content).items() if name.startswith("record/checkpoints/")]
    return sorted(map(verifier().Note, found), key=lambda note: note.size)


def signed_again(members: dict[str, bytes], key: Key, **changes) -> bytes:
    """The archive with other members, and a manifest over them that `key` signs: what its holder could make. `changes`:
    what the manifest says otherwise; None leaves it out."""
    told = {word: value for word, value in (predicate(members) | changes).items() if value is not None}
    subjects = {name: digest(content) for name, content in members.items() if name != MANIFEST}
    made = canonical(envelope(statement(BUNDLE, told, subjects), IN_TOTO, key))
    return packed(members | {MANIFEST: made})


def predicate(members: dict[str, bytes]) -> dict:
    """What the manifest says."""
    return json.loads(base64.b64decode(json.loads(members[MANIFEST])["payload"]))["predicate"]


def with_records(content: bytes, key: Key, dropped) -> bytes:
    """The bundle without the lines of the record of this event."""
    found = members(content)
    kept = [one for one in json.loads(found["record/records.json"])
            if json.loads(one["leaf"])["words"][0] != dropped]  # fmt: skip
    return signed_again(found | {"record/records.json": canonical(kept)}, key)


def with_dossier(content: bytes, key: Key, change) -> bytes:
    """The bundle with another dossier, and all that names its digest changed alike but the signatures' envelopes."""
    found = members(content)
    before, dossier = digest(found["dossier.json"]), json.loads(found["dossier.json"])
    change(dossier)
    body = canonical(dossier["policy_body"])
    dossier["policy"]["digest"] = digest(body)
    changed = canonical(dossier)
    printed = found["signatures/signatures.json"].replace(before.encode(), digest(changed).encode())
    found |= {"dossier.json": changed, "policy/policy.json": body, "signatures/signatures.json": printed}
    return signed_again(found, key, dossier_digest=digest(changed))


def with_printed(content: bytes, key: Key, change) -> bytes:
    """The bundle with other words in signatures.json."""
    found = members(content)
    printed = json.loads(found["signatures/signatures.json"])
    change(printed)
    return signed_again(found | {"signatures/signatures.json": canonical(printed)}, key)
