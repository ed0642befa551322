"""Check a bundle that left an Assay portal, without the portal.

    python verify.py bundle.zip [--key PEM_OR_FINGERPRINT] [--witness KEY] [--checkpoint FILE] [--consistency FILE]
                                [--json]

Needs Python 3.11 or newer and the package `cryptography`; opens no connection and writes nothing. One line a check:
`ok` holds, `WRONG` does not, `note` was not checked or is for you to know. The last line is the answer.
Exit status: 0 verified, 1 not verified, 2 could not be tried.

--key          the organization's public key (PEM, or its fingerprint), from somewhere else than this bundle
--witness      a witness's key: a PEM, or a line name+hash+base64 as signed notes have it (may be given several times)
--checkpoint   a checkpoint that you kept, or that a witness keeps: the record in the bundle must agree with it
--consistency  the portal's proof between your checkpoint and the bundle's, where their sizes differ

How to read this program, from top to bottom; each part rests on those above it:
    The archive   every byte of the file belongs to a member or to the form of the archive
    Values, keys  one byte string for one value, digests, signed envelopes
    The record    Merkle proofs and signed checkpoints
    The policy    what each of its rules gives on the figures of the reports, decided again
    The checks    one function for each, in the order of CHECKS; a check yields lines, or raises Wrong and ends
    The run       the options, the lines, the answer"""

import argparse
import base64
import hashlib
import json
import math
import re
import struct
import sys
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from statistics import NormalDist

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
SAFE = re.compile(r"(?!.*\.(/|$))[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
DEVICE = re.compile(r"(?i)(^|/)(con|prn|aux|nul|com\d|lpt\d)(\.|/|$)")  # what is no file on some systems
LOCAL, CENTRAL, END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")
FIXED = (20, 0, 0, 0, 0x21)  # version, flags, stored, midnight, 1 January 1980: a bundle says nothing of its own age


class Wrong(Exception):
    """A check that does not hold; the text says what, by name."""


# --- The archive: read by its own layout, so that no two readers can see two things in it. ---------------------------


class Archive:
    """The members of a bundle, {name: (offset, size)}. Raises Wrong unless every byte is where it must be."""

    def __init__(self, path):
        self.file, self.length = open(path, "rb"), Path(path).stat().st_size  # noqa: SIM115
        self.members, self.checksums, self._taken = {}, {}, set()
        at, directory = 0, b""
        while self._bytes(at, 4) == b"PK\x03\x04":
            at, entry = self._member(at)
            directory += entry
        count = len(self.members)
        directory += END.pack(b"PK\x05\x06", 0, 0, count, count, len(directory), at, 0)
        self._rest(at, directory)

    def _bytes(self, at, size):
        self.file.seek(at)
        return self.file.read(size)

    def _member(self, at):
        """(where the next begins, the directory's entry) of the member whose header is at `at`."""
        header, last = self._bytes(at, LOCAL.size), next(reversed(self.members), "the beginning")
        if len(header) < LOCAL.size:
            raise Wrong(f"cut short: the file ends in the header after {last}")
        crc, _, size, length, _ = LOCAL.unpack(header)[6:]
        raw = self._bytes(at + LOCAL.size, min(length, NAME + 1))
        name = self._safe(raw, last)
        if header != LOCAL.pack(b"PK\x03\x04", *FIXED, crc, size, size, length, 0):
            raise Wrong(f"the header of {name} is not as a bundle's must be (stored, no extras, no date)")
        begins = at + LOCAL.size + length
        if begins + size > self.length:
            raise Wrong(f"cut short, or a hostile size: {name} claims {size:,} bytes, the file ends before")
        self.members[name], self.checksums[name] = (begins, size), crc
        sums = (crc, size, size, length, 0, 0, 0, 0, 0o100644 << 16, at)
        return begins + size, CENTRAL.pack(b"PK\x01\x02", 0x0314, *FIXED, *sums) + raw

    def _safe(self, raw, last):
        name = raw.decode("ascii", "backslashreplace")
        if len(raw) > NAME or not SAFE.fullmatch(name) or DEVICE.search(name):
            raise Wrong(f"a hostile member name after {last}: {name[:80]!r}")
        if name.casefold() in self._taken:
            raise Wrong(f"two members of one name: {name}")
        if len(self.members) == MEMBERS:
            raise Wrong(f"more than {MEMBERS:,} members")
        self._taken.add(name.casefold())
        return name

    def _rest(self, at, directory):
        """After the members stands the directory that they give, and nothing else."""
        found = self._bytes(at, len(directory))
        if found != directory:
            same = next((n for n, pair in enumerate(zip(found, directory, strict=False)) if pair[0] != pair[1]), None)
            if same is None:
                raise Wrong(f"cut short: {len(directory) - len(found):,} bytes of the directory are missing")
            raise Wrong(
                f"byte {at + same:,} is not as the members give the directory: foreign bytes, or one was changed"
            )
        if extra := self.length - at - len(directory):
            raise Wrong(f"{extra:,} foreign bytes after the end")

    def digest(self, name):
        return self._sums(name)[0]

    def is_damaged(self, name):
        """Whether its bytes have another checksum (CRC-32) than the archive says of them."""
        return self._sums(name)[1] != self.checksums[name]

    @cache  # noqa: B019  one archive lives as long as the check
    def _sums(self, name):
        offset, left = self.members[name]
        sha256, crc = hashlib.sha256(), 0
        while left:
            piece = self._bytes(offset, min(left, 2**20))
            sha256.update(piece)
            crc, offset, left = zlib.crc32(piece, crc), offset + len(piece), left - len(piece)
        return sha256.hexdigest(), crc

    def read(self, name):
        if name not in self.members:
            raise Wrong(f"{name} is missing")
        offset, size = self.members[name]
        if size > JSON_SIZE:
            raise Wrong(f"{name} is too large to be read: {size:,} bytes")
        return self._bytes(offset, size)

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
        return _number(value)
    return json.dumps(value, ensure_ascii=False).encode()


def _number(value):
    """As ECMAScript prints it: the shortest digits that give the number back; `point` of them before the point."""
    if not math.isfinite(value):
        raise Wrong("a number that JSON cannot say")
    if value == 0:
        return b"0"
    _, digits, exponent = Decimal(repr(abs(value))).normalize().as_tuple()
    digits, point = "".join(map(str, digits)), len(digits) + exponent
    if 0 < point <= 21:
        text = digits.ljust(point, "0") if len(digits) <= point else f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        text = f"{digits[0]}{'.' + digits[1:] if digits[1:] else ''}e{point - 1:+d}"
    return (("-" if value < 0 else "") + text).encode()


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


@dataclass
class Key:
    """A key of the organization, and when it was in use."""

    public: Ed25519PublicKey
    begins: datetime
    ends: datetime | None


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


def split(size):
    """How many leaves stand to the left: the largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def root_of(leaf, index, size, proof):
    """The root of a tree of `size` leaves with the hash `leaf` at `index`, by its audit path (RFC 6962, 2.1.1)."""
    if not 0 <= index < size or (size == 1) != (not proof):
        raise Wrong("a proof of another length than its place in the record asks for")
    if size == 1:
        return leaf
    *below, beside = proof
    left = split(size)
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
    left = split(new)
    if old <= left:
        before, after = grown(old, left, below, old_root)
        return before, node(after, beside)
    before, after = grown(old - left, new - left, below)
    return node(beside, before), node(beside, after)


class Note:
    """A C2SP tlog-checkpoint: origin, size, root, and who signed it."""

    def __init__(self, raw):
        text, _, signatures = raw.decode().rpartition("\n\n")
        self.text = text + "\n"
        self.origin, size, root = self.text.split("\n")[:3]
        self.size, self.root, self.signatures = int(size), unpacked(root), []
        for line in signatures.splitlines():
            dash, name, blob = line.split(" ")
            if dash != "\u2014":
                raise Wrong("a signature line of a checkpoint that is none")
            self.signatures.append((name, unpacked(blob)[:4], unpacked(blob)[4:]))
        if str(self.size) != size or raw.decode() != self.text + "\n" + signatures or not signatures.endswith("\n"):
            raise Wrong("a checkpoint that is not written the one way it can be")

    def _by(self, key, kind):
        """The signatures whose four bytes name this key and kind (1: the log's own, 4: a cosignature)."""
        for name, named, signature in self.signatures:
            if named == hashlib.sha256(f"{name}\n".encode() + kind + key.public_bytes_raw()).digest()[:4]:
                yield signature

    def signed_by(self, key):
        return any(holds(key, signature, self.text.encode()) for signature in self._by(key, b"\x01"))

    def witnessed(self, key):
        """When a witness with this key saw it (cosignature/v1), or None."""
        for signature in self._by(key, b"\x04"):
            (at,) = struct.unpack(">Q", signature[:8])
            if holds(key, signature[8:], f"cosignature/v1\ntime {at}\n{self.text}".encode()):
                return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
        return None

    def goes_on_from(self, old, proof):
        """Whether the record of this checkpoint begins with that of `old`; `proof` in hexadecimal."""
        before, after = grown(old.size, self.size, list(map(bytes.fromhex, proof)), old.root)
        return (old.origin, before, after) == (self.origin, old.root, self.root)


# --- The policy: what each rule gives on the figures of the reports. -------------------------------------------------

PROVENANCE = {  # how a figure came to be, the strongest first, as a policy and as a report say it
    "recomputed": "recomputed by the portal",
    "submitted": "submitted from outside",
    "declared": "declared by a person",
}
WORST_FIRST = ("fail", "missing", "stale", "inconclusive", "waived")
RATIOS = {"demographic_parity_ratio"}  # whose intervals are made on the logarithm
COMPARISONS, LARGEST, EXACT = 1000, 1e6, 1e-12  # of one family; of figures that are corrected; half of no interval


@dataclass
class Asked:
    """One thing that a rule asks for: a verdict, or the figures that are to be judged."""

    place: int
    rule: dict
    of: str
    report: dict | None = None
    verdict: str = ""
    figures: list = field(default_factory=list)
    comparisons: int = 1


def decided(dossier, results):
    """What every rule gives, in the policy's order, in the words of the dossier's own outcomes. `results`: the bytes of
    the reports as values, by kind."""
    policy, at = dossier["policy_body"], moment(dossier["asked"]["at"])
    reports = {part["kind"]: part | {"result": results[part["kind"]]} for part in dossier["evidence"]}
    found = []
    for place, rule in enumerate(policy["rules"], start=1):
        if "report" in rule:
            unsaid = {"provenance": policy["provenance"]} if "provenance" in policy else {}
            found += asked(place, unsaid | rule, reports.get(rule["report"]), dossier, at)
        else:
            found.append(on_paper(place, rule, dossier.get("papers", dossier.get("documents") or []), at))
    shares = shared(found)
    outcomes = [outcome for number, one in enumerate(found) for outcome in judged(one, shares.get(number))]
    instead = {waiver["rule"]: waiver for waiver in dossier.get("waivers") or []}
    for outcome in outcomes:
        waiver, rule = instead.get(outcome["place"]), policy["rules"][outcome["place"] - 1]
        if waiver and outcome["verdict"] != "pass" and rule.get("waivable", True):
            until = moment(waiver["ends_at"]).isoformat()
            outcome |= {"instead_of": outcome["verdict"], "waiver": waiver["waiver"], "waived_until": until}
            outcome["verdict"] = "waived"
    return outcomes


def overall(outcomes):
    found = {outcome["verdict"] for outcome in outcomes}
    return "pass" if found == {"pass"} else next((verdict for verdict in WORST_FIRST if verdict in found), "missing")


def asked(place, rule, report, dossier, at):
    """What a rule about a report asks for: the report alone, one figure, or one for each attribute or pair of them."""
    attributes, of = dossier["sensitive"], rule.get("of", "")
    pairs = [[f"{one} & {two}", f"{two} & {one}"] for one, two in combinations(attributes, 2)]
    named = {"*": [[name] for name in attributes], "* & *": pairs}.get(of, [[of]])
    standing = stands(rule, report, dossier["model"]["artifact_digest"], at)
    if standing != "pass" or "figure" not in rule or not named:
        verdict = standing if standing != "pass" or "figure" not in rule else "missing"
        yield Asked(place, rule, of, report, verdict, comparisons=len(named))
        return
    for names in named:
        figures = [f for f in report["result"]["figures"] if f["name"] == rule["figure"] and f["of"] in names]
        yield Asked(place, rule, names[0], report, "" if figures else "missing", figures)


def stands(rule, report, artifact, at):
    """How a report as a whole stands to a rule: there, about these bytes, young enough, of the class asked for."""
    if report is None:
        return "missing"
    if report["result"].get("inputs", {}).get("artifact", artifact) != artifact:
        return "stale"
    if "max_age_days" in rule and at - moment(report["finished_at"]) > timedelta(days=rule["max_age_days"]):
        return "stale"
    classes = list(PROVENANCE)
    lacks = classes.index(provenance(report["result"])) > classes.index(rule.get("provenance", "declared"))
    return "missing" if lacks else "pass"


def provenance(result):
    words = str(result.get("provenance", ""))
    return next((name for name, said in PROVENANCE.items() if words in (name, said)), "declared")


def on_paper(place, rule, papers, at):
    """A document or statement is there, and its last day has not passed."""
    wanted = rule.get("document") or rule.get("statement")
    fitting = [p for p in papers if wanted in (p["kind"], f"{p['kind']}-{(p['subtype'] or '').lower()}")]
    current = any(ends_of(paper) is None or ends_of(paper) > at for paper in fitting)
    return Asked(place, rule, "", verdict="pass" if current else "stale" if fitting else "missing")


def ends_of(paper):
    day = paper["valid_until"] and datetime.fromisoformat(paper["valid_until"]) + timedelta(days=1)
    return datetime.combine(day, time.min, UTC) if day else None


def judged(one, share):
    """The outcomes of one thing asked for. `share`: (side, k) where several comparisons are corrected for."""
    rule, report = one.rule, one.report
    told = {"place": one.place, "of": one.of, "verdict": one.verdict, "figure": rule.get("figure")}
    told |= {"report": rule.get("report", ""), "direction": None, "threshold": None}
    if "figure" in rule:
        told["direction"] = "at_most" if "at_most" in rule else "at_least"
        told["threshold"] = rule[told["direction"]]
    if report:
        told |= {"report_digest": report["digest"], "provenance": provenance(report["result"])}
    if one.verdict:
        yield told
        return
    for figure in one.figures:
        numbers = {word: finite(figure.get(word)) for word in ("value", "low", "high", "n", "smallest_group")}
        reach = reached(rule, figure) if share else None
        wide = widened(rule, figure, share[1]) if reach else {}
        verdict = "inconclusive" if share and not reach else share[0] if share else cleared(rule, figure)
        yield told | numbers | wide | {"verdict": verdict}


def cleared(rule, figure):
    """Pass when the whole interval clears the line, fail when none of it does; on too little nothing is told."""
    if unclear(rule, figure):
        return "inconclusive"
    clears = (lambda x: x <= rule["at_most"]) if "at_most" in rule else (lambda x: x >= rule["at_least"])
    if rule.get("bound", "value") == "value":
        return "pass" if clears(figure["value"]) else "fail"
    ends = [clears(figure["low"]), clears(figure["high"])]
    return "pass" if all(ends) else "inconclusive" if any(ends) else "fail"


def unclear(rule, figure):
    """Whether a figure says nothing about its rule: no value, no rows, too small a group, no sound interval."""
    value, low, high, n, group = (finite(figure.get(k)) for k in ("value", "low", "high", "n", "smallest_group"))
    least = rule.get("minimum_group_size")
    if value is None or (n or 0) < 1 or (least is not None and (group is None or group < least)):
        return True
    return rule.get("bound", "value") != "value" and (low is None or high is None or not low <= value <= high)


def finite(value):
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) else None


@cache
def extra(k):
    """By how many half intervals an end moves outwards when k comparisons share the error: z(1-0.05/2k)/z(0.975) - 1,
    rounded up at six digits, so that every machine has one number."""
    z = NormalDist().inv_cdf
    return math.ceil((z(1 - 0.025 / k) / z(0.975) - 1) * 1e6) / 1e6 if k > 1 else 0.0


def reached(rule, figure):
    """(good, bad): by how many half intervals the cautious end lies on the good side of the line, and the hopeful end
    on the bad one; None where nothing can be told, or the interval cannot be widened."""
    if unclear(rule, figure):
        return None
    up = "at_most" not in rule
    numbers = [figure["value"], figure["low"], figure["high"], rule["at_least"] if up else rule["at_most"]]
    if max(map(abs, numbers)) > LARGEST or (rule["figure"] in RATIOS and min(numbers) <= 0):
        return None
    value, low, high, line = map(math.log, numbers) if rule["figure"] in RATIOS else numbers
    half = max(value - low, high - value)
    good, bad = (low - line, line - high) if up else (line - high, low - line)
    if half < EXACT:
        return (math.inf if good >= 0 else -math.inf), (math.inf if bad > 0 else -math.inf)
    return good / half, bad / half


def shared(found):
    """(verdict, k) for each thing asked for under a correction, by its number: Bonferroni holds each of m comparisons
    to k = m; Holm the clearest to m, the next to m - 1, ..., and one that does not clear leaves the rest undecided."""
    families = defaultdict(list)
    for number, one in enumerate(found):
        if "correction" in one.rule:
            family = one.rule["correction"], one.rule.get("family") or one.place
            families[family] += [number] * one.comparisons
    shares = {}
    for (correction, _), members in families.items():
        reaches = [least(found[number]) for number in members]
        good = side(correction, [reach[0] for reach in reaches], lambda distance, k: distance >= extra(k))
        bad = side(correction, [reach[1] for reach in reaches], lambda distance, k: distance > extra(k))
        for number, reach, g, b in zip(members, reaches, good, bad, strict=True):
            verdict = "pass" if g[0] else "fail" if b[0] else "inconclusive"
            shares[number] = verdict, (b if b[0] or (not g[0] and reach[1] > reach[0]) else g)[1]
    return shares


def least(one):
    """Of a figure given twice, both must clear."""
    nothing = (-math.inf, -math.inf)
    reaches = [] if one.verdict else [reached(one.rule, figure) or nothing for figure in one.figures]
    return tuple(map(min, zip(*reaches, strict=True))) if reaches else nothing


def side(correction, distances, clears):
    """(whether it is decided, k) for each comparison, on one side of the line."""
    m, answers, holding = len(distances), [(False, len(distances))] * len(distances), True
    if m > COMPARISONS:
        return answers
    for rank, at in enumerate(sorted(range(m), key=lambda at: -distances[at])):
        k = m if correction == "bonferroni" else m - rank
        holding = clears(distances[at], k) and (holding or correction == "bonferroni")
        answers[at] = holding, k
    return answers


def widened(rule, figure, k):
    """The interval at the level for k comparisons, as the dossier states it."""
    value, low, high = figure["value"], figure["low"], figure["high"]
    if k > COMPARISONS:
        low, high = None, None
    elif rule["figure"] in RATIOS:
        wider = max(value / low, high / value) ** extra(k)
        low, high = low / wider, high * wider
    else:
        more = extra(k) * max(value - low, high - value)
        low, high = low - more, high + more
    return {"corrected_low": low, "corrected_high": high, "comparisons": k, "correction": rule["correction"]}


# --- The checks, in the order in which a reader needs them. Each yields ("ok" | "WRONG" | "note", what), or raises. ---


@dataclass
class Line:
    """A record, told in the organization's own words: what was done, by which member, on which thing, when."""

    seq: int
    at: datetime
    event: str
    by: int | None
    on: tuple[str, int]
    facts: dict


class Bundle:
    """What the checks have learned so far; each adds what those after it need."""

    def __init__(self, path, options):
        self.path, self.options = path, options
        self.archive = self.statement = self.dossier = None
        self.keys, self.printed, self.signed, self.notes, self.lines = {}, {}, {}, [], []

    @property
    def about(self):
        return self.statement["predicate"]

    @property
    def policy(self):
        return self.dossier["policy_body"]

    @property
    def asked_at(self):
        return moment(self.dossier["asked"]["at"])

    @property
    def was_approved(self):
        return self.about["state"]["state"] in ("approved", "revoked")

    def given(self, *decisions):
        """The verdicts as printed; all of them, or those of one kind."""
        found = self.printed.get("signatures", ())
        return [said for said in found if not decisions or said["decision"] in decisions]

    def told(self, kind, number, *events):
        """The record's lines on one thing, oldest first."""
        return [line for line in self.lines if line.on == (kind, number) and (not events or line.event in events)]

    def report(self, wanted):
        """The report with this digest."""
        names = (name for name in self.archive.under("reports") if name.endswith(".json"))
        return next((self.archive.json(name) for name in names if self.archive.digest(name) == wanted), None)


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
        b.keys[fingerprint] = Key(key, moment(said["from"]), said["until"] and moment(said["until"]))
    yield "ok", f"{len(b.keys)} of the organization: " + ", ".join(sorted(b.keys))


def manifest(b):
    signer, b.statement, _ = opened(b.archive, MANIFEST, b.keys, BUNDLE)
    if b.about["assay"] not in FORMS:
        raise Wrong(f"it is of the form “{b.about['assay']}”; this program reads {' and '.join(FORMS)}")
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
    if named.get("verify.py") != digest(Path(__file__).read_bytes()):
        yield "note", "the verify.py in the bundle is another than the one that runs here"
    for gap in b.about["gaps"]:
        yield "note", f"the portal itself says: {gap}"


def dossier(b):
    """The dossier is the one that was signed, and everything it names by its digest is here."""
    b.dossier = d = b.archive.json("dossier.json")
    if b.archive.digest("dossier.json") != b.about["dossier_digest"]:
        raise Wrong("dossier.json is not the dossier that the manifest speaks of")
    yield "ok", f"digest {b.about['dossier_digest']}, canonical"
    files, found = d["model"]["files"], b.archive.digest
    bound = [
        ("the list of the model's files", digest(files), d["model"]["artifact_digest"]),
        ("model/recipe.json", found("model/recipe.json"), d["model"]["recipe_digest"]),
        ("policy/policy.json", found("policy/policy.json"), d["policy"]["digest"]),
        ("the policy quoted in the dossier", digest(d["policy_body"]), d["policy"]["digest"]),
    ]
    bound += [(name, found(name), part["declaration_digest"])
              for part in d["data"] for name in [f"data/{part['use']}-declaration.json"]]  # fmt: skip
    bound += [(name, found(name), files.get(name.removeprefix("model/files/")))
              for name in b.archive.under("model/files")]  # fmt: skip
    for name, is_, wanted in bound:
        if is_ != wanted:
            yield "WRONG", f"{name} is not what the dossier binds"
    parts = [(folder, part) for folder in ("reports", "documents") for part in d.get(folder) or []]
    for folder, part in parts:
        if part["digest"] not in map(found, b.archive.under(folder)):
            yield "WRONG", f"the {part['kind']} of {folder} with digest {part['digest'][:12]} is not in the bundle"
    yield "ok", f"{len(bound) + len(parts)} bound digests are those of the files here"
    if not b.archive.under("model/files"):
        yield "note", f"the model's own {len(files)} file(s) are not in the bundle; their digests are"


def checkpoints(b):
    """Each checkpoint is signed by the organization, and the later ones only add to the earlier ones."""
    notes = [Note(b.archive.read(name)) for name in b.archive.under("record/checkpoints")]
    b.notes = sorted(notes, key=lambda note: note.size)
    if not b.notes:
        raise Wrong("the bundle holds no checkpoint of the record")
    for note in b.notes:
        if note.origin != b.notes[0].origin or not any(note.signed_by(key.public) for key in b.keys.values()):
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
    yours, same = Note(b.options.checkpoint), None
    if yours.origin != b.notes[0].origin or not any(yours.signed_by(key.public) for key in b.keys.values()):
        raise Wrong(f"your checkpoint, of {yours.origin}, is not signed by a key of this organization")
    if same := next((note for note in b.notes if note.size == yours.size), None):
        if same.root != yours.root:
            raise Wrong(f"your checkpoint at {yours.size:,} records has another root: there are two histories")
        yield "ok", f"the record at {yours.size:,} agrees with yours"
        return
    for note in b.notes:
        old, new = sorted((note, yours), key=lambda one: one.size)
        proof = b.options.consistency or {}
        if (proof.get("old"), proof.get("new")) == (old.size, new.size):
            if not new.goes_on_from(old, proof["path"]):
                raise Wrong(
                    f"by this proof {new.size:,} records do not go on from {old.size:,}: there are two histories"
                )
            yield "ok", f"your checkpoint at {yours.size:,} and the bundle's at {note.size:,} are of one history"
            return
    host, _, organization = yours.origin.rpartition("/")
    address = f"{host}/api/v1/{organization}/records/consistency/?old={old.size}&new={new.size}"
    raise Wrong(f"nothing here proves that {old.size:,} and {new.size:,} records are of one history; "
                f"GET {address} gives the proof for --consistency")  # fmt: skip


def witnesses(b):
    seen = [(note, at) for note in b.notes for key in b.options.witness if (at := note.witnessed(key))]
    for note, at in seen:
        yield "ok", f"the checkpoint at {note.size:,} records was seen by your witness, {at}"
    if b.options.witness and not seen:
        yield "WRONG", "no checkpoint here bears the cosignature of a witness whose key you gave"
    if not b.options.witness and b.notes:
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
        b.lines.append(Line(seq, moment(said["utc"]), event, said["by"], (kind, said["on"]), said["facts"]))
    yield "ok", f"{len(b.lines)} records are among the {newest.size:,} of the newest checkpoint; each name opens"


def signatures(b):
    """Each signature holds, is what is printed, follows the one before it, and was given on evidence that was read."""
    b.printed, before = b.archive.json("signatures/signatures.json"), ""
    if b.printed["dossier_digest"] != b.about["dossier_digest"]:
        raise Wrong("signatures.json speaks of another dossier")
    for said in b.given():
        name = f"signatures/{said['id']}.dsse.json"
        if name not in b.archive.members:
            yield "note", f"{said['printed_name']}'s signature has no envelope: it rests on the manifest alone"
            continue
        key_id, statement, payload = opened(b.archive, name, b.keys, SIGNATURE)
        yield from (("WRONG", f"{name} {why}") for why in _unlike(b, said, statement, b.keys[key_id], before))
        yield from (("WRONG", f"{said['printed_name']} {why}") for why in _careless(b, said, statement["predicate"]))
        b.signed[name] = before = digest(payload)
        word = said["meaning"] or said["decision"]
        yield "ok", f"{said['printed_name']}, {said['role']}: “{word}”, {said['signed_at']}"
    known = {"signatures/signatures.json", *(f"signatures/{said['id']}.dsse.json" for said in b.given())}
    known |= {f"signatures/delegation-{said['id']}.dsse.json" for said in b.printed.get("delegations", ())}
    for name in sorted(set(b.archive.under("signatures")) - known):
        yield "WRONG", f"{name} is a signature that signatures.json does not print"
    if not b.given():
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


def _careless(b, said, meant):
    """What a person who signs should have done before: prove who they are, and read, since it was asked for."""
    at, d = moment(said["signed_at"]), b.dossier
    proved = meant["authentication"]
    if "password" not in proved["components"] or abs(at - moment(proved["at"])) > 2 * LEEWAY:
        yield "signed without proving again who they are"
    if said["decision"] != "sign":
        return
    read = {one["digest"] for one in meant["opened"] if b.asked_at - LEEWAY <= moment(one["at"]) <= at + LEEWAY}
    wanted = {rule.get(word) for rule in b.policy["rules"] for word in ("report", "document", "statement")}
    for paper in [*d["evidence"], *(d.get("documents") or [])]:
        names = {paper["kind"], f"{paper['kind']}-{(paper.get('subtype') or '').lower()}"}
        if names & wanted and paper["digest"] not in read:
            yield f"signed without opening the {paper['kind'].replace('_', ' ')} since it was asked for"


def signers(b):
    """Who signed, against what the policy asks for: n of m, in their places and order, none with a hand in it."""
    given, wanted = b.given("sign"), b.policy["signers"]
    for said, why in _conflicts(b):
        yield "WRONG", f"{said['printed_name']} signed, and {why}"
    for said in given:
        if not 1 <= said["place"] <= len(wanted) or not _fits(said, wanted[said["place"] - 1]):
            yield "WRONG", f"{said['printed_name']} signed “{said['meaning']}”, which is not what the policy asks there"
    places = [said["place"] for said in b.given()]
    if b.policy.get("order") == "sequence" and places != sorted(places):
        yield "WRONG", "they signed in another order than the policy asks for"
    if b.policy.get("on_deadline") == "return":
        last = b.asked_at + timedelta(days=b.policy["deadline_days"])
        for said in given:
            if moment(said["signed_at"]) > last + LEEWAY:
                yield "WRONG", f"{said['printed_name']} signed after the deadline of the policy, {last.isoformat()}"
    lacking = [
        f"{signer.get('count', 1) - there} {signer['role']} “{signer['meaning']}”"
        for place, signer in enumerate(wanted, start=1)
        if (there := sum(said["place"] == place for said in given)) < signer.get("count", 1)
    ]
    needed = sum(signer.get("count", 1) for signer in wanted)
    if lacking:
        said = f"{len(given)} of {needed} signatures that the policy asks for; open: {', '.join(lacking)}"
        yield ("WRONG", f"it is said to be approved, with {said}") if b.was_approved else ("note", said)
    else:
        yield "ok", f"{len(given)} of {needed} that the policy asks for, by different people without a hand in it"
    if b.was_approved and len(given) != len(b.given()):
        yield "WRONG", "it is said to be approved, and somebody refused"
    yield "note", "that no signer came, and no hand was put to the model, beyond what is told here: the portal's word"


def _fits(said, signer):
    conditional = said["meaning"] == "approved with conditions" and bool(said["conditions"])
    meaning = "approved" if conditional else said["meaning"]
    return (said["role"], meaning) == (signer["role"], signer["meaning"]) and bool(said["conditions"]) == conditional


def _conflicts(b):
    """(signature, why not) for each that its signer, or somebody joined with them by a delegation, had better not give.

    Who hands a place on and who takes it count as one, both ways."""
    asked, joined = b.dossier["asked"], list(_delegated(b))
    hands = [*b.dossier["hands"], {"name": asked["by"], "deed": "asked for this sign-off"} | asked]
    people = set()
    for said in b.given():
        kin, size = {said["signer"]}, 0
        while size < len(kin):
            size, kin = len(kin), kin.union(*(pair for pair in joined if kin & pair))
        for hand in hands:
            mine = hand["person"] in kin if "person" in hand else hand["name"] == said["printed_name"]
            if mine:
                yield said, f"{hand['name']} {hand['deed']}"
        if kin & people:
            yield said, "they, or somebody joined with them by a delegation, signed it before"
        people |= {said["signer"]}


def _delegated(b):
    """The two people of each delegation, where its envelope holds; that a signature under one is within it."""
    rows = {said["id"]: said for said in b.printed.get("delegations", ())}
    for number, row in rows.items():
        name = f"signatures/delegation-{number}.dsse.json"
        meant = opened(b.archive, name, b.keys, DELEGATION)[1]["predicate"]
        for said in (one for one in b.given() if one["delegation"] == number):
            at, ends = moment(said["signed_at"]), moment(row["ended_at"] or meant["ends_at"])
            if meant["delegate"]["id"] != said["signer"] or not moment(meant["starts_at"]) - LEEWAY <= at <= ends:
                raise Wrong(f"{name} does not let {said['printed_name']} sign at {said['signed_at']}")
            if meant["project"] not in (None, b.dossier["project"]["slug"]):
                raise Wrong(f"{name} is for another project")
        yield {meant["delegator"]["id"], meant["delegate"]["id"]}
    for said in b.given():
        if said["delegation"] and said["delegation"] not in rows:
            raise Wrong(f"the delegation under which {said['printed_name']} signed is not in the bundle")


def gates(b):
    """The arithmetic of the policy, again, from the figures of the reports themselves."""
    d = b.dossier
    yield from (("WRONG", why) for why in _unfitting(b))
    results = {part["kind"]: b.report(part["digest"]) for part in d["evidence"]}
    if lost := [kind for kind, result in results.items() if result is None]:
        raise Wrong(f"the {lost[0]} report that was judged is not in the bundle")
    found, told = decided(d, results), d["gates"]["outcomes"]
    for place, rule in enumerate(b.policy["rules"], start=1):
        ours, theirs = ([one for one in some if one["place"] == place] for some in (found, told))
        what = f"rule {place} ({_words(rule)})"
        if [one["verdict"] for one in ours] != [one["verdict"] for one in theirs]:
            verdicts = [", ".join(one["verdict"] for one in some) or "nothing" for some in (ours, theirs)]
            yield "WRONG", f"{what}: the figures give {verdicts[0]}, the dossier says {verdicts[1]}"
            continue
        for one, said in zip(ours, theirs, strict=True):
            for word in sorted(word for word in one if word in said and not _same(one[word], said[word])):
                yield "WRONG", f"{what}: its {word} is {one[word]}, the dossier says {said[word]}"
    if len(found) != len(told) or overall(found) != d["gates"]["verdict"]:
        yield "WRONG", f"all rules together give {overall(found)}, the dossier says {d['gates']['verdict']}"
    if b.given("sign") and overall(found) not in ("pass", "waived"):
        yield "WRONG", f"it was signed, and its rules give {overall(found)}"
    for said in b.given("sign"):
        for rule in b.policy["rules"]:
            part = next((part for part in d["evidence"] if part["kind"] == rule.get("report")), None)
            age = timedelta(days=rule.get("max_age_days", 10**6))
            if part and moment(said["signed_at"]) - moment(part["finished_at"]) > age + LEEWAY:
                yield "WRONG", f"the {part['kind']} report was too old when {said['printed_name']} signed"
    yield "ok", f"{len(b.policy['rules'])} rules decided again on {len(found)} counts; all: {overall(found)}"


def _words(rule):
    what = " ".join(str(rule[word]) for word in ("report", "document", "statement", "figure") if word in rule)
    return what + (f" of {rule['of']}" if "of" in rule else "")


def _same(one, other):
    if isinstance(one, float) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-12)
    return one == other


def _unfitting(b):
    """What the dossier states that its own parts do not: for whom the policy is, which attributes, how old a report."""
    d, project = b.dossier, b.dossier["project"]
    if b.policy["risk_class"] != project["risk_class"]:
        yield f"the policy is for {b.policy['risk_class']}-risk projects; this one's risk is {project['risk_class']}"
    for word, answer in (("answered_yes", True), ("answered_no", False)):
        for flag in b.policy.get("applies_to", {}).get(word, ()):
            if project["answers"].get(flag) is not answer:
                yield f"the policy is for projects with another answer to “{flag}”"
    declared = b.archive.json("data/training-declaration.json").get("sensitive", [])
    if d["sensitive"] != [attribute["name"] for attribute in declared]:
        yield "the data declares other sensitive attributes than the dossier judges by"
    for part in d["evidence"]:
        if part["digest"] not in [report["digest"] for report in d["reports"]]:
            yield f"the {part['kind']} report that was judged is not the one that is bound"
        for line in b.told("report", part["report"], "report.finished"):
            if line.facts["digest"] != part["digest"] or abs(line.at - moment(part["finished_at"])) > LEEWAY:
                yield f"the record tells otherwise of the {part['kind']} report and when it was finished"
    for paper in d.get("papers") or []:
        if paper["digest"] not in [one["digest"] for one in d["documents"]]:
            yield f"the {paper['kind'].replace('_', ' ')} that was judged is not bound"
    if (project.get("closed") or d["policy"].get("withdrawn") or d["model"].get("retired")) and b.given("sign"):
        yield "it was signed, though its project was closed, its policy withdrawn or its model retired before"


def waivers(b):
    """Each waiver is of this policy, of a rule that may be waived, by three people, and held until the last name."""
    for said in b.dossier.get("waivers") or []:
        name, begins, ends = f"waiver {said['waiver']}", moment(said["starts_at"]), moment(said["ends_at"])
        rule = b.policy["rules"][said["rule"] - 1]
        if said["policy"] != b.dossier["policy"]["digest"] or not rule.get("waivable", True):
            yield "WRONG", f"{name} is of another policy, or of rule {said['rule']}, which is never waived"
        if len({said["owner"], said["requested_by"], said["approved_by"]}) != 3:
            yield "WRONG", f"{name}: who asks, who owns and who approves are not three people"
        if not all(said[word].strip() for word in ("reason", "risk", "measure", "plan")):
            yield "WRONG", f"{name} does not say its reason, risk, measure and plan"
        if ends - begins > timedelta(days=90) or not begins <= b.asked_at < ends:
            yield "WRONG", f"{name} was not in force when it was asked for, or for more than 90 days"
        lines = [line for line in b.told("waiver", said["waiver"]) if line.at < b.asked_at + LEEWAY]
        over = [line.at for line in b.told("waiver", said["waiver"], "waiver.revoked", "waiver.closed")]
        for signature in b.given("sign"):
            if moment(signature["signed_at"]) >= min([ends, *over]):
                yield "WRONG", f"{name} was over when {signature['printed_name']} signed"
        if [line.event for line in lines] != ["waiver.asked", "waiver.approved"] or lines[0].by == lines[1].by:
            yield "WRONG", f"the record does not tell that {name} was asked for and approved, by two people, before"
        for line in lines:
            facts = line.facts["policy"], line.facts["rule"], moment(line.facts["until"])
            if facts != (said["policy"], said["rule"], ends) or line.facts.get("owner", said["owner"]) != said["owner"]:
                yield "WRONG", f"the record tells otherwise of {name}"
        yield "ok", f"{name} of rule {said['rule']} ({_words(rule)}), until {said['ends_at']}: {said['reason']}"


def lock(b):
    """Whether the policy that judged was the one when the test rows were opened, as the dossier says."""
    said, judge = b.dossier["lock"], b.dossier["policy"]["digest"]
    steps = [step for step in (said["policy"], *said["changes"]) if step]
    if not said["opened_at"]:
        yield "WRONG" if b.dossier["evidence"] else "note", "the dossier names no moment at which the rows were opened"
        return
    at = moment(said["opened_at"])
    if any(moment(part["finished_at"]) < at - LEEWAY for part in b.dossier["evidence"]):
        yield "WRONG", "a report was finished before its rows are said to have been opened"
    bodies = {
        b.archive.digest(name): b.archive.json(name) for name in b.archive.under("policy") if name.endswith("json")
    }
    for step in steps:
        if step["digest"] and step["digest"] not in bodies:
            yield "WRONG", f"the policy {step['name']} version {step['version']} that counted then is not in the bundle"
    published = [line.at for line in b.lines if said["policy"] and line.facts.get("digest") == said["policy"]["digest"]
                 and line.event in ("policy.published", "policy.adopted")]  # fmt: skip
    if any(when > at + LEEWAY for when in published[:1]):
        yield "WRONG", "the policy that is said to have counted then was published later"
    if said["kept"] != (not said["changes"]):
        yield "WRONG", "the dossier says that the policy was kept, and names changes"
    locked = bodies.get(steps[0]["digest"]) if said["policy"] else None
    if (said["changes"] and steps[-1]["digest"] != judge) or (said["kept"] and not said["policy"]):
        yield "WRONG", "the policy that judged is not the one that the lock and its changes lead to"
    if said["kept"] and locked and _deciding(locked) != _deciding(b.policy):
        yield "WRONG", "the policy that counted when the rows were opened decides otherwise, and no change is told"
    if said["kept"]:
        yield "ok", f"the policy counted when the rows were opened ({said['opened_at']}, {said['by']}), and still did"
    else:
        yield "note", f"{len(said['changes'])} change(s) of the policy after the rows were opened: " + " ".join(
            what for change in said["changes"] for what in change["what"])  # fmt: skip


USUAL = {"of": "", "bound": "value", "waivable": True, "provenance": "declared", "order": "parallel", "count": 1}
USUAL |= {"on_deadline": "remind", "at_most": 5, "due_days": 90}  # what a policy means where it says nothing
TALK = {"why", "summary", "tests", "measured_by_others"}  # and what decides nothing on the figures


def _deciding(body):
    """A policy without what decides nothing, the same for two that decide alike."""
    own = {"provenance": body["provenance"]} if "provenance" in body else {}
    plain = lambda some: {k: v for k, v in some.items() if k not in TALK and v != USUAL.get(k)}  # noqa: E731
    rules = sorted(canonical(plain(own | rule if "report" in rule else rule)) for rule in body["rules"])
    rest = {word: body[word] for word in body if word not in (*TALK, "rules", "signers", "provenance", "conditions")}
    conditions = plain(body["conditions"]) if "conditions" in body else None
    return rules, list(map(plain, body["signers"])), plain(rest), conditions


def conditions(b):
    """What a signature was given under: allowed by the policy, and how each stands by what is told here."""
    allowed, measured = b.policy.get("conditions"), b.printed.get("measured", [])
    for said in b.given("sign"):
        at = moment(said["signed_at"])
        if said["conditions"] and (allowed is None or len(said["conditions"]) > allowed.get("at_most", 5)):
            yield "WRONG", f"{said['printed_name']} signed on conditions that the policy does not allow"
            continue
        for one in said["conditions"]:
            due, strict = moment(one["due_at"]), one["consequence"] == "block"
            if not at < due <= at + timedelta(days=allowed.get("due_days", 90)) + LEEWAY:
                yield "WRONG", f"the condition “{one['text']}” is due outside of what the policy allows"
            met = [when for when in _met(b, said, one, measured) if not strict or when <= due]
            told = f"met {min(met).isoformat()}" if met else "not met by what is here"
            yield "note", f"{said['printed_name']} signed under “{one['text']}”, due {one['due_at']}: {told}"
            late = not met and b.lines and b.lines[-1].at > due + LEEWAY and one["consequence"] != "escalate"
            if late and b.about["state"]["status"] == "approved":
                yield "WRONG", f"the condition “{one['text']}” passed its day unmet, and it is said to stand"


def _met(b, said, condition, measured):
    """The moments by which a condition was met: a reviewer's word on its owner's, or a figure of a later report."""
    check = condition["check"]
    for one in b.printed.get("fulfilments", ()) if not check else ():
        of_it = (one["signature"], one["number"]) == (said["id"], condition["number"])
        by_two = one["fulfilled_by"]["member"] == condition["owner"] and one["confirmed_by"] != one["fulfilled_by"]
        if of_it and by_two and one["confirmed_at"]:
            yield moment(one["confirmed_at"])
    for part in measured if check else ():
        if part["kind"] == check["report"] and moment(part["finished_at"]) > moment(said["signed_at"]):
            figures = [f for f in b.report(part["digest"])["figures"]
                       if (f["name"], f["of"]) == (check["figure"], check.get("of", ""))]  # fmt: skip
            if any(cleared(check, figure) == "pass" for figure in figures):
                yield moment(part["finished_at"])


def outcome(b):
    """The record tells of the same dossier, signatures and end as the files do."""
    mine, state = b.told("approval", b.about["subject"]["approval"]), b.about["state"]
    if b.about["dossier_digest"] not in [line.facts["dossier"] for line in mine if line.event == "approval.asked"]:
        yield "WRONG", "the record does not tell that this dossier was asked for"
    signed = [line.facts.get("signature") for line in mine if line.event == "approval.signed"]
    for name, statement in b.signed.items():
        if statement not in signed:
            yield "WRONG", f"the record does not tell of {name}"
    if len(signed) > len(b.given()):
        yield "WRONG", f"the record tells of {len(signed)} signatures, the bundle holds {len(b.given())}"
    said, ends = state["state"], {line.event: line for line in mine}
    if said != "open" and f"approval.{said}" not in ends:
        yield "WRONG", f"it is said to be {said}, and the record does not tell of it"
    if said != "revoked" and "approval.revoked" in ends:
        yield "WRONG", f"the record tells that it was revoked, and it is said to be {said}"
    if b.was_approved and "approval.approved" in ends:
        until, told = moment(state["valid_until"]), moment(ends["approval.approved"].facts["valid_until"])
        if until != told or until != moment(state["decided_at"]) + timedelta(days=b.policy["valid_days"]):
            yield "WRONG", f"it is said to be valid until {state['valid_until']}: not what policy and record give"
        if until < datetime.now(UTC):
            yield "note", "its last day has passed: the sign-off has expired"
    yield "ok", f"the record tells of the same dossier, signatures and outcome: {said}"
    told = said + (f" until {state['valid_until']}" if state["valid_until"] else "")
    yield "note", f"as of this bundle the portal says: {told}" + "".join(f"; {why}" for why in state["reasons"])


def permits(b):
    """Each permit (a JWS under EdDSA) is the organization's, for this model and this sign-off."""
    names = b.archive.under("permits")
    for said in b.archive.json("permits/permits.json") if names else ():
        name = f"permits/{said['number']}.jwt"
        signed, _, mark = b.archive.read(name).decode().rpartition(".")
        header, claims = (json.loads(_url(part)) for part in signed.split("."))
        known = b.keys.get(header["kid"])
        if header["alg"] != "EdDSA" or known is None or not holds(known.public, _url(mark), signed.encode()):
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


# --- The run. --------------------------------------------------------------------------------------------------------

CHECKS = (archive, keys, manifest, members, dossier, checkpoints, kept, witnesses, records,
          signatures, signers, gates, waivers, lock, conditions, outcome, permits)  # fmt: skip
NEEDED = (archive, keys, manifest, dossier, checkpoints)  # without them the rest has nothing to speak of
FAULTS = (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError, struct.error, RecursionError)


def checked(b):
    """Every line as (mark, check, what)."""
    for check in CHECKS:
        wrong = False
        try:
            for mark, what in check(b):
                wrong = wrong or mark == "WRONG"
                if not (wrong and mark == "ok"):
                    yield mark, check.__name__, what
        except Wrong as why:
            wrong = True
            yield "WRONG", check.__name__, str(why)
        except FAULTS as fault:
            wrong = True
            yield "WRONG", check.__name__, f"malformed ({type(fault).__name__}: {str(fault)[:120]})"
        if wrong and check in NEEDED:
            return


def witness_key(text):
    """A PEM's path, or the line of a signed note's verifier key: name+hash+base64."""
    if Path(text).is_file():
        return pem(Path(text).read_bytes())[1]
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.split("+", 2)[2])[1:])


def fingerprint_of(text):
    return text.lower() if re.fullmatch("[0-9a-fA-F]{64}", text) else pem(Path(text).read_bytes())[0]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("--key")
    parser.add_argument("--witness", action="append", default=[])
    parser.add_argument("--checkpoint")
    parser.add_argument("--consistency")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    try:
        options.key = options.key and fingerprint_of(options.key)
        options.witness = [witness_key(text) for text in options.witness]
        options.checkpoint = options.checkpoint and Path(options.checkpoint).read_bytes()
        options.consistency = options.consistency and json.loads(Path(options.consistency).read_bytes())
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
