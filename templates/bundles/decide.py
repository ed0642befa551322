"""Decide again what a portal decided on the sign-off in a bundle, without the portal.

    python -I decide.py bundle.zip [the options of verify.py, which must lie beside this file]

First the checks of verify.py, that the bundle is whole and signed as it says; then, on its bytes alone: what each rule
of the policy gives on the reports' own figures (intervals, corrections for several comparisons, group sizes,
provenance, age), on papers and under waivers; who signed in which place and order, after reading what, and had no hand
in the model; the lock; the conditions; serious incidents; how long it holds. Lines, last line and exit status are as
those of verify.py. Read it from top to bottom: what each rule of the policy gives on the figures of the reports; then
the checks, one function each, in the order of CHECKS."""

import base64
import hashlib
import json
import math
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import combinations
from operator import ge, gt
from pathlib import Path
from statistics import NormalDist
from types import ModuleType
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

MADE_WITH = "7b1539e94adff354ef0481d215214df3caa9c80503a520faef9ac0e9f0690864"  # the SHA-256 of verify.py


def beside():
    """The verify.py that this program was made with, from this folder: no other one runs here, nor a compiled copy."""
    path, module = Path(__file__).with_name("verify.py"), ModuleType("verify")
    source = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(source).hexdigest() != MADE_WITH:
        print(f"CANNOT TRY: beside this program must lie the verify.py with SHA-256 {MADE_WITH}", file=sys.stderr)
        sys.exit(2)
    module.__file__ = str(path)
    exec(compile(source, path, "exec"), module.__dict__)  # noqa: S102
    return module


verify = beside()
must, moment, canonical, LEEWAY = verify.must, verify.moment, verify.canonical, verify.LEEWAY

# --- The policy: what each rule gives on the figures of the reports. -------------------------------------------------

PROVENANCE = {  # how a figure came to be, the strongest first, as a policy and as a report say it
    "recomputed": "recomputed by the portal",
    "submitted": "submitted from outside",
    "declared": "declared by a person",
}
ENDS = ("value", "low", "high")
WORST_FIRST = ("fail", "missing", "stale", "inconclusive", "waived", "pass")
RATIOS = {"demographic_parity_ratio"}  # whose intervals are made on the logarithm
COMPARISONS, LARGEST, EXACT = 1000, 1e6, 1e-12  # of one family; of figures that are corrected; half of no interval


@dataclass
class Asked:
    """One thing that a rule asks for: a verdict, or the figures that are to be judged; `share`: the verdict and k under
    a correction."""

    place: int
    rule: dict
    of: str = ""
    report: dict | None = None
    verdict: str = ""
    figures: list = field(default_factory=list)
    comparisons: int = 1
    share: tuple | None = None


def decided(dossier, results):
    """What every rule gives, in the policy's order, in the words of the dossier's own outcomes. `results`: the bytes of
    the reports as values, by kind."""
    at, rules, found = moment(dossier["asked"]["at"]), whole_rules(dossier["policy_body"]), []
    reports = {part["kind"]: part | {"result": results[part["kind"]]} for part in dossier["evidence"]}
    papers = dossier.get("papers", dossier.get("documents") or [])
    for place, rule in enumerate(rules, start=1):
        if "report" in rule:
            found += asked(place, rule, reports.get(rule["report"]), dossier, at)
        else:
            found.append(Asked(place, rule, verdict=on_paper(rule, papers, at)))
    instead = {waiver["rule"]: waiver for waiver in dossier.get("waivers") or []}
    outcomes = judged(found)
    for outcome in outcomes:
        waiver = instead.get(outcome["place"])
        if waiver and outcome["verdict"] != "pass" and rules[outcome["place"] - 1].get("waivable", True):
            until = moment(waiver["ends_at"]).isoformat()
            outcome |= {"instead_of": outcome["verdict"], "waiver": waiver["waiver"], "waived_until": until}
            outcome["verdict"] = "waived"
    return outcomes


def whole_rules(policy):
    """The rules, each with the provenance that the policy asks of every report."""
    of_all = {word: policy[word] for word in ("provenance",) if word in policy}
    return [of_all | rule if "report" in rule else rule for rule in policy["rules"]]


def overall(outcomes):
    return min((outcome["verdict"] for outcome in outcomes), key=WORST_FIRST.index, default="missing")


def asked(place, rule, report, dossier, at):
    """What a rule about a report asks for: the report alone, one figure, or one for each attribute or pair of them."""
    attributes, of = dossier["sensitive"], rule.get("of", "")
    pairs = [[f"{one} & {two}", f"{two} & {one}"] for one, two in combinations(attributes, 2)]
    named = {"*": [[name] for name in attributes], "* & *": pairs}.get(of, [[of]])
    standing = stands(rule, report, dossier["model"]["artifact_digest"], at)
    if standing != "pass" or "figure" not in rule or not named:
        verdict = "missing" if standing == "pass" and "figure" in rule else standing
        yield Asked(place, rule, of, report, verdict, comparisons=len(named))
        return
    for names in named:
        figures = [f for f in report["result"]["figures"] if f["name"] == rule["figure"] and f["of"] in names]
        yield Asked(place, rule, names[0], report, "" if figures else "missing", figures)


def stands(rule, report, artifact, at):
    """How a report as a whole stands to a rule: there, about these bytes, young enough, of the class asked for."""
    if report is None:
        return "missing"
    aged = "max_age_days" in rule and at - moment(report["finished_at"]) > timedelta(days=rule["max_age_days"])
    if aged or report["result"].get("inputs", {}).get("artifact", artifact) != artifact:
        return "stale"
    classes = list(PROVENANCE)
    lacks = classes.index(provenance(report["result"])) > classes.index(rule.get("provenance", "declared"))
    return "missing" if lacks else "pass"


def provenance(result):
    words = str(result.get("provenance", ""))
    return next((name for name, said in PROVENANCE.items() if words in (name, said)), "declared")


def on_paper(rule, papers, at):
    """A document or statement is there, and its last day has not passed."""
    wanted = rule.get("document") or rule.get("statement")
    ends = [paper["valid_until"] for paper in papers if wanted in names_of(paper)]
    stand = [not end or datetime.fromisoformat(end).replace(tzinfo=UTC) + timedelta(days=1) > at for end in ends]
    return "pass" if any(stand) else "stale" if ends else "missing"


def names_of(paper):
    """What a rule may call a document or statement: its kind, or kind and subtype."""
    return {paper["kind"], f"{paper['kind']}-{(paper.get('subtype') or '').lower()}"}


def judged(found):
    """The outcomes of what is asked for."""
    shared(found)
    return [outcome for one in found for outcome in outcomes_of(one)]


def outcomes_of(one):
    rule = one.rule
    direction = "at_most" if "at_most" in rule else "at_least" if "figure" in rule else None
    told = {"place": one.place, "of": one.of, "verdict": one.verdict, "figure": rule.get("figure")}
    told |= {"report": rule.get("report", ""), "direction": direction, "threshold": rule.get(direction)}
    if one.report:
        told |= {"report_digest": one.report["digest"], "provenance": provenance(one.report["result"])}
    if one.verdict:
        yield told
    for figure in () if one.verdict else one.figures:
        told |= {word: finite(figure.get(word)) for word in ("value", "low", "high", "n", "smallest_group")}
        if not one.share:
            yield told | {"verdict": cleared(rule, figure)}
        elif reached(rule, figure) == NOTHING:
            yield told | {"verdict": "inconclusive"}
        else:
            yield told | widened(rule, figure, one.share[1]) | {"verdict": one.share[0]}


def finite(value):
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) else None


NOTHING = (-math.inf, -math.inf)


def margins(rule, figure):
    """(good, bad): how far the cautious end lies on the good side of the line, and the hopeful end on the bad one;
    NOTHING where the figure tells nothing: no value, no rows, too small a group, no sound interval."""
    value, low, high, n, group = (finite(figure.get(k)) for k in ("value", "low", "high", "n", "smallest_group"))
    if rule.get("bound", "value") == "value":
        low = high = value
    small = (least := rule.get("minimum_group_size")) is not None and (group is None or group < least)
    if small or None in (value, low, high) or (n or 0) < 1 or not low <= value <= high:
        return NOTHING
    return (rule["at_most"] - high, low - rule["at_most"]) if "at_most" in rule else (
        low - rule["at_least"], rule["at_least"] - high)  # fmt: skip


def verdict(good, bad):
    """Pass when the whole interval clears the line, fail when none of it does."""
    return "pass" if good else "fail" if bad else "inconclusive"


def cleared(rule, figure):
    good, bad = margins(rule, figure)
    return verdict(good >= 0, bad > 0)


# Several comparisons under one rule or family: all must hold together, so each interval is widened.


@cache
def extra(k):
    """By how many half intervals an end moves outwards when k comparisons share the error: z(1-0.05/2k)/z(0.975) - 1,
    rounded up at six digits, so that every machine has one number."""
    z = NormalDist().inv_cdf
    return math.ceil((z(1 - 0.025 / k) / z(0.975) - 1) * 1e6) / 1e6 if k > 1 else 0.0


def scaled(rule, figure):
    """(rule, figure, half its interval) on the scale on which the interval was made; None where there is no such."""
    line = "at_most" if "at_most" in rule else "at_least"
    numbers, is_ratio = [rule[line], *(figure[end] for end in ENDS)], rule["figure"] in RATIOS
    if max(map(abs, numbers)) > LARGEST or (is_ratio and min(numbers) <= 0):
        return None
    line_at, value, low, high = map(math.log, numbers) if is_ratio else numbers
    there = figure | {"value": value, "low": low, "high": high}
    return rule | {line: line_at}, there, max(value - low, high - value)


def reached(rule, figure):
    """The margins in half intervals; NOTHING where nothing can be told, or the interval cannot be widened."""
    if margins(rule, figure) == NOTHING or (there := scaled(rule, figure)) is None:
        return NOTHING
    good, bad = margins(*there[:2])
    if (half := there[2]) < EXACT:
        return (math.inf if good >= 0 else -math.inf), (math.inf if bad > 0 else -math.inf)
    return good / half, bad / half


def shared(found):
    """Give each thing asked for under a correction its share. Bonferroni holds each of m comparisons to k = m; Holm the
    clearest to m, the next to m - 1, ..., and one that does not clear leaves the rest undecided."""
    families = defaultdict(list)
    for one in found:
        if how := one.rule.get("correction"):
            families[how, one.rule.get("family") or one.place] += [one] * one.comparisons
    for (how, _), family in families.items():
        reaches = [least(one) for one in family]
        good, bad = side(how, [reach[0] for reach in reaches], ge), side(how, [reach[1] for reach in reaches], gt)
        for one, reach, (is_good, k), (is_bad, other) in zip(family, reaches, good, bad, strict=True):
            nearer = other if is_bad or (not is_good and reach[1] > reach[0]) else k
            one.share = verdict(is_good, is_bad), nearer


def least(one):
    """The reach of what is asked for; of a figure given twice, both must clear."""
    reaches = [reached(one.rule, figure) for figure in one.figures] if not one.verdict else [NOTHING]
    return tuple(map(min, zip(*reaches, strict=True)))


def side(how, distances, clears):
    """(whether it is decided, k) for each comparison, on one side of the line."""
    m, answers, holding = len(distances), [(False, len(distances))] * len(distances), True
    for rank, at in enumerate(sorted(range(m), key=lambda at: -distances[at]) if m <= COMPARISONS else ()):
        k = m if how == "bonferroni" else m - rank
        holding = clears(distances[at], extra(k)) and (holding or how == "bonferroni")
        answers[at] = holding, k
    return answers


def widened(rule, figure, k):
    """The interval at the level for k comparisons, as the dossier states it."""
    _, there, half = scaled(rule, figure)
    ends = {"corrected_low": None, "corrected_high": None}
    if k <= COMPARISONS:
        back, more = math.exp if rule["figure"] in RATIOS else float, extra(k) * half
        ends = {"corrected_low": back(there["low"] - more), "corrected_high": back(there["high"] + more)}
    return ends | {"comparisons": k, "correction": rule["correction"]}


# --- The checks, in the manner of verify.py. --------------------------------------------------------------------------


class Case(verify.Bundle):
    """The bundle as those see it who decide."""

    policy = asked_at = number = None  # the policy's body, when it was asked for, the number of the sign-off
    was_approved = stands = False  # by what the portal says
    joined = ()  # pairs of people of whom one stood in for the other

    def given(self, *decisions):
        """The verdicts as printed, of these kinds."""
        return [said for said in self.signatures if said["decision"] in decisions]

    def told(self, kind, number, *events):
        """The record's lines on one thing, oldest first."""
        return [line for line in self.lines if line.on == (kind, number) and (not events or line.event in events)]

    def report(self, wanted):
        """The report with this digest."""
        names = (name for name in self.archive.under("reports", ".json") if self.archive.digests[name] == wanted)
        return next(map(self.archive.json, names), None)


def fitting(b):
    """What the dossier states is what its parts state: for whom the policy is, which attributes, how old a report."""
    d, project = b.dossier, b.dossier["project"]
    b.policy, b.asked_at, b.number = d["policy_body"], moment(d["asked"]["at"]), b.about["subject"]["approval"]
    b.was_approved = b.about["state"]["state"] in ("approved", "revoked")
    b.stands = b.about["state"]["status"] == "approved"
    if b.named.get("decide.py") != hashlib.sha256(Path(__file__).read_bytes()).hexdigest():
        yield "note", "the decide.py in the bundle is another than the one that runs here"
    risk_class, applies = project["risk_class"], b.policy.get("applies_to", {})
    other = b.policy["risk_class"]
    yield other != risk_class, f"the policy is for {other}-risk projects; this one is {risk_class}"
    for word, answer in (("answered_yes", True), ("answered_no", False)):
        for flag in applies.get(word, ()):
            differs = project["answers"].get(flag) is not answer
            yield differs, f"the policy is for projects with another answer to “{flag}”"
    declared = [one["name"] for one in b.archive.json("data/training-declaration.json").get("sensitive", [])]
    yield d["sensitive"] != declared, "the data declares other sensitive attributes than the dossier judges by"
    for part in d["evidence"]:
        foreign = part["digest"] not in [report["digest"] for report in d["reports"]]
        yield foreign, f"the {part['kind']} report that was judged is not the one that is bound"
        yield from _untold(b, part)
    for paper in d.get("papers") or []:
        foreign = paper["digest"] not in [one["digest"] for one in d["documents"]]
        yield foreign, f"the {paper['kind'].replace('_', ' ')} that was judged is not bound"
    over = project.get("closed") or d["policy"].get("withdrawn") or d["model"].get("retired")
    what = "its project was closed, its policy withdrawn or its model retired before"
    yield over and b.given("sign"), f"it was signed, though {what}"
    yield "ok", f"a policy for this {risk_class}-risk project, judging what the dossier binds"


def gates(b):
    """The arithmetic of the policy, again, from the figures of the reports themselves."""
    d, signed = b.dossier, b.given("sign")
    results = {part["kind"]: b.report(part["digest"]) for part in d["evidence"]}
    for kind, result in results.items():
        must(result, f"the {kind} report that was judged is not in the bundle")
    found, told, said = decided(d, results), d["gates"]["outcomes"], d["gates"]["verdict"]
    for place, rule in enumerate(b.policy["rules"], start=1):
        ours, theirs = ([one for one in some if one["place"] == place] for some in (found, told))
        for differs, why in _otherwise(ours, theirs):
            yield differs, f"rule {place} ({_words(rule)}): {why}"
    whole = overall(found)
    yield len(found) != len(told) or whole != said, f"all rules together give {whole}, the dossier says {said}"
    yield signed and whole not in ("pass", "waived"), f"it was signed, and its rules give {whole}"
    finished = {part["kind"]: moment(part["finished_at"]) for part in d["evidence"]}
    for rule in (rule for rule in b.policy["rules"] if "max_age_days" in rule and rule.get("report") in finished):
        last = finished[rule["report"]] + timedelta(days=rule["max_age_days"]) + LEEWAY
        for one in signed:
            name, late = one["printed_name"], moment(one["signed_at"]) > last
            yield late, f"the {rule['report']} report was too old when {name} signed"
    yield "ok", f"{len(b.policy['rules'])} rules decided again on {len(found)} counts; all: {whole}"


def _otherwise(ours, theirs):
    """In what the outcomes of one rule differ from those that the dossier states."""
    mine, said = (", ".join(one["verdict"] for one in some) or "nothing" for some in (ours, theirs))
    yield mine != said, f"the figures give {mine}, the dossier says {said}"
    for one, other in zip(ours, theirs, strict=True) if mine == said else ():
        for word in sorted(one.keys() & other.keys()):
            differs = not same(one[word], other[word])
            yield differs, f"its {word} is {one[word]}, the dossier says {other[word]}"


def _words(rule):
    what = " ".join(str(rule[word]) for word in ("report", "document", "statement", "figure") if word in rule)
    return what + (f" of {rule['of']}" if "of" in rule else "")


def same(one, other):
    if isinstance(one, float) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-12)
    return one == other


def _untold(b, part):
    """Where the record, or the day that submitted figures name, tells otherwise of a report than the dossier."""
    kind, finished, day = part["kind"], moment(part["finished_at"]), submitted(b, part)
    for line in b.told("report", part["report"], "report.finished", "report.submitted"):
        other, late = line.facts["digest"] != part["digest"], abs(line.at - finished) > LEEWAY
        if line.event == "report.submitted":
            yield other, f"the record tells otherwise of the {kind} report that was submitted"
        else:
            yield other or late, f"the record tells otherwise of the {kind} report and when it was finished"
    another_day = day and finished != moment(f"{day}T00:00:00+00:00")
    yield another_day, f"the {kind} figures that were submitted were measured on another day, {day}"


def submitted(b, part):
    """The day on which figures that were submitted from outside say they were measured; "" of a recomputed report."""
    result = b.report(part["digest"]) or {}
    return result["measured"]["on"] if provenance(result) == "submitted" else ""


def waivers(b):
    """Each waiver is of this policy, of a rule that may be waived, by three people, and held until the last name."""
    for said in b.dossier.get("waivers") or []:
        name, begins, ends = f"waiver {said['waiver']}", moment(said["starts_at"]), moment(said["ends_at"])
        place, owner, policy = said["rule"], said["owner"], said["policy"]
        rule = b.policy["rules"][place - 1]
        other = policy != b.dossier["policy"]["digest"] or not rule.get("waivable", True)
        yield other, f"{name} is of another policy, or of rule {place}, which is never waived"
        people = {owner, said["requested_by"], said["approved_by"]}
        yield len(people) != 3, f"{name}: who asks, who owns and who approves are not three people"
        empty = [
            word for word in ("reason", "risk", "measure", "monitoring", "plan") if not said.get(word, "-").strip()
        ]
        yield empty, f"{name} does not say its reason, risk, measure and plan"
        outside = ends - begins > timedelta(days=90) or not begins <= b.asked_at < ends
        yield outside, f"{name} was not in force when it was asked for, or for more than 90 days"
        over = [line.at for line in b.told("waiver", said["waiver"], "waiver.revoked", "waiver.closed")]
        for one in b.given("sign"):
            late = moment(one["signed_at"]) >= min([ends, *over])
            yield late, f"{name} was over when {one['printed_name']} signed"
        lines = [line for line in b.told("waiver", said["waiver"]) if line.at < b.asked_at + LEEWAY]
        by_two = [line.event for line in lines] == ["waiver.asked", "waiver.approved"] and lines[0].by != lines[1].by
        yield not by_two, f"the record does not tell that {name} was asked for and approved, by two people, before"
        for facts in (line.facts for line in lines):
            told = facts["policy"], facts["rule"], moment(facts["until"]), facts.get("owner", owner)
            yield told != (policy, place, ends, owner), f"the record tells otherwise of {name}"
        yield "ok", f"{name} of rule {place} ({_words(rule)}), until {said['ends_at']}: {said['reason']}"


def lock(b):
    """Whether the policy that judged was the one when the test rows were opened, as the dossier says."""
    said, judge, evidence = b.dossier["lock"], b.dossier["policy"]["digest"], b.dossier["evidence"]
    kept, changes = said["kept"], said["changes"]
    if not said["opened_at"]:
        yield "note" if not evidence else True, "the dossier names no moment at which the rows were opened"
        return
    at, steps = moment(said["opened_at"]), [step for step in (said["policy"], *changes) if step]
    early = [part for part in evidence if not submitted(b, part) and moment(part["finished_at"]) < at - LEEWAY]
    yield early, "a report was finished before its rows are said to have been opened"
    bodies = {b.archive.digests[name]: name for name in b.archive.under("policy", ".json")}
    for step in steps:
        name, lost = f"{step['name']} version {step['version']}", step["digest"] and step["digest"] not in bodies
        yield lost, f"the policy {name} that counted then is not in the bundle"
    first = said["policy"] and said["policy"]["digest"]
    published = [line for line in b.lines if line.event in ("policy.published", "policy.adopted")]
    published = [line.at for line in published if first and line.facts.get("digest") == first]
    yield published and published[0] > at + LEEWAY, "the policy that is said to have counted then was published later"
    yield kept != (not changes), "the dossier says that the policy was kept, and names changes"
    astray = steps[-1]["digest"] != judge if changes else kept and not said["policy"]
    yield astray, "the policy that judged is not the one that the lock and its changes lead to"
    other = kept and first in bodies and deciding(b.archive.json(bodies[first])) != deciding(b.policy)
    yield other, "the policy that counted when the rows were opened decides otherwise, and no change is told"
    if kept:
        yield "ok", f"the policy counted when the rows were opened ({said['opened_at']}, {said['by']}), and still did"
    else:
        told = " ".join(what for change in changes for what in change["what"])
        yield "note", f"{len(changes)} change(s) of the policy after the rows were opened: {told}"


TALK = {"why", "summary", "tests", "measured_by_others"}  # what decides nothing on the figures
USUAL = {"of": "", "bound": "value", "waivable": True, "provenance": "declared", "order": "parallel", "count": 1}
USUAL |= {"on_deadline": "remind", "at_most": 5, "due_days": 90}  # what a policy means where it says nothing


def deciding(policy):
    """A policy without what decides nothing, the same for two that decide alike; the order of rules decides nothing."""
    rules = sorted(canonical(_plain(rule)) for rule in whole_rules(policy))
    return rules, _plain({word: said for word, said in policy.items() if word not in ("rules", "provenance")})


def _plain(said):
    if isinstance(said, list):
        return [_plain(one) for one in said]
    if isinstance(said, dict):
        return {word: _plain(one) for word, one in said.items() if word not in TALK and one != USUAL.get(word)}
    return said


def reading(b):
    """Before their name, each proved again who they are; who signs had opened the evidence since it was asked for."""
    wanted = {rule.get(word) for rule in b.policy["rules"] for word in ("report", "document", "statement")}
    papers = [*b.dossier["evidence"], *(b.dossier.get("documents") or [])]
    papers = [paper for paper in papers if names_of(paper) & wanted]
    for meant in b.signed.values():
        name, at, proved = meant["signer"]["printed_name"], moment(meant["signed_at"]), meant["authentication"]
        unproved = "password" not in proved["components"] or abs(at - moment(proved["at"])) > 2 * LEEWAY
        yield unproved, f"{name} signed without proving again who they are"
        signs = meant["decision"] == "sign"
        choice = meant["meaning"].removesuffix(" with conditions") if signs else meant["decision"]
        about = {"act": "sign", "approval": meant["approval"], "dossier": meant["dossier_digest"], "choice": choice}
        silent = unanswered(proved, about)
        yield silent, f"{name} signed with a passkey that did not answer for this verdict under this dossier"
        read = {one["digest"] for one in meant["opened"] if b.asked_at - LEEWAY <= moment(one["at"]) <= at + LEEWAY}
        for paper in papers if signs else ():
            kind = paper["kind"].replace("_", " ")
            yield paper["digest"] not in read, f"{name} signed without opening the {kind} since it was asked for"
    yield "ok", "each proved again who they are, and who signed had read what was judged"


def unanswered(proved, about):
    """Whether a passkey is said to have proved who it was, and is not seen to."""
    return "passkey" in proved["components"] and not answered(proved["passkey"], about)


def answered(told, about):
    """Whether a passkey (WebAuthn) made sure of its person, and answered exactly the question about `about`."""
    parts = ("client_data", "authenticator_data", "signature", "public_key")
    client, data, signature, key = (verify.unpacked(told[part]) for part in parts)
    said, party = json.loads(client), told["relying_party"]
    question = hashlib.sha256(bytes.fromhex(told["nonce"]) + verify.canonical(about)).digest()
    asked = base64.urlsafe_b64encode(question).rstrip(b"=").decode()
    present_and_verified = data[32] & 5 == 5
    return (
        told["about"] == about
        and (said["type"], said["challenge"]) == ("webauthn.get", asked)
        and urlsplit(said["origin"]).hostname == party
        and data[:32] == hashlib.sha256(party.encode()).digest()
        and present_and_verified
        and _holds(serialization.load_der_public_key(key), signature, data + hashlib.sha256(client).digest())
    )


def _holds(key, signature, message):
    """By a passkey's own key: on P-256, RSA, or Ed25519."""
    how = ()
    if isinstance(key, ec.EllipticCurvePublicKey):
        how = (ec.ECDSA(SHA256()),)
    elif isinstance(key, rsa.RSAPublicKey):
        how = (padding.PKCS1v15(), SHA256())
    try:
        key.verify(signature, message, *how)
    except InvalidSignature:
        return False
    return True


def delegations(b):
    """Each place that was handed on was so for that time and project; who hands on and who takes count as one."""
    rows, b.joined = {said["id"]: said for said in b.printed.get("delegations", ())}, []
    for number, row in rows.items():
        name = f"signatures/delegation-{number}.dsse.json"
        meant = verify.opened(b.archive, name, b.keys, verify.DELEGATION)[1]["predicate"]
        delegate, project = meant["delegate"]["id"], meant["project"]
        b.joined.append({meant["delegator"]["id"], delegate})
        about = {"act": "hand on", "delegate": delegate, "project": project, "ends_at": meant["ends_at"]}
        silent = unanswered(meant["authentication"], about)
        yield silent, f"{name} was made with a passkey that did not answer for it"
        begins, ends = moment(meant["starts_at"]) - LEEWAY, moment(row["ended_at"] or meant["ends_at"])
        for said in (one for one in b.signatures if one["delegation"] == number):
            lets = delegate == said["signer"] and begins <= moment(said["signed_at"]) <= ends
            yield not lets, f"{name} does not let {said['printed_name']} sign at {said['signed_at']}"
            yield project not in (None, b.dossier["project"]["slug"]), f"{name} is for another project"
    for said in b.signatures:
        lost = said["delegation"] and said["delegation"] not in rows
        yield lost, f"the delegation under which {said['printed_name']} signed is not in the bundle"
    if rows:
        yield "ok", f"{len(rows)} handed on: who signed under one was let to, then and for this project"


def signers(b):
    """Who signed, against what the policy asks for: n of m, in their places and order, none with a hand in it."""
    given, places = b.given("sign"), [said["place"] for said in b.signatures]
    wanted = dict(enumerate(b.policy["signers"], start=1))
    last = b.asked_at + timedelta(days=b.policy.get("deadline_days", 0))
    yield from _conflicts(b)
    for said in given:
        name, meaning, signer = said["printed_name"], said["meaning"], wanted.get(said["place"], {})
        conditional = meaning == "approved with conditions" and bool(said["conditions"])
        meant = said["role"], "approved" if conditional else meaning, bool(said["conditions"])
        other = meant != (signer.get("role"), signer.get("meaning"), conditional)
        yield other, f"{name} signed “{meaning}”, which is not what the policy asks there"
        late = b.policy.get("on_deadline") == "return" and moment(said["signed_at"]) > last + LEEWAY
        yield late, f"{name} signed after the deadline of the policy, {last.isoformat()}"
    turned = b.policy.get("order") == "sequence" and places != sorted(places)
    yield turned, "they signed in another order than the policy asks for"
    needed = {place: signer.get("count", 1) for place, signer in wanted.items()}
    open_ones = {place: n - sum(said["place"] == place for said in given) for place, n in needed.items()}
    lacking = [f"{n} {wanted[at]['role']} “{wanted[at]['meaning']}”" for at, n in open_ones.items() if n > 0]
    told = f"{len(given)} of {sum(needed.values())} signatures that the policy asks for; open: {', '.join(lacking)}"
    if not lacking:
        ours = f"{len(given)} of {sum(needed.values())} that the policy asks for"
        yield "ok", f"{ours}, by different people without a hand in it"
    elif b.was_approved:
        yield True, f"it is said to be approved, with {told}"
    else:
        yield "note", told
    yield b.was_approved and len(given) != len(b.signatures), "it is said to be approved, and somebody refused"
    yield "note", "that no signer came, and no hand was put to the model, beyond what is told here: the portal's word"


def _conflicts(b):
    """What each signer, or somebody joined with them, had better not have done."""
    asked, people = b.dossier["asked"], set()
    hands = [*b.dossier["hands"], {"name": asked["by"], "deed": "asked for this sign-off"} | asked]
    for said in b.signatures:
        name, kin, size = said["printed_name"], {said["signer"]}, 0
        while size < len(kin):
            size, kin = len(kin), kin.union(*(pair for pair in b.joined if kin & pair))
        for hand in hands:
            theirs = hand["person"] in kin if "person" in hand else hand["name"] == name
            yield theirs, f"{name} signed, and {hand['name']} {hand['deed']}"
        twice = kin & people
        yield twice, f"{name} signed, and they, or somebody joined with them by a delegation, signed it before"
        people.add(said["signer"])


def conditions(b):
    """What a signature was given under: allowed by the policy, and how each stands by what is told here."""
    allowed = {"at_most": 0} if b.policy.get("conditions") is None else b.policy["conditions"]
    for said in b.given("sign"):
        name, at = said["printed_name"], moment(said["signed_at"])
        too_many = len(said["conditions"]) > allowed.get("at_most", 5)
        yield too_many, f"{name} signed on conditions that the policy does not allow"
        for one in said["conditions"]:
            text, due = f"the condition “{one['text']}”", moment(one["due_at"])
            outside = not at < due <= at + timedelta(days=allowed.get("due_days", 90)) + LEEWAY
            yield outside, f"{text} is due outside of what the policy allows"
            met = _measured(b, said, one["check"]) if one["check"] else _fulfilled(b, said, one)
            met = [when for when in met if one["consequence"] != "block" or when <= due]
            told = f"met {min(met).isoformat()}" if met else "not met by what is here"
            yield "note", f"{name} signed under “{one['text']}”, due {one['due_at']}: {told}"
            late = not met and b.lines and b.lines[-1].at > due + LEEWAY and one["consequence"] != "escalate"
            yield late and b.stands, f"{text} passed its day unmet, and it is said to stand"


def _fulfilled(b, said, condition):
    """When a reviewer confirmed its owner's word that it is met."""
    for one in b.printed.get("fulfilments", ()):
        of_it = (one["signature"], one["number"]) == (said["id"], condition["number"])
        by_two = one["fulfilled_by"]["member"] == condition["owner"] and one["confirmed_by"] != one["fulfilled_by"]
        if of_it and by_two and one["confirmed_at"]:
            yield moment(one["confirmed_at"])


def _measured(b, said, check):
    """When a report that the portal itself computed after the signature has a figure that clears the check."""
    for part in b.printed.get("measured", ()):
        if part["kind"] == check["report"] and moment(part["finished_at"]) > moment(said["signed_at"]):
            wanted, result = (check["figure"], check.get("of", "")), b.report(part["digest"])
            figures = (one for one in result["figures"] if (one["name"], one["of"]) == wanted)
            if provenance(result) == "recomputed" and any(cleared(check, figure) == "pass" for figure in figures):
                yield moment(part["finished_at"])


def incidents(b):
    """No serious incident kept the model as evidence when it was asked for, and none came before a name. The order is
    that of the record."""
    known, asked = set(b.dossier.get("incidents") or []), b.told("approval", b.number, "approval.asked")
    must(asked, "the record does not tell that it was asked for")
    asked, version = asked[0].seq, asked[0].facts.get("model_version")
    if version is None:
        yield "note", "the record of its time does not tell which version it was: incidents are the portal's word"
        return
    began, over = {}, {}
    for line in (line for line in b.lines if line.on[0] == "legalhold"):
        if version in line.facts.get("versions", ()):
            began.setdefault(line.facts["incident"], line)
        if line.event == "hold.released":
            over[line.facts["incident"]] = line
    for one in sorted(known):
        before, released = (one in lines and lines[one].seq < asked for lines in (began, over))
        yield not before, f"the dossier names incident {one}, and the record does not tell of it before"
        yield before and not released, f"it was asked for while incident {one} kept the model as evidence"
    signed = {line.facts["signature"]: line.seq for line in b.told("approval", b.number, "approval.signed")}
    for one in sorted(began.keys() - known):
        incident = f"incident {one}, a serious one that the dossier does not name,"
        for meant in (meant for meant in b.signed.values() if meant["decision"] == "sign"):
            after = signed.get(meant["digest"], 0) > began[one].seq
            yield after, f"{meant['signer']['printed_name']} signed after {incident} was reported"
        yield b.stands, f"it is said to stand, though {incident} was reported"
        yield "note", f"{incident} was reported on {began[one].at.isoformat()}: the sign-off fell for good"
    yield "ok", f"serious incidents known when it was asked for: {len(known)}; the evidence of each was released before"


def operation(b):
    """What was measured in operation: all that the dossier tells is here, nothing of it was out of bounds when it was
    asked for, and each rule that is said to be broken since is broken by the figures of its report."""
    told, said_broken, newest = b.dossier.get("operation") or [], "operation/broken.json", {}
    names = [name for name in b.archive.under("operation") if name != said_broken]
    here = {b.archive.digests[name]: b.archive.json(name) for name in names}
    for one in told:
        name = f"the {one['kind']} report in operation {one['report']} of the dossier"
        must(one["digest"] in here, f"{name} is not in the bundle")
        for line in b.told("operationreport", one["report"], "operation-report.finished"):
            other = line.facts["digest"] != one["digest"]
            yield other, f"the record tells otherwise of report in operation {one['report']}"
        verdicts = _in_operation(b, here[one["digest"]])
        newest |= {key: verdict for key, verdict in verdicts.items() if verdict != "inconclusive"}
    waived = {waiver["rule"] for waiver in b.dossier.get("waivers") or []}
    for place in sorted({place for (place, _), verdict in newest.items() if verdict == "fail"} - waived):
        yield True, f"it was asked for while rule {place} was out of bounds in operation"
    broken = b.archive.json(said_broken) if said_broken in b.archive.members else []
    for one in broken:
        report, what = here.get(one["digest"]), f"rule {one['rule']}{one['of'] and ' of ' + one['of']}"
        shown = report and _in_operation(b, report).get((one["rule"], one["of"])) == "fail"
        yield not shown, f"{what} is said to be broken in operation, and no report here shows it"
        yield "note", f"{what} was broken in operation on {one['found_at']}: the sign-off fell for good"
    yield broken and b.stands, "it is said to stand, though a required figure was out of bounds in operation"
    if told or broken:
        yield "ok", f"{len(here)} reports in operation decided again, of which the dossier tells {len(told)}"


def _in_operation(b, result):
    """(place, whose) -> what a report in operation gives for each rule with a figure of its kind."""
    report = {"result": result, "digest": "", "finished_at": b.dossier["asked"]["at"]}
    rules = [(place, rule) for place, rule in enumerate(whole_rules(b.policy), start=1) if "figure" in rule]
    rules = [(place, rule) for place, rule in rules if rule["report"] == result["kind"]]
    given = defaultdict(set)
    for one in judged([one for at in rules for one in asked(*at, report, b.dossier, b.asked_at)]):
        given[one["place"], one["of"]].add(one["verdict"])
    return {key: verdict(some == {"pass"}, "fail" in some) for key, some in given.items()}


def outcome(b):
    """It ended as the record tells, and holds as long as the policy lets it."""
    state, said = b.about["state"], b.about["state"]["state"]
    events = {line.event: line for line in b.told("approval", b.number)}
    untold = said != "open" and f"approval.{said}" not in events
    yield untold, f"it is said to be {said}, and the record does not tell of it"
    hidden = said != "revoked" and "approval.revoked" in events
    yield hidden, f"the record tells that it was revoked, and it is said to be {said}"
    if b.was_approved and "approval.approved" in events:
        until, told = moment(state["valid_until"]), moment(events["approval.approved"].facts["valid_until"])
        other = until != told or until != moment(state["decided_at"]) + timedelta(days=b.policy["valid_days"])
        yield other, f"it is said to be valid until {state['valid_until']}: not what policy and record give"
        if until < datetime.now(UTC):
            yield "note", "its last day has passed: the sign-off has expired"
    yield "ok", f"the record tells of the same outcome: {said}"
    told = said + (f" until {state['valid_until']}" if state["valid_until"] else "")
    yield "note", f"as of this bundle the portal says: {told}" + "".join(f"; {why}" for why in state["reasons"])


CHECKS = (fitting, gates, waivers, lock, reading, delegations, signers, conditions, incidents, operation, outcome)


def main(arguments=None):
    return verify.main(arguments, bundle=Case, checks=verify.CHECKS + CHECKS, about=__doc__)


if __name__ == "__main__":
    sys.exit(main())
