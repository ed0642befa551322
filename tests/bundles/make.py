"""Bundles, and what verify.py says of them; archives as an attacker would write them."""

import contextlib
import datetime as dt
import importlib.util
import io
import json
from functools import cache
from pathlib import Path

from django.utils import timezone

from apps.approvals import queries as approvals
from apps.bundles import actions
from apps.bundles.archive import Packed, written
from apps.bundles.contents import MANIFEST
from tests.approvals import make as sign_offs

VERIFIER = Path(__file__).parents[2] / "templates" / "bundles" / "verify.py"


@cache
def verifier():
    """verify.py as a module: for tests that ask it many times."""
    spec = importlib.util.spec_from_file_location("verify", VERIFIER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


def checked(content: bytes, folder: Path, *options: str) -> dict:
    """What verify.py says: {"verified", "answer", "checks", "status"}."""
    path, said = folder / "bundle.zip", io.StringIO()
    path.write_bytes(content)
    with contextlib.redirect_stdout(said):
        status = verifier().main([str(path), "--json", *options])
    return json.loads(said.getvalue()) | {"status": status}


def right(content: bytes, folder: Path, *options: str) -> dict:
    """What it says of an archive that must pass."""
    told = checked(content, folder, *options)
    assert told["verified"] and told["status"] == 0, told["answer"]
    return told


def wrong(content: bytes, folder: Path, *options: str) -> str:
    """Everything that verify.py says is wrong with an archive that must not pass."""
    told = checked(content, folder, *options)
    assert told["status"] == 1 and not told["verified"] and told["answer"].startswith("NOT VERIFIED: ")
    return "\n".join(f"{one['check']}: {one['what']}" for one in told["checks"] if one["mark"] == "WRONG")
