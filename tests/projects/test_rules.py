"""The risk class follows from the answers, and can be raised but not lowered."""

from itertools import product

import pytest
from django.utils import timezone

from apps.projects import rules
from apps.projects.models import RiskClass
from tests.projects.make import LENDING, answers

CLASSES = {
    (): "minimal",
    ("role_provider", "role_deployer", "third_party_component"): "minimal",
    ("personal_data",): "limited",
    ("person_affecting_decision",): "limited",
    ("workplace_use",): "limited",
    ("bank_model",): "limited",
    ("personal_data", "profiles_people"): "limited",
    ("annex_iii",): "high",
    ("annex_iii", "narrow_task"): "minimal",
    ("annex_iii", "narrow_task", "personal_data"): "limited",
    ("annex_iii", "narrow_task", "personal_data", "profiles_people"): "high",
    ("annex_iii", "personal_data", "profiles_people"): "high",
    ("annex_iii", "fria_scope", "narrow_task"): "minimal",
    ("personal_data", "special_category_data"): "high",
    ("person_affecting_decision", "solely_automated_decision"): "high",
    ("workplace_use", "aedt_nyc"): "high",
    ("bank_model", "bank_material"): "high",
    ("annex_iii", "narrow_task", "bank_model", "bank_material"): "high",
}


@pytest.mark.parametrize(("yes", "expected"), CLASSES.items(), ids=lambda value: " ".join(value) or "none")
def test_the_class_follows_from_the_answers(yes, expected):
    assert rules.risk_class(answers(*yes)) == expected
    assert rules.problems(answers(*yes)) == {}


def test_a_lender_is_of_high_risk_and_is_told_why():
    assert rules.risk_class(LENDING) == "high"
    assert rules.because(LENDING) == (
        "High, because it is used in an area of Annex III, it uses special categories of personal data"
        " and its failure would be material to the bank."
    )
    assert rules.because(answers()) == "Minimal, because no answer makes it more."


@pytest.mark.parametrize("name", rules.NAMES)
def test_a_yes_never_lowers_the_class_but_for_the_narrow_task(name):
    """Over every set of three other yeses, and the exception of Art. 6(3) alone."""
    if name == "narrow_task":
        return
    for others in product(rules.NAMES, repeat=3):
        before = rules.ORDER.index(rules.risk_class(answers(*others) | {name: False}))
        assert rules.ORDER.index(rules.risk_class(answers(*others, name))) >= before


@pytest.mark.parametrize("name", rules.NAMES)
def test_no_answer_is_assumed(name):
    for missing in (None, "yes", 1, "false"):
        assert rules.problems(answers() | {name: missing}) == {name: "Answer yes or no."}
    unanswered = answers()
    del unanswered[name]
    assert rules.problems(unanswered) == {name: "Answer yes or no."}


def test_an_unknown_question_is_refused():
    assert rules.problems(answers() | {"is_it_nice": True}) == {"is_it_nice": "There is no such question."}


@pytest.mark.parametrize("question", [q for q in rules.QUESTIONS if q.needs], ids=lambda q: q.name)
def test_answers_that_contradict_each_other_are_refused(question):
    assert list(rules.problems(answers(question.name))) == [question.name]
    needed = answers(question.name, question.needs)
    assert rules.problems(needed) == {}


def test_a_prohibited_practice_is_refused():
    assert "Article 5" in rules.problems(answers("prohibited_practice"))["prohibited_practice"]


@pytest.mark.parametrize(("least", "chosen"), list(product(["minimal", "limited", "high"], repeat=2)))
def test_the_class_can_be_raised_and_not_lowered(least, chosen):
    given = {"minimal": answers(), "limited": answers("personal_data"), "high": answers("annex_iii")}[least]
    lowered = rules.ORDER.index(RiskClass(chosen)) < rules.ORDER.index(RiskClass(least))
    assert ("risk_class" in rules.problems(given, chosen)) == lowered


def test_each_question_has_a_reference_and_needs_one_that_exists():
    for question in rules.QUESTIONS:
        assert question.reference and question.text.endswith("?")
        assert question.needs in ("", *rules.NAMES[: rules.NAMES.index(question.name)])
    assert len(set(rules.NAMES)) == len(rules.NAMES)


MAY = {
    "open": {"owner", "builder"},
    "change": {"owner", "builder"},
    "close": {"owner"},
}


@pytest.mark.django_db
@pytest.mark.parametrize(("verb", "role"), list(product(MAY, ["owner", "builder", "reviewer", "auditor"])))
def test_who_may(acme, verb, role):
    by = acme.members[role]
    reason = {
        "open": lambda: rules.why_not_open(by=by),
        "change": lambda: rules.why_not_change(acme.project, by=by),
        "close": lambda: rules.why_not_close(acme.project, by=by),
    }[verb]()
    assert (reason is None) == (role in MAY[verb])
    assert reason is None or reason.startswith("Only ")


@pytest.mark.django_db
def test_nothing_happens_in_a_closed_project(acme):
    assert rules.why_not_work_in(acme.project) is None
    acme.project.closed_at = timezone.now()
    assert "is closed" in rules.why_not_work_in(acme.project)
    assert "is closed" in rules.why_not_change(acme.project, by=acme.builder)
    assert "closed already" in rules.why_not_close(acme.project, by=acme.owner)
