"""Check a bundle that left an Assay portal, without the portal.

    python verify.py bundle.zip [--key PEM_OR_FINGERPRINT] [--witness KEY] [--checkpoint FILE] [--json]

Needs Python 3.11 or newer and the package `cryptography`; opens no connection and writes nothing. One line a check:
`ok` holds, `WRONG` does not, `note` was not checked or is for you to know. The last line is the answer.
Exit status: 0 verified, 1 not verified, 2 could not be tried.

--key         the organization's public key (PEM, or its fingerprint), from somewhere else than this bundle
--witness     a witness's key: a PEM, or a line name+hash+base64 as signed notes have it (may be given several times)
--checkpoint  a checkpoint that you kept, or that a witness keeps: the record in the bundle must agree with it"""

import argparse
import base64
import hashlib
import json
import math
import re
import struct
import sys
import zlib
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MANIFEST = "manifest.dsse.json"
LEEWAY = timedelta(minutes=5)  # a signature bears the moment at which its transaction began
IN_TOTO, STATEMENT = "application/vnd.in-toto+json", "https://in-toto.io/Statement/v1"
BUNDLE, SIGNATURE = "https://assay.dev/bundle/v1", "https://assay.dev/signature/v1"
MEMBERS, NAME, JSON_SIZE = 5_000, 200, 256 * 2**20  # the most that is read
SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
LOCAL, CENTRAL, END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")
FIXED = (20, 0, 0, 0, 0x21)  # version, flags, stored, midnight, 1 January 1980: a bundle says nothing of its own age


class Wrong(Exception):
    """A check that does not hold; the text says what, by name."""


# The archive: read by its own layout, byte by byte, so that no two readers can see two things in it.


class Archive:
    """The members of a bundle, {name: (offset, size)}. Raises Wrong unless every byte is where it must be."""

    def __init__(self, path):
        self.file, self.length = open(path, "rb"), Path(path).stat().st_size  # noqa: SIM115
        self.members, self.checksums, self.headers = {}, {}, []
        at = self._local_headers()
        self._directory(at)

    def _take(self, at, size, what):
        if at + size > self.length:
            raise Wrong(f"cut short: the file ends inside {what}, {at + size - self.length:,} bytes are missing")
        self.file.seek(at)
        return self.file.read(size)

    def _local_headers(self):
        at, last = 0, "its beginning"
        while (mark := self._take(at, 4, f"what follows {last}")) == b"PK\x03\x04":
            fields = LOCAL.unpack(self._take(at, LOCAL.size, f"the header after {last}"))
            crc, packed, size, length, extra = fields[6:]
            if length > NAME:
                raise Wrong(f"a hostile name of {length:,} characters after {last}")
            raw = self._take(at + LOCAL.size, length, f"the name after {last}")
            name = self._safe(raw)
            if fields[1:6] != FIXED or extra or packed != size:
                raise Wrong(f"the header of {name} is not as a bundle's must be (stored, no extras, no date)")
            if len(self.members) >= MEMBERS:
                raise Wrong(f"more than {MEMBERS:,} members")
            self.headers.append((raw, crc, size, at))
            at, last = at + LOCAL.size + length + size, name
            if at > self.length:
                raise Wrong(f"cut short, or a hostile size: {name} claims {size:,} bytes, the file ends before")
            self.members[name], self.checksums[name] = (at - size, size), crc
        if mark != b"PK\x01\x02":
            raise Wrong(f"foreign bytes after {last}: neither a member nor the directory")
        return at

    def _safe(self, raw):
        name = raw.decode("ascii", "backslashreplace")
        if not SAFE.fullmatch(name):
            raise Wrong(f"a hostile member name: {name[:80]!r}")
        if name.casefold() in (known.casefold() for known in self.members):
            raise Wrong(f"two members of one name: {name}")
        return name

    def _directory(self, start):
        at = start
        for raw, crc, size, offset in self.headers:
            right = CENTRAL.pack(
                b"PK\x01\x02", 0x0314, *FIXED, crc, size, size, len(raw), 0, 0, 0, 0, 0o100644 << 16, offset
            )  # fmt: skip
            if self._take(at, CENTRAL.size + len(raw), f"the directory's entry of {raw.decode()}") != right + raw:
                raise Wrong(f"the directory's entry of {raw.decode()} differs from its header")
            at += CENTRAL.size + len(raw)
        count = len(self.headers)
        right = END.pack(b"PK\x05\x06", 0, 0, count, count, at - start, start, 0)
        if self._take(at, END.size, "the end of the directory") != right:
            raise Wrong("the end of the directory is not what the members give: one was added, dropped or changed")
        if at + END.size != self.length:
            raise Wrong(f"{self.length - at - END.size:,} foreign bytes after the end")

    def digest(self, name):
        return self._sums(name)[0]

    def is_damaged(self, name):
        """Whether its bytes have another checksum (CRC-32) than the archive says of them."""
        return self._sums(name)[1] != self.checksums[name]

    @cache  # noqa: B019  one archive lives as long as the check
    def _sums(self, name):
        offset, left = self.members[name]
        self.file.seek(offset)
        sha256, crc = hashlib.sha256(), 0
        while left:
            piece = self.file.read(min(left, 2**20))
            sha256.update(piece)
            crc = zlib.crc32(piece, crc)
            left -= len(piece)
        return sha256.hexdigest(), crc

    def read(self, name):
        if name not in self.members:
            raise Wrong(f"{name} is missing")
        offset, size = self.members[name]
        if size > JSON_SIZE:
            raise Wrong(f"{name} is too large to be read: {size:,} bytes")
        self.file.seek(offset)
        return self.file.read(size)

    def json(self, name):
        return json.loads(self.read(name))

    def under(self, folder):
        return sorted(name for name in self.members if name.startswith(folder + "/"))


# One byte string for one value (RFC 8785), and what is signed.


def canonical(value):
    if isinstance(value, dict):
        items = sorted(value.items(), key=lambda item: item[0].encode("utf-16-be"))
        return b"{" + b",".join(canonical(key) + b":" + canonical(inner) for key, inner in items) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(canonical, value)) + b"]"
    if isinstance(value, float):
        return _number(value)
    return json.dumps(value, ensure_ascii=False).encode()


def _number(value):
    """As ECMAScript prints it: the shortest digits that give the number back."""
    if not math.isfinite(value):
        raise Wrong("a number that JSON cannot say")
    if value == 0:
        return b"0"
    digits, point = _shortest(abs(value))
    if 0 < point <= 21:
        text = digits.ljust(point, "0") if len(digits) <= point else f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        text = f"{digits[0]}{'.' + digits[1:] if digits[1:] else ''}e{point - 1:+d}"
    return (("-" if value < 0 else "") + text).encode()


def _shortest(value):
    """(digits, n) with value = 0.digits times ten to the n."""
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, part = mantissa.partition(".")
    digits = (whole + part).lstrip("0")
    point = len(whole.lstrip("0")) if whole.strip("0") else -(len(part) - len(part.lstrip("0")))
    return digits.rstrip("0"), point + int(exponent or 0)


def digest(value):
    return hashlib.sha256(value if isinstance(value, bytes) else canonical(value)).hexdigest()


def unpacked(text):
    content = base64.b64decode(text, validate=True)
    if base64.b64encode(content).decode() != text:
        raise Wrong("base64 that is not written the one way it can be")
    return content


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


def opened(raw, keys, predicate_type):
    """(key id, statement, its bytes) of a DSSE envelope around an in-toto statement that one of `keys` signed."""
    said = json.loads(raw)
    if canonical(said) != raw or set(said) != {"payload", "payloadType", "signatures"}:
        raise Wrong("the envelope is not canonical JSON (RFC 8785): a byte of it was changed")
    if said["payloadType"] != IN_TOTO or len(said["signatures"]) != 1:
        raise Wrong("it is no DSSE envelope around an in-toto statement with one signature")
    payload, (signed,) = unpacked(said["payload"]), said["signatures"]
    if signed["keyid"] not in keys:
        raise Wrong(f"it names the key {signed['keyid'][:16]}, which is not among the organization's")
    message = b"DSSEv1 %d %s %d %s" % (len(IN_TOTO), IN_TOTO.encode(), len(payload), payload)
    if not holds(keys[signed["keyid"]]["key"], unpacked(signed["sig"]), message):
        raise Wrong(f"the signature of key {signed['keyid'][:16]} does not hold: signature or content was changed")
    statement = json.loads(payload)
    if statement["_type"] != STATEMENT or statement["predicateType"] != predicate_type:
        raise Wrong(f"it states something else than {predicate_type}")
    return signed["keyid"], statement, payload


# The record: RFC 6962 proofs, C2SP signed notes.


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaf, index, size, proof):
    """The root of a log of `size` leaves that holds the leaf hash `leaf` at `index` (RFC 9162, 2.1.3.2)."""
    at, last, found = index, size - 1, leaf
    if not 0 <= index < size:
        raise Wrong("a proof about a leaf outside of the log")
    for sibling in proof:
        if last == 0:
            raise Wrong("a proof that is too long")
        if at & 1 or at == last:
            found = node(sibling, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node(found, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise Wrong("a proof that is too short")
    return found


def agree(old, old_root, new, new_root, proof):
    """Whether a log of `new` leaves begins with the log of `old` leaves (RFC 9162, 2.1.4.2)."""
    if old == new:
        return old_root == new_root and not proof
    if not 0 < old < new or not proof:
        return False
    proof = ([old_root] if old & (old - 1) == 0 else []) + proof
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = proof[0]
    for sibling in proof[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before, after = node(sibling, before), node(sibling, after)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            after = node(after, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


class Note:
    """A C2SP tlog-checkpoint: origin, size, root, and who signed it."""

    def __init__(self, raw):
        text, _, signatures = raw.decode().rpartition("\n\n")
        self.text = text + "\n"
        self.origin, size, root = self.text.split("\n")[:3]
        self.size, self.root = int(size), unpacked(root)
        self.signatures = []  # (name, 4 bytes that name the key, signature)
        for line in signatures.splitlines():
            dash, name, blob = line.split(" ")
            if dash != "\u2014":
                raise Wrong("a signature line of a checkpoint that is none")
            self.signatures.append((name, unpacked(blob)[:4], unpacked(blob)[4:]))
        if str(self.size) != size or raw.decode() != self.text + "\n" + signatures or not signatures.endswith("\n"):
            raise Wrong("a checkpoint that is not written the one way it can be")

    def signed_by(self, key):
        raw = key.public_bytes_raw()
        for name, named, signature in self.signatures:
            mine = named == hashlib.sha256(f"{name}\n\x01".encode() + raw).digest()[:4]
            if mine and holds(key, signature, self.text.encode()):
                return True
        return False

    def witnessed(self, key):
        """When a witness with this key saw it (cosignature/v1), or None."""
        raw = key.public_bytes_raw()
        for name, named, signature in self.signatures:
            if named == hashlib.sha256(f"{name}\n\x04".encode() + raw).digest()[:4]:
                (at,) = struct.unpack(">Q", signature[:8])
                if holds(key, signature[8:], f"cosignature/v1\ntime {at}\n{self.text}".encode()):
                    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
        return None


# The checks, in the order in which a reader needs them. Each yields ("ok" | "WRONG" | "note", what), or raises.


class Bundle:
    def __init__(self, path, options):
        self.path, self.options = path, options
        self.archive = self.statement = self.dossier = None
        self.keys, self.given, self.signed, self.notes = {}, [], {}, []

    @property
    def about(self):
        return self.statement["predicate"]


def archive(b):
    b.archive = Archive(b.path)
    for name in filter(b.archive.is_damaged, b.archive.members):
        yield "WRONG", f"{name} was changed: its bytes do not give the checksum that the archive names"
    yield "ok", f"{len(b.archive.members):,} members, {b.archive.length:,} bytes, each where it must be"


def keys(b):
    """The organization's keys as the bundle names them; each fingerprint is recomputed."""
    for said in b.archive.json("keys/keys.json"):
        fingerprint, key = pem(b.archive.read(f"keys/{said['key_id']}.pem"))
        if fingerprint != said["key_id"]:
            raise Wrong(f"keys/{said['key_id']}.pem holds another key, {fingerprint}")
        b.keys[fingerprint] = {
            "key": key,
            "from": moment(said["from"]),
            "until": said["until"] and moment(said["until"]),
        }
    yield "ok", f"{len(b.keys)} of the organization: " + ", ".join(sorted(b.keys))


def manifest(b):
    signer, b.statement, _ = opened(b.archive.read(MANIFEST), b.keys, BUNDLE)
    given = b.options.key
    if given and given != signer:
        raise Wrong(f"it is signed by {signer}, not by the key you gave, {given}")
    subject = b.about["subject"]
    yield "ok", f"{subject['organization']}: {subject['model']}, sign-off {subject['approval']}, signed by key {signer}"
    if not given:
        yield "note", f"you gave no --key: all below rests on the key in this bundle, {signer}"
        yield "note", "compare this fingerprint with the one the organization gives you by another way"


def members(b):
    named = {entry["name"]: entry["digest"]["sha256"] for entry in b.statement["subject"]}
    there = set(b.archive.members) - {MANIFEST}
    for name in sorted(set(named) - there):
        yield "WRONG", f"{name} is missing"
    for name in sorted(there - set(named)):
        yield "WRONG", f"{name} is foreign: the manifest does not name it"
    for name in sorted(there & set(named)):
        if b.archive.digest(name) != named[name]:
            yield "WRONG", f"{name} was changed: its bytes are not those the manifest names"
    if list(b.archive.members) != [MANIFEST, *sorted(there)]:
        yield "WRONG", "the members do not stand in their order"
    yield "ok", f"{len(named):,} digests compared; nothing else is in the archive"
    for gap in b.about["gaps"]:
        yield "note", f"the portal itself says: {gap}"


def dossier(b):
    raw = b.archive.read("dossier.json")
    b.dossier = d = json.loads(raw)
    if canonical(d) != raw:
        raise Wrong("dossier.json is not canonical JSON (RFC 8785)")
    if digest(raw) != b.about["dossier_digest"]:
        raise Wrong("dossier.json is not the dossier that the manifest speaks of")
    yield "ok", f"digest {digest(raw)}, canonical"
    files, policy = d["model"]["files"], b.archive.json("policy/policy.json")
    bound = [
        ("the model's files", digest(files), d["model"]["artifact_digest"]),
        ("model/recipe.json", digest(b.archive.json("model/recipe.json")), d["model"]["recipe_digest"]),
        ("policy/policy.json", digest(policy), d["policy"]["digest"]),
        ("the policy quoted in the dossier", digest(d["policy_body"]), d["policy"]["digest"]),
    ]
    for part in d["data"]:
        name = f"data/{part['use']}-declaration.json"
        bound.append((name, digest(b.archive.json(name)), part["declaration_digest"]))
    for folder in ("reports", "documents"):
        for part in d.get(folder) or []:
            name = next((n for n in b.archive.under(folder) if b.archive.digest(n) == part["digest"]), None)
            what = f"the {part['kind']} of {folder} with digest {part['digest'][:12]}"
            bound.append((name or what, name and part["digest"], part["digest"]))
    for name in b.archive.under("model/files"):
        bound.append((name, b.archive.digest(name), files.get(name.removeprefix("model/files/"))))
    for name, found, wanted in bound:
        if found != wanted:
            yield "WRONG", f"{name} is not what the dossier binds" if found else f"{name} is not in the bundle"
    yield "ok", f"{len(bound)} bound digests are those of the files here"
    if not b.archive.under("model/files"):
        yield "note", f"the model's own {len(files)} file(s) are not in the bundle; their digests are"


def signatures(b):
    printed, before = b.archive.json("signatures/signatures.json"), ""
    if printed["dossier_digest"] != b.about["dossier_digest"]:
        raise Wrong("signatures.json speaks of another dossier")
    for said in printed["signatures"]:
        name = f"signatures/{said['id']}.dsse.json"
        b.given.append(said)
        if name not in b.archive.members:
            yield "note", f"{said['printed_name']}'s signature has no envelope: it rests on the manifest alone"
            continue
        try:
            key_id, statement, payload = opened(b.archive.read(name), b.keys, SIGNATURE)
        except Wrong as wrong:
            raise Wrong(f"{name}: {wrong}") from wrong
        yield from (("WRONG", f"{name} {why}") for why in _unlike(b, said, statement, key_id, before))
        b.signed[name] = before = digest(payload)
        word = said["meaning"] or said["decision"]
        yield "ok", f"{said['printed_name']}, {said['role']}: “{word}”, {said['signed_at']}"
    known = {"signatures/signatures.json", *(f"signatures/{said['id']}.dsse.json" for said in printed["signatures"])}
    for name in sorted(set(b.archive.under("signatures")) - known):
        yield "WRONG", f"{name} is a signature that signatures.json does not print"
    if not b.given:
        yield "note", "nobody has signed it"


PRINTED = ("signer", "printed_name", "role", "place", "delegation", "decision", "meaning", "conditions", "reason")
PRINTED += ("signed_at",)


def _unlike(b, said, statement, key_id, before):
    """What is not so of a signature whose envelope holds."""
    meant, signed = statement["predicate"], {entry["digest"]["sha256"] for entry in statement["subject"]}
    if b.about["dossier_digest"] not in signed:
        yield "signs another dossier"
    if signed - {b.about["dossier_digest"], b.dossier["model"]["artifact_digest"]}:
        yield "signs another model"
    meant = (
        meant | {word: meant["signer"][word] for word in ("printed_name", "role")} | {"signer": meant["signer"]["id"]}
    )
    for field in PRINTED:
        if meant[field] != said[field]:
            yield f"was given with another {field.replace('_', ' ')} than signatures.json prints"
    if meant["previous"] != before:
        yield "does not follow the signature printed before it: one was left out or put in"
    key, at = b.keys[key_id], moment(said["signed_at"])
    if at < key["from"] - LEEWAY or (key["until"] and at > key["until"] + LEEWAY):
        yield f"was given at {said['signed_at']}, when key {key_id[:16]} was not in use"


def signers(b):
    """Who signed, against what the policy asks for: n of m."""
    given = [said for said in b.given if said["decision"] == "sign"]
    wanted, names = b.dossier["policy_body"]["signers"], [said["printed_name"] for said in given]
    hands = {hand["name"] for hand in b.dossier["hands"]} | {b.dossier["asked"]["by"]}
    for name in sorted(set(names) & hands):
        yield "WRONG", f"{name} signed, and had a hand in the model or asked for the sign-off"
    if len({said["signer"] for said in b.given}) != len(b.given):
        yield "WRONG", "one person signed twice"
    lacking = []
    for place, signer in enumerate(wanted, start=1):
        fitting = [said for said in given if _answers(said, place, signer)]
        if len(fitting) < signer.get("count", 1):
            lacking.append(f"{signer.get('count', 1) - len(fitting)} {signer['role']} “{signer['meaning']}”")
    needed = sum(signer.get("count", 1) for signer in wanted)
    if lacking:
        said = f"{len(given)} of {needed} signatures that the policy asks for; open: {', '.join(lacking)}"
        approved = b.about["state"]["state"] in ("approved", "revoked")
        yield ("WRONG", f"it is said to be approved, with {said}") if approved else ("note", said)
    else:
        yield "ok", f"{len(given)} of {needed} that the policy asks for, by different people without a hand in it"
    for said in given:
        for condition in said["conditions"]:
            text = condition.get("text", condition) if isinstance(condition, dict) else condition
            yield "note", f"{said['printed_name']} signed under a condition: {text}"


def _answers(said, place, signer):
    meanings = (
        (signer["meaning"], "approved with conditions") if signer["meaning"] == "approved" else (signer["meaning"],)
    )
    return said["place"] == place and said["role"] == signer["role"] and said["meaning"] in meanings


SIMPLE = {"report", "max_age_days", "figure", "of", "bound", "at_least", "at_most", "minimum_group_size"}
WORDS = {"why", "waivable"}  # decide nothing


def gates(b):
    """The arithmetic of the policy, again, from the figures of the reports themselves."""
    rules, outcomes = b.dossier["policy_body"]["rules"], b.dossier["gates"]["outcomes"]
    at, done, left = moment(b.dossier["asked"]["at"]), 0, []
    evidence = {part["kind"]: part for part in b.dossier["evidence"]}
    results = {part["kind"]: _report(b, part["digest"]) for part in b.dossier["reports"]}
    for place, rule in enumerate(rules, start=1):
        said = [outcome for outcome in outcomes if outcome["place"] == place]
        if set(rule) - SIMPLE - WORDS or any(outcome["verdict"] == "waived" for outcome in said):
            left.append(place)
            continue
        found = list(_judged(rule, results.get(rule["report"]), evidence.get(rule["report"]), b.dossier, at))
        if found != [outcome["verdict"] for outcome in said]:
            told = ", ".join(outcome["verdict"] for outcome in said) or "nothing"
            yield (
                "WRONG",
                f"rule {place} ({rule['report']}): the figures give {', '.join(found)}, the dossier says {told}",
            )
        done += 1
    worst = {outcome["verdict"] for outcome in outcomes}
    if (b.dossier["gates"]["verdict"] == "pass") != (worst <= {"pass", "waived"} and bool(worst)):
        yield "WRONG", "the verdict of all gates together is not what they give one by one"
    yield (
        "ok",
        f"{done} of {len(rules)} rules decided again from the reports' figures; all: {b.dossier['gates']['verdict']}",
    )
    if left:
        yield "note", f"not decided again here: rule {', '.join(map(str, left))} (more than a bound of one figure)"


def _report(b, wanted):
    for name in b.archive.under("reports"):
        if name.endswith(".json") and b.archive.digest(name) == wanted:
            return b.archive.json(name)
    return None


def _judged(rule, report, evidence, d, at):
    age = evidence and (at - moment(evidence["finished_at"])).total_seconds() / 86_400
    if report is None:
        found = "missing"
    elif report.get("inputs", {}).get("artifact", d["model"]["artifact_digest"]) != d["model"]["artifact_digest"]:
        found = "stale"
    else:
        found = "stale" if rule.get("max_age_days") is not None and age > rule["max_age_days"] else "pass"
    if found != "pass" or "figure" not in rule:
        yield found
        return
    of, names = rule.get("of", ""), d["sensitive"]
    pairs = [(f"{one} & {two}", f"{two} & {one}") for i, one in enumerate(names) for two in names[i + 1 :]]
    asked = [(name,) for name in names] if of == "*" else pairs if of == "* & *" else [(of,)]
    for wanted in asked:
        figures = [f for f in report["figures"] if f["name"] == rule["figure"] and f["of"] in wanted]
        yield from (_cleared(rule, figure) for figure in figures) if figures else ["missing"]
    if not asked:
        yield "missing"


def _cleared(rule, figure):
    value, low, high, n, group = (_finite(figure.get(k)) for k in ("value", "low", "high", "n", "smallest_group"))
    least = rule.get("minimum_group_size")
    if value is None or (n or 0) < 1 or (least is not None and (group is None or group < least)):
        return "inconclusive"
    up = "at_least" in rule
    clears = (lambda x: x >= rule["at_least"]) if up else (lambda x: x <= rule["at_most"])
    if rule.get("bound", "value") == "value":
        return "pass" if clears(value) else "fail"
    if low is None or high is None or not low <= value <= high:
        return "inconclusive"
    cautious, hopeful = (low, high) if up else (high, low)
    return "pass" if clears(cautious) else "inconclusive" if clears(hopeful) else "fail"


def _finite(value):
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) else None


def checkpoints(b):
    """Each checkpoint is signed by the organization, and the later ones only add to the earlier ones."""
    b.notes = sorted(
        (Note(b.archive.read(name)) for name in b.archive.under("record/checkpoints")), key=lambda n: n.size
    )
    if not b.notes:
        raise Wrong("the bundle holds no checkpoint of the record")
    for note in b.notes:
        if note.origin != b.notes[0].origin or not any(note.signed_by(known["key"]) for known in b.keys.values()):
            raise Wrong(f"the checkpoint at {note.size:,} records is not signed by the organization")
    proofs = {
        (p["old"], p["new"]): list(map(bytes.fromhex, p["proof"])) for p in b.archive.json("record/consistency.json")
    }
    for old, new in pairwise(b.notes):
        if not agree(old.size, old.root, new.size, new.root, proofs.get((old.size, new.size), [])):
            raise Wrong(f"the record of {new.size:,} does not go on from that of {old.size:,}: its past was rewritten")
    bound = b.dossier.get("checkpoint")
    if bound and not any(
        (n.origin, n.size, n.root.hex()) == (bound["origin"], bound["size"], _hex(bound)) for n in b.notes
    ):
        yield "WRONG", f"the checkpoint that the dossier binds, at {bound['size']:,} records, is not in the bundle"
    sizes = " → ".join(f"{note.size:,}" for note in b.notes)
    yield "ok", f"{b.notes[0].origin}: {sizes} records, each signed, each going on from the one before"
    if b.options.checkpoint:
        kept = Note(b.options.checkpoint)
        same = [n for n in b.notes if (n.origin, n.size) == (kept.origin, kept.size)]
        if any(n.root != kept.root for n in same):
            raise Wrong(f"your checkpoint at {kept.size:,} records has another root: there are two histories")
        told = "agrees with yours" if same else "holds no proof about yours; ask the portal for one of consistency"
        yield "ok" if same else "note", f"the record at {kept.size:,} {told}"


def _hex(bound):
    return bound["root"] if re.fullmatch("[0-9a-f]{64}", bound["root"]) else unpacked(bound["root"]).hex()


def witnesses(b):
    seen = [(n, at) for n in b.notes for key in b.options.witness if (at := n.witnessed(key))]
    for note, at in seen:
        yield "ok", f"the checkpoint at {note.size:,} records was seen by your witness, {at}"
    if b.options.witness and not seen:
        yield "WRONG", "no checkpoint here bears the cosignature of a witness whose key you gave"
    if not b.options.witness and b.notes:
        told = sorted({name for n in b.notes for name, *_ in n.signatures} - {b.notes[0].origin})
        yield "note", f"no --witness given; cosigned by: {', '.join(told) or 'nobody'}"


def records(b):
    """The record's own lines about this sign-off are in the newest checkpoint, and tell what the files tell."""
    entries, newest = b.archive.json("record/records.json"), b.notes[-1]
    told = []  # (event, the kind and number of what it was done on, facts)
    for entry in entries:
        leaf = hashlib.sha256(b"\x00" + entry["leaf"].encode()).digest()
        if root_of(leaf, entry["seq"] - 1, newest.size, list(map(bytes.fromhex, entry["proof"]))) != newest.root:
            raise Wrong(f"record {entry['seq']} is not in the log of the checkpoint at {newest.size:,}")
        said = json.loads(entry["leaf"])
        if said["seq"] != entry["seq"]:
            raise Wrong(f"record {entry['seq']} calls itself {said['seq']}")
        for place, word in entry["opened"].items():
            if digest(bytes.fromhex(word["key"]) + word["text"].encode()) != said["names"][place]:
                raise Wrong(f"record {entry['seq']}: “{word['text']}” is not the name that was committed to")
        told.append((said["words"][0], said["words"][2], said["on"], said["facts"]))
    yield "ok", f"{len(entries)} records are among the {newest.size:,} of the newest checkpoint; each name opens"
    mine = [
        (event, facts) for event, kind, on, facts in told if (kind, on) == ("approval", b.about["subject"]["approval"])
    ]
    if not any(event == "approval.asked" and facts["dossier"] == b.about["dossier_digest"] for event, facts in mine):
        yield "WRONG", "the record does not tell that this dossier was asked for"
    signed = {facts.get("signature") for event, facts in mine if event == "approval.signed"}
    for name, statement in b.signed.items():
        if statement not in signed:
            yield "WRONG", f"the record does not tell of {name}"
    if len(signed) > len(b.given):
        yield "WRONG", f"the record tells of {len(signed)} signatures, the bundle holds {len(b.given)}"
    said = b.about["state"]["state"]
    if said != "open" and not any(event == f"approval.{said}" for event, _ in mine):
        yield "WRONG", f"it is said to be {said}, and the record does not tell of it"
    if said != "revoked" and any(event == "approval.revoked" for event, _ in mine):
        yield "WRONG", f"the record tells that it was revoked, and it is said to be {said}"
    yield "ok", f"the record tells of the same dossier, signatures and outcome: {said}"


def permits(b):
    """Each permit (a JWS under EdDSA) is the organization's, for this model and this sign-off."""
    names = b.archive.under("permits")
    for said in b.archive.json("permits/permits.json") if names else ():
        name = f"permits/{said['number']}.jwt"
        signed, _, mark = b.archive.read(name).decode().rpartition(".")
        header, claims = (json.loads(_url(part)) for part in signed.split("."))
        known = b.keys.get(header["kid"])
        if header["alg"] != "EdDSA" or known is None or not holds(known["key"], _url(mark), signed.encode()):
            raise Wrong(f"{name} is not signed by a key of the organization")
        mine = (f"sha256:{b.dossier['model']['artifact_digest']}", b.about["dossier_digest"], said["number"])
        if (claims["sub"], claims["dossier"], claims["jti"]) != mine:
            raise Wrong(f"{name} is a permit for another model or sign-off")
        ended = f"revoked {said['revoked_at']}" if said["revoked_at"] else f"until {said['expires_at']}"
        yield "ok", f"{said['name']} in {said['environment']}, {ended}"
    if not names:
        yield "note", "no permit was issued on it"


def _url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def state(b):
    said = b.about["state"]
    until = said["valid_until"]
    told = f"{said['state']}" + (f" until {until}" if until else "") + "".join(f"; {why}" for why in said["reasons"])
    yield "note", f"as of this bundle the portal says: {told}"
    if said["state"] == "approved" and until and moment(until) < datetime.now(UTC):
        yield "note", "that day has passed: the sign-off has expired"


CHECKS = (
    archive,
    keys,
    manifest,
    members,
    dossier,
    signatures,
    signers,
    gates,
    checkpoints,
    witnesses,
    records,
    permits,
    state,
)
NEEDED = (archive, keys, manifest, dossier)  # without them the rest has nothing to speak of
FAULTS = (KeyError, TypeError, ValueError, IndexError, AttributeError, struct.error, RecursionError)


def moment(text):
    at = datetime.fromisoformat(text.replace(" UTC", "+00:00").replace("Z", "+00:00"))
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def checked(b):
    """Every line as (mark, check, what)."""
    for check in CHECKS:
        wrong = False
        try:
            for mark, what in check(b):
                if mark == "WRONG":
                    wrong = True
                if not (wrong and mark == "ok"):
                    yield mark, check.__name__, what
        except Wrong as why:
            yield "WRONG", check.__name__, str(why)
            wrong = True
        except FAULTS as fault:
            yield "WRONG", check.__name__, f"malformed ({type(fault).__name__}: {str(fault)[:120]})"
            wrong = True
        if wrong and check in NEEDED:
            return


def witness_key(text):
    """A PEM's path, or the line of a signed note's verifier key: name+hash+base64."""
    if Path(text).is_file():
        return pem(Path(text).read_bytes())[1]
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.split("+", 2)[2])[1:])


def fingerprint_of(text):
    if re.fullmatch("[0-9a-fA-F]{64}", text):
        return text.lower()
    return pem(Path(text).read_bytes())[0]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("--key")
    parser.add_argument("--witness", action="append", default=[])
    parser.add_argument("--checkpoint")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    try:
        options.key = options.key and fingerprint_of(options.key)
        options.witness = [witness_key(text) for text in options.witness]
        options.checkpoint = options.checkpoint and Path(options.checkpoint).read_bytes()
        open(options.bundle, "rb").close()
    except (OSError, ValueError, IndexError, Wrong) as error:
        print(f"CANNOT TRY: {error}", file=sys.stderr)
        return 2
    bundle, lines = Bundle(options.bundle, options), []
    for line in checked(bundle):
        lines.append(line)
        if not options.json:
            print("{:<5} {:<11} {}".format(*line), flush=True)
    first = next((f"{check}: {what}" for mark, check, what in lines if mark == "WRONG"), None)
    answer = f"NOT VERIFIED: {first}" if first else f"VERIFIED: {bundle.about['answer']}"
    if options.json:
        told = [{"mark": mark, "check": check, "what": what} for mark, check, what in lines]
        print(json.dumps({"verified": first is None, "answer": answer, "checks": told}, indent=2, ensure_ascii=False))
    else:
        print(answer)
    return 1 if first else 0


if __name__ == "__main__":
    sys.exit(main())
