"""Each verdict with everything that is told about it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from apps.approvals.gates import corrections
from apps.approvals.gates.decide.asking import Asked
from apps.approvals.gates.decide.judging import judge, objection_to
from apps.approvals.gates.decide.outcomes import Outcome, Paper, Verdict, Waiver, is_current, number
from apps.approvals.gates.kinds import DECLARED, DOCUMENTS, RECOMPUTED
from apps.approvals.gates.policy import Rule, said


def decided(one: Asked, shared: corrections.Judgement | None) -> Iterator[Outcome]:
    if one.objection:
        yield outcome_of(one, one.objection)
    for figure in () if one.objection else one.figures:
        yield outcome_of(one, judge(one.rule, figure, shared), measured=figure, shared=shared)


def outcome_of(
    one: Asked,
    judgement: tuple[Verdict, str],
    *,
    measured: Mapping[str, Any] | None = None,
    shared: corrections.Judgement | None = None,
) -> Outcome:
    (verdict, why), rule, report = judgement, one.rule, one.found
    of = one.names[0]
    numbers: dict[str, Any] = {
        key: number((measured or {}).get(key)) for key in ("value", "low", "high", "n", "smallest_group")
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
    if not shared or measured is None or objection_to(rule, measured):
        return {}
    value, low, high = (float(measured[key]) for key in ("value", "low", "high"))
    ends = corrections.widened(rule, value, low, high, shared.k)
    wide = dict(zip(("corrected_low", "corrected_high"), map(number, ends), strict=True))
    return wide | {"correction": rule.correction, "comparisons": shared.k, "level": corrections.level(shared.k)}


def on_paper(place: int, rule: Rule, paper: Paper | None, now: datetime) -> Outcome:
    words = said(rule.noun, rule.kind)
    verdict, why = Verdict.PASS, "It is there and current."
    if paper is None:
        verdict, why = Verdict.MISSING, f"No {words} of this model is there."
    elif not is_current(paper, now):
        verdict, why = Verdict.STALE, f"It was valid until {paper.valid_until:%-d %B %Y}."
    return Outcome(
        place=place, rule=rule.sentence(), fine_print=rule.fine_print, verdict=verdict.value, why=why, report="",
        evidence=words, report_digest=paper.digest if paper else None,
        provenance=None if paper is None else RECOMPUTED if paper.kind in DOCUMENTS else DECLARED,
    )  # fmt: skip


def waived(outcome: Outcome, instead: Mapping[int, Waiver]) -> Outcome:
    """A waiver takes the place of a rule that does not pass; one that passes needs none."""
    waiver = instead.get(outcome.place)
    if waiver is None or outcome.verdict == Verdict.PASS:
        return outcome
    return replace(
        outcome, verdict=Verdict.WAIVED.value, instead_of=outcome.verdict, waiver=waiver.waiver,
        waived_until=waiver.until.isoformat(),
        why=f"Waived until {waiver.until:%-d %B %Y} (waiver {waiver.waiver}). Without it: {outcome.why}",
    )  # fmt: skip
