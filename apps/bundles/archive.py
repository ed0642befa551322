"""A ZIP archive whose every byte follows from its members: no dates, no compression, one order, nothing optional.

The same members give the same bytes on any machine, any ZIP tool opens them, and templates/bundles/verify.py can tell
each byte that is not as it must be. Up to 65,535 members and 4 GiB: the limits of the format without its extensions."""

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from apps.common import storage

LOCAL, CENTRAL, END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")
FIXED = (20, 0, 0, 0, 0x21)  # version, flags, stored, midnight, 1 January 1980
UNIX, PLAIN_FILE = 0x0314, 0o100644 << 16
LIMIT = 2**32 - 2**20  # bytes


@dataclass(frozen=True)
class Packed:
    """A member with its bytes."""

    name: str
    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)

    def chunks(self) -> Iterator[bytes]:
        yield self.content


@dataclass(frozen=True)
class Stored:
    """A member whose bytes lie in the store, too large to be held."""

    name: str
    organization_id: int
    digest: str
    size: int

    def chunks(self) -> Iterator[bytes]:
        return storage.chunks(self.organization_id, self.digest)


def length(members: Iterable[Packed | Stored]) -> int:
    """The archive's bytes, before it is written."""
    return END.size + sum(LOCAL.size + CENTRAL.size + 2 * len(one.name) + one.size for one in members)


def written(members: Iterable[Packed | Stored]) -> Iterator[bytes]:
    """The archive of the members, in pieces, in the order given."""
    directory, at = [], 0
    for member in members:
        name, crc = member.name.encode("ascii"), 0
        for chunk in member.chunks():  # read twice, because the checksum stands before the bytes
            crc = zlib.crc32(chunk, crc)
        sums = (crc, member.size, member.size)
        yield LOCAL.pack(b"PK\x03\x04", *FIXED, *sums, len(name), 0) + name
        yield from member.chunks()
        entry = CENTRAL.pack(b"PK\x01\x02", UNIX, *FIXED, *sums, len(name), 0, 0, 0, 0, PLAIN_FILE, at)
        directory.append(entry + name)
        at += LOCAL.size + len(name) + member.size
    entries = b"".join(directory)
    yield entries + END.pack(b"PK\x05\x06", 0, 0, len(directory), len(directory), len(entries), at, 0)
