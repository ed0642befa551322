"""Past decisions once more: under the policy they were judged by, to see that they come out the same, and under
another, to see which would turn. The evidence is what the dossier froze: reports, papers, waivers, attributes."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.approvals.gates.decide import OPEN, Evidence, Outcome, decide, overall
from apps.approvals.gates.policy import Policy
from apps.approvals.models import Approval, PolicyVersion, State
from apps.approvals.queries import papers, waivers
from apps.approvals.queries.approvals import listed_approvals
from apps.reports.models import Report

MOST = 200  # past decisions that a preview looks at, newest first
# What decides. The words around it may be put better one day; these may not come out otherwise.
DECIDED = (
    "place", "verdict", "report", "figure", "of", "value", "low", "high", "n", "smallest_group", "threshold",
    "direction", "report_digest",
)  # fmt: skip


@dataclass(frozen=True)
class Turned:
    """A past decision that would come out otherwise."""

    approval: Approval
    was: str
    now: str
    rules: tuple[dict[str, Any], ...]  # {"rule", "of", "was", "now", "why"} for each that is otherwise, or new

    @property
    def opens(self) -> bool:
        """It could not be signed, and now could."""
        return self.was not in OPEN and self.now in OPEN

    @property
    def shuts(self) -> bool:
        return self.was in OPEN and self.now not in OPEN


@dataclass(frozen=True)
class Preview:
    """`looked_at` past decisions, of which `turned` would come out otherwise; `lost`: evidence is gone."""

    looked_at: int
    turned: tuple[Turned, ...]


def replayed(approval: Approval, policy: Policy | None = None) -> tuple[Outcome, ...]:
    """A past decision on its own frozen evidence; under its own policy, or another."""
    dossier = json.loads(approval.dossier)
    text = policy or Policy.from_json(dossier["policy_body"])
    own = policy is None
    return decide(
        text,
        _evidence(approval, dossier),
        attributes=dossier["sensitive"],
        now=datetime.fromisoformat(dossier["asked"]["at"]),
        papers=papers.as_gates(dossier.get("papers", dossier.get("documents", []))),
        # a waiver is of one version of a policy, so another heeds none
        waivers=waivers.as_gates(dossier.get("waivers", [])) if own else (),
    )


def _evidence(approval: Approval, dossier: dict) -> list[Evidence]:
    digests = [one["digest"] for one in dossier["evidence"]]
    reports = Report.objects.filter(model_version_id=approval.model_version_id, digest__in=digests)
    return [
        Evidence(report.kind, json.loads(report.result), report.digest, report.finished_at, _outdated(report, dossier))
        for report in reports
    ]


def _outdated(report: Report, dossier: dict) -> str:
    measured = report.inputs.get("artifact", dossier["model"]["artifact_digest"])
    return "" if measured == dossier["model"]["artifact_digest"] else f"It measured other bytes, {measured[:12]}."


def differences(approval: Approval) -> list[str]:
    """What comes out otherwise when a decision is judged once more under its own policy; it should be nothing."""
    told = json.loads(approval.dossier)["gates"]
    outcomes = replayed(approval)
    found, verdict = [outcome.to_json() for outcome in outcomes], overall(outcomes).value
    said = [] if verdict == told["verdict"] else [f"All together: {told['verdict']}, now {verdict}."]
    if len(found) != len(told["outcomes"]):
        return [*said, f"There were {len(told['outcomes'])} answers, now there are {len(found)}."]
    for was, now in zip(told["outcomes"], found, strict=True):
        said += [
            f"Rule {was['place']}, {word.replace('_', ' ')}: was {was[word]}, is now {now[word]}."
            for word in DECIDED
            if word in was and was[word] != now[word]
        ]
    return said


def preview(policy: Policy, *, viewer) -> Preview:
    """Which past decisions of the organization would turn under this policy, newest first, and by which rules."""
    past = (
        listed_approvals(viewer=viewer)
        .defer(None)
        .filter(project__risk_class=policy.risk_class)
        .exclude(state=State.WITHDRAWN)[:MOST]
    )
    fitting = [approval for approval in past if policy.applies_to(json.loads(approval.dossier)["project"]["answers"])]
    turned = (_turned(approval, policy) for approval in fitting)
    return Preview(len(fitting), tuple(one for one in turned if one))


def _turned(approval: Approval, policy: Policy) -> Turned | None:
    told = json.loads(approval.dossier)["gates"]
    outcomes = replayed(approval, policy)
    now = overall(outcomes).value
    if (told["verdict"] in OPEN) == (now in OPEN):
        return None
    before = {_about(was): was["verdict"] for was in told["outcomes"]}
    rules = tuple(
        {"rule": one["rule"], "of": one["of"], "was": before.get(_about(one)), "now": one["verdict"], "why": one["why"]}
        for one in (outcome.to_json() for outcome in outcomes)
        if before.get(_about(one)) != one["verdict"] and not (one["verdict"] == "pass" and _about(one) not in before)
    )
    after = {_about(outcome.to_json()) for outcome in outcomes}
    gone = tuple(
        {"rule": was["rule"], "of": was["of"], "was": was["verdict"], "now": None, "why": "The draft does not ask it."}
        for was in told["outcomes"]
        if _about(was) not in after and was["verdict"] not in OPEN
    )
    return Turned(approval, told["verdict"], now, (*rules, *gone))


def _about(outcome: dict[str, Any]) -> tuple:
    """What an answer is about, whichever policy asked: the figure and whose, and whether a value or an end decided."""
    bound = outcome["fine_print"].split(",")[0]
    paper = "" if outcome["report"] else outcome.get("evidence")
    return outcome["report"], paper, outcome["figure"], outcome["of"], bound


def replays(version: PolicyVersion, *, viewer) -> list[tuple[Approval, list[str]]]:
    """Every decision judged by a policy version, judged by it once more: (decision, what comes out otherwise)."""
    past = listed_approvals(viewer=viewer).defer(None).filter(policy_version=version)[:MOST]
    return [(approval, differences(approval)) for approval in past]
