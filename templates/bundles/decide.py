"""Decide again what a portal decided on the sign-off in a bundle, without the portal.

    python -I decide.py bundle.zip [the options of verify.py, which must lie beside this file]

First the checks of verify.py, that the bundle is whole and signed as it says; then, on its bytes alone: what each rule
of the policy gives on the reports' own figures (intervals, corrections for several comparisons, group sizes,
provenance, age), on papers and under waivers; who signed in which place and order, after reading what, and had no hand
in the model; the lock; the conditions; how long it holds. Lines, last line and exit status are as those of verify.py.

How to read this program, from top to bottom; each part rests on those above it:
    The policy    what each of its rules gives on the figures of the reports
    The checks    one function for each, in the order of CHECKS; a check yields lines, or raises Wrong and ends"""

import base64
import hashlib
import json
import math
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import cache
from itertools import combinations
from pathlib import Path
from statistics import NormalDist
from types import ModuleType
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

MADE_WITH = "b62adc2dd9495391acec78537995b2073ada7eccba46c7059d3742d1073ff755"  # the SHA-256 of verify.py


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
Wrong, moment, canonical, LEEWAY = verify.Wrong, verify.moment, verify.canonical, verify.LEEWAY

# --- The policy: what each rule gives on the figures of the reports. -------------------------------------------------

PROVENANCE = {  # how a figure came to be, the strongest first, as a policy and as a report say it
    "recomputed": "recomputed by the portal",
    "submitted": "submitted from outside",
    "declared": "declared by a person",
}
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
    at, found = moment(dossier["asked"]["at"]), []
    reports = {part["kind"]: part | {"result": results[part["kind"]]} for part in dossier["evidence"]}
    rules = whole_rules(dossier["policy_body"])
    for place, rule in enumerate(rules, start=1):
        if "report" in rule:
            found += asked(place, rule, reports.get(rule["report"]), dossier, at)
        else:
            papers = dossier.get("papers", dossier.get("documents") or [])
            found.append(Asked(place, rule, verdict=on_paper(rule, papers, at)))
    shared(found)
    outcomes = [outcome for one in found for outcome in judged(one)]
    instead = {waiver["rule"]: waiver for waiver in dossier.get("waivers") or []}
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


def on_paper(rule, papers, at):
    """A document or statement is there, and its last day has not passed."""
    wanted = rule.get("document") or rule.get("statement")
    ends = [ends_of(paper) for paper in papers if wanted in names_of(paper)]
    return "pass" if any(end is None or end > at for end in ends) else "stale" if ends else "missing"


def names_of(paper):
    """What a rule may call a document or statement: its kind, or kind and subtype."""
    return {paper["kind"], f"{paper['kind']}-{(paper.get('subtype') or '').lower()}"}


def ends_of(paper):
    day = paper["valid_until"] and datetime.fromisoformat(paper["valid_until"]) + timedelta(days=1)
    return datetime.combine(day, time.min, UTC) if day else None


def judged(one):
    """The outcomes of one thing asked for."""
    rule = one.rule
    direction = "at_most" if "at_most" in rule else "at_least" if "figure" in rule else None
    told = {"place": one.place, "of": one.of, "verdict": one.verdict, "figure": rule.get("figure")}
    told |= {"report": rule.get("report", ""), "direction": direction, "threshold": rule.get(direction)}
    if one.report:
        told |= {"report_digest": one.report["digest"], "provenance": provenance(one.report["result"])}
    if one.verdict:
        yield told
        return
    for figure in one.figures:
        told |= {word: finite(figure.get(word)) for word in ("value", "low", "high", "n", "smallest_group")}
        if not one.share:
            yield told | {"verdict": cleared(rule, figure)}
        elif reached(rule, figure) == NOTHING:
            yield told | {"verdict": "inconclusive"}
        else:
            yield told | widened(rule, figure, one.share[1]) | {"verdict": one.share[0]}


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


# Several comparisons under one rule or family: all must hold together, so each interval is widened.


@cache
def extra(k):
    """By how many half intervals an end moves outwards when k comparisons share the error: z(1-0.05/2k)/z(0.975) - 1,
    rounded up at six digits, so that every machine has one number."""
    z = NormalDist().inv_cdf
    return math.ceil((z(1 - 0.025 / k) / z(0.975) - 1) * 1e6) / 1e6 if k > 1 else 0.0


NOTHING = (-math.inf, -math.inf)


def reached(rule, figure):
    """(good, bad): by how many half intervals the cautious end lies on the good side of the line, and the hopeful end
    on the bad one; NOTHING where nothing can be told, or the interval cannot be widened."""
    if unclear(rule, figure):
        return NOTHING
    up = "at_most" not in rule
    numbers = [figure["value"], figure["low"], figure["high"], rule["at_least"] if up else rule["at_most"]]
    if max(map(abs, numbers)) > LARGEST or (rule["figure"] in RATIOS and min(numbers) <= 0):
        return NOTHING
    value, low, high, line = map(math.log, numbers) if rule["figure"] in RATIOS else numbers
    half = max(value - low, high - value)
    good, bad = (low - line, line - high) if up else (line - high, low - line)
    if half < EXACT:
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
        good = side(how, [reach[0] for reach in reaches], lambda distance, k: distance >= extra(k))
        bad = side(how, [reach[1] for reach in reaches], lambda distance, k: distance > extra(k))
        for one, reach, (is_good, k), (is_bad, other) in zip(family, reaches, good, bad, strict=True):
            verdict = "pass" if is_good else "fail" if is_bad else "inconclusive"
            one.share = verdict, other if is_bad or (not is_good and reach[1] > reach[0]) else k


def least(one):
    """The reach of what is asked for; of a figure given twice, both must clear."""
    reaches = [reached(one.rule, figure) for figure in one.figures] if not one.verdict else [NOTHING]
    return tuple(map(min, zip(*reaches, strict=True)))


def side(how, distances, clears):
    """(whether it is decided, k) for each comparison, on one side of the line."""
    m, answers, holding = len(distances), [(False, len(distances))] * len(distances), True
    for rank, at in enumerate(sorted(range(m), key=lambda at: -distances[at]) if m <= COMPARISONS else ()):
        k = m if how == "bonferroni" else m - rank
        holding = clears(distances[at], k) and (holding or how == "bonferroni")
        answers[at] = holding, k
    return answers


def widened(rule, figure, k):
    """The interval at the level for k comparisons, as the dossier states it."""
    there, back = (math.log, math.exp) if rule["figure"] in RATIOS else (float, float)
    value, low, high = (there(figure[word]) for word in ("value", "low", "high"))
    ends = {"corrected_low": None, "corrected_high": None}
    if k <= COMPARISONS:
        more = extra(k) * max(value - low, high - value)
        ends = {"corrected_low": back(low - more), "corrected_high": back(high + more)}
    return ends | {"comparisons": k, "correction": rule["correction"]}


# --- The checks. Each yields ("ok" | "WRONG" | "note", what), or raises. ---------------------------------------------


class Case(verify.Bundle):
    """The bundle as those see it who decide."""

    joined = ()  # pairs of people of whom one stood in for the other

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
        """The verdicts as printed, of these kinds."""
        return [said for said in self.signatures if said["decision"] in decisions]

    def told(self, kind, number, *events):
        """The record's lines on one thing, oldest first."""
        return [line for line in self.lines if line.on == (kind, number) and (not events or line.event in events)]

    def report(self, wanted):
        """The report with this digest."""
        names = (name for name in self.archive.under("reports") if name.endswith(".json"))
        return next((self.archive.json(name) for name in names if self.archive.digests[name] == wanted), None)


def programs(b):
    if b.named.get("decide.py") != hashlib.sha256(Path(__file__).read_bytes()).hexdigest():
        yield "note", "the decide.py in the bundle is another than the one that runs here"


def fitting(b):
    """What the dossier states is what its parts state: for whom the policy is, which attributes, how old a report."""
    d, project = b.dossier, b.dossier["project"]
    if b.policy["risk_class"] != project["risk_class"]:
        yield "WRONG", f"the policy is for {b.policy['risk_class']}-risk projects; this one is {project['risk_class']}"
    for word, answer in (("answered_yes", True), ("answered_no", False)):
        for flag in b.policy.get("applies_to", {}).get(word, ()):
            if project["answers"].get(flag) is not answer:
                yield "WRONG", f"the policy is for projects with another answer to “{flag}”"
    declared = b.archive.json("data/training-declaration.json").get("sensitive", [])
    if d["sensitive"] != [attribute["name"] for attribute in declared]:
        yield "WRONG", "the data declares other sensitive attributes than the dossier judges by"
    for part in d["evidence"]:
        if part["digest"] not in [report["digest"] for report in d["reports"]]:
            yield "WRONG", f"the {part['kind']} report that was judged is not the one that is bound"
        yield from (("WRONG", why) for why in _untold(b, part))
    for paper in d.get("papers") or []:
        if paper["digest"] not in [one["digest"] for one in d["documents"]]:
            yield "WRONG", f"the {paper['kind'].replace('_', ' ')} that was judged is not bound"
    if (project.get("closed") or d["policy"].get("withdrawn") or d["model"].get("retired")) and b.given("sign"):
        yield "WRONG", "it was signed, though its project was closed, its policy withdrawn or its model retired before"
    yield "ok", f"a policy for this {project['risk_class']}-risk project, judging what the dossier binds"


def gates(b):
    """The arithmetic of the policy, again, from the figures of the reports themselves."""
    d = b.dossier
    results = {part["kind"]: b.report(part["digest"]) for part in d["evidence"]}
    if lost := [kind for kind, result in results.items() if result is None]:
        raise Wrong(f"the {lost[0]} report that was judged is not in the bundle")
    found, told = decided(d, results), d["gates"]["outcomes"]
    for place, rule in enumerate(b.policy["rules"], start=1):
        ours, theirs = ([one for one in some if one["place"] == place] for some in (found, told))
        for why in _otherwise(ours, theirs):
            yield "WRONG", f"rule {place} ({_words(rule)}): {why}"
    whole = overall(found)
    if len(found) != len(told) or whole != d["gates"]["verdict"]:
        yield "WRONG", f"all rules together give {whole}, the dossier says {d['gates']['verdict']}"
    if b.given("sign") and whole not in ("pass", "waived"):
        yield "WRONG", f"it was signed, and its rules give {whole}"
    finished = {part["kind"]: moment(part["finished_at"]) for part in d["evidence"]}
    for said in b.given("sign"):
        for rule in (rule for rule in b.policy["rules"] if "max_age_days" in rule and rule.get("report") in finished):
            last = finished[rule["report"]] + timedelta(days=rule["max_age_days"])
            if moment(said["signed_at"]) > last + LEEWAY:
                yield "WRONG", f"the {rule['report']} report was too old when {said['printed_name']} signed"
    yield "ok", f"{len(b.policy['rules'])} rules decided again on {len(found)} counts; all: {whole}"


def _otherwise(ours, theirs):
    """In what the outcomes of one rule differ from those that the dossier states."""
    mine, said = (", ".join(one["verdict"] for one in some) or "nothing" for some in (ours, theirs))
    if mine != said:
        yield f"the figures give {mine}, the dossier says {said}"
        return
    for one, other in zip(ours, theirs, strict=True):
        for word in sorted(word for word in one if word in other and not same(one[word], other[word])):
            yield f"its {word} is {one[word]}, the dossier says {other[word]}"


def _words(rule):
    what = " ".join(str(rule[word]) for word in ("report", "document", "statement", "figure") if word in rule)
    return what + (f" of {rule['of']}" if "of" in rule else "")


def same(one, other):
    if isinstance(one, float) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-12)
    return one == other


def _untold(b, part):
    """Where the record, or the day that submitted figures name, tells otherwise of a report than the dossier."""
    for line in b.told("report", part["report"], "report.finished"):
        if line.facts["digest"] != part["digest"] or abs(line.at - moment(part["finished_at"])) > LEEWAY:
            yield f"the record tells otherwise of the {part['kind']} report and when it was finished"
    for line in b.told("report", part["report"], "report.submitted"):
        if line.facts["digest"] != part["digest"]:
            yield f"the record tells otherwise of the {part['kind']} report that was submitted"
    if (day := submitted(b, part)) and moment(part["finished_at"]) != moment(f"{day}T00:00:00+00:00"):
        yield f"the {part['kind']} figures that were submitted were measured on another day, {day}"


def waivers(b):
    """Each waiver is of this policy, of a rule that may be waived, by three people, and held until the last name."""
    for said in b.dossier.get("waivers") or []:
        name, begins, ends = f"waiver {said['waiver']}", moment(said["starts_at"]), moment(said["ends_at"])
        rule = b.policy["rules"][said["rule"] - 1]
        if said["policy"] != b.dossier["policy"]["digest"] or not rule.get("waivable", True):
            yield "WRONG", f"{name} is of another policy, or of rule {said['rule']}, which is never waived"
        if len({said["owner"], said["requested_by"], said["approved_by"]}) != 3:
            yield "WRONG", f"{name}: who asks, who owns and who approves are not three people"
        if not all(said.get(word, "-").strip() for word in ("reason", "risk", "measure", "monitoring", "plan")):
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


def submitted(b, part):
    """The day on which figures that were submitted from outside say they were measured; "" of a recomputed report."""
    result = b.report(part["digest"]) or {}
    return result["measured"]["on"] if provenance(result) == "submitted" else ""


def lock(b):
    """Whether the policy that judged was the one when the test rows were opened, as the dossier says."""
    said, judge = b.dossier["lock"], b.dossier["policy"]["digest"]
    steps = [step for step in (said["policy"], *said["changes"]) if step]
    if not said["opened_at"]:
        yield "WRONG" if b.dossier["evidence"] else "note", "the dossier names no moment at which the rows were opened"
        return
    at = moment(said["opened_at"])
    if any(moment(part["finished_at"]) < at - LEEWAY for part in b.dossier["evidence"] if not submitted(b, part)):
        yield "WRONG", "a report was finished before its rows are said to have been opened"
    bodies = {b.archive.digests[name]: name for name in b.archive.under("policy") if name.endswith(".json")}
    for step in steps:
        if step["digest"] and step["digest"] not in bodies:
            yield "WRONG", f"the policy {step['name']} version {step['version']} that counted then is not in the bundle"
    first = said["policy"] and said["policy"]["digest"]
    published = [line for line in b.lines if line.event in ("policy.published", "policy.adopted")]
    published = [line.at for line in published if first and line.facts.get("digest") == first]
    if published and published[0] > at + LEEWAY:
        yield "WRONG", "the policy that is said to have counted then was published later"
    if said["kept"] != (not said["changes"]):
        yield "WRONG", "the dossier says that the policy was kept, and names changes"
    if (said["changes"] and steps[-1]["digest"] != judge) or (said["kept"] and not said["policy"]):
        yield "WRONG", "the policy that judged is not the one that the lock and its changes lead to"
    if said["kept"] and first in bodies and deciding(b.archive.json(bodies[first])) != deciding(b.policy):
        yield "WRONG", "the policy that counted when the rows were opened decides otherwise, and no change is told"
    if said["kept"]:
        yield "ok", f"the policy counted when the rows were opened ({said['opened_at']}, {said['by']}), and still did"
    else:
        yield "note", f"{len(said['changes'])} change(s) of the policy after the rows were opened: " + " ".join(
            what for change in said["changes"] for what in change["what"])  # fmt: skip


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
        name, at = meant["signer"]["printed_name"], moment(meant["signed_at"])
        proved = meant["authentication"]
        if "password" not in proved["components"] or abs(at - moment(proved["at"])) > 2 * LEEWAY:
            yield "WRONG", f"{name} signed without proving again who they are"
        choice = meant["meaning"].removesuffix(" with conditions") if meant["decision"] == "sign" else meant["decision"]
        about = {"act": "sign", "approval": meant["approval"], "dossier": meant["dossier_digest"], "choice": choice}
        if unanswered(proved, about):
            yield "WRONG", f"{name} signed with a passkey that did not answer for this verdict under this dossier"
        read = {one["digest"] for one in meant["opened"] if b.asked_at - LEEWAY <= moment(one["at"]) <= at + LEEWAY}
        for paper in papers if meant["decision"] == "sign" else ():
            if paper["digest"] not in read:
                kind = paper["kind"].replace("_", " ")
                yield "WRONG", f"{name} signed without opening the {kind} since it was asked for"
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
        b.joined.append({meant["delegator"]["id"], meant["delegate"]["id"]})
        about = {"delegate": meant["delegate"]["id"], "project": meant["project"], "ends_at": meant["ends_at"]}
        if unanswered(meant["authentication"], {"act": "hand on"} | about):
            yield "WRONG", f"{name} was made with a passkey that did not answer for it"
        for said in (one for one in b.signatures if one["delegation"] == number):
            at, ends = moment(said["signed_at"]), moment(row["ended_at"] or meant["ends_at"])
            if meant["delegate"]["id"] != said["signer"] or not moment(meant["starts_at"]) - LEEWAY <= at <= ends:
                yield "WRONG", f"{name} does not let {said['printed_name']} sign at {said['signed_at']}"
            if meant["project"] not in (None, b.dossier["project"]["slug"]):
                yield "WRONG", f"{name} is for another project"
    for said in b.signatures:
        if said["delegation"] and said["delegation"] not in rows:
            yield "WRONG", f"the delegation under which {said['printed_name']} signed is not in the bundle"
    if rows:
        yield "ok", f"{len(rows)} handed on: who signed under one was let to, then and for this project"


def signers(b):
    """Who signed, against what the policy asks for: n of m, in their places and order, none with a hand in it."""
    given, wanted = b.given("sign"), b.policy["signers"]
    for said, why in _conflicts(b):
        yield "WRONG", f"{said['printed_name']} signed, and {why}"
    for said in given:
        if not 1 <= said["place"] <= len(wanted) or not _fits(said, wanted[said["place"] - 1]):
            yield "WRONG", f"{said['printed_name']} signed “{said['meaning']}”, which is not what the policy asks there"
    places = [said["place"] for said in b.signatures]
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
    if b.was_approved and len(given) != len(b.signatures):
        yield "WRONG", "it is said to be approved, and somebody refused"
    yield "note", "that no signer came, and no hand was put to the model, beyond what is told here: the portal's word"


def _fits(said, signer):
    conditional = said["meaning"] == "approved with conditions" and bool(said["conditions"])
    meaning = "approved" if conditional else said["meaning"]
    return (said["role"], meaning) == (signer["role"], signer["meaning"]) and bool(said["conditions"]) == conditional


def _conflicts(b):
    """(signature, why not) for each that its signer, or somebody joined with them, had better not give."""
    asked, people = b.dossier["asked"], set()
    hands = [*b.dossier["hands"], {"name": asked["by"], "deed": "asked for this sign-off"} | asked]
    for said in b.signatures:
        kin, size = {said["signer"]}, 0
        while size < len(kin):
            size, kin = len(kin), kin.union(*(pair for pair in b.joined if kin & pair))
        for hand in hands:
            if hand["person"] in kin if "person" in hand else hand["name"] == said["printed_name"]:
                yield said, f"{hand['name']} {hand['deed']}"
        if kin & people:
            yield said, "they, or somebody joined with them by a delegation, signed it before"
        people.add(said["signer"])


def conditions(b):
    """What a signature was given under: allowed by the policy, and how each stands by what is told here."""
    allowed = b.policy.get("conditions")
    for said in b.given("sign"):
        at = moment(said["signed_at"])
        if said["conditions"] and (allowed is None or len(said["conditions"]) > allowed.get("at_most", 5)):
            yield "WRONG", f"{said['printed_name']} signed on conditions that the policy does not allow"
            continue
        for one in said["conditions"]:
            due, strict = moment(one["due_at"]), one["consequence"] == "block"
            if not at < due <= at + timedelta(days=allowed.get("due_days", 90)) + LEEWAY:
                yield "WRONG", f"the condition “{one['text']}” is due outside of what the policy allows"
            met = _measured(b, said, one["check"]) if one["check"] else _fulfilled(b, said, one)
            met = [when for when in met if not strict or when <= due]
            told = f"met {min(met).isoformat()}" if met else "not met by what is here"
            yield "note", f"{said['printed_name']} signed under “{one['text']}”, due {one['due_at']}: {told}"
            late = not met and b.lines and b.lines[-1].at > due + LEEWAY and one["consequence"] != "escalate"
            if late and b.about["state"]["status"] == "approved":
                yield "WRONG", f"the condition “{one['text']}” passed its day unmet, and it is said to stand"


def _fulfilled(b, said, condition):
    """When a reviewer confirmed its owner's word that it is met."""
    for one in b.printed.get("fulfilments", ()):
        of_it = (one["signature"], one["number"]) == (said["id"], condition["number"])
        by_two = one["fulfilled_by"]["member"] == condition["owner"] and one["confirmed_by"] != one["fulfilled_by"]
        if of_it and by_two and one["confirmed_at"]:
            yield moment(one["confirmed_at"])


def _measured(b, said, check):
    """When a report finished after the signature whose figure clears the check."""
    for part in b.printed.get("measured", ()):
        if part["kind"] == check["report"] and moment(part["finished_at"]) > moment(said["signed_at"]):
            wanted = check["figure"], check.get("of", "")
            figures = (one for one in b.report(part["digest"])["figures"] if (one["name"], one["of"]) == wanted)
            if any(cleared(check, figure) == "pass" for figure in figures):
                yield moment(part["finished_at"])


def operation(b):
    """What was measured in operation: all that the dossier tells is here, nothing of it was out of bounds when it was
    asked for, and each rule that is said to be broken since is broken by the figures of its report."""
    names = [name for name in b.archive.under("operation") if name != "operation/broken.json"]
    here, told = {b.archive.digests[name]: b.archive.json(name) for name in names}, b.dossier.get("operation") or []
    if lost := [one for one in told if one["digest"] not in here]:
        raise Wrong(
            f"the {lost[0]['kind']} report in operation {lost[0]['report']} of the dossier is not in the bundle"
        )
    waived = {waiver["rule"] for waiver in b.dossier.get("waivers") or []}
    newest = {}
    for one in told:
        for line in b.told("operationreport", one["report"], "operation-report.finished"):
            if line.facts["digest"] != one["digest"]:
                yield "WRONG", f"the record tells otherwise of report in operation {one['report']}"
        verdicts = _in_operation(b, here[one["digest"]])
        newest |= {key: verdict for key, verdict in verdicts.items() if verdict != "inconclusive"}
    for place in sorted({place for (place, _), verdict in newest.items() if verdict == "fail"} - waived):
        yield "WRONG", f"it was asked for while rule {place} was out of bounds in operation"
    broken = b.archive.json("operation/broken.json") if "operation/broken.json" in b.archive.members else []
    for one in broken:
        report, what = here.get(one["digest"]), f"rule {one['rule']}{one['of'] and ' of ' + one['of']}"
        if report is None or _in_operation(b, report).get((one["rule"], one["of"])) != "fail":
            yield "WRONG", f"{what} is said to be broken in operation, and no report here shows it"
        yield "note", f"{what} was broken in operation on {one['found_at']}: the sign-off fell for good"
    if broken and b.about["state"]["status"] == "approved":
        yield "WRONG", "it is said to stand, though a required figure was out of bounds in operation"
    if told or broken:
        yield "ok", f"{len(here)} reports in operation decided again, of which the dossier tells {len(told)}"


def _in_operation(b, result):
    """(place, whose) -> what a report in operation gives for each rule with a figure of its kind."""
    at = b.asked_at
    report = {"result": result, "digest": "", "finished_at": b.dossier["asked"]["at"]}
    rules = [(place, rule) for place, rule in enumerate(whole_rules(b.policy), start=1) if "figure" in rule]
    found = [one for place, rule in rules if rule["report"] == result["kind"]
             for one in asked(place, rule, report, b.dossier, at)]  # fmt: skip
    shared(found)
    given = {}
    for outcome in (outcome for one in found for outcome in judged(one)):
        given.setdefault((outcome["place"], outcome["of"]), set()).add(outcome["verdict"])
    return {key: "fail" if "fail" in all_ else "pass" if all_ == {"pass"} else "inconclusive"
            for key, all_ in given.items()}  # fmt: skip


def outcome(b):
    """It ended as the record tells, and holds as long as the policy lets it."""
    state, said = b.about["state"], b.about["state"]["state"]
    events = {line.event: line for line in b.told("approval", b.about["subject"]["approval"])}
    if said != "open" and f"approval.{said}" not in events:
        yield "WRONG", f"it is said to be {said}, and the record does not tell of it"
    if said != "revoked" and "approval.revoked" in events:
        yield "WRONG", f"the record tells that it was revoked, and it is said to be {said}"
    if b.was_approved and "approval.approved" in events:
        until, told = moment(state["valid_until"]), moment(events["approval.approved"].facts["valid_until"])
        if until != told or until != moment(state["decided_at"]) + timedelta(days=b.policy["valid_days"]):
            yield "WRONG", f"it is said to be valid until {state['valid_until']}: not what policy and record give"
        if until < datetime.now(UTC):
            yield "note", "its last day has passed: the sign-off has expired"
    yield "ok", f"the record tells of the same outcome: {said}"
    told = said + (f" until {state['valid_until']}" if state["valid_until"] else "")
    yield "note", f"as of this bundle the portal says: {told}" + "".join(f"; {why}" for why in state["reasons"])


CHECKS = (programs, fitting, gates, waivers, lock, reading, delegations, signers, conditions, operation, outcome)


def main(arguments=None):
    return verify.main(arguments, bundle=Case, checks=verify.CHECKS + CHECKS, about=__doc__)


if __name__ == "__main__":
    sys.exit(main())
