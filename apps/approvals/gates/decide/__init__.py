"""Each rule of a policy against what was measured. Only what is there, counts and clears its line passes."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from apps.approvals.gates.decide.asking import asked_of
from apps.approvals.gates.decide.comparing import shared_by
from apps.approvals.gates.decide.outcomes import OPEN, Evidence, Outcome, Paper, Verdict, Waiver, is_current, overall
from apps.approvals.gates.decide.telling import decided, on_paper, waived
from apps.approvals.gates.policy import Policy

__all__ = ["OPEN", "Evidence", "Outcome", "Paper", "Verdict", "Waiver", "decide", "overall"]


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
    filed = {paper.kind: paper for paper in sorted(papers, key=lambda paper: (is_current(paper, now), paper.digest))}
    asked = [
        one
        for place, rule in enumerate(policy.rules, start=1)
        if rule.noun == "report"
        for one in asked_of(place, rule, reports.get(rule.report), attributes, now)
    ]
    shared = shared_by(asked)
    outcomes = [outcome for number, one in enumerate(asked) for outcome in decided(one, shared.get(number))]
    outcomes += [
        on_paper(place, rule, filed.get(rule.kind), now)
        for place, rule in enumerate(policy.rules, start=1)
        if rule.noun != "report"
    ]
    instead = {waiver.place: waiver for waiver in waivers if policy.rules[waiver.place - 1].waivable}
    return tuple(waived(outcome, instead) for outcome in sorted(outcomes, key=lambda outcome: outcome.place))
