"""Truth tables: which clauses concern a project, how evidence satisfies one, how long things are kept."""

import datetime as dt

import pytest

from apps.controls.catalogue import GATES, controls, frameworks
from apps.controls.rules import (
    Applies,
    Has,
    Holding,
    Item,
    Judgement,
    Provenance,
    State,
    Waiver,
    applies,
    clause,
    evidence_digest,
    flags,
    reached,
)
from apps.controls.rules.coverage import NEVER_WAIVED
from apps.controls.rules.facts import problems
from apps.controls.rules.retention import applicable, effective
from apps.controls.rules.retention import problems as schedule_problems
from tests.projects.make import LENDING, answers

TODAY = dt.date(2026, 11, 22)
LATER = dt.date(2027, 12, 2)
NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
HIRING = answers(
    "annex_iii", "workplace_use", "aedt_nyc", "person_affecting_decision", "personal_data", "role_deployer"
)


def relevant(given: dict, risk="high", **stated) -> dict[str, bool | None]:
    known = flags(given, stated)
    return {name: applies(control, risk, known).answer for name, control in controls().items()}


@pytest.mark.parametrize(
    ("given", "risk", "stated", "control", "expected"),
    [
        (LENDING, "high", {}, "AIA-09-RMS", True),
        (answers("annex_iii"), "high", {}, "AIA-09-RMS", False),  # no provider
        ({}, "high", {}, "AIA-09-RMS", None),  # nobody answered
        (LENDING, "limited", {}, "AIA-09-RMS", False),  # for high risk alone
        (LENDING, "high", {}, "AIA-05", True),
        ({}, "high", {}, "AIA-05", True),  # reads no flag
        (LENDING, "high", {}, "AIA-04A", True),
        (answers("personal_data"), "limited", {}, "AIA-04A", False),
        (LENDING, "high", {}, "MRM-DEF", True),
        (answers(), "minimal", {}, "MRM-DEF", False),
        (LENDING, "high", {}, "MRM-VEND", False),  # bank_model yes, third_party_component no
        (answers("bank_model", "bank_material", "third_party_component"), "high", {}, "MRM-VEND", True),
        ({"bank_model": False}, "high", {}, "MRM-VEND", False),  # one no settles it, whatever is unknown
        ({"bank_model": True}, "high", {}, "MRM-VEND", None),
    ],
)
def test_which_clause_applies(given, risk, stated, control, expected):
    assert relevant(given, risk, **stated)[control] is expected


@pytest.mark.parametrize(
    ("given", "stated", "flag", "expected"),
    [
        (LENDING, {}, "serious_incident", None),
        (LENDING, {"serious_incident": False}, "serious_incident", False),
        (LENDING, {"serious_incident": True}, "serious_incident", True),
        (LENDING, {}, "aedt_scores", False),  # no employment tool: not asked
        (HIRING, {}, "aedt_scores", None),
        ({}, {}, "aedt_scores", None),  # whether it is one, nobody said
        (answers(), {}, "personal_data_breach", False),
        (LENDING, {}, "personal_data_breach", None),
        (answers(), {"personal_data_breach": True}, "personal_data_breach", False),  # an answer that was overtaken
    ],
)
def test_what_nobody_answered_is_never_a_no(given, stated, flag, expected):
    assert flags(given, stated)[flag] is expected


def test_lending_meets_no_employment_law_and_hiring_no_bank_law():
    def counts(given, **stated):
        told = relevant(given, **stated)
        return {name: sum(told[control.id] is not False for control in framework.controls)
                for name, framework in frameworks().items()}  # fmt: skip

    lending, hiring = counts(LENDING), counts(HIRING)
    assert lending["sr-11-7"] == 24 and lending["nyc-ll144"] <= 1
    assert hiring["sr-11-7"] == 0 and hiring["nyc-ll144"] == 20


def test_every_reason_not_to_apply_is_a_sentence():
    known = flags(answers(), {})
    for control in controls().values():
        found = applies(control, "minimal", known)
        assert found.answer is not False or found.why.endswith((".", "?")), control.id


def test_facts_that_cannot_be_are_refused():
    assert problems({"aedt_scores": True}, answers())["aedt_scores"].startswith("This can be yes only where")
    assert problems({"aedt_scores": False}, answers()) == {}
    assert problems({"colour": True}, answers()) == {"colour": "There is no such question."}


# --- one clause ----------------------------------------------------------------------------------------------------


def item(kind="fairness_report", digest="a" * 64, **fields) -> Item:
    return Item(kind, "Report", digest, Provenance.RECOMPUTED, NOW, **fields)


def there(control, **changed) -> dict[str, Holding]:
    return {kind: Holding(kind, (item(kind),)) for kind in control.evidence} | changed


def look(control_id, holdings=None, **options):
    control = controls()[control_id]
    options = {"reached": 3, "today": LATER} | options
    return clause(control, Applies(True), there(control) if holdings is None else holdings, **options)


STALE = Holding("fairness_report", (item(why_not_current="It measured other bytes."),))
GONE = Holding("fairness_report")
WAIVERS = {"fairness_report": Waiver("Olivia", "Small sample.", LATER)}


@pytest.mark.parametrize(
    ("holdings", "options", "expected"),
    [
        ({}, {}, State.SATISFIED),
        ({"fairness_report": GONE}, {}, State.MISSING),
        ({"fairness_report": STALE}, {}, State.STALE),
        ({"fairness_report": GONE}, {"reached": 1}, State.LATER),  # its gate has not come
        ({"fairness_report": STALE}, {"reached": 1}, State.LATER),
        ({"fairness_report": GONE}, {"today": TODAY}, State.LATER),  # the law asks later
        ({"fairness_report": GONE}, {"waivers": WAIVERS}, State.WAIVED),
        ({"fairness_report": STALE}, {"waivers": WAIVERS}, State.WAIVED),
        ({}, {"waivers": WAIVERS}, State.SATISFIED),  # nothing to waive
        ({"fairness_report": GONE, "robustness_report": Holding("robustness_report")}, {"waivers": WAIVERS}, "missing"),
        ({"fairness_report": STALE, "performance_report": Holding("performance_report")}, {}, State.MISSING),
        ({"fairness_report": Holding("fairness_report", (item(),), ("One more is needed.",))}, {}, State.MISSING),
    ],
)
def test_how_a_clause_stands(holdings, options, expected):
    control = controls()["AIA-09-TEST"]
    found = look("AIA-09-TEST", there(control, **holdings), **options)
    assert found.state == expected
    assert bool(found.gaps) == bool(holdings)


@pytest.mark.parametrize(("name", "waived"), [*((name, False) for name in NEVER_WAIVED), ("AIA-14-STOP", True)])
def test_what_is_forbidden_and_what_people_are_to_be_told_is_never_waived(name, waived):
    control = controls()[name]
    held = {kind: Holding(kind) for kind in control.evidence}
    waivers = {kind: Waiver("Olivia", "No time.", LATER) for kind in control.evidence}
    found = clause(control, Applies(True), held, reached=len(GATES), today=LATER, waivers=waivers)
    assert found.state == (State.WAIVED if waived else State.MISSING)


def test_the_screen_the_audits_age_and_every_notice_are_among_what_is_never_waived():
    said = {control.id for control in controls().values() if "notice" in control.title.lower()}
    assert {"AIA-05", "LL144-AUDIT-1Y", "LL144-NOTICE", "LL144-ALT", "AIA-26-INFO"} <= set(NEVER_WAIVED)
    assert said <= set(NEVER_WAIVED), said - set(NEVER_WAIVED)


def test_a_clause_that_does_not_apply_asks_for_nothing_and_one_unanswered_says_so():
    control = controls()["AIA-09-TEST"]
    no = clause(control, Applies(False, "Answered no."), {}, reached=3, today=LATER)
    assert (no.state, no.holdings) == (State.NOT_APPLICABLE, ())
    unknown = clause(
        control, Applies(None, "Unanswered: x", ("role_provider",)), there(control), reached=3, today=LATER
    )
    assert (unknown.state, unknown.unanswered) == (State.UNANSWERED, ("role_provider",))


def test_a_satisfied_clause_is_due_again_when_evidence_runs_out():
    control = controls()["RMF-MP-5.1"]
    until = dt.date(2027, 3, 1)
    held = {"impact_assessment": Holding("impact_assessment", (item("impact_assessment", valid_until=until),))}
    assert clause(control, Applies(True), held, reached=2, today=TODAY).due_at == until


@pytest.mark.parametrize("changed", [GONE, STALE, Holding("fairness_report", (item(digest="b" * 64),))])
def test_a_judgement_falls_when_the_evidence_changes(changed):
    control = controls()["RMF-MS-2.11"]
    before = tuple(there(control).values())
    word = Judgement(True, "Read.", "Rita", NOW, evidence_digest(before))
    stays = clause(control, Applies(True), there(control), reached=3, today=TODAY, judged=word)
    assert (stays.judgement, stays.fallen) == (word, None)
    falls = clause(control, Applies(True), there(control, fairness_report=changed), reached=3, today=TODAY, judged=word)
    if changed is STALE:  # the same bytes: the clause is stale by itself, the word on them stays
        assert falls.judgement == word and falls.state == State.STALE
    else:
        assert (falls.judgement, falls.fallen) == (None, word)


def test_the_growing_record_lets_no_judgement_fall():
    grown = [Holding("audit_log", (item("audit_log", digest=letter * 64),)) for letter in "ab"]
    assert evidence_digest(grown[:1]) == evidence_digest(grown[1:])


@pytest.mark.parametrize(
    ("options", "gate"),
    [
        ({}, 0),
        ({"has_data": True}, 1),
        ({"has_version": True}, 2),
        ({"has_version": True, "signed": True}, 3),
        ({"has_version": True, "signed": True, "deployed": True}, 4),
        ({"has_version": True, "deployed": True}, 4),  # its sign-off fell; it was deployed all the same
        ({"has_version": True, "retired": True}, 5),
    ],
)
def test_which_gate_comes_next(options, gate):
    none = dict.fromkeys(("has_data", "has_version", "signed", "deployed", "retired"), False)
    assert reached(**none | options) == gate


def test_evidence_needed_twice_is_missing_while_one_is():
    assert Holding("data_quality_report", (item(),), ("test v1 has no profile.",)).state == Has.MISSING


# --- how long ------------------------------------------------------------------------------------------------------


def days(kind, given=LENDING, risk="high", **schedule):
    body = {"periods": {}, "maximum_personal": None} | schedule
    return effective(kind, risk, flags(given, {}), body).days


@pytest.mark.parametrize(
    ("kind", "given", "risk", "schedule", "expected"),
    [
        ("data", LENDING, "high", {}, None),  # nobody stated a time: it stays
        ("data", answers(), "minimal", {"periods": {"data": 30}}, 30),
        ("data", LENDING, "high", {"periods": {"data": 30}}, 761),  # credit applications: 25 months
        ("data", LENDING, "high", {"periods": {"data": 2000}}, 2000),  # longer than the law asks
        ("data", LENDING, "high", {"periods": {"data": 2000}, "maximum_personal": 365}, 365),
        ("data", LENDING, "high", {"maximum_personal": 365}, 365),  # at most a year, stated or not
        ("data", answers("bank_model"), "limited", {"periods": {"data": 800}, "maximum_personal": 365}, 800),
        ("data", HIRING, "high", {"periods": {"data": 1}}, 1461),  # California: four years, longer than federal one
        ("logs", LENDING, "high", {"periods": {"logs": 30}}, 184),
        ("logs", LENDING, "limited", {"periods": {"logs": 30}}, 30),
        ("sign_offs", LENDING, "high", {"periods": {"sign_offs": 30}, "maximum_personal": 10}, 3653),
        ("record", LENDING, "high", {"periods": {"record": 1}}, 3653),
        ("data", {}, "high", {"periods": {"data": 1}}, 1461),  # unanswered counts as if it held: keeping harms nobody
        ("data", {}, "high", {"periods": {"data": 5000}, "maximum_personal": 10}, 5000),
    ],
)
def test_how_long_a_thing_is_kept(kind, given, risk, schedule, expected):
    assert days(kind, given, risk, **schedule) == expected


def test_the_longest_minimum_comes_first_with_its_source():
    found = applicable("sign_offs", "high", flags(LENDING, {}))
    assert [minimum.id for minimum in found] == ["technical-documentation", "change-evidence"]


def test_a_schedule_is_of_whole_days_and_known_things():
    assert schedule_problems({"data": 30}, None) == {}
    assert set(schedule_problems({"data": 0, "logs": True, "hats": 1}, -1)) == {
        "data",
        "logs",
        "hats",
        "maximum_personal",
    }
