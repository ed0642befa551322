"""Check a bundle that left an Assay portal, without the portal: that it is whole, and was signed as it says.

    python -I verify.py bundle.zip [options]

Needs Python 3.11 or newer and the package `cryptography`; opens no connection and writes nothing. One line a check:
`ok` holds, `WRONG` does not, `note` was not checked or is for you to know. The last line is the answer.
Exit status: 0 verified, 1 not verified, 2 could not be tried.

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
from operator import attrgetter
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


def must(holds, what):
    """End the check, in these words, unless this holds."""
    if not holds:
        raise Wrong(what)


# --- The archive: read by its own layout, so that no two readers can see two things in it. ---------------------------


class Archive:
    """`members`: {name: bytes}, in their order. Raises Wrong unless every byte of the file is where it must be."""

    def __init__(self, path):
        with open(path, "rb") as file:
            whole = self.whole = memoryview(mmap(file.fileno(), 0, access=ACCESS_READ))
        self.members, self.digests, self.changed, taken, directory, at = {}, {}, [], set(), b"", 0
        while whole[at : at + 4] == b"PK\x03\x04":
            last, header = next(reversed(self.members), "the beginning"), bytes(whole[at : at + LOCAL.size])
            must(len(header) == LOCAL.size, f"cut short: the file ends in the header after {last}")
            crc, _, size, length, _ = LOCAL.unpack(header)[6:]
            begins = at + LOCAL.size + length
            raw, content = bytes(whole[at + LOCAL.size : begins]), whole[begins : begins + size]
            name = raw.decode("ascii", "backslashreplace")
            safe = len(raw) <= NAME and SAFE.fullmatch(name) and not DEVICE.search(name)
            must(safe, f"a hostile member name after {last}: {name[:80]!r}")
            must(name.casefold() not in taken, f"two members of one name: {name}")
            must(len(taken) < MEMBERS, f"more than {MEMBERS:,} members")
            usual = header == LOCAL.pack(b"PK\x03\x04", *FIXED, crc, size, size, length, 0)
            must(usual, f"the header of {name} is not as a bundle's must be (stored, no extras, no date)")
            ends = f"{name} claims {size:,} bytes, the file ends before"
            must(len(content) == size, f"cut short, or a hostile size: {ends}")
            taken.add(name.casefold())
            self.members[name], self.digests[name] = content, hashlib.sha256(content).hexdigest()
            self.changed += [name] if zlib.crc32(content) != crc else []
            sums = (crc, size, size, length, 0, 0, 0, 0, 0o100644 << 16, at)
            directory += CENTRAL.pack(b"PK\x01\x02", 0x0314, *FIXED, *sums) + raw
            at = begins + size
        directory += END.pack(b"PK\x05\x06", 0, 0, len(taken), len(taken), len(directory), at, 0)
        found = bytes(whole[at : at + len(directory)])
        alike = next((n for n, (a, b) in enumerate(zip(found, directory, strict=False)) if a != b), len(found))
        where = f"byte {at + alike:,} is not as the members give the directory"
        must(alike == len(found), f"{where}: foreign bytes, or one was changed")
        must(alike == len(directory), f"cut short: {len(directory) - alike:,} bytes of the directory are missing")
        extra = len(whole) - at - len(directory)
        must(not extra, f"{extra:,} foreign bytes after the end")

    def read(self, name):
        must(name in self.members, f"{name} is missing")
        must(len(self.members[name]) <= JSON_SIZE, f"{name} is too large to be read")
        return bytes(self.members[name])

    def json(self, name):
        """A member's value. Only one byte string says it, so nothing hides beside it (a second key of one name)."""
        try:
            value = json.loads(self.read(name))
        except (ValueError, RecursionError) as why:
            raise Wrong(f"{name} is malformed ({type(why).__name__}): a byte of it was changed") from None
        must(canonical(value) == self.read(name), f"{name} is not canonical JSON (RFC 8785): a byte of it was changed")
        return value

    def under(self, folder, ending=""):
        return sorted(name for name in self.members if name.startswith(folder + "/") and name.endswith(ending))


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
    must(base64.b64encode(content).decode() == text, "base64 that is not written the one way it can be")
    return content


def moment(text):
    at = datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    return at if at.tzinfo else at.replace(tzinfo=UTC)


Key = namedtuple("Key", "public begins ends")  # of the organization, and when it was in use


def pem(content):
    """(fingerprint, key) of an Ed25519 public key in PEM."""
    key = serialization.load_pem_public_key(content)
    must(isinstance(key, Ed25519PublicKey), "a key that is not Ed25519")
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
    is_one = set(said) == {"payload", "payloadType", "signatures"} and said["payloadType"] == IN_TOTO
    must(is_one, f"{name} is no DSSE envelope around an in-toto statement")
    payload, (signed,) = unpacked(said["payload"]), said["signatures"]
    key_id = signed["keyid"]
    must(key_id in keys, f"{name} names the key {key_id[:16]}, which is not among the organization's")
    message = b"DSSEv1 %d %s %d %s" % (len(IN_TOTO), IN_TOTO.encode(), len(payload), payload)
    good = holds(keys[key_id].public, unpacked(signed["sig"]), message)
    must(good, f"{name}: the signature of key {key_id[:16]} does not hold: it or the content was changed")
    statement = json.loads(payload)
    kinds = statement["_type"], statement["predicateType"]
    must(kinds == (STATEMENT, predicate_type), f"{name} states something else than {predicate_type}")
    return key_id, statement, payload


# --- The record: RFC 6962 trees, C2SP signed notes. ------------------------------------------------------------------


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaf, index, size, proof):
    """The root of a tree of `size` leaves with the hash `leaf` at `index`, by its audit path (RFC 6962, 2.1.1)."""
    fits = 0 <= index < size and (size == 1) == (not proof)
    must(fits, "a proof of another length than its place in the record asks for")
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
    fits = 0 < old <= new and (not proof) == (old == new and old_root is not None)
    must(fits, "a consistency proof of another length than its sizes ask for")
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
        found = NOTE.fullmatch(raw.decode())
        must(found, "a checkpoint that is not written the one way it can be")
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


Line = namedtuple("Line", "seq at event by on facts")  # a record: which, when, what, by whom, on which thing


# --- The checks, in the order in which a reader needs them. ----------------------------------------------------------
# Each yields pairs: what is wrong, as (whether it is so, the sentence); else ("ok" or "note", the sentence).


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
        yield True, f"{name} was changed: its bytes do not give the checksum that the archive names"
    yield "ok", f"{len(b.archive.members):,} members, {len(b.archive.whole):,} bytes, each where it must be"


def keys(b):
    """The organization's keys as the bundle names them; each fingerprint is recomputed."""
    for said in b.archive.json("keys/keys.json"):
        fingerprint, key = pem(b.archive.read(f"keys/{said['key_id']}.pem"))
        must(fingerprint == said["key_id"], f"keys/{said['key_id']}.pem holds another key, {fingerprint}")
        b.keys[fingerprint] = Key(key, moment(said["from"]), said["until"] and moment(said["until"]))
    yield "ok", f"{len(b.keys)} of the organization: " + ", ".join(sorted(b.keys))


def manifest(b):
    """It is signed by the key you gave, or by one that the bundle brings along."""
    signer, statement, _ = opened(b.archive, MANIFEST, b.keys, BUNDLE)
    b.about, b.named = statement["predicate"], {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}
    b.answer, form, given, subject = b.about["answer"], b.about["assay"], b.options.key, b.about["subject"]
    must(form in FORMS, f"it is of the form “{form}”; this program reads {' and '.join(FORMS)}")
    must(given in (None, signer), f"it is signed by {signer}, not by the key you gave, {given}")
    yield "ok", f"{subject['organization']}: {subject['model']}, sign-off {subject['approval']}, signed by key {signer}"
    if not given:
        yield "note", f"no --key given: all rests on this key; compare it with the one you get by another way: {signer}"


def members(b):
    """Each file is the one that the manifest names; none is missing, none is foreign."""
    found = {name: said for name, said in b.archive.digests.items() if name != MANIFEST}
    for name in sorted(b.named | found):
        why = "was changed: its bytes are not those the manifest names" if name in found else "is missing"
        why = why if name in b.named else "is foreign: the manifest does not name it"
        yield found.get(name) != b.named.get(name), f"{name} {why}"
    yield list(b.archive.members) != [MANIFEST, *sorted(found)], "the members do not stand in their order"
    yield "ok", f"{len(b.named):,} digests compared; nothing else is in the archive"
    if b.named.get("verify.py") != digest(Path(__file__).read_bytes()):
        yield "note", "the verify.py in the bundle is another than the one that runs here"
    for gap in b.about["gaps"]:
        yield "note", f"the portal itself says: {gap}"


def dossier(b):
    """The dossier is the one that was signed, and everything it names by its digest is here."""
    b.dossier = d = b.archive.json("dossier.json")
    found, model, policy, signed = b.archive.digests, d["model"], d["policy"]["digest"], b.about["dossier_digest"]
    must(found["dossier.json"] == signed, "dossier.json is not the dossier that the manifest speaks of")
    yield "ok", f"digest {signed}, canonical"
    name_of = f"{model['name']} v{model['version']}"
    mine = {"organization": d["organization"]["slug"], "project": d["project"]["slug"], "model": name_of}
    files, registered = b.archive.under("model/files"), b.archive.json("model/version.json")
    told = registered | {"name": registered["model"]}
    told |= {"files": {name: file["digest"] for name, file in registered["files"].items()}}
    bound = {"model/recipe.json": model["recipe_digest"], "policy/policy.json": policy}
    bound |= {f"data/{part['use']}-declaration.json": part["declaration_digest"] for part in d["data"]}
    bound |= {name: model["files"].get(name.removeprefix("model/files/")) for name in files}
    for name, wanted in bound.items():
        yield found.get(name) != wanted, f"{name} is not what the dossier binds"
    foreign = b.about["subject"] | mine != b.about["subject"]
    yield foreign, f"the manifest speaks of another model than the dossier, {name_of}"
    other = any(told.get(word, said) != said for word, said in model.items())
    yield other, "model/version.json is not what the dossier binds"
    yield digest(model["files"]) != model["artifact_digest"], "the list of files is not what the dossier binds"
    yield digest(d["policy_body"]) != policy, "the policy quoted in the dossier is not what the dossier binds"
    parts = [(folder, part) for folder in ("reports", "documents") for part in d.get(folder) or []]
    for folder, part in parts:
        lost = part["digest"] not in (found[name] for name in b.archive.under(folder))
        yield lost, f"the {part['kind']} of {folder} with digest {part['digest'][:12]} is not in the bundle"
    yield "ok", f"{len(bound) + 2 + len(parts)} bound digests are those of the files here"
    if not files:
        yield "note", f"the model's own {len(model['files'])} file(s) are not in the bundle; their digests are"


def originals(b):
    """The file that submitted figures came with is the one that their report names."""
    reports, here = b.archive.under("reports", ".json"), b.archive.under("reports", "-original")
    came = {f"{name.removesuffix('.json')}-original": b.archive.json(name).get("original") or {} for name in reports}
    for name in here:
        other = came.get(name, {}).get("digest") != b.archive.digests[name]
        yield other, f"{name} is not the file that its report came with"
    if here:
        yield "ok", f"{len(here)} file(s) that figures were submitted with, each as its report names it"
    for name in sorted(name for name, said in came.items() if said and name not in here):
        yield "note", f"{name}, the file that these figures came with, is not in the bundle; its digest is"


def checkpoints(b):
    """Each checkpoint is signed by the organization, and the later ones only add to the earlier ones."""
    notes = [Note(b.archive.read(name)) for name in b.archive.under("record/checkpoints")]
    b.notes = sorted(notes, key=attrgetter("size"))
    must(b.notes, "the bundle holds no checkpoint of the record")
    origin = b.notes[0].origin
    for note in b.notes:
        ours = note.origin == origin and note.is_of(b.keys)
        must(ours, f"the checkpoint at {note.size:,} records is not signed by the organization")
    proofs = {(said["old"], said["new"]): said["proof"] for said in b.archive.json("record/consistency.json")}
    for old, new in pairwise(b.notes):
        goes_on = new.goes_on_from(old, proofs.get((old.size, new.size), []))
        must(goes_on, f"the record of {new.size:,} does not go on from that of {old.size:,}: its past was rewritten")
    if bound := b.dossier.get("checkpoint"):
        lost = bound not in [{"origin": n.origin, "size": n.size, "root": n.root.hex()} for n in b.notes]
        yield lost, f"the checkpoint that the dossier binds, at {bound['size']:,} records, is not in the bundle"
    sizes = " → ".join(f"{note.size:,}" for note in b.notes)
    yield "ok", f"{origin}: {sizes} records, each signed, each going on from the one before"


def kept(b):
    """The checkpoint you kept and those of the bundle are of one history."""
    if not b.options.checkpoint:
        return
    yours, given = Note(b.options.checkpoint), b.options.consistency or {}
    ours = yours.origin == b.notes[0].origin and yours.is_of(b.keys)
    must(ours, f"your checkpoint, of {yours.origin}, is not signed by a key of this organization")
    note = next((note for note in b.notes if note.size == yours.size), b.notes[-1])
    old, new = sorted((note, yours), key=attrgetter("size"))
    host, _, organization = yours.origin.rpartition("/")
    address = f"{host}/api/v1/{organization}/records/consistency/?old={old.size}&new={new.size}"
    proved = old.size == new.size or (given.get("old"), given.get("new")) == (old.size, new.size)
    must(proved, f"nothing here proves that both are of one history; GET {address} gives the proof for --consistency")
    goes_on = new.goes_on_from(old, given["path"] if old.size < new.size else [])
    must(goes_on, f"{new.size:,} records do not go on from {old.size:,}, yours being one: two histories")
    yield "ok", f"your checkpoint at {yours.size:,} and the bundle's at {note.size:,} are of one history"


def witnesses(b):
    """Somebody outside, whose key you gave, saw one of the checkpoints."""
    seen = [(note, at) for note in b.notes for key in b.options.witness if (at := note.witnessed(key))]
    for note, at in seen:
        yield "ok", f"the checkpoint at {note.size:,} records was seen by your witness, {at}"
    yield b.options.witness and not seen, "no checkpoint here bears the cosignature of a witness whose key you gave"
    if not b.options.witness:
        told = sorted({name for note in b.notes for name, *_ in note.signatures} - {b.notes[0].origin})
        yield "note", f"no --witness given; cosigned by: {', '.join(told) or 'nobody'}"


def records(b):
    """The record's own lines about this sign-off and what it rests on are in the newest checkpoint."""
    newest = b.notes[-1]
    for entry in b.archive.json("record/records.json"):
        leaf, seq = hashlib.sha256(b"\x00" + entry["leaf"].encode()).digest(), entry["seq"]
        root = root_of(leaf, seq - 1, newest.size, list(map(bytes.fromhex, entry["proof"])))
        must(root == newest.root, f"record {seq} is not in the log of the checkpoint at {newest.size:,}")
        said = json.loads(entry["leaf"])
        must(said["seq"] == seq, f"record {seq} calls itself {said['seq']}")
        must(not b.lines or b.lines[-1].seq < seq, f"record {seq} is told out of order, or twice")
        for place, word in entry["opened"].items():
            commitment = digest(bytes.fromhex(word["key"]) + word["text"].encode())
            told = f"record {seq}: “{word['text']}” is not the name that was committed to"
            must(commitment == said["names"][place], told)
        event, _, kind, *_ = said["words"]
        b.lines.append(Line(seq, moment(said["utc"]), event, said["by"], (kind, said["on"]), said["facts"]))
    yield "ok", f"{len(b.lines)} records are among the {newest.size:,} of the newest checkpoint; each name opens"


def signatures(b):
    """Each signature holds under a key that was in use, is what is printed, follows the one before, and is recorded."""
    b.printed, before = b.archive.json("signatures/signatures.json"), ""
    b.signatures, dossier = b.printed["signatures"], b.about["dossier_digest"]
    must(b.printed["dossier_digest"] == dossier, "signatures.json speaks of another dossier")
    mine = [line for line in b.lines if line.on == ("approval", b.about["subject"]["approval"])]
    told = [line.facts.get("signature") for line in mine if line.event == "approval.signed"]
    handed_on = [f"signatures/delegation-{said['id']}.dsse.json" for said in b.printed.get("delegations", ())]
    for name in handed_on:
        opened(b.archive, name, b.keys, DELEGATION)
    for said in b.signatures:
        name = f"signatures/{said['id']}.dsse.json"
        if name not in b.archive.members:
            yield "note", f"{said['printed_name']}'s signature has no envelope: it rests on the manifest alone"
            continue
        key_id, statement, payload = opened(b.archive, name, b.keys, SIGNATURE)
        for so, why in _unlike(b, said, statement, b.keys[key_id], before):
            yield so, f"{name} {why}"
        b.signed[name], before = statement["predicate"] | {"digest": digest(payload)}, digest(payload)
        yield before not in told, f"the record does not tell of {name}"
        word = said["meaning"] or said["decision"]
        yield "ok", f"{said['printed_name']}, {said['role']}: “{word}”, {said['signed_at']}"
    for name in sorted({*b.archive.under("signatures")} - {"signatures/signatures.json", *handed_on, *b.signed}):
        yield True, f"{name} is a signature that signatures.json does not print"
    asked = [line.facts["dossier"] for line in mine if line.event == "approval.asked"]
    yield dossier not in asked, "the record does not tell that this dossier was asked for"
    held = len(b.signatures)
    yield len(told) != held, f"the record tells of {len(told)} signatures, the bundle holds {held}"
    lost = {*told} - {None, *(meant["digest"] for meant in b.signed.values())}
    yield lost, f"the record tells of signatures whose envelopes are not here: {', '.join(sorted(lost))}"
    if not b.signatures:
        yield "note", "nobody has signed it"


PRINTED = "signer printed_name role place delegation decision meaning conditions reason signed_at".split()  # noqa: SIM905


def _unlike(b, said, statement, key, before):
    """What may be wrong with a signature whose envelope holds."""
    meant, signed = statement["predicate"], {entry["digest"]["sha256"] for entry in statement["subject"]}
    wanted, at = {b.about["dossier_digest"], b.dossier["model"]["artifact_digest"]}, moment(said["signed_at"])
    own = (b.about["subject"]["approval"], said["id"])
    unused = at < key.begins - LEEWAY or (key.ends and at > key.ends + LEEWAY)
    yield signed != wanted, "signs another dossier or model"
    yield (meant["approval"], meant["signature"]) != own, "was given to another sign-off, or is another signature"
    meant = meant | meant["signer"] | {"signer": meant["signer"]["id"]}
    for word in PRINTED:
        yield meant[word] != said[word], f"was given with another {word.replace('_', ' ')} than signatures.json prints"
    yield meant["previous"] != before, "does not follow the signature printed before it: one was left out or put in"
    yield unused, f"was given at {said['signed_at']}, when its key was not in use"


def permits(b):
    """Each permit (a JWS under EdDSA) is the organization's, for this model and this sign-off."""
    printed = b.archive.json("permits/permits.json") if b.archive.under("permits") else []
    model = f"sha256:{b.dossier['model']['artifact_digest']}"
    for name in {*b.archive.under("permits", ".jwt")} - {f"permits/{said['number']}.jwt" for said in printed}:
        yield True, f"{name} is a permit that permits.json does not print"
    for said in printed:
        name = f"permits/{said['number']}.jwt"
        signed, _, mark = b.archive.read(name).decode().rpartition(".")
        header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in signed.split("."))
        known, mark = b.keys.get(header["kid"]), base64.urlsafe_b64decode(mark + "==")
        good = header["alg"] == "EdDSA" and known and holds(known.public, mark, signed.encode())
        must(good, f"{name} is not signed by a key of the organization")
        wanted = {"sub": model, "dossier": b.about["dossier_digest"], "jti": said["number"]}
        must(claims | wanted == claims, f"{name} is a permit for another model or sign-off")
        wanted = {"aud": said["environment"], "exp": int(moment(said["expires_at"]).timestamp())}
        must(claims | wanted == claims, f"{name} is a permit for another time or environment than permits.json prints")
        ended = f"revoked {said['revoked_at']}" if said["revoked_at"] else f"until {said['expires_at']}"
        yield "ok", f"{said['name']} in {said['environment']}, {ended}"
    if not printed:
        yield "note", "no permit was issued on it"


def decisions(b):
    """What this program leaves to the other."""
    yield "note", "whether rules, waivers and signers are as the policy asks, and how it ended: decide.py checks that"


# --- The run. --------------------------------------------------------------------------------------------------------

CHECKS = (archive, keys, manifest, members, dossier, originals, checkpoints, kept, witnesses, records)
CHECKS += (signatures, permits)
NEEDED = (archive, keys, manifest, dossier, checkpoints)  # without them the rest has nothing to speak of
FAULTS = (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError, struct.error, RuntimeError)


def checked(b, checks):
    """Every line as (mark, check, what)."""
    for check in checks:
        wrong = False
        try:
            for so, what in check(b):
                mark = so if so in ("ok", "note") else "WRONG"
                wrong = wrong or (mark == "WRONG" and bool(so))
                if so and not (wrong and mark == "ok"):
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


def content(path):
    return Path(path).read_bytes()


def proof(path):
    return json.loads(content(path))


def fingerprint(text):
    return text.lower() if re.fullmatch("[0-9a-fA-F]{64}", text) else pem(content(text))[0]


def public_key(text):
    if Path(text).is_file():
        return pem(content(text))[1]
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.split("+", 2)[-1])[1:])


WITNESS = "a witness's key: a PEM, or a line name+hash+base64 as signed notes have it; may be given several times"
OPTIONS = {
    "--key": (fingerprint, "the organization's public key, a PEM or its fingerprint, from elsewhere than this bundle"),
    "--checkpoint": (content, "a checkpoint that you or a witness kept: the record in the bundle must agree with it"),
    "--consistency": (proof, "the portal's proof between your checkpoint and the bundle's, where their sizes differ"),
}


def main(arguments=None, *, bundle=Bundle, checks=(*CHECKS, decisions), about=__doc__):
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--witness", action="append", default=[], type=public_key, help=WITNESS)
    for word, (kind, told) in OPTIONS.items():
        parser.add_argument(word, type=kind, help=told)
    try:
        options = parser.parse_args(arguments)
        open(options.bundle, "rb").close()
    except (OSError, Wrong) as error:
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
