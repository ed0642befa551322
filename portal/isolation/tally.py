"""What was tried and what came of it: nothing is left out, neither what was not tried nor why."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field


@dataclass
class Tally:
    """`object` says whose: "own", or how another's was named (in the address, as an id, in the body, …)."""

    doors: dict[tuple[str, str, str], dict[str, Counter]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Counter))
    )
    others: list[dict] = field(default_factory=list)  # tables, tasks, files: {"what", "where", "tried", "came"}
    findings: list[dict] = field(default_factory=list)
    untried: list[dict] = field(default_factory=list)
    responses: int = 0
    asked: int = 0  # attempts on what is another's
    leaked: int = 0

    def answered(self, address, verb: str, *, thing: str, who: str, status: int) -> None:
        self.doors[str(address), verb, thing][who][str(status)] += 1
        self.responses += 1
        self.asked += thing != "own"

    def tried(self, where: str, what: str, came: str, *, wrong: str = "") -> None:
        """One attempt that is no request; `wrong` says what it should not have found."""
        self.others.append({"where": where, "what": what, "came": came})
        self.asked += 1
        if wrong:
            self.found(where, what, wrong)

    def found(self, where, what: str, says: str, *, who: str = "", thing: str = "") -> None:
        """A hole."""
        self.leaked += 1
        self.findings.append({"where": str(where), "what": what, "who": who, "object": thing, "says": says})

    def broken(self, where, says: str) -> None:
        """What makes the trial prove nothing there: it counts as a finding, not as a hole."""
        self.findings.append({"where": str(where), "what": "control", "who": "", "object": "own", "says": says})

    def not_tried(self, where, what: str, why: str) -> None:
        self.untried.append({"where": str(where), "what": what, "why": why})

    def told(self) -> dict:
        doors = [
            {"address": address, "verb": verb, "object": thing, "answers": {who: dict(n) for who, n in answers.items()}}
            for (address, verb, thing), answers in sorted(self.doors.items())
        ]
        return {
            "verdict": "fail" if self.findings else "pass",
            "counts": {
                "asked": self.asked,
                "refused": self.asked - self.leaked,
                "leaked": self.leaked,
                "responses": self.responses,
            },
            "findings": self.findings,
            "untried": self.untried,
            "doors": doors,
            "others": self.others,
        }
