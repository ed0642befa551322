"""A policy: what it says once it is read, and every reason why a text is not one."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from apps.approvals.gates import lines
from apps.approvals.gates.figures import BETTER_HIGH, BETTER_LOW, EACH, EACH_PAIR, REPORTS, Figure
from apps.approvals.gates.schema import POLICY
from apps.common.canonical import digest

_DECIDED_ON = {
    "value": "decided on the measured value",
    "lower": "decided on the lower end of the 95 % interval",
    "upper": "decided on the upper end of the 95 % interval",
}
_ONE_OF = {"rules": "rule", "signers": "signer"}
_LIMITS = {
    "minimum": "{given:g}; it must be at least {wanted:,}",
    "maximum": "{given:g}; it must be at most {wanted:,}",
    "minItems": "empty; write at least one",
    "minLength": "empty; write at least one",
    "maxItems": "too long: at most {wanted:,}",
    "maxLength": "too long: at most {wanted:,}",
}
_KINDS = {
    "object": "a group of names and values",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
}


@dataclass(frozen=True)
class Problem:
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.sentence}"


class NotAPolicy(ValueError):
    """The text cannot be published; `.problems` says where and why, in the order of the lines."""

    def __init__(self, problems: list[Problem]):
        super().__init__(" ".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True)
class Rule:
    report: str
    max_age_days: int | None = None
    figure: str | None = None
    of: str = ""  # "" the whole model, "*" each sensitive attribute, "* & *" each pair, or one attribute's name
    bound: str = "value"
    at_least: float | None = None
    at_most: float | None = None
    minimum_group_size: int | None = None
    why: str = ""

    @property
    def threshold(self) -> float:
        threshold = self.at_least if self.at_most is None else self.at_most
        if threshold is None:
            raise ValueError("Only a rule about a figure has a threshold.")
        return threshold

    @property
    def direction(self) -> str:
        return BETTER_HIGH if self.at_most is None else BETTER_LOW

    def sentence(self, of: str | None = None) -> str:
        """The rule in words, for all it covers or for one attribute."""
        if self.figure is None:
            age = "" if self.max_age_days is None else f", at most {self.max_age_days} days old"
            article = "An" if self.report[0] in "aeiou" else "A"
            return f"{article} {self.report} report is present and current{age}"
        words = "at least" if self.direction == BETTER_HIGH else "at most"
        return f"{REPORTS[self.report][self.figure].label}{_by(of or self.of)} is {words} {self.threshold:g}"

    @property
    def fine_print(self) -> str:
        if self.figure is None:
            return ""
        size = f", groups of at least {self.minimum_group_size}" if self.minimum_group_size else ""
        return _DECIDED_ON[self.bound] + size


@dataclass(frozen=True)
class Signer:
    role: str
    meaning: str
    count: int = 1


@dataclass(frozen=True)
class Policy:
    name: str
    risk_class: str
    valid_days: int
    rules: tuple[Rule, ...]
    signers: tuple[Signer, ...]
    summary: str = ""

    @property
    def signatures_needed(self) -> int:
        return sum(signer.count for signer in self.signers)

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> "Policy":
        """From a body that was checked when it was published."""
        return cls(
            **{
                **body,
                "rules": tuple(Rule(**rule) for rule in body["rules"]),
                "signers": tuple(Signer(**signer) for signer in body["signers"]),
            }
        )


def parse(text: str) -> tuple[Policy, dict[str, Any]]:
    """The policy a YAML text states, and its body as plain JSON values. Raises NotAPolicy with every problem found."""
    try:
        body, where = lines.read(text)
    except lines.YamlProblem as problem:
        raise NotAPolicy([Problem(problem.line, str(problem))]) from problem
    problems = [p for error in Draft202012Validator(POLICY).iter_errors(body) for p in _explain(error, where)]
    if not problems:
        problems = [*_rule_problems(body, where), *_signer_problems(body, where)]
    if problems:
        raise NotAPolicy(sorted(set(problems), key=lambda problem: (problem.line, problem.sentence)))
    return Policy.from_json(body), body


def policy_digest(body: dict[str, Any]) -> str:
    """What two policies share exactly when they decide alike: the digest of the body, not of the text around it."""
    return digest(body)


def _by(of: str) -> str:
    return {"": "", EACH: " by each sensitive attribute", EACH_PAIR: " by each pair of sensitive attributes"}.get(
        of, f" by {of}"
    )


# What the schema found, said in sentences.


def _explain(error: ValidationError, where: dict[lines.Path, int]) -> Iterator[Problem]:
    path, given, wanted = tuple(error.absolute_path), error.instance, error.validator_value
    place, line = _place(path), where[path]
    match error.validator:
        case "additionalProperties":
            known = list(error.schema["properties"])
            for unknown in given.keys() - known:
                yield Problem(where[(*path, unknown)], f"{place} knows no “{unknown}”. {_choices(unknown, known)}")
        case "required":
            for absent in (name for name in wanted if name not in given):
                yield Problem(line, f"{place} says nothing about “{absent}”; add it.")
        case "dependentRequired":
            for word in given.keys() & wanted.keys():
                yield Problem(where[(*path, word)], f"{place} says “{word}” but names no figure; add `figure:`.")
        case "enum":
            yield Problem(line, f"{place} cannot be “{given}”. {_choices(str(given), wanted)}")
        case "type":
            yield Problem(line, f"{place} must be {_KINDS[wanted]}.")
        case "pattern":
            yield Problem(
                line, f"{place} is “{given}”; write small letters and digits joined by hyphens, as in high-risk."
            )
        case limit if limit in _LIMITS:
            yield Problem(line, f"{place} is {_LIMITS[limit].format(given=given, wanted=wanted)}.")
        case other:
            raise NotImplementedError(f"The schema uses {other!r}, which has no sentence yet.")


def _place(path: lines.Path) -> str:
    """("rules", 1, "bound") -> Rule 2, “bound”."""
    if not path:
        return "The policy"
    words: list[str] = []
    for step in path:
        if isinstance(step, int):
            words[-1] = f"{_ONE_OF[words[-1].strip('“”')]} {step + 1}"
        else:
            words.append(f"“{step}”")
    place = ", ".join(words)
    return place[:1].upper() + place[1:]


def _choices(word: str, known: list[str]) -> str:
    near = get_close_matches(word, known, n=1)
    return f"Did you mean “{near[0]}”?" if near else f"Choose from: {', '.join(known)}."


# What a schema cannot say.


def _rule_problems(body: dict[str, Any], where: dict[lines.Path, int]) -> Iterator[Problem]:
    for place, rule in enumerate(body["rules"]):
        path: lines.Path = ("rules", place)
        if "figure" not in rule:
            continue
        figures = REPORTS[rule["report"]]
        if rule["figure"] not in figures:
            yield Problem(
                where[(*path, "figure")],
                f"Rule {place + 1}: a {rule['report']} report measures no "
                f"“{rule['figure']}”. {_choices(rule['figure'], list(figures))}",
            )
            continue
        for word, sentence in _threshold_problems(rule, figures[rule["figure"]]):
            yield Problem(where.get((*path, word), where[path]), f"Rule {place + 1}: {sentence}")


def _threshold_problems(rule: dict[str, Any], figure: Figure) -> Iterator[tuple[str, str]]:
    """(the word at fault, the sentence), for one rule about one figure."""
    given = [word for word in (BETTER_HIGH, BETTER_LOW) if word in rule]
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
    # The far end of an interval passes the more easily the less was measured.
    careless = "upper" if word == BETTER_HIGH else "lower"
    if rule.get("bound") == careless:
        yield (
            "bound",
            (
                f"with {word}, the {careless} end of an interval would pass because little was measured; "
                f"decide on {'lower' if careless == 'upper' else 'upper'} or value."
            ),
        )
    if figure.by_group and not rule.get("of"):
        yield "figure", f'{figure.label} is measured by group; add `of: "*"` for each sensitive attribute, or name one.'
    if not figure.by_group and "of" in rule:
        yield "of", f"{figure.label} is measured once for the whole model; remove of."


def _signer_problems(body: dict[str, Any], where: dict[lines.Path, int]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for place, signer in enumerate(body["signers"]):
        if signer["meaning"] in seen:
            first = seen[signer["meaning"]] + 1
            yield Problem(
                where[("signers", place, "meaning")],
                f"Signer {place + 1} means the same as signer {first}; raise that one's count instead.",
            )
        seen.setdefault(signer["meaning"], place)
