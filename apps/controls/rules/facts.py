"""What the catalogue asks of a system beyond the questions of its risk class: facts a person states, when they are so.

No fact is assumed. Until somebody has stated one, the clauses that read it say that it is unanswered."""

from dataclasses import dataclass

from apps.projects import rules as projects


@dataclass(frozen=True)
class Fact:
    """One thing to be stated; it can be true only where `needs` is."""

    name: str
    text: str
    reference: str
    needs: str = ""


FACTS: tuple[Fact, ...] = (
    Fact(
        "continual_learning",
        "Does it go on learning after it is put into service?",
        "AI Act, Art. 15(4)",
    ),
    Fact(
        "serious_incident",
        "Has it led to a serious incident: death or serious harm, disruption of critical infrastructure, a breach of"
        " fundamental rights, serious harm to property or the environment?",
        "AI Act, Art. 3(49), 73",
    ),
    Fact(
        "personal_data_breach",
        "Have personal data that it uses been lost, changed, disclosed or accessed without right?",
        "GDPR, Art. 4(12), 33-34",
        needs="personal_data",
    ),
    Fact(
        "aedt_selects",
        "Does the employment tool select candidates or employees to move forward?",
        "6 RCNY 5-301(b)",
        needs="aedt_nyc",
    ),
    Fact(
        "aedt_scores",
        "Does the employment tool give candidates or employees a score?",
        "6 RCNY 5-301(c)",
        needs="aedt_nyc",
    ),
    Fact(
        "aedt_groups",
        "Does the employment tool sort candidates or employees into groups?",
        "6 RCNY 5-301(b)",
        needs="aedt_nyc",
    ),
    Fact(
        "test_data_used",
        "Does its bias audit rest on test data, because there is too little historical data?",
        "6 RCNY 5-302",
        needs="aedt_nyc",
    ),
    Fact(
        "small_category_excluded",
        "Does its bias audit leave out a category of less than 2 % of the people?",
        "6 RCNY 5-301(d)",
        needs="aedt_nyc",
    ),
)
BY_NAME = {fact.name: fact for fact in FACTS}
QUESTIONS = projects.BY_NAME
FLAGS = frozenset(QUESTIONS) | frozenset(BY_NAME)


def flags(answers: dict[str, bool], stated: dict[str, bool]) -> dict[str, bool | None]:
    """Every flag: true, false, or None where nobody has said. What cannot be true, because what it needs is not, is
    false without being asked."""
    known: dict[str, bool | None] = {name: answers.get(name) for name in QUESTIONS}
    for fact in FACTS:
        known[fact.name] = False if fact.needs and known[fact.needs] is False else stated.get(fact.name)
    return known


def said(flag: str) -> str:
    """What a flag asks, as a question."""
    return (BY_NAME.get(flag) or QUESTIONS[flag]).text


def problems(stated: dict[str, bool], answers: dict[str, bool]) -> dict[str, str]:
    """What stands against stating these, by name."""
    found = {name: "There is no such question." for name in stated if name not in BY_NAME}
    for name, true in stated.items():
        needs = BY_NAME[name].needs if name in BY_NAME else ""
        if true and needs and not answers.get(needs):
            found[name] = f"This can be yes only where “{QUESTIONS[needs].because}” is: answer that yes first."
    return found
