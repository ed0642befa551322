"""Whether what is there satisfies a clause: present and current, missing, stale, waived, or not due yet.

Evidence is present and current when it is final, its digest is known, it is bound to the very model version and data
under review, its time has not run out and nothing supersedes it. That says nothing of how good it is."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from apps.common.canonical import digest
from apps.controls.catalogue import GATES, KINDS, Control
from apps.controls.rules.applicability import Applies


class Provenance(StrEnum):
    RECOMPUTED = "recomputed"  # by the portal, from registered bytes or its own record
    SUBMITTED = "submitted"  # computed elsewhere, sent in
    DECLARED = "declared"  # a person's word


class Has(StrEnum):
    """What there is of one kind of evidence."""

    CURRENT = "current"
    STALE = "stale"
    MISSING = "missing"


class State(StrEnum):
    MISSING = "missing"
    STALE = "stale"
    UNANSWERED = "unanswered"
    WAIVED = "waived"
    LATER = "not yet due"
    SATISFIED = "satisfied"
    NOT_APPLICABLE = "not applicable"


STATES = tuple(State)  # the gravest first
GAPS = (State.MISSING, State.STALE)
GROWING = ("audit_log",)
NEVER_WAIVED = (  # the screen for what is forbidden; the age of a bias audit; what people are to be told
    "AIA-05", "LL144-AUDIT-1Y", "LL144-NOTICE", "LL144-ALT", "AIA-26-INFO",
)  # fmt: skip
DRILLED = ("AIA-14-STOP", "RMF-MG-2.4")  # clauses that ask whether the stop was tried
SUBTYPES = {  # clauses that one kind of impact assessment answers, and no other
    **dict.fromkeys(("AIA-09-RMS", "AIA-09-RES", "AIA-09-VULN"), "risk"),
    "AIA-27": "FRIA",
    **dict.fromkeys(("GDPR-35-1", "GDPR-35-7", "GDPR-35-2", "GDPR-35-11", "GDPR-36"), "DPIA"),
}


@dataclass(frozen=True)
class Item:
    """One piece of evidence, as exact bytes that a digest names."""

    kind: str
    name: str
    digest: str
    provenance: Provenance
    at: dt.datetime
    url: str = ""
    why_not_current: str = ""
    valid_until: dt.date | None = None
    subtype: str = ""  # of an impact assessment: risk, FRIA or DPIA
    drill_gap: str = ""  # of a deployment: that its stop was not tried in time


@dataclass(frozen=True)
class Holding:
    """What there is of one kind for a model version, and what of it is lacking."""

    kind: str
    items: tuple[Item, ...] = ()
    lacking: tuple[str, ...] = ()  # sentences; evidence of a kind may be needed several times

    @property
    def state(self) -> Has:
        if not self.items or self.lacking:
            return Has.MISSING
        return Has.STALE if any(item.why_not_current for item in self.items) else Has.CURRENT

    @property
    def name(self) -> str:
        return KINDS[self.kind]

    @property
    def gap(self) -> str:
        """What is wrong with it, as a sentence; nothing where it is present and current."""
        if self.state == Has.MISSING:
            return self.lacking[0] if self.lacking else f"There is no {self.name}."
        stale = [item.why_not_current for item in self.items if item.why_not_current]
        return stale[0] if stale else ""


@dataclass(frozen=True)
class Waiver:
    """Somebody took it upon themselves that evidence of a kind need not be there until a day."""

    owner: str
    reason: str
    until: dt.date
    url: str = ""


@dataclass(frozen=True)
class Judgement:
    """A reviewer's word on whether the evidence is good enough, under exactly this evidence."""

    adequate: bool
    reason: str
    by: str
    at: dt.datetime
    evidence_digest: str


@dataclass(frozen=True)
class Clause:
    """One control of the catalogue, looked at for one project and model version."""

    control: Control
    state: State
    why: str
    holdings: tuple[Holding, ...] = ()
    due_at: dt.date | None = None
    waiver: Waiver | None = None
    judgement: Judgement | None = None  # on exactly the evidence of now
    fallen: Judgement | None = None  # on evidence that has changed since
    unanswered: tuple[str, ...] = field(default=())

    @property
    def evidence_digest(self) -> str:
        return evidence_digest(self.holdings)

    @property
    def gaps(self) -> list[tuple[Holding, str]]:
        """(kind, sentence) of each kind that is not present and current."""
        return [(holding, holding.gap) for holding in self.holdings if holding.state != Has.CURRENT]

    @property
    def due(self) -> str:
        return GATES[self.control.due]


def evidence_digest(holdings) -> str:
    """One digest for the evidence of a clause: it changes when any item comes, goes or becomes another.

    The audit log grows with every deed, this judgement included; that it only grows, its checkpoints prove."""
    bound = [holding for holding in holdings if holding.kind not in GROWING]
    return digest({holding.kind: sorted(item.digest for item in holding.items) for holding in bound})


def clause(
    control: Control,
    relevant: Applies,
    holdings: Mapping[str, Holding],
    *,
    reached: int,
    today: dt.date,
    waivers: Mapping[str, Waiver] | None = None,
    judged: Judgement | None = None,
) -> Clause:
    """How a clause stands. `reached`: the number of the gate that comes next, or was passed last; `waivers`: by the
    kind of evidence that need not be there for now."""
    if relevant.answer is False:
        return Clause(control, State.NOT_APPLICABLE, relevant.why)
    found = tuple(_asked(control, holdings.get(kind, Holding(kind))) for kind in control.evidence)
    same = judged is not None and judged.evidence_digest == evidence_digest(found)
    waiver = _waiver(control, found, waivers or {})
    state, why, due_at = _state(control, relevant, found, reached=reached, today=today, waiver=waiver)
    return Clause(
        control,
        state,
        why,
        found,
        due_at,
        waiver,
        judgement=judged if same else None,
        fallen=None if same else judged,
        unanswered=relevant.unanswered,
    )


def _waiver(control: Control, found, waivers: Mapping[str, Waiver]) -> Waiver | None:
    """The waiver that ends first, of those that together cover every gap; None where a gap is left uncovered."""
    gaps = {holding.kind for holding in found if holding.state != Has.CURRENT}
    if not gaps or control.id in NEVER_WAIVED or not gaps <= set(waivers):
        return None
    return min((waivers[kind] for kind in gaps), key=lambda waiver: waiver.until)


def _asked(control: Control, holding: Holding) -> Holding:
    """What of a kind the clause asks for: of impact assessments, the one it names; of a deployment, that its stop was
    tried."""
    if control.id in DRILLED and holding.kind == "deployment_record":
        tried = (replace(item, why_not_current=item.why_not_current or item.drill_gap) for item in holding.items)
        return replace(holding, items=tuple(tried))
    subtype = SUBTYPES.get(control.id)
    if holding.kind != "impact_assessment" or subtype is None:
        return holding
    its = tuple(item for item in holding.items if item.subtype == subtype)
    return Holding(holding.kind, its, () if its else (f"There is no impact assessment of the kind “{subtype}”.",))


def _state(control, relevant, found, *, reached, today, waiver) -> tuple[State, str, dt.date | None]:
    if relevant.answer is None:
        return State.UNANSWERED, relevant.why, None
    states = [holding.state for holding in found]
    if all(state == Has.CURRENT for state in states):
        ends = [item.valid_until for holding in found for item in holding.items if item.valid_until]
        return State.SATISFIED, "Every kind of evidence it asks for is present and current.", min(ends, default=None)
    gap = next(holding.gap for holding in found if holding.state != Has.CURRENT)
    if waiver is not None:
        return State.WAIVED, f"Waived by {waiver.owner}: {waiver.reason}", waiver.until
    if control.applies_from and control.applies_from > today:
        return State.LATER, f"The law asks for it from {control.applies_from:%-d %B %Y}. {gap}", control.applies_from
    if control.gate > reached:
        return State.LATER, f"It must hold {GATES[control.due]}. {gap}", None
    if Has.MISSING in states:
        missing = next(holding.gap for holding in found if holding.state == Has.MISSING)
        return State.MISSING, missing, today
    return State.STALE, gap, today


def reached(*, has_data: bool, has_version: bool, signed: bool, deployed: bool, retired: bool) -> int:
    """The number of the gate that a project's model comes to next, or has come to last: what it asks is due."""
    gates = list(GATES)
    if retired:
        return gates.index("retirement")
    if deployed:
        return gates.index("operation")
    if signed:
        return gates.index("deployment")
    if has_version:
        return gates.index("approval")
    return gates.index("data" if has_data else "registration")
