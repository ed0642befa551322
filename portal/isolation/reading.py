"""The words in a file that somebody was given, packed as they may be."""

import io
import re
import zipfile
import zlib

STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
MOST = 50_000_000  # bytes that are unpacked at most


def plain(content: bytes) -> bytes:
    """`content`, with what a PDF or an archive in it holds behind it."""
    if content.startswith(b"PK\x03\x04"):
        return content + _members(content)
    return content + _streams(content) if content.startswith(b"%PDF") else content


def _members(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = [plain(archive.read(one)) for one in archive.infolist() if one.file_size < MOST]
    return b"\n".join(found)


def _streams(content: bytes) -> bytes:
    found = []
    for packed in STREAM.findall(content):
        try:
            found.append(zlib.decompressobj().decompress(packed, MOST))
        except zlib.error:
            continue  # a stream that is not packed stands in the content itself
    return b"\n".join(found)
