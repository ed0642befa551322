"""A sign-off with everything that is judged about it, and the answer it gives."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from apps.approvals.gates.decide import OPEN
from apps.approvals.gates.policy import Policy, Rule
from apps.approvals.gates.reading import why_not_check
from apps.approvals.gates.schema import MEANINGS
from apps.approvals.models import Approval, Breach, Consequence, Delegation, Fulfilment, Signature, State, Suspension


@dataclass(frozen=True)
class Place:
    """One of the policy's signers: a role and a meaning, for one name or several."""

    number: int  # from 1, in the policy's order
    role: str
    meaning: str
    wanted: int
    given: tuple[Signature, ...]
    turn: bool  # whether those before it have given their verdicts, where they are asked in order

    @property
    def full(self) -> bool:
        return len(self.given) >= self.wanted

    @property
    def words(self) -> str:
        return MEANINGS[self.meaning]

    @property
    def free(self) -> range:
        return range(self.wanted - len(self.given))


@dataclass(frozen=True)
class Evidence:
    """One thing under the dossier that is there to be read."""

    kind: str
    name: str
    digest: str
    url: str  # its page
    rest: str  # its address over REST, under the organization's
    demanded: bool  # whether the policy rests on it, so that it must be opened before signing
    opened_at: datetime | None  # by the viewer, since the request


@dataclass(frozen=True)
class Conflict:
    """What keeps a person from deciding: a deed of their own, or of somebody joined with them by a delegation."""

    own: bool
    name: str
    deed: str

    def __str__(self):
        deeds = listed(self.deed.split(" and "))
        if self.own:
            return f"You {deeds}; somebody who had no hand in it must sign."
        return f"A delegation joins you with {self.name}, who {deeds}; you count as one. Somebody else must sign."


@dataclass(frozen=True)
class Condition:
    """One condition under which a sign-off was given, and how it stands."""

    signature: Signature
    number: int
    text: str
    owner: int | None  # the membership that answers for it; None: a figure is checked
    owner_name: str
    due_at: datetime
    consequence: str
    check: dict[str, Any] | None
    met: bool
    overdue: bool
    fulfilment: Fulfilment | None

    @property
    def fells(self) -> bool:
        return self.overdue and self.consequence != Consequence.ESCALATE

    @property
    def words(self) -> str:
        return Consequence(self.consequence).label

    @property
    def asks(self) -> str:
        """What the portal checks, in words; empty where somebody answers for it."""
        if not self.check or why_not_check(self.check):  # as an older portal took it
            return ""
        rule = Rule(**self.check)
        return f"{rule.sentence()}, {rule.fine_print}"

    @property
    def status(self) -> str:
        if self.met:
            return "met"
        return "overdue" if self.overdue else "to be confirmed" if self.fulfilment else "open"

    @property
    def sentence(self) -> str:
        return f"The condition “{self.text}” was due on {day(self.due_at)} and is not met."


@dataclass(frozen=True)
class Case:
    """A sign-off with everything that is judged about it, read at one moment."""

    approval: Approval
    dossier: dict[str, Any]
    policy: Policy
    signatures: tuple[Signature, ...]
    hands: dict[int, str]  # a person's id -> what they did to the model
    newcomers: frozenset[int]  # memberships that came, or changed their role, after it was asked for
    changes: tuple[str, ...]  # what moved since the dossier was frozen, in sentences
    now: datetime
    reading: tuple["Evidence", ...] = ()  # what is to be read, as the viewer has read it since the request
    conflict: "Conflict | None" = None  # what keeps the viewer from deciding
    delegation: Delegation | None = None  # the one by which the viewer may sign in another's place
    conditions: tuple["Condition", ...] = ()
    suspension: Suspension | None = None  # the one in force
    breaches: tuple[Breach, ...] = ()  # what was out of bounds in operation since; it falls for good
    lapsed: bool = False  # its deadline is over, and the policy sends it back then

    @property
    def outcomes(self) -> list[dict[str, Any]]:
        """The gates as they stood when the dossier was frozen: that is what is signed."""
        return self.dossier["gates"]["outcomes"]

    @property
    def measured(self) -> frozenset[str]:
        """The kinds of report it rests on."""
        return frozenset(report["kind"] for report in self.dossier["evidence"])

    @property
    def in_order(self) -> bool:
        """Whether the policy's signers are asked one after the other; otherwise all at once."""
        return self.dossier["policy_body"].get("order") == "sequence"

    @property
    def places(self) -> list["Place"]:
        """Every signer the policy asks for, in its order, with the verdicts that fill the place."""
        places: list[Place] = []
        for number, signer in enumerate(self.policy.signers, start=1):
            given = tuple(signature for signature in self.signatures if signature.place == number)
            turn = not self.in_order or all(before.full for before in places)
            places.append(Place(number, signer.role, signer.meaning, signer.count, given, turn))
        return places

    @property
    def open_places(self) -> list["Place"]:
        """Those that wait for a verdict now."""
        return [place for place in self.places if place.turn and not place.full]

    @property
    def open_meanings(self) -> list[str]:
        """The meanings that may be signed now."""
        return list(dict.fromkeys(place.meaning for place in self.open_places))

    @property
    def missing(self) -> int:
        """How many verdicts the policy still waits for."""
        return sum(place.wanted - len(place.given) for place in self.places if not place.full)

    @property
    def refusal_ends_it(self) -> bool:
        """Whether sending back or rejecting now would decide at once: nobody else is left to give a verdict, nobody
        could approve any more, or the policy asks one after the other."""
        shut = self.dossier["gates"]["verdict"] not in OPEN or bool(self.changes)
        return shut or self.in_order or self.missing <= 1

    @property
    def policy_meanings(self) -> list[str]:
        return [signer.meaning for signer in self.policy.signers]

    @property
    def sealed(self) -> bool:
        """Whether verdicts are kept from those who have yet to give their own: until it is decided, from everybody."""
        return self.approval.state == State.OPEN

    def seen_by(self, viewer) -> tuple[Signature, ...]:
        """The verdicts a person may read: all of a sign-off that is decided, their own of one that is not."""
        return tuple(
            signature
            for signature in self.signatures
            if not self.sealed or (viewer is not None and signature.signer.user_id == viewer.user_id)
        )

    @property
    def refusal(self) -> Signature | None:
        """The signature that sent it back or rejected it; none while it is sealed."""
        if self.sealed:
            return None
        return next((signature for signature in self.signatures if signature.decision != "sign"), None)

    @property
    def unread(self) -> list[Evidence]:
        """What the policy rests on and the viewer has not opened since the request."""
        return [evidence for evidence in self.reading if evidence.demanded and evidence.opened_at is None]

    @property
    def aged(self) -> tuple[str, ...]:
        """Reports that were young enough when the dossier was frozen, and no longer are."""
        limits = {rule.report: rule.max_age_days for rule in self.policy.rules if rule.max_age_days}
        return tuple(
            f"The {report['kind']} report is more than {limits[report['kind']]} days old."
            for report in self.dossier["evidence"]
            if report["kind"] in limits
            and self.now - datetime.fromisoformat(report["finished_at"]) > timedelta(days=limits[report["kind"]])
        )

    @property
    def expired(self) -> bool:
        return self.approval.valid_until is not None and self.approval.valid_until <= self.now

    @property
    def stands(self) -> bool:
        """Whether a deployment may rest on it now. Computed, never kept: nobody can forget to take it away."""
        return self.approval.state == State.APPROVED and not (
            self.expired or self.changes or self.unmet or self.suspension
        )

    @property
    def fallen(self) -> bool:
        """Whether it was given and stands no more, whatever becomes of a suspension."""
        return self.approval.state == State.APPROVED and bool(self.expired or self.changes)

    @property
    def unmet(self) -> tuple[str, ...]:
        """The overdue conditions that take the sign-off down, in sentences."""
        return tuple(condition.sentence for condition in self.conditions if condition.fells)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it does not stand."""
        held = (self.held_up,) if self.suspension and self.approval.state == State.APPROVED else ()
        return () if self.stands else (answer(self), *held, *self.changes, *self.unmet)

    @property
    def held_up(self) -> str:
        """Since when and why it is suspended, in a sentence; a record keeps it, so it names nobody."""
        assert self.suspension, "asked only of what is suspended"
        what = "for a drill " if self.suspension.drill else ""
        on = day(self.suspension.suspended_at)
        reason = self.suspension.reason.strip()
        return f"It was suspended {what}on {on}: {reason}{'' if reason.endswith(('.', '!', '?')) else '.'}"

    @property
    def status(self) -> str:
        """One word for the stamp."""
        if self.approval.state == State.APPROVED:
            fallen = "expired" if self.expired else "stale" if self.changes or self.unmet else "suspended"
            return "approved" if self.stands else fallen
        if self.approval.state == State.OPEN and self.changes:
            return "stale"
        return self.approval.state


def answer(case: Case) -> str:
    """The first sentence of the page: may it go live?"""
    approval = case.approval
    if approval.state == State.APPROVED:
        if case.stands:
            return (
                f"Yes, until {day(approval.valid_until)}{_under(case.conditions)}, unless anything it covers changes."
            )
        if case.expired:
            return "No longer: it was signed, and its time is over."
        if case.breaches:
            return "No longer: it was signed, and in operation a required figure is out of bounds."
        if case.changes:
            return "No longer: it was signed, and then something it covers changed."
        if case.unmet:
            return "No longer: it was signed on a condition that was not met in time."
        return "Not now: it is suspended, until two people let it stand again."
    if approval.state == State.OPEN:
        return _not_yet(case)
    return {
        State.RETURNED: "No: a reviewer sent it back. It may be asked for again once it is better.",
        State.REJECTED: "No: a reviewer rejected it, finally.",
        State.WITHDRAWN: "No: the request was withdrawn.",
        State.REVOKED: "No: the sign-off was revoked, finally.",
    }[State(approval.state)]


def _under(conditions: tuple[Condition, ...]) -> str:
    """On how many conditions, and how many of them are still to be met."""
    if not conditions:
        return ""
    number = "one condition" if len(conditions) == 1 else f"{len(conditions)} conditions"
    unmet = sum(not condition.met for condition in conditions)
    return f", on {number} ({f'{unmet} still to be met' if unmet else 'met'})"


def listed(words: list[str]) -> str:
    """“a, b and c”."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _not_yet(case: Case) -> str:
    if case.breaches:
        return "Not like this: in operation a required figure is out of bounds."
    if case.changes:
        return "Not like this: something it covers changed after it was asked for."
    shut = [outcome["verdict"] for outcome in case.outcomes if outcome["verdict"] not in OPEN]
    if shut:
        found = ", ".join(f"{shut.count(verdict)} {verdict}" for verdict in dict.fromkeys(shut))
        return f"Not yet: of {len(case.outcomes)} rules, {found}. It cannot be signed like this."
    waived = sum(outcome["verdict"] == "waived" for outcome in case.outcomes)
    passes = "every rule passes" + (f" but {waived} that {'are' if waived > 1 else 'is'} waived" if waived else "")
    return f"Not yet: {passes}, and {case.missing} signature{'s are' if case.missing > 1 else ' is'} open."


def day(at: datetime | None) -> str:
    return f"{at:%-d %B %Y}"
