"""Signed notes as C2SP writes them (c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature).

A checkpoint is a note of three lines: origin, size, root in base64. Each signature is a line
"— name base64(key hash || signature)" after an empty line, where the key hash is the beginning of
SHA-256(name || 0x0A || kind || public key): kind 0x01 signs the note's text with Ed25519, kind 0x04 a witness's
cosignature with its moment."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from apps.common.signing import Key, verifies

ED25519, COSIGNATURE = b"\x01", b"\x04"
LINE = re.compile(r"— (\S+) ([A-Za-z0-9+/=]+)")


@dataclass(frozen=True)
class Checkpoint:
    """What a note says: the log's name, how many records, and the root over them (32 bytes)."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


class NoNote(ValueError):
    """What was given is not a signed checkpoint; the text says why."""


def key_hash(name: str, public: bytes, kind: bytes = ED25519) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + kind + public).digest()[:4]


def signed(checkpoint: Checkpoint, key: Key) -> str:
    """The note of a checkpoint under one key, whose name is the log's origin."""
    signature = key_hash(checkpoint.origin, key.public) + key.sign(checkpoint.text.encode())
    return f"{checkpoint.text}\n{line(checkpoint.origin, signature)}"


def line(name: str, signature: bytes) -> str:
    return f"— {name} {base64.b64encode(signature).decode()}\n"


def read(note: str) -> Checkpoint:
    """What a note says, its signatures not yet looked at. Raises NoNote."""
    text, gap, _ = note.partition("\n\n")
    lines = text.split("\n")
    if not gap or len(lines) < 3 or not re.fullmatch(r"0|[1-9][0-9]{0,17}", lines[1]):
        raise NoNote("This is no checkpoint: a note has the log’s name, a size and a root, an empty line, signatures.")
    root = _decoded(lines[2])
    if len(root) != 32:
        raise NoNote("The third line of a checkpoint is a root of 32 bytes in base64.")
    return Checkpoint(lines[0], int(lines[1]), root)


def signed_by(note: str, public: bytes) -> bool:
    """Whether this Ed25519 key, under the name of the note's origin, signed the note."""
    text, _, signatures = note.partition("\n\n")
    name = text.split("\n", 1)[0]
    mark = key_hash(name, public)
    return any(
        found_name == name and found[:4] == mark and verifies(public, f"{text}\n".encode(), found[4:])
        for found_name, found in lines(signatures)
    )


def lines(signatures: str) -> list[tuple[str, bytes]]:
    """(name, key hash and signature) of each signature line. Raises NoNote."""
    found = []
    for entry in signatures.splitlines():
        match = LINE.fullmatch(entry)
        if not match:
            raise NoNote(f"This is no signature line: {entry[:100]}")
        found.append((match[1], _decoded(match[2])))
    return found


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoNote("A checkpoint holds base64 that cannot be read.") from error
