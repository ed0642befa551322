"""How much is at stake in a project: questions answered yes or no by a person, and the class that follows from them.

The questions' names are the flags of the control catalogue. They follow Regulation (EU) 2024/1689 (AI Act) as amended
in July 2026, the GDPR, New York City's Local Law 144 and the US guidance on bank models (SR 26-2, before it SR 11-7).
No answer is assumed: each is given, and recorded with who gave it."""

from dataclasses import dataclass

from apps.accounts import permissions
from apps.accounts.permissions import Permission
from apps.projects.models import Project, RiskClass

MINIMAL, LIMITED, HIGH = ORDER = (RiskClass.MINIMAL, RiskClass.LIMITED, RiskClass.HIGH)


@dataclass(frozen=True)
class Question:
    """One thing to be answered. A yes makes the class at least `makes`, and can be true only where `needs` is."""

    name: str
    group: str
    text: str
    because: str  # what a yes says of the project, to follow “because”
    reference: str
    makes: RiskClass = MINIMAL
    needs: str = ""


USE, PEOPLE, SECTOR, ROLE = "What it is used for", "The people it is about", "Work and banking", "Our part in it"
FORBIDDEN = "prohibited_practice"

QUESTIONS: tuple[Question, ...] = (
    Question(
        FORBIDDEN,
        USE,
        "Does it manipulate people, score them socially, infer emotions at work or school, scrape faces, or do anything"
        " else that Article 5 forbids?",
        "it is a prohibited practice",
        "AI Act, Art. 5",
    ),
    Question(
        "annex_iii",
        USE,
        "Is it used in biometrics, critical infrastructure, education, employment, credit scoring of people, life or"
        " health insurance, public benefits, law enforcement, migration, justice or elections?",
        "it is used in an area of Annex III",
        "AI Act, Art. 6(2), Annex III",
        HIGH,
    ),
    Question(
        "narrow_task",
        USE,
        "Within that area, does it only do a narrow procedural or preparatory task that does not sway the decision?",
        "it only does a narrow task",
        "AI Act, Art. 6(3)",
        needs="annex_iii",
    ),
    Question(
        "fria_scope",
        USE,
        "Will a public body use it, or is it for a public service, credit scoring, or life or health insurance?",
        "its first use needs an assessment of fundamental rights",
        "AI Act, Art. 27",
        needs="annex_iii",
    ),
    Question(
        "person_affecting_decision",
        PEOPLE,
        "Does its answer play a part in decisions about people?",
        "its answer plays a part in decisions about people",
        "AI Act, Art. 26(11), 86",
        LIMITED,
    ),
    Question(
        "solely_automated_decision",
        PEOPLE,
        "Does it decide with legal or similarly serious effect, without a person who really decides?",
        "it decides about people on its own",
        "GDPR, Art. 22",
        HIGH,
        needs="person_affecting_decision",
    ),
    Question(
        "personal_data",
        PEOPLE,
        "Does it learn from, or is it asked with, data about identified or identifiable people?",
        "it uses personal data",
        "GDPR, Art. 4(1), 6",
        LIMITED,
    ),
    Question(
        "special_category_data",
        PEOPLE,
        "Do these data say, or let one infer, race, religion, opinions, union, health, sex life, genes or biometrics?",
        "it uses special categories of personal data",
        "GDPR, Art. 9, 35(3); AI Act, Art. 4a",
        HIGH,
        needs="personal_data",
    ),
    Question(
        "profiles_people",
        PEOPLE,
        "Does it evaluate personal aspects of people: their work, means, health, reliability, behaviour or movements?",
        "it profiles people",
        "GDPR, Art. 4(4); AI Act, Art. 6(3)",
        LIMITED,
        needs="personal_data",
    ),
    Question(
        "workplace_use",
        SECTOR,
        "Is it used at work: to hire, promote, assign, monitor or dismiss?",
        "it is used at work",
        "AI Act, Art. 26(7); NYC Local Law 144",
        LIMITED,
    ),
    Question(
        "aedt_nyc",
        SECTOR,
        "Does it substantially assist or replace the choice of whom to hire or promote in New York City?",
        "it is an automated employment decision tool in New York City",
        "NYC Admin. Code 20-870; 6 RCNY 5-300",
        HIGH,
        needs="workplace_use",
    ),
    Question(
        "bank_model",
        SECTOR,
        "Is it a model of a bank, in the sense of model risk management?",
        "it is a bank's model",
        "SR 26-2 (before: SR 11-7)",
        LIMITED,
    ),
    Question(
        "bank_material",
        SECTOR,
        "By its exposure and purpose, would its failure be material to the bank?",
        "its failure would be material to the bank",
        "SR 26-2, materiality",
        HIGH,
        needs="bank_model",
    ),
    Question(
        "role_provider",
        ROLE,
        "Do we put it into service under our own name, or offer it to others?",
        "we are its provider",
        "AI Act, Art. 3(3), 16",
    ),
    Question(
        "role_deployer",
        ROLE,
        "Do we use it ourselves in our own work?",
        "we are its deployer",
        "AI Act, Art. 3(4), 26",
    ),
    Question(
        "third_party_component",
        ROLE,
        "Does it contain models or data made by somebody else?",
        "it contains parts made by others",
        "AI Act, Art. 25(4); SR 26-2, vendors",
    ),
)
NAMES = tuple(question.name for question in QUESTIONS)
UNANSWERED = "Answer yes or no."


def risk_class(answers: dict[str, bool]) -> RiskClass:
    """The least class these answers allow."""
    return max((question.makes for question in reasons(answers)), key=ORDER.index, default=MINIMAL)


def reasons(answers: dict[str, bool]) -> list[Question]:
    """The questions whose yes lifts the class above minimal, the gravest first.

    An Annex III use that only does a narrow task is not high-risk, unless it profiles people (AI Act, Art. 6(3))."""
    spared = answers.get("narrow_task") and not answers.get("profiles_people")
    lifting = [
        question
        for question in QUESTIONS
        if answers.get(question.name) and question.makes != MINIMAL and not (question.name == "annex_iii" and spared)
    ]
    return sorted(lifting, key=lambda question: -ORDER.index(question.makes))


def because(answers: dict[str, bool]) -> str:
    """Why the class is what it is, as a sentence."""
    least = risk_class(answers)
    if least == MINIMAL:
        return "Minimal, because no answer makes it more."
    return f"{least.label}, because {_and(q.because for q in reasons(answers) if q.makes == least)}."


def problems(answers: dict[str, bool], chosen: str = "") -> dict[str, str]:
    """What stands against these answers and the class chosen with them: {question, or "risk_class": sentence}."""
    found = {name: UNANSWERED for name in NAMES if not isinstance(answers.get(name), bool)}
    found |= {name: "There is no such question." for name in answers if name not in NAMES}
    if found:
        return found
    for question in QUESTIONS:
        if question.needs and answers[question.name] and not answers[question.needs]:
            found[question.name] = (
                f"This can be yes only where “{BY_NAME[question.needs].because}” is: answer that yes too."
            )
    if answers[FORBIDDEN]:
        found[FORBIDDEN] = "What Article 5 of the AI Act forbids cannot be a project here."
    if chosen and ORDER.index(chosen) < ORDER.index(least := risk_class(answers)):
        found["risk_class"] = f"A class can be raised, not lowered: these answers make it at least {least}."
    return found


def why_not_open(*, by) -> str | None:
    return permissions.why_not(by, Permission.PROJECT_OPEN)


def why_not_change(project: Project, *, by) -> str | None:
    return permissions.why_not(by, Permission.PROJECT_CHANGE) or why_not_work_in(project)


def why_not_close(project: Project, *, by) -> str | None:
    if reason := permissions.why_not(by, Permission.PROJECT_CLOSE):
        return reason
    return f"{project} was closed already." if project.closed_at else None


def why_not_work_in(project: Project) -> str | None:
    """The objection to anything new in a project, for the rooms above."""
    return (
        f"{project} is closed: it can be read and checked, and nothing new begins in it." if project.closed_at else None
    )


BY_NAME = {question.name: question for question in QUESTIONS}


def _and(words) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
