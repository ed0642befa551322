"""A policy's own test cases: made-up evidence, and the verdict its author expects of it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.approvals.gates.decide import Evidence, Outcome, Paper, Verdict, Waiver, decide, overall
from apps.approvals.gates.kinds import RECOMPUTED
from apps.approvals.gates.lines import Path
from apps.approvals.gates.policy import Policy

NOW = datetime(2026, 1, 1, tzinfo=UTC)  # evidence has an age; the day itself changes nothing
ROWS = 1000  # where a figure of a test does not say on how many rows


def failures(policy: Policy, tests: Sequence[dict[str, Any]]) -> Iterator[tuple[Path, str]]:
    """(where, sentence) for each test that does not come out as it says."""
    for place, test in enumerate(tests):
        path: Path = ("tests", place)
        absent = [number for number in (*test.get("waived", ()), *_ruled(test)) if number > len(policy.rules)]
        if absent:
            yield path, f"Test {place + 1} speaks of rule {absent[0]}; the policy has {len(policy.rules)}."
            continue
        outcomes = tried(policy, test)
        found = overall(outcomes)
        if found != test["expect"]:
            yield (
                (*path, "expect"),
                f"Test {place + 1}, “{test['name']}”: {test['expect']} is expected, and it is {found.value}"
                f"{_because(outcomes)}",
            )
        for number, wanted in enumerate(test.get("rules", ())):
            yield from _of_rule(place, number, wanted, outcomes)


def tried(policy: Policy, test: dict[str, Any]) -> tuple[Outcome, ...]:
    """Every rule on the test's evidence."""
    given = test.get("evidence", ())
    return decide(
        policy,
        [_report(one) for one in given if "report" in one],
        attributes=test.get("sensitive", ()),
        now=NOW,
        papers=[Paper(one.get("document") or one["statement"]) for one in given if "report" not in one],
        waivers=[Waiver(place, 1, NOW + timedelta(days=1)) for place in test.get("waived", ())],
    )


def _report(given: dict[str, Any]) -> Evidence:
    figures = [
        {"n": ROWS, "smallest_group": ROWS, "of": "", **one, "name": one["figure"]} for one in given.get("figures", ())
    ]
    result = {"figures": figures, "provenance": given.get("provenance", RECOMPUTED)}
    return Evidence(given["report"], result, "0" * 64, NOW - timedelta(days=given.get("age_days", 0)))


def _of_rule(
    place: int, number: int, wanted: dict[str, Any], outcomes: Sequence[Outcome]
) -> Iterator[tuple[Path, str]]:
    mine = [
        outcome
        for outcome in outcomes
        if outcome.place == wanted["rule"] and wanted.get("of", outcome.of) == outcome.of
    ]
    found = overall(mine)
    if found != wanted["expect"]:
        yield (
            ("tests", place, "rules", number),
            f"Test {place + 1}: rule {wanted['rule']} is expected to be {wanted['expect']}, and it is {found.value}"
            f"{_because(mine)}",
        )


def _ruled(test: dict[str, Any]) -> list[int]:
    return [one["rule"] for one in test.get("rules", ())]


def _because(outcomes: Sequence[Outcome]) -> str:
    shut = [outcome for outcome in outcomes if outcome.verdict != Verdict.PASS]
    if not shut:
        return "."
    first = shut[0]
    return f": rule {first.place}, {first.rule}: {first.verdict}. {first.why}"
