"""Each rule of a policy against what was measured. Only what is there, counts and clears its line passes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import combinations, permutations
from math import isfinite
from typing import Any

from apps.approvals.gates import corrections
from apps.approvals.gates.figures import BETTER_HIGH, EACH, EACH_PAIR, REPORTS
from apps.approvals.gates.kinds import DECLARED, DOCUMENTS, PROVENANCE, PROVENANCE_WORDS, RECOMPUTED
from apps.approvals.gates.policy import Policy, Rule, said


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105  a verdict
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    MISSING = "missing"
    STALE = "stale"
    WAIVED = "waived"


# What a reader must know first, when several things are wrong.
_WORST_FIRST = (Verdict.FAIL, Verdict.MISSING, Verdict.STALE, Verdict.INCONCLUSIVE, Verdict.WAIVED)
OPEN = (Verdict.PASS, Verdict.WAIVED)  # the verdicts under which a dossier may be signed


@dataclass(frozen=True)
class Evidence:
    """One finished report. `outdated` says why it no longer speaks about this model, or is empty."""

    kind: str
    result: Mapping[str, Any]
    digest: str
    finished_at: datetime
    outdated: str = ""

    @property
    def provenance(self) -> str:
        """What the report says of itself, as one of three classes; whatever else it says counts as declared."""
        words = str(self.result.get("provenance", ""))
        return next((name for name in PROVENANCE if words in (name, PROVENANCE_WORDS[name])), DECLARED)


@dataclass(frozen=True)
class Paper:
    """A document the portal rendered, or a statement somebody made."""

    kind: str
    name: str = ""
    digest: str = ""
    valid_until: datetime | None = None


@dataclass(frozen=True)
class Waiver:
    """What takes the place of one rule, for a time."""

    place: int
    waiver: int
    until: datetime


@dataclass(frozen=True)
class Outcome:
    """One rule, or one attribute of a rule, decided. `place` counts the policy's rules from 1."""

    place: int
    rule: str
    fine_print: str
    verdict: str
    why: str
    report: str
    evidence: str = ""  # in words: fairness report, model card
    provenance: str | None = None
    figure: str | None = None
    of: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    smallest_group: int | None = None
    threshold: float | None = None
    direction: str | None = None
    report_digest: str | None = None
    correction: str | None = None
    comparisons: int | None = None  # of the rule, or of its family
    level: float | None = None  # in percent, of the interval it was decided on where that was corrected
    corrected_low: float | None = None
    corrected_high: float | None = None
    waiver: int | None = None
    waived_until: str | None = None
    instead_of: str | None = None  # the verdict that was waived

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class _Asked:
    """One thing a rule asks for, with what was found for it."""

    place: int
    rule: Rule
    names: tuple[str, ...]  # under which a report may hold it
    found: Evidence | None
    objection: tuple[Verdict, str] | None
    figures: tuple[Mapping[str, Any], ...] = field(default=())
    comparisons: int = 1


def decide(
    policy: Policy,
    evidence: Iterable[Evidence],
    *,
    attributes: Sequence[str],
    now: datetime,
    papers: Iterable[Paper] = (),
    waivers: Iterable[Waiver] = (),
) -> tuple[Outcome, ...]:
    """Every rule of `policy`, in order. `attributes` are the sensitive attributes the data declares: a rule about
    each of them asks for each of them, whatever a report happens to hold. `waivers` are those in force."""
    reports: dict[str, Evidence] = {}
    for report in sorted(evidence, key=lambda report: (not report.outdated, report.finished_at)):
        reports[report.kind] = report  # the newest that is current; failing that, the newest
    filed = {paper.kind: paper for paper in sorted(papers, key=lambda paper: (_current(paper, now), paper.digest))}
    asked = [
        one
        for place, rule in enumerate(policy.rules, start=1)
        if rule.noun == "report"
        for one in _asked(place, rule, reports.get(rule.report), attributes, now)
    ]
    shared = _shared(asked)
    outcomes = [outcome for number, one in enumerate(asked) for outcome in _decided(one, shared.get(number))]
    outcomes += [
        _on_paper(place, rule, filed.get(rule.kind), now)
        for place, rule in enumerate(policy.rules, start=1)
        if rule.noun != "report"
    ]
    instead = {waiver.place: waiver for waiver in waivers if policy.rules[waiver.place - 1].waivable}
    return tuple(_waived(outcome, instead) for outcome in sorted(outcomes, key=lambda outcome: outcome.place))


def overall(outcomes: Sequence[Outcome]) -> Verdict:
    """Pass when there is something to pass and all of it did; else the worst that was found. Waived is not passed."""
    found = {outcome.verdict for outcome in outcomes}
    if found == {Verdict.PASS}:
        return Verdict.PASS
    return next((verdict for verdict in _WORST_FIRST if verdict in found), Verdict.MISSING)


# What is asked


def _asked(
    place: int, rule: Rule, report: Evidence | None, attributes: Sequence[str], now: datetime
) -> Iterator[_Asked]:
    unusable = _unusable(rule, report, now)
    named = list(_names(rule, attributes))
    if report is None or unusable or rule.figure is None or not named:
        whole = unusable or (
            (Verdict.PASS, _presence(report)) if rule.figure is None else (Verdict.MISSING, _NOTHING_DECLARED[rule.of])
        )
        yield _Asked(place, rule, (rule.of,), report, whole, comparisons=len(named))
        return
    for names in named:
        figures = tuple(_figures(report, rule, names))
        absent = None if figures else (Verdict.MISSING, _absent(rule, names[0]))
        yield _Asked(place, rule, names, report, absent, figures)


def _names(rule: Rule, attributes: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The names under which a report may hold what the rule asks for; one entry for each thing asked."""
    if rule.of == EACH:
        yield from ((name,) for name in attributes)
    elif rule.of == EACH_PAIR:
        yield from (tuple(" & ".join(order) for order in permutations(pair)) for pair in combinations(attributes, 2))
    else:
        yield (rule.of,)


def _figures(report: Evidence, rule: Rule, names: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    for figure in report.result.get("figures", ()):
        if figure.get("name") == rule.figure and figure.get("of") in names:
            yield figure


def _absent(rule: Rule, of: str) -> str:
    label = REPORTS[rule.report][rule.figure or ""].label
    return f"The report holds no {label} of {of}." if of else f"The report holds no {label}."


def _presence(report: Evidence | None) -> str:
    """A rule that asks for a report does not judge it; a reader should know how the report judged itself."""
    own = report.result.get("verdict") if report else None
    return "It is finished and speaks about exactly this model." + (f" Its own verdict: {own}." if own else "")


_NOTHING_DECLARED = {
    EACH: "The data declares no sensitive attribute, so nothing could be measured by group.",
    EACH_PAIR: "The data declares fewer than two sensitive attributes, so there is no pair to measure.",
}


def _unusable(rule: Rule, report: Evidence | None, now: datetime) -> tuple[Verdict, str] | None:
    if report is None:
        return Verdict.MISSING, f"No {rule.report} report of this model is finished; start one."
    if report.outdated:
        return Verdict.STALE, report.outdated
    if rule.max_age_days is not None and now - report.finished_at > timedelta(days=rule.max_age_days):
        return (
            Verdict.STALE,
            f"It was finished on {report.finished_at:%-d %B %Y}, more than {rule.max_age_days} days ago.",
        )
    if rule.provenance and PROVENANCE.index(report.provenance) > PROVENANCE.index(rule.provenance):
        return Verdict.MISSING, (
            f"The {rule.report} report is {PROVENANCE_WORDS[report.provenance]}; this rule counts only figures "
            f"{PROVENANCE_WORDS[rule.provenance]}."
        )
    return None


# What is decided


def _decided(one: _Asked, shared: corrections.Judgement | None) -> Iterator[Outcome]:
    if one.objection:
        yield _outcome(one, one.objection)
    for figure in () if one.objection else one.figures:
        yield _outcome(one, _judge(one.rule, figure, shared), measured=figure, shared=shared)


def _shared(asked: Sequence[_Asked]) -> dict[int, corrections.Judgement]:
    """The number of each comparison that is corrected for -> its judgement among all of its rule or family."""
    families: dict[tuple[str, str], list[int]] = {}
    for number, one in enumerate(asked):
        if one.rule.correction:
            family = (one.rule.correction, one.rule.family or f"rule {one.place}")
            families.setdefault(family, []).extend([number] * one.comparisons)
    return {
        number: judgement
        for (correction, _), members in families.items()
        for number, judgement in zip(
            members, corrections.judge(correction, [_reach(asked[number]) for number in members]), strict=True
        )
    }


def _reach(one: _Asked) -> corrections.Reach:
    """The least of all that was found for it: a figure given twice must pass twice."""
    if one.objection:
        return corrections.UNKNOWN
    reaches = [_reach_of(one.rule, figure) for figure in one.figures]
    return corrections.Reach(min(r.good for r in reaches), min(r.bad for r in reaches))


def _reach_of(rule: Rule, figure: Mapping[str, Any]) -> corrections.Reach:
    if _objection(rule, figure):
        return corrections.UNKNOWN
    value, low, high = (_number(figure.get(key)) for key in ("value", "low", "high"))
    assert value is not None and low is not None and high is not None, "else there was an objection"
    return corrections.reach(rule, value, low, high) or corrections.UNKNOWN


def _judge(rule: Rule, figure: Mapping[str, Any], shared: corrections.Judgement | None) -> tuple[Verdict, str]:
    """The verdict on one measured figure. Whatever was not measured, or on too little, is inconclusive."""
    if objection := _objection(rule, figure):
        return Verdict.INCONCLUSIVE, objection
    value, low, high = (_number(figure.get(key)) for key in ("value", "low", "high"))
    assert value is not None, "else there was an objection"
    if rule.bound == "value":
        return _on_value(rule, value)
    assert low is not None and high is not None, "else there was an objection"
    if shared:
        return _on_corrected(rule, value, low, high, shared)
    return _on_interval(rule, low, high)


def _objection(rule: Rule, figure: Mapping[str, Any]) -> str:
    """Why a figure says nothing about its rule, or nothing."""
    value, low, high = (_number(figure.get(key)) for key in ("value", "low", "high"))
    if value is None:
        return figure.get("note") or "The report gives no value for it."
    if (_number(figure.get("n")) or 0) < 1:
        return "The report does not say on how many rows it was measured."
    if objection := _group_objection(rule, figure):
        return objection
    if rule.bound == "value":
        return ""
    if low is None or high is None:
        return "The report gives no interval, and this rule is decided on its end."
    if not low <= value <= high:
        return f"The interval {low:.3g} to {high:.3g} does not hold its own value {value:.3g}."
    if rule.correction and corrections.reach(rule, value, low, high) is None:
        return f"The interval {low:.3g} to {high:.3g} cannot be widened for several comparisons."
    return ""


def _group_objection(rule: Rule, figure: Mapping[str, Any]) -> str:
    if rule.minimum_group_size is None:
        return ""
    smallest = _number(figure.get("smallest_group"))
    if smallest is None:
        return "The report does not say how large the smallest group is."
    if smallest < rule.minimum_group_size:
        return f"The smallest group has {smallest:g} rows; the rule asks for at least {rule.minimum_group_size}."
    return ""


def _on_value(rule: Rule, value: float) -> tuple[Verdict, str]:
    if _clears(rule, value):
        return Verdict.PASS, f"{value:.3g} clears {rule.threshold:g}."
    return Verdict.FAIL, f"{value:.3g} does not clear {rule.threshold:g}."


def _on_interval(rule: Rule, low: float, high: float, what: str = "interval") -> tuple[Verdict, str]:
    """Pass when the whole interval clears the threshold, fail when none of it does."""
    cautious, hopeful = (low, high) if rule.direction == BETTER_HIGH else (high, low)
    if _clears(rule, cautious):
        return Verdict.PASS, f"The whole {what}, {low:.3g} to {high:.3g}, clears {rule.threshold:g}."
    if _clears(rule, hopeful):
        return Verdict.INCONCLUSIVE, (
            f"The {what}, {low:.3g} to {high:.3g}, reaches across {rule.threshold:g}: too few rows to tell."
        )
    return Verdict.FAIL, f"None of the {what}, {low:.3g} to {high:.3g}, clears {rule.threshold:g}."


def _on_corrected(
    rule: Rule, value: float, low: float, high: float, shared: corrections.Judgement
) -> tuple[Verdict, str]:
    verdict = {"good": Verdict.PASS, "bad": Verdict.FAIL}.get(shared.side, Verdict.INCONCLUSIVE)
    low, high = corrections.widened(rule, value, low, high, shared.k)
    alone, why = _on_interval(rule, low, high, f"interval at {corrections.level(shared.k):g} %")
    if verdict == Verdict.INCONCLUSIVE and alone != verdict:
        return verdict, "By Holm’s order a comparison before it is undecided, so this one is too."
    return verdict, why


def _clears(rule: Rule, number: float) -> bool:
    return number >= rule.threshold if rule.direction == BETTER_HIGH else number <= rule.threshold


def _number(value: Any) -> float | None:
    """A finite number, or None for everything else (nothing, text, true, NaN, infinity)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return value


# What is said


def _outcome(
    one: _Asked,
    judgement: tuple[Verdict, str],
    *,
    measured: Mapping[str, Any] | None = None,
    shared: corrections.Judgement | None = None,
) -> Outcome:
    (verdict, why), rule, report = judgement, one.rule, one.found
    of = one.names[0]
    numbers: dict[str, Any] = {
        key: _number((measured or {}).get(key)) for key in ("value", "low", "high", "n", "smallest_group")
    }
    return Outcome(
        place=one.place, rule=rule.sentence(of), fine_print=rule.fine_print, verdict=verdict.value, why=why,
        report=rule.report, evidence=said(rule.noun, rule.kind), provenance=report.provenance if report else None,
        figure=rule.figure, of=of, **numbers,
        threshold=rule.threshold if rule.figure else None, direction=rule.direction if rule.figure else None,
        report_digest=report.digest if report else None,
        **_correction(rule, measured, shared),
    )  # fmt: skip


def _correction(rule: Rule, measured: Mapping[str, Any] | None, shared: corrections.Judgement | None) -> dict[str, Any]:
    if not shared or measured is None or _objection(rule, measured):
        return {}
    value, low, high = (float(measured[key]) for key in ("value", "low", "high"))
    ends = corrections.widened(rule, value, low, high, shared.k)
    wide = dict(zip(("corrected_low", "corrected_high"), map(_number, ends), strict=True))
    return wide | {"correction": rule.correction, "comparisons": shared.k, "level": corrections.level(shared.k)}


def _on_paper(place: int, rule: Rule, paper: Paper | None, now: datetime) -> Outcome:
    words = said(rule.noun, rule.kind)
    verdict, why = Verdict.PASS, "It is there and current."
    if paper is None:
        verdict, why = Verdict.MISSING, f"No {words} of this model is there."
    elif not _current(paper, now):
        verdict, why = Verdict.STALE, f"It was valid until {paper.valid_until:%-d %B %Y}."
    return Outcome(
        place=place, rule=rule.sentence(), fine_print=rule.fine_print, verdict=verdict.value, why=why, report="",
        evidence=words, report_digest=paper.digest if paper else None,
        provenance=None if paper is None else RECOMPUTED if paper.kind in DOCUMENTS else DECLARED,
    )  # fmt: skip


def _current(paper: Paper, now: datetime) -> bool:
    return paper.valid_until is None or paper.valid_until > now


def _waived(outcome: Outcome, instead: Mapping[int, Waiver]) -> Outcome:
    """A waiver takes the place of a rule that does not pass; one that passes needs none."""
    waiver = instead.get(outcome.place)
    if waiver is None or outcome.verdict == Verdict.PASS:
        return outcome
    return replace(
        outcome, verdict=Verdict.WAIVED.value, instead_of=outcome.verdict, waiver=waiver.waiver,
        waived_until=waiver.until.isoformat(),
        why=f"Waived until {waiver.until:%-d %B %Y} (waiver {waiver.waiver}). Without it: {outcome.why}",
    )  # fmt: skip
