"""Check a bundle that left an Assay portal, without the portal: that it is whole, and was signed as it says.

    python -I verify.py bundle.zip [--key PEM_OR_FINGERPRINT] [--witness KEY] [--checkpoint FILE] [--consistency FILE]
                                   [--json]

Needs Python 3.11 or newer and the package `cryptography`; opens no connection and writes nothing. One line a check:
`ok` holds, `WRONG` does not, `note` was not checked or is for you to know. The last line is the answer.
Exit status: 0 verified, 1 not verified, 2 could not be tried.

--key          the organization's public key (PEM, or its fingerprint), from somewhere else than this bundle
--witness      a witness's key: a PEM, or a line name+hash+base64 as signed notes have it (may be given several times)
--checkpoint   a checkpoint that you kept, or that a witness keeps: the record in the bundle must agree with it
--consistency  the portal's proof between your checkpoint and the bundle's, where their sizes differ

Read it from top to bottom; each part rests on those above it: the archive, values and keys, the record; then the
checks, one function each, in the order of CHECKS: it yields lines, or raises Wrong and ends. What was decided on these
bytes (rules, waivers, who may sign, how it ended) is no matter of this program: decide.py, beside it, decides again."""

import argparse
import base64
import hashlib
import json
import re
import struct
import sys
import zlib
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from mmap import ACCESS_READ, mmap
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MANIFEST = "manifest.dsse.json"
LEEWAY = timedelta(minutes=5)  # a signature bears the moment at which its transaction began
IN_TOTO, STATEMENT = "application/vnd.in-toto+json", "https://in-toto.io/Statement/v1"
BUNDLE, SIGNATURE = "https://assay.dev/bundle/v1", "https://assay.dev/signature/v1"
DELEGATION = "https://assay.dev/delegation/v1"
FORMS = ("bundle 1", "bundle 2")
MEMBERS, NAME, JSON_SIZE = 5_000, 200, 256 * 2**20  # the most that is read
NOTE = re.compile("((.+)\n(0|[1-9][0-9]*)\n(.+)\n(?:.+\n)*)\n((?:\u2014 \\S+ \\S+\n)+)")  # C2SP signed-note
SAFE = re.compile(r"(?!.*\.(/|$))[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
DEVICE = re.compile(r"(?i)(^|/)(con|prn|aux|nul|com\d|lpt\d)(\.|/|$)")  # what is no file on some systems
LOCAL, CENTRAL, END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")
FIXED = (20, 0, 0, 0, 0x21)  # version, flags, stored, midnight, 1 January 1980: a bundle says nothing of its own age


class Wrong(Exception):
    """A check that does not hold; the text says what, by name."""


# --- The archive: read by its own layout, so that no two readers can see two things in it. ---------------------------


class Archive:
    """`members`: {name: bytes}, in their order. Raises Wrong unless every byte of the file is where it must be."""

    def __init__(self, path):
        with open(path, "rb") as file:
            whole = self.whole = memoryview(mmap(file.fileno(), 0, access=ACCESS_READ))
        self.members, self.digests, self.changed, taken, directory, at = {}, {}, [], set(), b"", 0
        while whole[at : at + 4] == b"PK\x03\x04":
            last, header = next(reversed(self.members), "the beginning"), bytes(whole[at : at + LOCAL.size])
            if len(header) < LOCAL.size:
                raise Wrong(f"cut short: the file ends in the header after {last}")
            crc, _, size, length, _ = LOCAL.unpack(header)[6:]
            begins = at + LOCAL.size + length
            raw, content = bytes(whole[at + LOCAL.size : begins]), whole[begins : begins + size]
            name = raw.decode("ascii", "backslashreplace")
            if len(raw) > NAME or not SAFE.fullmatch(name) or DEVICE.search(name):
                raise Wrong(f"a hostile member name after {last}: {name[:80]!r}")
            if name.casefold() in taken:
                raise Wrong(f"two members of one name: {name}")
            if len(taken) == MEMBERS:
                raise Wrong(f"more than {MEMBERS:,} members")
            if header != LOCAL.pack(b"PK\x03\x04", *FIXED, crc, size, size, length, 0):
                raise Wrong(f"the header of {name} is not as a bundle's must be (stored, no extras, no date)")
            if len(content) < size:
                raise Wrong(f"cut short, or a hostile size: {name} claims {size:,} bytes, the file ends before")
            taken.add(name.casefold())
            self.members[name], self.digests[name] = content, hashlib.sha256(content).hexdigest()
            self.changed += [name] if zlib.crc32(content) != crc else []
            sums = (crc, size, size, length, 0, 0, 0, 0, 0o100644 << 16, at)
            directory += CENTRAL.pack(b"PK\x01\x02", 0x0314, *FIXED, *sums) + raw
            at = begins + size
        directory += END.pack(b"PK\x05\x06", 0, 0, len(taken), len(taken), len(directory), at, 0)
        found = bytes(whole[at : at + len(directory)])
        if found != directory[: len(found)]:
            at += next(n for n, (one, other) in enumerate(zip(found, directory, strict=False)) if one != other)
            raise Wrong(f"byte {at:,} is not as the members give the directory: foreign bytes, or one was changed")
        if missing := len(directory) - len(found):
            raise Wrong(f"cut short: {missing:,} bytes of the directory are missing")
        if extra := len(whole) - at - len(directory):
            raise Wrong(f"{extra:,} foreign bytes after the end")

    def read(self, name):
        if name not in self.members:
            raise Wrong(f"{name} is missing")
        if (size := len(self.members[name])) > JSON_SIZE:
            raise Wrong(f"{name} is too large to be read: {size:,} bytes")
        return bytes(self.members[name])

    def json(self, name):
        """A member's value. Only one byte string says it, so nothing hides beside it (a second key of one name)."""
        value = json.loads(self.read(name))
        if canonical(value) != self.read(name):
            raise Wrong(f"{name} is not canonical JSON (RFC 8785): a byte of it was changed")
        return value

    def under(self, folder):
        return sorted(name for name in self.members if name.startswith(folder + "/"))


# --- Values and keys: one byte string for one value (RFC 8785), digests, envelopes. ----------------------------------


def canonical(value):
    if isinstance(value, dict):
        items = sorted(value.items(), key=lambda item: item[0].encode("utf-16-be"))
        return b"{" + b",".join(canonical(key) + b":" + canonical(inner) for key, inner in items) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(canonical, value)) + b"]"
    if isinstance(value, float):
        return number(value).encode()
    return json.dumps(value, ensure_ascii=False).encode()


def number(value):
    """As ECMAScript prints it: the shortest digits that give the number back, in full where they are few."""
    if value == 0:
        return "0"
    if 1e-6 <= abs(value) < 1e21:
        return f"{Decimal(repr(value)):f}".removesuffix(".0")
    digits, _, exponent = repr(value).partition("e")
    return f"{digits}e{int(exponent):+d}"  # no infinity: it has no exponent


def digest(value):
    return hashlib.sha256(value if isinstance(value, bytes) else canonical(value)).hexdigest()


def unpacked(text):
    content = base64.b64decode(text, validate=True)
    if base64.b64encode(content).decode() != text:
        raise Wrong("base64 that is not written the one way it can be")
    return content


def moment(text):
    at = datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    return at if at.tzinfo else at.replace(tzinfo=UTC)


Key = namedtuple("Key", "public begins ends")  # of the organization, and when it was in use


def pem(content):
    """(fingerprint, key) of an Ed25519 public key in PEM."""
    key = serialization.load_pem_public_key(content)
    if not isinstance(key, Ed25519PublicKey):
        raise Wrong("a key that is not Ed25519")
    return digest(key.public_bytes_raw()), key


def holds(key, signature, message):
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def opened(archive, name, keys, predicate_type):
    """(key id, statement, its bytes) of a DSSE envelope around an in-toto statement that one of `keys` signed."""
    said = archive.json(name)
    if set(said) != {"payload", "payloadType", "signatures"} or said["payloadType"] != IN_TOTO:
        raise Wrong(f"{name} is no DSSE envelope around an in-toto statement")
    payload, (signed,) = unpacked(said["payload"]), said["signatures"]
    if signed["keyid"] not in keys:
        raise Wrong(f"{name} names the key {signed['keyid'][:16]}, which is not among the organization's")
    message = b"DSSEv1 %d %s %d %s" % (len(IN_TOTO), IN_TOTO.encode(), len(payload), payload)
    if not holds(keys[signed["keyid"]].public, unpacked(signed["sig"]), message):
        raise Wrong(f"{name}: the signature of key {signed['keyid'][:16]} does not hold: it or the content was changed")
    statement = json.loads(payload)
    if statement["_type"] != STATEMENT or statement["predicateType"] != predicate_type:
        raise Wrong(f"{name} states something else than {predicate_type}")
    return signed["keyid"], statement, payload


# --- The record: RFC 6962 trees, C2SP signed notes. ------------------------------------------------------------------


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaf, index, size, proof):
    """The root of a tree of `size` leaves with the hash `leaf` at `index`, by its audit path (RFC 6962, 2.1.1)."""
    if not 0 <= index < size or (size == 1) != (not proof):
        raise Wrong("a proof of another length than its place in the record asks for")
    if size == 1:
        return leaf
    *below, beside = proof
    left = 1 << (size - 1).bit_length() - 1  # how many leaves stand to the left: the largest power of two below `size`
    if index < left:
        return node(root_of(leaf, index, left, below), beside)
    return node(beside, root_of(leaf, index - left, size - left, below))


def grown(old, new, proof, old_root=None):
    """(root of the first `old` leaves, root of all `new`) as a consistency proof gives them (RFC 6962, 2.1.2).

    `old_root` stands for a subtree that is the old tree as a whole: what the proof leaves out."""
    if not 0 < old <= new or (not proof) != (old == new and old_root is not None):
        raise Wrong("a consistency proof of another length than its sizes ask for")
    if old == new:
        (root,) = proof or [old_root]
        return root, root
    *below, beside = proof
    left = 1 << (new - 1).bit_length() - 1
    if old <= left:
        before, after = grown(old, left, below, old_root)
        return before, node(after, beside)
    before, after = grown(old - left, new - left, below)
    return node(beside, before), node(beside, after)


class Note:
    """A C2SP tlog-checkpoint: origin, size, root, and who signed it."""

    def __init__(self, raw):
        if not (found := NOTE.fullmatch(raw.decode())):
            raise Wrong("a checkpoint that is not written the one way it can be")
        self.text, self.origin, size, root, signatures = found.groups()
        self.size, self.root = int(size), unpacked(root)
        self.signatures = [(name, unpacked(blob)) for _, name, blob in map(str.split, signatures.splitlines())]

    def by(self, key, kind):
        """The signatures whose four bytes name this key and kind (1: the log's own, 4: a cosignature)."""
        for name, blob in self.signatures:
            if blob[:4] == hashlib.sha256(f"{name}\n".encode() + kind + key.public_bytes_raw()).digest()[:4]:
                yield blob[4:]

    def is_of(self, keys):
        """Whether one of the organization's keys signed it."""
        keys = [key.public for key in keys.values()]
        return any(holds(key, mark, self.text.encode()) for key in keys for mark in self.by(key, b"\x01"))

    def witnessed(self, key):
        """When a witness with this key saw it (cosignature/v1), or None."""
        for mark in self.by(key, b"\x04"):
            (at,) = struct.unpack(">Q", mark[:8])
            if holds(key, mark[8:], f"cosignature/v1\ntime {at}\n{self.text}".encode()):
                return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
        return None

    def goes_on_from(self, old, proof):
        """Whether the record of this checkpoint begins with that of `old`; `proof` in hexadecimal."""
        before, after = grown(old.size, self.size, list(map(bytes.fromhex, proof)), old.root)
        return (old.origin, before, after) == (self.origin, old.root, self.root)


Line = namedtuple("Line", "at event by on facts")  # a record: when, what, by which member, on which thing


# --- The checks, in the order in which a reader needs them. Each yields ("ok" | "WRONG" | "note", what), or raises. ---


class Bundle:
    """What the checks have learned so far; each adds what those after it need."""

    def __init__(self, path, options):
        self.path, self.options, self.archive, self.dossier = path, options, None, None
        self.about, self.named, self.answer = {}, {}, ""
        self.keys, self.printed, self.signatures, self.signed, self.notes, self.lines = {}, {}, [], {}, [], []


def archive(b):
    """Every byte of the file is where it must be."""
    b.archive = Archive(b.path)
    for name in b.archive.changed:
        yield "WRONG", f"{name} was changed: its bytes do not give the checksum that the archive names"
    yield "ok", f"{len(b.archive.members):,} members, {len(b.archive.whole):,} bytes, each where it must be"


def keys(b):
    """The organization's keys as the bundle names them; each fingerprint is recomputed."""
    for said in b.archive.json("keys/keys.json"):
        fingerprint, key = pem(b.archive.read(f"keys/{said['key_id']}.pem"))
        if fingerprint != said["key_id"]:
            raise Wrong(f"keys/{said['key_id']}.pem holds another key, {fingerprint}")
        b.keys[fingerprint] = Key(key, moment(said["from"]), said["until"] and moment(said["until"]))
    yield "ok", f"{len(b.keys)} of the organization: " + ", ".join(sorted(b.keys))


def manifest(b):
    """It is signed by the key you gave, or by one that the bundle brings along."""
    signer, statement, _ = opened(b.archive, MANIFEST, b.keys, BUNDLE)
    b.about, b.named = statement["predicate"], {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}
    b.answer = b.about["answer"]
    if b.about["assay"] not in FORMS:
        raise Wrong(f"it is of the form “{b.about['assay']}”; this program reads {' and '.join(FORMS)}")
    given, subject = b.options.key, b.about["subject"]
    if given and given != signer:
        raise Wrong(f"it is signed by {signer}, not by the key you gave, {given}")
    yield "ok", f"{subject['organization']}: {subject['model']}, sign-off {subject['approval']}, signed by key {signer}"
    if not given:
        yield "note", f"no --key given: all rests on this key; compare it with the one you get by another way: {signer}"


def members(b):
    """Each file is the one that the manifest names; none is missing, none is foreign."""
    found = {name: said for name, said in b.archive.digests.items() if name != MANIFEST}
    for name in sorted(b.named.keys() - found.keys()):
        yield "WRONG", f"{name} is missing"
    for name in sorted(found.keys() - b.named.keys()):
        yield "WRONG", f"{name} is foreign: the manifest does not name it"
    for name in sorted(found.keys() & b.named.keys()):
        if found[name] != b.named[name]:
            yield "WRONG", f"{name} was changed: its bytes are not those the manifest names"
    if list(b.archive.members) != [MANIFEST, *sorted(found)]:
        yield "WRONG", "the members do not stand in their order"
    yield "ok", f"{len(b.named):,} digests compared; nothing else is in the archive"
    if b.named.get("verify.py") != digest(Path(__file__).read_bytes()):
        yield "note", "the verify.py in the bundle is another than the one that runs here"
    for gap in b.about["gaps"]:
        yield "note", f"the portal itself says: {gap}"


def dossier(b):
    """The dossier is the one that was signed, and everything it names by its digest is here."""
    b.dossier = d = b.archive.json("dossier.json")
    if b.archive.digests["dossier.json"] != b.about["dossier_digest"]:
        raise Wrong("dossier.json is not the dossier that the manifest speaks of")
    yield "ok", f"digest {b.about['dossier_digest']}, canonical"
    found, files = b.archive.digests, b.archive.under("model/files")
    bound = {"model/recipe.json": d["model"]["recipe_digest"], "policy/policy.json": d["policy"]["digest"]}
    bound |= {f"data/{part['use']}-declaration.json": part["declaration_digest"] for part in d["data"]}
    bound |= {name: d["model"]["files"].get(name.removeprefix("model/files/")) for name in files}
    wrong = [name for name, wanted in bound.items() if found.get(name) != wanted]
    wrong += ["the list of the model's files"] * (digest(d["model"]["files"]) != d["model"]["artifact_digest"])
    wrong += ["the policy quoted in the dossier"] * (digest(d["policy_body"]) != d["policy"]["digest"])
    for name in wrong:
        yield "WRONG", f"{name} is not what the dossier binds"
    parts = [(folder, part) for folder in ("reports", "documents") for part in d.get(folder) or []]
    for folder, part in parts:
        if part["digest"] not in (found[name] for name in b.archive.under(folder)):
            yield "WRONG", f"the {part['kind']} of {folder} with digest {part['digest'][:12]} is not in the bundle"
    yield "ok", f"{len(bound) + 2 + len(parts)} bound digests are those of the files here"
    if not files:
        yield "note", f"the model's own {len(d['model']['files'])} file(s) are not in the bundle; their digests are"


def checkpoints(b):
    """Each checkpoint is signed by the organization, and the later ones only add to the earlier ones."""
    notes = [Note(b.archive.read(name)) for name in b.archive.under("record/checkpoints")]
    b.notes = sorted(notes, key=lambda note: note.size)
    if not b.notes:
        raise Wrong("the bundle holds no checkpoint of the record")
    for note in b.notes:
        if note.origin != b.notes[0].origin or not note.is_of(b.keys):
            raise Wrong(f"the checkpoint at {note.size:,} records is not signed by the organization")
    proofs = {(said["old"], said["new"]): said["proof"] for said in b.archive.json("record/consistency.json")}
    for old, new in pairwise(b.notes):
        if not new.goes_on_from(old, proofs.get((old.size, new.size), [])):
            raise Wrong(f"the record of {new.size:,} does not go on from that of {old.size:,}: its past was rewritten")
    bound = b.dossier.get("checkpoint")
    if bound and bound not in [{"origin": n.origin, "size": n.size, "root": n.root.hex()} for n in b.notes]:
        yield "WRONG", f"the checkpoint that the dossier binds, at {bound['size']:,} records, is not in the bundle"
    sizes = " → ".join(f"{note.size:,}" for note in b.notes)
    yield "ok", f"{b.notes[0].origin}: {sizes} records, each signed, each going on from the one before"


def kept(b):
    """The checkpoint you kept and those of the bundle are of one history."""
    if not b.options.checkpoint:
        return
    yours, given = Note(b.options.checkpoint), b.options.consistency or {}
    if yours.origin != b.notes[0].origin or not yours.is_of(b.keys):
        raise Wrong(f"your checkpoint, of {yours.origin}, is not signed by a key of this organization")
    proofs = {(given.get("old"), given.get("new")): given.get("path")} | {(yours.size, yours.size): []}
    for note in b.notes:
        old, new = sorted((note, yours), key=lambda one: one.size)
        if (old.size, new.size) in proofs:
            if not new.goes_on_from(old, proofs[old.size, new.size]):
                raise Wrong(f"{new.size:,} records do not go on from {old.size:,}, yours being one: two histories")
            yield "ok", f"your checkpoint at {yours.size:,} and the bundle's at {note.size:,} are of one history"
            return
    host, _, organization = yours.origin.rpartition("/")
    address = f"{host}/api/v1/{organization}/records/consistency/?old={old.size}&new={new.size}"
    raise Wrong(f"nothing here proves that both are of one history; GET {address} gives the proof for --consistency")


def witnesses(b):
    """Somebody outside, whose key you gave, saw one of the checkpoints."""
    seen = [(note, at) for note in b.notes for key in b.options.witness if (at := note.witnessed(key))]
    for note, at in seen:
        yield "ok", f"the checkpoint at {note.size:,} records was seen by your witness, {at}"
    if b.options.witness and not seen:
        yield "WRONG", "no checkpoint here bears the cosignature of a witness whose key you gave"
    if not b.options.witness:
        told = sorted({name for note in b.notes for name, *_ in note.signatures} - {b.notes[0].origin})
        yield "note", f"no --witness given; cosigned by: {', '.join(told) or 'nobody'}"


def records(b):
    """The record's own lines about this sign-off and what it rests on are in the newest checkpoint."""
    newest = b.notes[-1]
    for entry in b.archive.json("record/records.json"):
        leaf, seq = hashlib.sha256(b"\x00" + entry["leaf"].encode()).digest(), entry["seq"]
        if root_of(leaf, seq - 1, newest.size, list(map(bytes.fromhex, entry["proof"]))) != newest.root:
            raise Wrong(f"record {seq} is not in the log of the checkpoint at {newest.size:,}")
        said = json.loads(entry["leaf"])
        if said["seq"] != seq:
            raise Wrong(f"record {seq} calls itself {said['seq']}")
        for place, word in entry["opened"].items():
            if digest(bytes.fromhex(word["key"]) + word["text"].encode()) != said["names"][place]:
                raise Wrong(f"record {seq}: “{word['text']}” is not the name that was committed to")
        event, _, kind, *_ = said["words"]
        b.lines.append(Line(moment(said["utc"]), event, said["by"], (kind, said["on"]), said["facts"]))
    yield "ok", f"{len(b.lines)} records are among the {newest.size:,} of the newest checkpoint; each name opens"


def signatures(b):
    """Each signature holds under a key that was in use, is what is printed, follows the one before, and is recorded."""
    b.printed, before = b.archive.json("signatures/signatures.json"), ""
    b.signatures = b.printed["signatures"]
    if b.printed["dossier_digest"] != b.about["dossier_digest"]:
        raise Wrong("signatures.json speaks of another dossier")
    handed_on = [f"signatures/delegation-{said['id']}.dsse.json" for said in b.printed.get("delegations", ())]
    for name in handed_on:
        opened(b.archive, name, b.keys, DELEGATION)
    for said in b.signatures:
        name = f"signatures/{said['id']}.dsse.json"
        if name not in b.archive.members:
            yield "note", f"{said['printed_name']}'s signature has no envelope: it rests on the manifest alone"
            continue
        key_id, statement, payload = opened(b.archive, name, b.keys, SIGNATURE)
        yield from (("WRONG", f"{name} {why}") for why in _unlike(b, said, statement, b.keys[key_id], before))
        b.signed[name], before = statement["predicate"] | {"digest": digest(payload)}, digest(payload)
        word = said["meaning"] or said["decision"]
        yield "ok", f"{said['printed_name']}, {said['role']}: “{word}”, {said['signed_at']}"
    for name in sorted({*b.archive.under("signatures")} - {"signatures/signatures.json", *handed_on, *b.signed}):
        yield "WRONG", f"{name} is a signature that signatures.json does not print"
    mine = [line for line in b.lines if line.on == ("approval", b.about["subject"]["approval"])]
    if b.about["dossier_digest"] not in [line.facts["dossier"] for line in mine if line.event == "approval.asked"]:
        yield "WRONG", "the record does not tell that this dossier was asked for"
    told = [line.facts.get("signature") for line in mine if line.event == "approval.signed"]
    for name in (name for name, meant in b.signed.items() if meant["digest"] not in told):
        yield "WRONG", f"the record does not tell of {name}"
    if len(told) > len(b.signatures):
        yield "WRONG", f"the record tells of {len(told)} signatures, the bundle holds {len(b.signatures)}"
    if not b.signatures:
        yield "note", "nobody has signed it"


PRINTED = ("signer", "printed_name", "role", "place", "delegation", "decision", "meaning", "conditions", "reason")
PRINTED += ("signed_at",)


def _unlike(b, said, statement, key, before):
    """What is not so of a signature whose envelope holds."""
    meant, signed = statement["predicate"], {entry["digest"]["sha256"] for entry in statement["subject"]}
    if signed != {b.about["dossier_digest"], b.dossier["model"]["artifact_digest"]}:
        yield "signs another dossier or model"
    if (meant["approval"], meant["signature"]) != (b.about["subject"]["approval"], said["id"]):
        yield "was given to another sign-off, or is another signature"
    meant = meant | meant["signer"] | {"signer": meant["signer"]["id"]}
    for word in PRINTED:
        if meant[word] != said[word]:
            yield f"was given with another {word.replace('_', ' ')} than signatures.json prints"
    if meant["previous"] != before:
        yield "does not follow the signature printed before it: one was left out or put in"
    at = moment(said["signed_at"])
    if at < key.begins - LEEWAY or (key.ends and at > key.ends + LEEWAY):
        yield f"was given at {said['signed_at']}, when its key was not in use"


def permits(b):
    """Each permit (a JWS under EdDSA) is the organization's, for this model and this sign-off."""
    names = b.archive.under("permits")
    for said in b.archive.json("permits/permits.json") if names else ():
        name = f"permits/{said['number']}.jwt"
        signed, _, mark = b.archive.read(name).decode().rpartition(".")
        header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in signed.split("."))
        known = b.keys.get(header["kid"])
        mark = base64.urlsafe_b64decode(mark + "==")
        if header["alg"] != "EdDSA" or known is None or not holds(known.public, mark, signed.encode()):
            raise Wrong(f"{name} is not signed by a key of the organization")
        mine = (f"sha256:{b.dossier['model']['artifact_digest']}", b.about["dossier_digest"], said["number"])
        if (claims["sub"], claims["dossier"], claims["jti"]) != mine:
            raise Wrong(f"{name} is a permit for another model or sign-off")
        ended = f"revoked {said['revoked_at']}" if said["revoked_at"] else f"until {said['expires_at']}"
        yield "ok", f"{said['name']} in {said['environment']}, {ended}"
    if not names:
        yield "note", "no permit was issued on it"


def decisions(b):
    """What this program leaves to the other."""
    yield "note", "whether rules, waivers and signers are as the policy asks, and how it ended: decide.py checks that"


# --- The run. --------------------------------------------------------------------------------------------------------

CHECKS = (archive, keys, manifest, members, dossier, checkpoints, kept, witnesses, records, signatures, permits)
NEEDED = (archive, keys, manifest, dossier, checkpoints)  # without them the rest has nothing to speak of
FAULTS = (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError, struct.error, RecursionError)


def checked(b, checks):
    """Every line as (mark, check, what)."""
    for check in checks:
        wrong = False
        try:
            for mark, what in check(b):
                wrong = wrong or mark == "WRONG"
                if not (wrong and mark == "ok"):
                    yield mark, check.__name__, plain(what)
        except (Wrong, *FAULTS) as why:
            wrong = True
            what = str(why) if isinstance(why, Wrong) else f"malformed ({type(why).__name__}: {str(why)[:120]})"
            yield "WRONG", check.__name__, plain(what)
        if wrong and check in NEEDED:
            return


def plain(text):
    """Words of a bundle on one line, without what moves a cursor or turns the direction of writing."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def public_key(text):
    """Of a PEM's path, or of the line of a signed note's verifier key: name+hash+base64."""
    if Path(text).is_file():
        return pem(Path(text).read_bytes())[1]
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.split("+", 2)[2])[1:])


def main(arguments=None, *, bundle=Bundle, checks=(*CHECKS, decisions), about=__doc__):
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("--witness", action="append", default=[])
    parser.add_argument("--json", action="store_true")
    for word in ("--key", "--checkpoint", "--consistency"):
        parser.add_argument(word)
    options = parser.parse_args(arguments)
    try:
        is_file = options.key and not re.fullmatch("[0-9a-fA-F]{64}", options.key)
        options.key = pem(Path(options.key).read_bytes())[0] if is_file else options.key and options.key.lower()
        options.witness = list(map(public_key, options.witness))
        options.checkpoint = options.checkpoint and Path(options.checkpoint).read_bytes()
        options.consistency = options.consistency and json.loads(Path(options.consistency).read_bytes())
        open(options.bundle, "rb").close()
    except (OSError, ValueError, IndexError, Wrong) as error:
        print(f"CANNOT TRY: {error}", file=sys.stderr)
        return 2
    b, lines = bundle(options.bundle, options), []
    for line in checked(b, checks):
        lines.append(line)
        if not options.json:
            print("{:<5} {:<11} {}".format(*line), flush=True)
    first = next((f"{check}: {what}" for mark, check, what in lines if mark == "WRONG"), None)
    answer = f"NOT VERIFIED: {first}" if first else plain(f"VERIFIED: {b.answer}")
    if options.json:
        told = [{"mark": mark, "check": check, "what": what} for mark, check, what in lines]
        print(json.dumps({"verified": first is None, "answer": answer, "checks": told}, indent=2, ensure_ascii=False))
    else:
        print(answer)
    return 1 if first else 0


if __name__ == "__main__":
    sys.exit(main())
