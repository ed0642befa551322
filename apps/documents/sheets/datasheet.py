"""The datasheet: seven sections of Gebru and others 2021, and the rules the data are under."""

from apps.documents.kinds import KINDS
from apps.documents.rules import NOT_APPLICABLE, UNKNOWN
from apps.documents.sheets import parts, quantities
from apps.documents.sheets.parts import section

ASKED = KINDS["datasheet_answers"]


def sections(e):
    stated = e["datasheet_answers"]
    more = {
        "Composition": lambda: [*quantities.data(e["data"], e["declaration"]), *quantities.profile(e["profile"])],
        "Preprocessing, cleaning, labelling": lambda: quantities.declared(e["declaration"]),
        "Maintenance": lambda: parts.words(e["retention_policy"], "personal_data"),
    }
    told = [
        section(
            str(place), part, "Gebru and others 2021", more.get(part, list)(),
            parts.words(stated, *(question.name for question in questions)),
        )
        for place, (part, questions) in enumerate(ASKED.parts, start=1)
    ]  # fmt: skip
    return [*told, section("9", "What is open", "WF-DS-1", _open(stated))]


def _open(item):
    """How much was not answered, counted and named."""

    def fill(said):
        for answer, words in ((UNKNOWN, "unknown"), (NOT_APPLICABLE, "not applicable")):
            found = [one["title"] for one in said.values() if one["answer"] == answer]
            named = f": {', '.join(found)}" if found else ""
            yield parts.text(f"{len(found)} of {len(said)} questions are {words}{named}.")

    return parts.needs(item, lambda said: list(fill(said)))
