"""A policy, once it is read: plain values, and the words for them."""

from dataclasses import dataclass
from typing import Any

from apps.approvals.gates.kinds import DECLARED, DOCUMENTS, PROVENANCE_WORDS, STATEMENTS
from apps.common.canonical import digest
from apps.reports.figures import BETTER_HIGH, BETTER_LOW, EACH, EACH_PAIR, REPORTS

_DECIDED_ON = {
    "value": "decided on the measured value",
    "lower": "decided on the lower end of the 95 % interval",
    "upper": "decided on the upper end of the 95 % interval",
}
_CORRECTED = {"holm": "Holm’s", "bonferroni": "Bonferroni’s"}
NEVER_WAIVED = ("bias_audit",)  # the law lets nobody off its age (NYC LL144); the database holds the same list
NEEDED: dict[str, dict[str, Any]] = {
    "report": REPORTS,
    "document": DOCUMENTS,
    "statement": STATEMENTS,
}  # noun -> its kinds


@dataclass(frozen=True)
class Rule:
    """What must be present and current; where it names a figure, what that must reach."""

    report: str = ""  # one of the three nouns has a kind, the others are empty
    max_age_days: int | None = None
    figure: str | None = None
    of: str = ""  # "" the whole model, "*" each sensitive attribute, "* & *" each pair, or one attribute's name
    bound: str = "value"
    at_least: float | None = None
    at_most: float | None = None
    minimum_group_size: int | None = None
    correction: str | None = None  # for several comparisons: holm or bonferroni
    family: str = ""  # the rules of one family share their comparisons; a rule without one counts its own
    provenance: str | None = None  # None: what the policy says
    waivable: bool = True
    why: str = ""
    document: str = ""
    statement: str = ""

    @property
    def noun(self) -> str:
        """report, document or statement."""
        return next(noun for noun in NEEDED if getattr(self, noun))

    @property
    def kind(self) -> str:
        return getattr(self, self.noun)

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
            words = said(self.noun, self.kind)
            return f"{'An' if words[0] in 'aeiou' else 'A'} {words} is present and current{age}"
        words = "at least" if self.direction == BETTER_HIGH else "at most"
        return f"{REPORTS[self.report][self.figure].label}{_by(of or self.of)} is {words} {self.threshold:g}"

    @property
    def fine_print(self) -> str:
        parts = []
        if self.figure is not None:
            parts.append(_DECIDED_ON[self.bound])
        if self.minimum_group_size:
            parts.append(f"groups of at least {self.minimum_group_size}")
        if self.correction is not None:
            over = f" over the family {self.family}" if self.family else ""
            parts.append(f"widened by {_CORRECTED[self.correction]} correction for several comparisons{over}")
        if self.provenance and self.provenance != DECLARED:
            parts.append(PROVENANCE_WORDS[self.provenance])
        if not self.waivable:
            parts.append("never waived")
        return ", ".join(parts)


def said(noun: str, kind: str) -> str:
    """(report, fairness) -> fairness report; (statement, monitoring_plan) -> monitoring plan."""
    return f"{kind} report" if noun == "report" else NEEDED[noun][kind]


@dataclass(frozen=True)
class Signer:
    role: str
    meaning: str
    count: int = 1


@dataclass(frozen=True)
class Conditions:
    """A sign-off may be given on conditions: at most so many, each due within so many days."""

    at_most: int = 5
    due_days: int = 90


@dataclass(frozen=True)
class Policy:
    name: str
    risk_class: str
    valid_days: int
    rules: tuple[Rule, ...]
    signers: tuple[Signer, ...]
    summary: str = ""
    answered_yes: tuple[str, ...] = ()  # what a project must have answered so that the policy applies to it
    answered_no: tuple[str, ...] = ()
    order: str = "parallel"  # or "sequence": the signers one after the other, as listed
    deadline_days: int | None = None  # after it was asked for
    on_deadline: str = "remind"  # or "return": the request is sent back by itself
    conditions: Conditions | None = None  # None: nobody signs on conditions
    measured_by_others: bool = False  # who asked for its reports does not sign

    @property
    def signatures_needed(self) -> int:
        return sum(signer.count for signer in self.signers)

    @property
    def flags(self) -> int:
        """How closely it says what it is for."""
        return len(self.answered_yes) + len(self.answered_no)

    def applies_to(self, answers: dict[str, Any]) -> bool:
        """Whether a project with these signed answers is one it was written for. An answer not given fits nothing."""
        return all(answers.get(flag) is True for flag in self.answered_yes) and all(
            answers.get(flag) is False for flag in self.answered_no
        )

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> "Policy":
        """From a body that was checked when it was published. What a rule leaves unsaid, the policy says for it."""
        own = {word: body[word] for word in body.keys() & cls.__dataclass_fields__.keys()}
        applies = body.get("applies_to", {})
        own |= {flags: tuple(applies.get(flags, ())) for flags in ("answered_yes", "answered_no")}
        if "conditions" in body:
            own["conditions"] = Conditions(**body["conditions"])
        unsaid = {"provenance": body["provenance"]} if "provenance" in body else {}
        own["rules"] = tuple(_rule(rule, unsaid) for rule in body["rules"])
        own["signers"] = tuple(Signer(**signer) for signer in body["signers"])
        return cls(**own)


def _rule(rule: dict[str, Any], unsaid: dict[str, Any]) -> Rule:
    said = {**unsaid, **rule} if "report" in rule else rule
    return Rule(**(said | {"waivable": False} if rule.get("document") in NEVER_WAIVED else said))


def policy_digest(body: dict[str, Any]) -> str:
    """What two policies share exactly when they say the same: the digest of the body, not of the text around it."""
    return digest(body)


def _by(of: str) -> str:
    return {"": "", EACH: " by each sensitive attribute", EACH_PAIR: " by each pair of sensitive attributes"}.get(
        of, f" by {of}"
    )
