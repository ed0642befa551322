"""Tell the record to others: as lines of a file that whoever runs the portal names."""

import json
import os
from pathlib import Path

from apps.audits.models import Record
from apps.common.tenancy import as_organization
from apps.notifications import ocsf

BATCH = 500  # records


def forward(organization, path: Path) -> int:
    """Append what the file does not hold yet, oldest first, one OCSF event a line; how many.

    The file is the cursor: it goes on after its last whole line, and a line that was cut off is written anew. So a
    process that dies loses nothing and repeats nothing. Raises ValueError where the file holds something else."""
    with path.open("a+b") as file:
        after, end = _last(file, organization.slug)
        file.truncate(end)
        written = 0
        while lines := _lines(organization, after):
            file.write(b"".join(line for _, line in lines))
            file.flush()
            os.fsync(file.fileno())
            after, written = lines[-1][0], written + len(lines)
    return written


def _lines(organization, after: int) -> list[tuple[int, bytes]]:
    with as_organization(organization.pk):
        found = Record.objects.filter(organization_id=organization.pk, seq__gt=after).order_by("seq")[:BATCH]
        return [
            (each.seq, json.dumps(ocsf.event(each, organization=organization), ensure_ascii=False).encode() + b"\n")
            for each in found
        ]


def _last(file, slug: str) -> tuple[int, int]:
    """The number on the last whole line, and where that line ends; the file is read from its end."""
    end, tail = file.seek(0, os.SEEK_END), b""
    begin = end
    while begin and tail.count(b"\n") < 2:
        begin = max(0, begin - 2**16)
        file.seek(begin)
        tail = file.read(end - begin)
    whole = tail[: tail.rfind(b"\n") + 1]
    if not whole:
        return 0, 0
    try:
        metadata = json.loads(whole.splitlines()[-1])["metadata"]
    except (ValueError, KeyError, TypeError) as other:
        raise ValueError("This file holds something else than forwarded records.") from other
    if metadata.get("tenant_uid") != slug:
        raise ValueError(f"This file holds the record of {metadata.get('tenant_uid')}.")
    return metadata["sequence"], begin + len(whole)
