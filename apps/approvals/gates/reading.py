"""From YAML to a policy, or every reason why a text is not one."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from apps.approvals.gates import contradictions, lines, trials
from apps.approvals.gates.policy import Policy
from apps.approvals.gates.schema import CHECK, POLICY
from apps.reports.figures import EACH, EACH_PAIR

_ONE_OF = {
    "rules": "rule",
    "signers": "signer",
    "tests": "test",
    "evidence": "evidence",
    "figures": "figure",
    "answered_yes": "flag",
    "answered_no": "flag",
    "sensitive": "attribute",
    "waived": "rule number",
}
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
    "boolean": "true or false",
}
_BELONGS = {
    "figure": "names no figure; add `figure:`",
    "report": "names no report; only a report’s figures have that",
    "deadline_days": "says not when; add `deadline_days:`",
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


def parse(text: str, eligible: dict[str, int] | None = None) -> tuple[Policy, dict[str, Any]]:
    """The policy a YAML text states, and its body as plain JSON values. Raises NotAPolicy with every problem found.

    `eligible` tells how many people of each role could sign; with it, a policy that nobody could satisfy is refused.
    The policy's own tests are run; one that does not come out as it says is a problem like any other."""
    try:
        body, where = lines.read(text)
    except lines.YamlProblem as problem:
        raise NotAPolicy([Problem(problem.line, str(problem))]) from problem
    problems = [p for error in Draft202012Validator(POLICY).iter_errors(body) for p in _explain(error, where)]
    problems = problems or list(_said(contradictions.found(body, eligible), where))
    problems = problems or list(_said(trials.failures(Policy.from_json(body), body.get("tests", ())), where))
    if problems:
        raise NotAPolicy(sorted(set(problems), key=lambda problem: (problem.line, problem.sentence)))
    return Policy.from_json(body), body


def why_not_check(check: dict[str, Any]) -> str | None:
    """Against a condition asking this of a figure: the first thing wrong with it, in a sentence."""
    nowhere: dict[lines.Path, int] = defaultdict(int)
    for error in Draft202012Validator(CHECK).iter_errors(check):
        return next(_explain(error, nowhere, "The check")).sentence
    if check.get("of") in (EACH, EACH_PAIR):
        return f"The check’s “of” is “{check['of']}”; name one sensitive attribute."
    return next((f"The check: {sentence}" for _, sentence in contradictions.of_rule(check)), None)


def _said(found, where: dict[lines.Path, int]) -> Iterator[Problem]:
    """(path, sentence) as problems: on the line of the path, or of the nearest thing around it that was written."""
    for path, sentence in found:
        written = next(path[:end] for end in range(len(path), -1, -1) if path[:end] in where)
        yield Problem(where[written], sentence)


def _explain(error: ValidationError, where: dict[lines.Path, int], whole: str = "The policy") -> Iterator[Problem]:
    """What the schema found, said in sentences."""
    path, given, wanted = tuple(error.absolute_path), error.instance, error.validator_value
    place, line = _place(path, whole), where[path]
    match error.validator:
        case "additionalProperties":
            known = list(error.schema["properties"])
            for unknown in given.keys() - known:
                yield Problem(where[(*path, unknown)], f"{place} knows no “{unknown}”. {_choices(unknown, known)}")
        case "required":
            for absent in (name for name in wanted if name not in given):
                yield Problem(line, f"{place} says nothing about “{absent}”; add it.")
        case "anyOf":
            yield Problem(line, f"{place} says nothing about “report”, “document” or “statement”; add one of them.")
        case "dependentRequired":
            for word in (word for word, needs in wanted.items() if word in given and needs[0] not in given):
                yield Problem(where[(*path, word)], f"{place} says “{word}” but {_BELONGS[wanted[word][0]]}.")
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


def _place(path: lines.Path, whole: str) -> str:
    """("rules", 1, "bound") -> Rule 2, “bound”."""
    if not path:
        return whole
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
