"""Who may state or build what, and whether what was stated answers what was asked."""

import datetime as dt
import unicodedata

from apps.accounts.permissions import Permission, why_not
from apps.documents.kinds import About, Kind
from apps.documents.models import DocumentKind
from apps.projects.rules import why_not_work_in

GIVEN, NOT_APPLICABLE, UNKNOWN = "given", "not applicable", "unknown"
ANSWERS = (GIVEN, NOT_APPLICABLE, UNKNOWN)
LONGEST = 20_000  # characters of one answer
OVERRIDES = "\u202d\u202e"  # turn the order of letters round, so that a page says another thing than its bytes


def why_not_state(project, *, by) -> str | None:
    return why_not(by, Permission.STATEMENT_MAKE) or why_not_work_in(project)


def why_not_withdraw(statement, *, by) -> str | None:
    """`statement` as `queries.statements` gives it."""
    if reason := why_not(by, Permission.STATEMENT_WITHDRAW):
        return reason
    if statement.withdrawn_at:
        return "It is withdrawn already."
    return "It is superseded; withdraw the one that took its place." if statement.superseded_by else None


def problems(kind: Kind, answers) -> dict[str, str]:
    """What is wrong with `answers`, {question: {"answer", "text"}}, by question."""
    if not isinstance(answers, dict):
        return {"answers": "Give an object: a text for each question."}
    known = {question.name for question in kind.questions}
    found = {name: f"{kind.title} asks no such thing." for name in answers if name not in known}
    for question in kind.questions:
        if problem := _problem(kind, question, answers.get(question.name)):
            found[question.name] = problem
    return found


def _problem(kind, question, given) -> str | None:
    if given is None:
        return _unanswered(kind) if question.needed else None
    if not isinstance(given, dict) or set(given) != {"answer", "text"} or not isinstance(given["text"], str):
        return "Give a text, or an object with “answer” and “text”."
    answer, text = given["answer"], given["text"]
    if answer not in ANSWERS or (answer != GIVEN and not kind.open_answers):
        return f"The answer must be {' or '.join(f'“{one}”' for one in ANSWERS)}." if kind.open_answers else NO_CHOICE
    if answer == NOT_APPLICABLE and not text:
        return "Say why it does not apply."
    if answer == GIVEN and not text and question.needed:
        return _unanswered(kind)
    return unprintable(text)


NO_CHOICE = "This is answered by a text."


def _unanswered(kind) -> str:
    return "Answer it, or say that it is unknown or does not apply." if kind.open_answers else "This must be answered."


def unprintable(text: str) -> str | None:
    """What no page can show faithfully, or None."""
    if len(text) > LONGEST:
        return (
            f"At most {LONGEST:,} characters are kept here; these are {len(text):,}. Put the rest into a file you name."
        )
    for letter in text:
        if letter in OVERRIDES or (unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\t"):
            return f"It holds a character that cannot be shown (U+{ord(letter):04X}). Take it out."
    return None


def read(kind: Kind, given) -> dict:
    """Answers in one shape, from texts or objects: {question: {"answer", "text"}}; an empty text is no answer."""
    if not isinstance(given, dict):
        return given
    return {name: shaped for name, value in given.items() if (shaped := _shaped(value)) is not None}


def _shaped(value):
    if isinstance(value, str):
        return {"answer": GIVEN, "text": _tidy(value)} if value.strip() else None
    if isinstance(value, dict) and set(value) <= {"answer", "text"} and isinstance(value.get("text", ""), str):
        answer, text = value.get("answer", GIVEN), _tidy(value.get("text", ""))
        return {"answer": answer, "text": text} if text or answer != GIVEN else None
    return value


def _tidy(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def wrong_thing(kind: Kind, model_version, dataset_version) -> str | None:
    """Whether the statement is about the kind of thing it must be about."""
    given = {About.MODEL: model_version, About.DATA: dataset_version}
    for about, thing in given.items():
        if (thing is not None) != (kind.about == about):
            return f"{kind.title} is stated of a {kind.about}: name it, and nothing else."
    return None


def why_not_until(valid_until: dt.date | None, today: dt.date) -> str | None:
    if valid_until is None or today <= valid_until <= today + dt.timedelta(days=3653):
        return None
    return "Choose a day from today on, within ten years; or none, where it holds until it is said anew."


# --- documents ------------------------------------------------------------------------------------------------------

SEX, RACE = ("sex", "gender"), ("race", "ethnicity", "race/ethnicity", "race or ethnicity", "race_ethnicity")
KNOWN_AS = {"sex": SEX, "race": RACE}
NOT_DECLARED = {
    "sex": "no sensitive attribute of the data is declared or named as sex.",
    "race": "no sensitive attribute of the data is declared or named as race or ethnicity.",
    "both": "it needs both sex and race or ethnicity.",
}
QUESTIONS = {
    DocumentKind.TECHNICAL_DOCUMENTATION: "everything Annex IV asks for, section by section",
    DocumentKind.MODEL_CARD: "what it is for, how well it does for whom, what to beware of",
    DocumentKind.DATASHEET: "how the data came to be, and what they may be used for",
    DocumentKind.BIAS_AUDIT: "selection and scoring rates by sex, race and both, as New York City’s rule asks",
}


def why_not_build(project, *, by) -> str | None:
    return why_not(by, Permission.DOCUMENT_BUILD) or why_not_work_in(project)


def why_not_download(document, *, by) -> str | None:
    if reason := why_not(by, Permission.DOCUMENT_DOWNLOAD):
        return reason
    return None if document.digest else "This document is not built; there is nothing to download yet."


def wrong_subject(kind: str, model_version, dataset_version) -> str | None:
    """A datasheet is about data, every other document about a model version."""
    needed, other = model_version, dataset_version
    if kind == DocumentKind.DATASHEET:
        needed, other = other, needed
    if needed is not None and other is None:
        return None
    thing = "dataset version" if kind == DocumentKind.DATASHEET else "model version"
    return f"The {DocumentKind(kind).label.lower()} is about a {thing}: name it, and nothing else."


def audited(declaration: dict, parameters: dict) -> dict[str, str]:
    """Which declared attributes stand for sex and for race or ethnicity: those named, or those so called."""
    names = [one["name"] for one in declaration["sensitive"]]
    called = {which: next((n for n in names if n.lower() in words), "") for which, words in KNOWN_AS.items()}
    return {which: parameters.get(which) or called[which] for which in KNOWN_AS}


def attributes_of(version) -> list[str]:
    """The names of the sensitive attributes of the data a version is measured on."""
    data = version.test_dataset_version or version.dataset_version
    return [one["name"] for one in (data.declaration or {}).get("sensitive", ())]


def wrong_attributes(declaration: dict | None, given: dict) -> dict[str, str]:
    """Names of attributes that the data does not declare, by field."""
    names = [one["name"] for one in (declaration or {}).get("sensitive", ())]
    listed = ", ".join(names) or "none"
    return {
        which: f"The data declares no such sensitive attribute; it declares {listed}."
        for which, name in given.items()
        if which in KNOWN_AS and name and name not in names
    }
