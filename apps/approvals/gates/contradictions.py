"""What a schema cannot say: rules that contradict each other, and policies that nobody could satisfy."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from apps.approvals.gates.kinds import FLAGS
from apps.approvals.gates.lines import Path
from apps.approvals.gates.schema import LONGEST_VALID
from apps.projects.rules import BY_NAME, FORBIDDEN, ORDER, risk_class
from apps.reports.figures import BETTER_HIGH, BETTER_LOW, REPORTS, Figure

Found = Iterator[tuple[Path, str]]
Body = dict[str, Any]


def found(body: Body, eligible: dict[str, int] | None = None) -> Found:
    """(where, sentence) for each. `eligible`: role -> how many people of it could sign, where that is known."""
    yield from _rules(body)
    yield from _against_each_other(body)
    yield from _families(body)
    yield from _signers(body, eligible)
    yield from _applicability(body)
    yield from _validity(body)


# One rule


def _rules(body: Body) -> Found:
    for place, rule in enumerate(body["rules"]):
        path: Path = ("rules", place)
        for word, sentence in of_rule(rule):
            yield (*path, word), f"Rule {place + 1}: {sentence}"


def of_rule(rule: Body) -> Iterator[tuple[str, str]]:
    """(the word at fault, the sentence)."""
    named = [noun for noun in ("report", "document", "statement") if noun in rule]
    if len(named) > 1:
        yield named[1], f"it names a {named[0]} and a {named[1]}; write one rule for each."
        return
    if "figure" not in rule:
        return
    if "report" not in rule:
        yield "figure", f"a {named[0]} measures no figure; name a report."
        return
    figures = REPORTS[rule["report"]]
    if rule["figure"] not in figures:
        near = get_close_matches(rule["figure"], list(figures), n=1)
        hint = f"Did you mean “{near[0]}”?" if near else f"Choose from: {', '.join(figures)}."
        yield "figure", f"a {rule['report']} report measures no “{rule['figure']}”. {hint}"
        return
    yield from _threshold(rule, figures[rule["figure"]])


def _threshold(rule: Body, figure: Figure) -> Iterator[tuple[str, str]]:
    given = [word for word in (BETTER_HIGH, BETTER_LOW) if word in rule]
    if len(given) == 2 and rule[BETTER_HIGH] > rule[BETTER_LOW]:
        yield (
            "figure",
            (
                f"nothing is at least {rule[BETTER_HIGH]:g} and at most {rule[BETTER_LOW]:g}; "
                "give the figure one threshold, either at_least or at_most."
            ),
        )
        return
    if len(given) != 1:
        yield "figure", "give the figure one threshold, either at_least or at_most."
        return
    [word] = given
    if word != figure.direction:
        yield (
            word,
            (
                f"for {figure.label} {'more' if figure.direction == BETTER_HIGH else 'less'} is better; "
                f"write {figure.direction}."
            ),
        )
    elif not figure.lowest <= rule[word] <= figure.highest:
        yield (
            word,
            (
                f"{figure.label} lies between {figure.lowest:g} and {figure.highest:g}; "
                f"{rule[word]:g} cannot be its threshold."
            ),
        )
    yield from _bound(rule, word, figure)
    if figure.by_group and not rule.get("of"):
        yield "figure", f'{figure.label} is measured by group; add `of: "*"` for each sensitive attribute, or name one.'
    if not figure.by_group and "of" in rule:
        yield "of", f"{figure.label} is measured once for the whole model; remove of."


def _bound(rule: Body, word: str, figure: Figure) -> Iterator[tuple[str, str]]:
    # The far end of an interval passes the more easily the less was measured.
    careless, careful = ("upper", "lower") if word == BETTER_HIGH else ("lower", "upper")
    bound = rule.get("bound", "value")
    if bound == careless:
        yield (
            "bound",
            (
                f"with {word}, the {careless} end of an interval would pass because little was measured; "
                f"decide on {careful} or value."
            ),
        )
    unreachable = figure.highest if word == BETTER_HIGH else figure.lowest
    if bound == careful and rule[word] == unreachable and not figure.exact:
        yield (
            word,
            (
                "nobody could satisfy it: no sample is so large that the "
                f"{careful} end of its interval is {unreachable:g}."
            ),
        )
    if "correction" in rule:
        if not figure.by_group:
            yield "correction", f"{figure.label} is measured once; there are no several comparisons to correct for."
        elif bound == "value":
            yield "correction", f"a correction widens the interval; decide on {careful}, not on the value."


# Rules against each other


def _against_each_other(body: Body) -> Found:
    seen: dict[tuple, int] = {}
    limits: dict[tuple, tuple[int, str, float]] = {}
    for place, rule in enumerate(body["rules"]):
        what = (*(rule.get(noun) for noun in ("report", "document", "statement", "figure")), rule.get("of"))
        word = next((word for word in (BETTER_HIGH, BETTER_LOW) if word in rule), "")
        first, other, limit = limits.setdefault(what, (place, word, rule.get(word, 0.0)))
        if word and other and word != other:
            low, high = (rule[word], limit) if word == BETTER_HIGH else (limit, rule[word])
            yield (
                ("rules", place, word),
                f"Rule {place + 1} asks for {word.replace('_', ' ')} {rule[word]:g} and rule {first + 1} for "
                f"{other.replace('_', ' ')} {limit:g} of the same figure"
                + ("; nothing is both." if low > high else "; more cannot be both better and worse."),
            )
            continue
        asked = (*what, rule.get("bound", "value") if rule.get("figure") else None)
        if asked in seen:
            yield ("rules", place), f"Rule {place + 1} asks the same as rule {seen[asked] + 1}; keep the stricter one."
        seen.setdefault(asked, place)


def _families(body: Body) -> Found:
    corrections: dict[str, tuple[int, str | None]] = {}
    for place, rule in enumerate(body["rules"]):
        if not (family := rule.get("family")):
            continue
        first, other = corrections.setdefault(family, (place, rule.get("correction")))
        if "correction" not in rule:
            yield (
                ("rules", place, "family"),
                f"Rule {place + 1} is of the family {family} but corrects nothing; add `correction:`.",
            )
        elif other and rule["correction"] != other:
            yield (
                ("rules", place, "correction"),
                f"Rule {place + 1} and rule {first + 1} are one family and must be corrected the same way.",
            )


# The people


def _signers(body: Body, eligible: dict[str, int] | None) -> Found:
    seen: dict[str, int] = {}
    wanted: dict[str, int] = {}
    for place, signer in enumerate(body["signers"]):
        path: Path = ("signers", place)
        if signer["meaning"] in seen:
            first = seen[signer["meaning"]] + 1
            yield (
                (*path, "meaning"),
                f"Signer {place + 1} means the same as signer {first}; raise that one's count instead.",
            )
        seen.setdefault(signer["meaning"], place)
        role = signer["role"]
        wanted[role] = wanted.get(role, 0) + signer.get("count", 1)
        if eligible is not None and wanted[role] > eligible.get(role, 0) >= wanted[role] - signer.get("count", 1):
            yield path, _too_few(role, sum(s.get("count", 1) for s in body["signers"] if s["role"] == role), eligible)


def _too_few(role: str, wanted: int, eligible: dict[str, int]) -> str:
    there = eligible.get(role, 0)
    return (
        f"Nobody could satisfy it: it asks for {wanted} different {role}s, and this organization has "
        f"{there or 'none'}; invite more, or ask for fewer."
    )


# The projects


def _applicability(body: Body) -> Found:
    yes, no = (body.get("applies_to", {}).get(word, []) for word in ("answered_yes", "answered_no"))
    where: Path = ("applies_to",)
    if "applies_to" in body and not (yes or no):
        yield where, "“applies_to” names no answer; leave it out, so that the policy is for every project of its class."
    for place, flag in enumerate(no):
        if flag in yes:
            yield (*where, "answered_no", place), f"No project answers “{flag}” both yes and no."
    for place, flag in enumerate(yes):
        if flag == FORBIDDEN:
            yield (
                (*where, "answered_yes", place),
                "Nobody could satisfy it: what Article 5 forbids cannot be a project here.",
            )
        elif (needs := BY_NAME[flag].needs) and needs in no:
            yield (*where, "answered_yes", place), f"No project answers “{flag}” yes and “{needs}” no."
    least = _least_class(set(yes), set(no))
    if least and ORDER.index(least) > ORDER.index(body["risk_class"]):
        yield (
            where,
            (f"No {body['risk_class']}-risk project gives these answers: they make its class at least {least.value}."),
        )


def _least_class(yes: set[str], no: set[str]):
    """The least class that projects with these answers have, or None where no answers are asked for."""
    if not yes:
        return None
    told = set(yes)
    while more := {BY_NAME[flag].needs for flag in told if BY_NAME[flag].needs} - told:
        told |= more
    spared = {"narrow_task"} if "annex_iii" in told and "narrow_task" not in no else set()
    return risk_class({flag: flag in told | spared for flag in FLAGS})


# How long


def _validity(body: Body) -> Found:
    longest = LONGEST_VALID[body["risk_class"]]
    if body["valid_days"] > longest:
        yield ("valid_days",), f"A sign-off of a {body['risk_class']}-risk model stands for {longest} days at most."
