"""decide.py decides a policy as the portal does: two programs, one rule, whatever a policy and a report may hold."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.approvals.gates.decide import Evidence, decide, overall
from apps.approvals.gates.policy import Policy
from apps.approvals.queries.papers import as_gates as papers
from apps.approvals.queries.waivers import as_gates as waivers
from tests.bundles import make

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
MODEL = "a" * 64
FIGURES = {
    "performance": ("accuracy", "log_loss"),
    "fairness": ("demographic_parity_ratio", "equal_opportunity_difference"),
}
SAID = ("recomputed by the portal", "recomputed", "submitted from outside", "submitted", "declared", "hearsay", "")

number = st.floats(-0.5, 2).map(lambda x: round(x, 2)) | st.sampled_from([0.0, 1.0, 1e-13, 2e6])
anything = number | st.sampled_from([None, "0.9", True, float("nan"), float("inf")])
ends = st.lists(number, min_size=3, max_size=3).map(sorted).map(lambda three: dict(zip(ENDS, three, strict=True)))
ENDS = ("low", "value", "high")
clear = st.sampled_from([0.55, 0.55, 0.2, 0.97]).map(lambda v: {"low": v - 0.05, "value": v, "high": v + 0.05})
odd = st.fixed_dictionaries(dict.fromkeys(ENDS, anything))
sizes = st.fixed_dictionaries({"n": st.sampled_from([None, 0, 597]), "smallest_group": st.sampled_from([None, 10, 60])})
sizes_often_good = st.sampled_from([60] * 5 + [10, None]).map(lambda group: {"n": 597, "smallest_group": group})
line = st.sampled_from([0.495, 0.605, 0.495, 0.605, 0.1, 0.9, 0.0, 2e6])  # some so near that only a correction tells


@st.composite
def rule(draw):
    """Any rule that the schema lets through; more often one about a figure."""
    noun = draw(st.sampled_from(["report"] * 6 + ["document", "statement"]))
    if noun != "report":
        kinds = {"document": ["model_card"], "statement": ["intended_purpose", "impact_assessment-dpia"]}
        return {noun: draw(st.sampled_from(kinds[noun])), **draw(more({"waivable": st.booleans()}))}
    kind = draw(st.sampled_from(sorted(FIGURES)))
    told = {"report": kind} | draw(more({
        "max_age_days": st.sampled_from([1, 30]), "waivable": st.booleans(),
        "provenance": st.sampled_from(["recomputed", "submitted", "declared"]),
    }))  # fmt: skip
    if draw(st.integers(0, 5)) == 0:
        return told
    told |= {
        "figure": draw(st.sampled_from(FIGURES[kind])),
        "bound": draw(st.sampled_from(["value", *["lower", "upper"] * 2])),
    }
    told |= {draw(st.sampled_from(["at_least", "at_most"])): draw(line)}
    told |= draw(more({"minimum_group_size": st.just(20), "of": st.sampled_from(["*", "* & *", "race", "sex"])}))
    if told["bound"] != "value" and draw(st.integers(0, 3)):
        told |= {"correction": draw(st.sampled_from(["holm", "bonferroni"]))}
        told |= draw(more({"family": st.sampled_from(["one", "two"])})) | {"of": draw(st.sampled_from("*** ")).strip()}
    return told


def more(optional):
    return st.fixed_dictionaries({}, optional=optional)


def twice(kind):
    """A figure given a second time."""
    return st.tuples(st.sampled_from(FIGURES[kind]), st.sampled_from(["race", "sex"])).map(lambda what: [what])


@st.composite
def report(draw, kind):
    """One report, of some age and provenance, perhaps about other bytes."""
    wanted = st.sampled_from(["", "race", "sex", "race & sex", "sex & race"])
    one = st.tuples(st.sampled_from(FIGURES[kind]), wanted, ends | odd, sizes_often_good | sizes)
    found = draw(st.lists(one, max_size=8))
    if draw(st.integers(0, 3)):  # all that is asked for, and sound
        whole = [(name, of) for name in FIGURES[kind] for of in ("", "race", "sex")] + draw(st.just([]) | twice(kind))
        found = [(*what, draw(clear), draw(sizes_often_good)) for what in whole]
    result = {"figures": [{"name": name, "of": of} | e | n for name, of, e, n in found], "provenance": draw(said)}
    if draw(st.integers(0, 9)) == 0:
        result["inputs"] = {"artifact": "b" * 64}
    finished = NOW - draw(st.sampled_from([timedelta(0), timedelta(days=1), timedelta(days=30, seconds=1)]))
    return {"kind": kind, "digest": kind * 2, "finished_at": finished.isoformat()}, result


said = st.sampled_from([SAID[0]] * 6 + list(SAID))
paper = st.fixed_dictionaries({
    "kind": st.sampled_from(["model_card", "intended_purpose", "impact_assessment"]),
    "subtype": st.sampled_from(["", "DPIA"]),
    "digest": st.sampled_from("cd"), "valid_until": st.sampled_from([None, "2026-11-21", "2026-11-22"]),
})  # fmt: skip


@st.composite
def case(draw):
    """(dossier as far as it is decided on, results by kind)."""
    body = {
        "name": "p",
        "risk_class": "high",
        "valid_days": 9,
        "signers": [{"role": "reviewer", "meaning": "approved"}],
    }
    body["rules"] = draw(st.lists(rule(), min_size=1, max_size=6))
    body |= draw(more({"provenance": st.sampled_from(["recomputed", "submitted", "declared"])}))
    found = [draw(report(kind)) for kind in sorted(FIGURES) if draw(st.integers(0, 9))]
    waived = [{"rule": place, "waiver": 70 + place, "ends_at": "2026-12-01T08:00:00.000001Z"}
              for place in range(1, len(body["rules"]) + 1) if draw(st.integers(0, 4)) == 0]  # fmt: skip
    dossier = {
        "policy_body": body, "asked": {"at": NOW.isoformat()}, "model": {"artifact_digest": MODEL},
        "sensitive": draw(st.sampled_from([["race", "sex"], ["race", "sex"], ["race"], []])), "waivers": waived,
        "evidence": [told for told, _ in found], "papers": draw(st.lists(paper, max_size=3)),
    }  # fmt: skip
    return dossier, {told["kind"]: result for told, result in found}


def by_the_portal(dossier, results):
    """As `queries.dossiers.gates` asks it, and as the dossier would state it."""
    evidence = [
        Evidence(one["kind"], results[one["kind"]], one["digest"], datetime.fromisoformat(one["finished_at"]),
                 "other bytes" if results[one["kind"]].get("inputs") else "")
        for one in dossier["evidence"]
    ]  # fmt: skip
    return decide(
        Policy.from_json(dossier["policy_body"]), evidence, attributes=dossier["sensitive"], now=NOW,
        papers=papers(dossier["papers"]), waivers=waivers(dossier["waivers"]),
    )  # fmt: skip


def compared(dossier, results) -> list[dict]:
    """What both say, which is the same."""
    portal = by_the_portal(dossier, results)
    theirs = [outcome.to_json() for outcome in portal]
    ours = make.decider().decided(dossier, results)
    assert [one["verdict"] for one in ours] == [one["verdict"] for one in theirs]
    for one, other in zip(ours, theirs, strict=True):
        for word in one:
            assert make.decider().same(one[word], other[word]), (word, one, other)
    assert make.decider().overall(ours) == overall(portal)
    return ours


SEEN = set()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(case())
def agree(dossier_and_results):
    SEEN.update((one["verdict"], bool(one.get("correction"))) for one in compared(*dossier_and_results))


def test_it_decides_as_the_portal_does():
    agree()
    corrected = {(verdict, True) for verdict in ("pass", "fail", "inconclusive")}
    assert corrected <= SEEN  # else the cases were too easy
    assert {"pass", "fail", "inconclusive", "missing", "stale", "waived"} == {verdict for verdict, _ in SEEN}


@pytest.mark.parametrize("how", ["holm", "bonferroni", None])
@pytest.mark.parametrize("name", FIGURES["fairness"])
def test_they_agree_where_only_the_correction_tells(name, how):
    """Two figures just clear of the line or just short of it, one of them perhaps given twice or on a small group."""
    told = set()
    lines = (0.45, 0.495, 0.605, 0.65)
    for word, line, other, group in product(("at_least", "at_most"), lines, (0.55, 0.97), (60, 10)):
        rule = {"report": "fairness", "figure": name, "of": "*", "bound": "lower", word: line, "minimum_group_size": 20}
        body = {"name": "p", "risk_class": "high", "valid_days": 9, "signers": [], "rules": [rule]}
        rule |= {"correction": how} if how else {}
        values = [("race", 0.55), ("sex", other), ("sex", 0.55)]
        figures = [{"name": name, "of": of, "value": value, "low": value - 0.05, "high": value + 0.05, "n": 597,
                    "smallest_group": group if of == "race" else 60} for of, value in values]  # fmt: skip
        dossier = {
            "policy_body": body, "asked": {"at": NOW.isoformat()}, "model": {"artifact_digest": MODEL}, "waivers": [],
            "sensitive": ["race", "sex"], "papers": [],
            "evidence": [{"kind": "fairness", "digest": "f", "finished_at": NOW.isoformat()}],
        }  # fmt: skip
        told |= {one["verdict"] for one in compared(dossier, {"fairness": {"figures": figures, "provenance": SAID[0]}})}
    assert told == {"pass", "fail", "inconclusive"}
